"""All records together, as a service holds them in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.activations import Activation
from quantrac.domain.registry.api_keys import ApiKey
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
    _standing: dict[str, tuple[Decision, ...]] = field(default_factory=dict, init=False, repr=False)
    """By station, the one that counts last."""

    def __post_init__(self) -> None:
        for decision in list(self.decisions.values()):
            self.decide(decision.id, decision)

    def station(self, code: str, at: datetime) -> Station | None:
        """Return the station valid at ``at`` (UTC), or ``None``."""
        found = self.stations.get(code)
        return found if found is not None and found.valid_at(at) else None

    def account(self, name: str, at: datetime) -> Account | None:
        """Return the account valid at ``at`` (UTC), or ``None``."""
        found = self.accounts.get(name)
        return found if found is not None and found.valid_at(at) else None

    def api_key(self, key_id: str, at: datetime) -> ApiKey | None:
        """Return the API key valid at ``at`` (UTC), or ``None``."""
        found = self.api_keys.get(key_id)
        return found if found is not None and found.valid_at(at) else None

    def stations_of(self, account: Account, at: datetime) -> Iterable[Station]:
        """Yield the stations an account may send for that are valid at ``at`` (UTC)."""
        for code in account.stations:
            station = self.station(code, at)
            if station is not None:
                yield station

    def activate(self, name: str, activation: Activation | None) -> None:
        """Put an activation of rules in or, with ``None``, take it out."""
        others = {key: each for key, each in self.rules.items() if key != name}
        self.rules = others if activation is None else {**others, name: activation}

    def decide(self, name: str, decision: Decision | None) -> None:
        """Put a decision in or, with ``None``, take it out."""
        known = self.decisions.get(name)
        if decision is None:
            self.decisions.pop(name, None)
        else:
            self.decisions[name] = decision
        for station in {each.station for each in (known, decision) if each is not None}:
            found = [each for each in self._standing.get(station, ()) if each.id != name]
            if decision is not None and decision.station == station and decision.withdrawn is None:
                found.append(decision)
            self._standing[station] = tuple(sorted(found, key=lambda each: (each.decided_at, each.id)))

    def decisions_of(self, station: str) -> tuple[Decision, ...]:
        """Return what stands about a station: its maintenance, then people's decisions; the last counts."""
        record = self.stations.get(station)
        return (*(record.maintenance if record is not None else ()), *self._standing.get(station, ()))
