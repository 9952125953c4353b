"""Who may send what, and what people have laid down about readings.

Stations, their parameters, accounts and API keys are each valid between two dates; ``valid_from`` is
inclusive, ``valid_to`` exclusive, both UTC; ``None`` leaves that side open.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from quantrac.domain.readings import Flag


class StationType(StrEnum):
    """The media of Circular 10/2021/TT-BTNMT; never derived from a station's code."""

    AMBIENT_AIR = "ambient-air"
    STACK = "stack"
    SURFACE_WATER = "surface-water"
    GROUNDWATER = "groundwater"
    WASTEWATER = "wastewater"


@dataclass(frozen=True, slots=True)
class Valid:
    """A period of validity."""

    valid_from: datetime | None = field(default=None, kw_only=True)
    valid_to: datetime | None = field(default=None, kw_only=True)

    def valid_at(self, at: datetime) -> bool:
        """Tell whether ``at`` (UTC) lies in the period."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )


@dataclass(frozen=True, slots=True)
class WarningLevels:
    """Values from which a duty officer is told, long before any average is judged; ``None`` = not told.

    A level that counts downwards (dissolved oxygen) has its largest value first.
    """

    tendency: float | None = None
    preparing: float | None = None
    exceeded: float | None = None


@dataclass(frozen=True, slots=True)
class StationParameter(Valid):
    """One parameter that a station measures."""

    code: str
    """Catalogue code, such as ``PM2.5``."""
    unit: str
    """Unit the values are kept in, in the catalogue's spelling."""
    file_names: tuple[str, ...] = ()
    """Names the station's files use, beside the code and the catalogue's aliases."""
    file_unit: str | None = None
    """Unit to take where the file's unit column is empty; ``None`` takes ``unit``."""
    unit_override: tuple[tuple[str, str], ...] = ()
    """(unit as the files write it, unit it really is), where the logger is known to write a wrong one."""
    range_low: float | None = None
    range_high: float | None = None
    """Equipment range (LRV, URV) in ``unit``."""
    warning_levels: WarningLevels | None = None
    """In ``unit``; ``None`` derives them from the limit that applies."""


@dataclass(frozen=True, slots=True)
class Interval(Valid):
    """The distance between two files of a station while it was another one than now."""

    seconds: int


@dataclass(frozen=True, slots=True)
class PermitLimit:
    """A value that a permit itself states; it wins over the standard's for its parameter and period."""

    parameter: str
    """Catalogue code."""
    unit: str
    period: str
    """Of the averages that are judged: a value of :class:`quantrac.domain.averaging.Period`."""
    minimum: float | None = None
    maximum: float | None = None
    reference_oxygen: float | None = None
    """Volume percent that values are corrected to before they are judged."""


@dataclass(frozen=True, slots=True)
class Permit(Valid):
    """What a station's licence holds it to: a national standard, its column, its coefficients."""

    standard: str
    """Such as ``QCVN 40:2011/BTNMT``."""
    column: str = ""
    """Such as ``A``; empty where the standard has none."""
    category: str = ""
    """Kind of source, where the standard tells several apart."""
    coefficients: tuple[tuple[str, float], ...] = ()
    """(name, value): Kq and Kf of wastewater, Kp and Kv of stacks."""
    limits: tuple[PermitLimit, ...] = ()
    number: str = ""
    """Of the licence."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A decision taken back."""

    by: str
    why: str
    at: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's flag for the readings of a span of a station; it wins over every test."""

    id: str
    station: str
    start: datetime
    """Inclusive, by the time of measurement, UTC."""
    end: datetime
    """Exclusive, UTC."""
    flag: Flag
    by: str
    why: str
    decided_at: datetime
    """UTC; of several decisions about a reading the last one counts."""
    parameters: tuple[str, ...] = ()
    """Catalogue codes; none = all."""
    withdrawn: Withdrawal | None = None

    def covers(self, parameter: str, at: datetime) -> bool:
        """Tell whether a parameter's reading of ``at`` (UTC) is meant."""
        return self.start <= at < self.end and (not self.parameters or parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Activation:
    """A rule set put in force; which readings it judges is said by one of the two spans."""

    id: str
    version: str
    """Of the rule set."""
    content: str
    """The whole rule set, as :attr:`schemas.rules.RuleSet.content` writes it."""
    by: str
    why: str
    activated_at: datetime
    """UTC; of several activations that apply to a reading the last one counts."""
    received_from: datetime | None = None
    """Judges every set received at or after this time, UTC."""
    measured_from: datetime | None = None
    """Judges every reading measured at or after this time, UTC ..."""
    measured_to: datetime | None = None
    """... and before this one."""

    def applies(self, received_at: datetime, measured_at: datetime) -> bool:
        """Tell whether it judges a reading; both times UTC."""
        if self.received_from is not None:
            return self.received_from <= received_at
        return (self.measured_from is None or self.measured_from <= measured_at) and (
            self.measured_to is None or measured_at < self.measured_to
        )


@dataclass(frozen=True, slots=True)
class Station(Valid):
    """One automatic station."""

    code: str
    name: str
    name_en: str
    type: StationType
    province: str
    """Code of Decision 19/2025/QĐ-TTg (``01`` = Hà Nội)."""
    latitude: float
    longitude: float
    interval_seconds: int
    """Distance between two files."""
    intervals: tuple[Interval, ...] = ()
    """Where it was another one: spans that win over ``interval_seconds``."""
    publish_index: bool = False
    """Whether VN_AQI or VN_WQI is made of it; a station that only serves as a reference publishes none."""
    timezone: str = "Asia/Ho_Chi_Minh"
    aliases: tuple[str, ...] = ()
    """Other station codes its file names carry."""
    file_patterns: tuple[str, ...] = ()
    """Parts of its files' names, or globs where they hold ``*`` or ``?``, for names that state no code."""
    encoding: str = "utf-8"
    """Of its files, where they have no BOM: ``utf-8`` or ``cp1258`` (Windows, Vietnamese)."""
    parameters: tuple[StationParameter, ...] = ()
    maintenance: tuple[Decision, ...] = ()
    """Spans known beforehand in which its readings are not of the environment."""
    permits: tuple[Permit, ...] = ()
    """What its averages are judged by; where none is valid, its medium's standard if no choice is needed."""

    def interval_at(self, at: datetime) -> int:
        """Return the distance between two files at a time (UTC), in seconds."""
        return next((each.seconds for each in self.intervals if each.valid_at(at)), self.interval_seconds)

    def grid_time(self, measured_at: datetime) -> datetime:
        """Return the step of the station's interval nearest to a time (UTC): loggers stamp seconds off.

        Steps are counted from midnight UTC, which is one of every interval that divides an hour.
        """
        at = measured_at.timestamp()
        return datetime.fromtimestamp(round(at / self.interval_seconds) * self.interval_seconds, UTC)

    def parameter(self, code: str, at: datetime) -> StationParameter | None:
        """Return the entry for a catalogue code valid at ``at`` (UTC), or ``None``."""
        for entry in self.parameters:
            if entry.code == code and entry.valid_at(at):
                return entry
        return None


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """How much one account may use; ``None`` takes the deployment's setting."""

    connections: int | None = None
    """At the same time."""
    bytes_per_second: int | None = None
    """Of all its uploads together, averaged over some seconds."""
    file_bytes: int | None = None
    """Size of its largest file."""
    files_per_day: int | None = None
    """In a day of Vietnam's calendar."""


@dataclass(frozen=True, slots=True)
class Account(Valid):
    """Who may log in to send: a station's logger, or a province delivering to the ministry."""

    name: str
    password_hash: str
    """argon2id in its standard text form."""
    role: str = "station"
    """``station`` (sends files) or ``province`` (sends deliveries)."""
    stations: tuple[str, ...] = ()
    """Station codes it may send for; of a province account they narrow its provinces, none = all of these."""
    provinces: tuple[str, ...] = ()
    """Codes of the provinces that a province account delivers for; with none it delivers nothing."""
    public_keys: tuple[str, ...] = ()
    """Keys it may log in with by SFTP, each in OpenSSH's one-line text form."""
    allowed_networks: tuple[str, ...] = ()
    """Networks (CIDR) it may log in from; none = from anywhere."""
    limits: AccountLimits = AccountLimits()
    plain_ftp: bool = False
    """Whether it may use FTP without TLS, where the deployment leaves that to the account."""


@dataclass(frozen=True, slots=True)
class ApiKey(Valid):
    """A key for the REST API; the secret itself is never stored."""

    id: str
    owner: str
    secret_sha256: str
    """SHA-256 of the secret part, hex: the secret is 256 random bits, so no slow hash is needed."""
    provinces: tuple[str, ...] = ()
    """Province codes it may read; none = all."""


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
