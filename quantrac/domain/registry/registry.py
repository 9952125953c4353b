"""All records together, as a service holds them in memory."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.activations import Activation
from quantrac.domain.registry.api_keys import ApiKey
from quantrac.domain.registry.approvals import Approval
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.stations import Station


@dataclass(slots=True)
class Registry:
    """The current content of the ``station-registry`` topic, one record a key.

    Replaced record by record while services run; reading needs no lock because a record is replaced whole.
    """

    stations: dict[str, Station] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    rules: Mapping[str, Activation] = field(default_factory=dict)
    """Replaced as a whole with every record, so that a reader may go through it."""
    decisions: dict[str, Decision] = field(default_factory=dict)
    """Withdrawn ones too."""
    approvals: dict[str, Approval] = field(default_factory=dict)
    """By station; of stations that the ministry has registered itself there is none."""
    _in_force: dict[str, tuple[Decision, ...]] = field(default_factory=dict, init=False, repr=False)
    """By station, the one that counts last."""
    _edition: int = field(default=0, init=False, repr=False)
    """Counts the changes of stations."""
    _by_latitude: tuple[int, list[float], list[Station]] = field(default=(-1, [], []), init=False, repr=False)
    """Of an edition: latitudes in order, and whose they are."""

    def __post_init__(self) -> None:
        for decision in list(self.decisions.values()):
            self.decide(decision.id, decision)

    def station(self, code: str, time: datetime) -> Station | None:
        """Return the station valid at ``time`` (UTC), or ``None``."""
        station = self.stations.get(code)
        return station if station is not None and station.valid_at(time) else None

    def put_station(self, code: str, station: Station | None) -> None:
        """Put a station in or, with ``None``, take it out."""
        if station is None:
            self.stations.pop(code, None)
        else:
            self.stations[code] = station
        self._edition += 1

    def put_approval(self, code: str, approval: Approval | None) -> None:
        """Put a decision about a station in or, with ``None``, take it out.

        One that is older than the known one changes nothing: a table that is read anew shows it once more.
        """
        known_approval = self.approvals.get(code)
        if approval is None:
            self.approvals.pop(code, None)
        elif known_approval is None or known_approval.at <= approval.at:
            self.approvals[code] = approval

    def takes_sets(self, code: str) -> bool:
        """Tell whether the ministry takes a station's sets: it is registered, and not by an approval that was
        withdrawn since.
        """
        approval = self.approvals.get(code)
        return code in self.stations and (approval is None or approval.takes_sets)

    def stations_between(self, south: float, north: float) -> Sequence[Station]:
        """Return the stations from one latitude to another, degrees, as put in by :meth:`put_station`."""
        edition, latitudes, stations = self._by_latitude
        current = self._edition
        if edition != current:
            # A copy in one step, of this edition at least: another thread may put stations in meanwhile.
            stations = sorted(self.stations.values(), key=lambda station: station.latitude)
            latitudes = [station.latitude for station in stations]
            self._by_latitude = current, latitudes, stations
        return stations[bisect_left(latitudes, south) : bisect_right(latitudes, north)]

    def account(self, name: str, time: datetime) -> Account | None:
        """Return the account valid at ``time`` (UTC), or ``None``."""
        account = self.accounts.get(name)
        return account if account is not None and account.valid_at(time) else None

    def api_key(self, key_id: str, time: datetime) -> ApiKey | None:
        """Return the API key valid at ``time`` (UTC), or ``None``."""
        api_key = self.api_keys.get(key_id)
        return api_key if api_key is not None and api_key.valid_at(time) else None

    def stations_of(self, account: Account, time: datetime) -> Iterable[Station]:
        """Yield the stations an account may send for that are valid at ``time`` (UTC)."""
        for code in account.stations:
            station = self.station(code, time)
            if station is not None:
                yield station

    def activate(self, name: str, activation: Activation | None) -> None:
        """Put an activation of rules in or, with ``None``, take it out."""
        rules = {key: rule for key, rule in self.rules.items() if key != name}
        self.rules = rules if activation is None else {**rules, name: activation}

    def decide(self, name: str, decision: Decision | None) -> None:
        """Put a decision in or, with ``None``, take it out."""
        previous = self.decisions.get(name)
        if decision is None:
            self.decisions.pop(name, None)
        else:
            self.decisions[name] = decision
        for station in {d.station for d in (previous, decision) if d is not None}:
            decisions = [d for d in self._in_force.get(station, ()) if d.id != name]
            if decision is not None and decision.station == station and decision.withdrawn is None:
                decisions.append(decision)
            self._in_force[station] = tuple(sorted(decisions, key=lambda d: (d.decided_at, d.id)))

    def decisions_of(self, station: str) -> tuple[Decision, ...]:
        """Return what stands about a station, what counts last coming last: withdrawals after decisions."""
        record = self.stations.get(station)
        decisions = self._in_force.get(station, ())
        return decisions if record is None else (*record.maintenance, *decisions, *record.withdrawn)
