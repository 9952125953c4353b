"""``station-registry``: one record a key (``station/HN_BKHN_KHIKXQ``, ``account/...``, ``api-key/...``).

The same models read the registry's YAML files. Dates without a time mean midnight in Vietnam (UTC+7).
"""

from datetime import UTC, date, datetime, time
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from quantrac.domain import stations as domain
from quantrac.domain.catalogue import find_parameter
from quantrac.domain.provinces import PRESENT_CODES
from quantrac.domain.readings import Flag
from quantrac.domain.units import canonical_unit
from quantrac.errors import UserError
from schemas.messages.base import Line, Message, ParameterCode, Sha256, StationCode, Utc

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def _local_midnight(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), VIETNAM)
    return value


def _check_utc(value: datetime) -> datetime:
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value.isoformat()} lies outside the years 1 to 9999 of UTC") from None
    return value


Moment = Annotated[Utc, BeforeValidator(_local_midnight), AfterValidator(_check_utc)]
"""A time with its zone, or a date (midnight in Vietnam)."""


def moment(text: str) -> datetime:
    """Read a time with its zone, or a date (midnight in Vietnam); returns UTC, raises UserError.

    >>> moment("2026-03-25").isoformat(), moment("2026-03-25T07:05+07:00").isoformat()
    ('2026-03-24T17:00:00+00:00', '2026-03-25T00:05:00+00:00')
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"{text!r} is neither a date nor a time such as 2026-03-25T07:00+07:00") from None
    if len(text) == len("2026-03-25"):
        at = at.replace(tzinfo=VIETNAM)
    if at.tzinfo is None:
        raise UserError(f"{text!r} names no zone; write +07:00 or Z after it")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise UserError(f"{text!r} lies outside the years 1 to 9999 of UTC") from None


PublicKey = Annotated[str, Field(pattern=r"^(ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA[A-Za-z0-9+/]+=* ?[^\r\n]*$")]
"""One public key in OpenSSH's text form."""


_BEFORE_ALL = datetime.min.replace(tzinfo=UTC)
"""When the registry decided: any person's decision comes after."""


class Dated(Message):
    """What is valid between two times."""

    valid_from: Moment | None = None
    """Inclusive; absent = always was."""
    valid_to: Moment | None = None
    """Exclusive; absent = still is."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValueError("valid_from must lie before valid_to")
        return self


class UnitOverride(Message):
    """A unit that a station's files write, and the one that its numbers are really in."""

    written: str
    """As in the file, such as ``mg/Nm3``."""
    really: str
    """Such as ``µg/m3``."""

    @field_validator("written", "really")
    @classmethod
    def _known_unit(cls, unit: str) -> str:
        if canonical_unit(unit) is None:
            raise ValueError(f"the unit {unit!r} is unknown")
        return unit


class WarningLevels(Message):
    """Values from which a duty officer is told, long before any average is judged; absent = not told."""

    tendency: float | None = None
    preparing: float | None = None
    exceeded: float | None = None

    def to_domain(self) -> domain.WarningLevels:
        """Convert for use."""
        return domain.WarningLevels(**_fields(self))


class StationParameter(Dated):
    """One parameter that a station measures."""

    code: ParameterCode
    """Catalogue code, such as ``PM2.5``."""
    unit: str
    """Unit the values are kept in."""
    file_names: tuple[str, ...] = ()
    """Names the station's files use, beside the code and the catalogue's aliases."""
    file_unit: str | None = None
    """Unit to take where the file's unit column is empty."""
    unit_override: tuple[UnitOverride, ...] = ()
    """Units that the logger is known to write wrongly; end it with ``valid_to`` once the logger is mended."""
    range_low: float | None = None
    """Lower end of the equipment range (LRV), in ``unit``."""
    range_high: float | None = None
    """Upper end of the equipment range (URV), in ``unit``."""
    warning_levels: WarningLevels | None = None
    """In ``unit``; absent derives them from the limit that applies."""

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if self.range_low is not None and self.range_high is not None and self.range_low >= self.range_high:
            raise ValueError(f"{self.code}: range_low must lie below range_high")
        return self

    def to_domain(self) -> domain.StationParameter:
        """Convert for use."""
        fields = _fields(self)
        fields["unit_override"] = tuple((o.written, o.really) for o in self.unit_override)
        if self.warning_levels is not None:
            fields["warning_levels"] = self.warning_levels.to_domain()
        return domain.StationParameter(**fields)


def catalogue_code(code: str) -> str:
    """Return a catalogue code; raises UserError, with the right spelling, for anything else."""
    found = find_parameter(code)
    if found is None or found.code != code:
        raise UserError(f"{code!r} is no catalogue code{f'; it is {found.code!r}' if found else ''}")
    return code


CatalogueCode = Annotated[str, AfterValidator(catalogue_code)]
"""Code of a parameter in the catalogue, such as ``PM2.5``."""

RecordId = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z-]{7,63}$")]
"""Id of a record that a command made."""

DecidedFlag = Literal["good", "suspect", "fail"]
"""A flag that a person may give."""


class Maintenance(Message):
    """A span known beforehand in which a station's readings are not of the environment."""

    start: Moment
    """Inclusive."""
    end: Moment
    """Exclusive."""
    parameters: tuple[CatalogueCode, ...] = ()
    """None = all."""
    flag: DecidedFlag = "fail"
    why: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.start, self.end)
        return self


Minutes = Annotated[float, Field(ge=1 / 60, le=1440)]
"""Distance between two files: at least the second that it is rounded to, at most a day."""


class Interval(Dated):
    """The distance between two files while it was another one than now."""

    minutes: Minutes

    def to_domain(self) -> domain.Interval:
        """Convert for use."""
        fields = _fields(self)
        return domain.Interval(seconds=round(fields.pop("minutes") * 60), **fields)


class PermitLimit(Message):
    """A value that a permit itself states; it wins over the standard's for its parameter and period."""

    parameter: CatalogueCode
    unit: str
    period: Literal["hour", "8h", "day", "month", "year"] = "day"
    """Of the averages that are judged."""
    minimum: float | None = None
    maximum: float | None = None
    reference_oxygen: Annotated[float, Field(ge=0, lt=20.9)] | None = None
    """Volume percent that values are corrected to before they are judged."""

    @field_validator("unit")
    @classmethod
    def _known_unit(cls, unit: str) -> str:
        known = canonical_unit(unit)
        if known is None:
            raise ValueError(f"the unit {unit!r} is unknown")
        return known

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give minimum or maximum")
        return self


class Permit(Dated):
    """What a station's licence holds it to: a national standard, its column, its coefficients."""

    standard: Annotated[str, Field(min_length=1)]
    """Such as ``QCVN 40:2011/BTNMT``; ``quantrac limits list`` shows those that are known."""
    column: str = ""
    """Such as ``A``; absent where the standard has none."""
    category: str = ""
    """Kind of source, where the standard tells several apart."""
    coefficients: Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(default_factory=dict)]
    """Kq and Kf of wastewater, Kp and Kv of stacks."""
    limits: tuple[PermitLimit, ...] = ()
    """Values that win over those of the standard."""
    number: str = ""
    """Of the licence."""

    def to_domain(self) -> domain.Permit:
        """Convert for use."""
        fields = _fields(self)
        fields["coefficients"] = tuple(sorted(self.coefficients.items()))
        fields["limits"] = tuple(domain.PermitLimit(**_fields(limit)) for limit in self.limits)
        return domain.Permit(**fields)


class Station(Dated):
    """One automatic station."""

    code: StationCode
    name: Line
    name_en: Line = ""
    type: domain.StationType
    province: Annotated[str, Field(pattern=r"^\d{2}$")]
    """Two-digit code of Decision 19/2025/QĐ-TTg."""
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    interval_minutes: Minutes = 5
    """Distance between two files; the national register's default is 5."""
    intervals: tuple[Interval, ...] = ()
    """Spans in which it was another one, so that averages of then expect what was to be expected then."""
    publish_index: bool = False
    """Whether VN_AQI or VN_WQI is made of it; not of a station that only serves as a reference."""
    timezone: str = "Asia/Ho_Chi_Minh"
    """IANA name of the logger's clock."""
    aliases: tuple[StationCode, ...] = ()
    """Other codes its file names carry."""
    file_patterns: tuple[Annotated[str, Field(min_length=3, max_length=200)], ...] = ()
    """Parts of its files' names, or globs where they hold ``*`` or ``?``, for names that state no code."""
    encoding: Literal["utf-8", "cp1258"] = "utf-8"
    """Of its files, where they have no BOM; ``cp1258`` is Vietnamese Windows."""
    parameters: tuple[StationParameter, ...] = ()
    maintenance: tuple[Maintenance, ...] = ()
    """Spans whose readings are flagged whatever the tests say."""
    permits: tuple[Permit, ...] = ()
    """What its averages are judged by; where none is valid, its medium's standard if no choice is needed."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone") from error
        return name

    def to_domain(self) -> domain.Station:
        """Convert for use."""
        fields = _fields(self)
        fields["interval_seconds"] = round(fields.pop("interval_minutes") * 60)
        fields["intervals"] = tuple(each.to_domain() for each in self.intervals)
        fields["parameters"] = tuple(p.to_domain() for p in self.parameters)
        fields["permits"] = tuple(permit.to_domain() for permit in self.permits)
        fields["maintenance"] = tuple(
            domain.Decision(
                id=f"maintenance-{number}",
                station=self.code,
                start=window.start.astimezone(UTC),
                end=window.end.astimezone(UTC),
                flag=Flag[window.flag.upper()],
                by="registry",
                why=window.why,
                decided_at=_BEFORE_ALL,
                parameters=window.parameters,
            )
            for number, window in enumerate(self.maintenance, start=1)
        )
        return domain.Station(**fields)


class AccountLimits(Message):
    """How much one account may use; an absent key takes the deployment's setting."""

    connections: Annotated[int, Field(gt=0)] | None = None
    """Connections at the same time."""
    bytes_per_second: Annotated[int, Field(ge=4096)] | None = None
    """Of all its uploads together, averaged over some seconds."""
    file_bytes: Annotated[int, Field(gt=0)] | None = None
    """Size of its largest file; never more than the deployment's own limit."""
    files_per_day: Annotated[int, Field(gt=0)] | None = None
    """Files from midnight to midnight in Vietnam."""


class Account(Dated):
    """Who may log in to send."""

    model_config = ConfigDict(hide_input_in_errors=True)  # a log is no place for a password

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """Login name; also the name of the account's folder."""
    password_hash: Annotated[str, Field(pattern=r"^\$argon2id\$")]
    """argon2id in its standard text form; ``quantrac registry hash-password`` makes one."""
    role: Literal["station", "province"] = "station"
    stations: tuple[StationCode, ...] = ()
    """Stations it may send for; of a province account they narrow its provinces, none = all of these."""
    provinces: tuple[str, ...] = ()
    """Codes of the provinces that a province account delivers for; with none it delivers nothing."""
    public_keys: tuple[PublicKey, ...] = ()
    """Keys it may log in with by SFTP, as ``ssh-keygen`` writes them (``ssh-ed25519 AAAA... comment``)."""
    allowed_networks: tuple[str, ...] = ()
    """Addresses (``203.113.4.17``) and networks (``203.113.4.0/24``) it may log in from; none = anywhere."""
    limits: AccountLimits = AccountLimits()
    plain_ftp: bool = False
    """Whether it may use FTP without TLS, where the deployment leaves that to the account."""

    @field_validator("provinces")
    @classmethod
    def _present_provinces(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            if code not in PRESENT_CODES:
                raise ValueError(f"{code!r} is no code of a province of today (Decision 19/2025/QĐ-TTg)")
        return codes

    @model_validator(mode="after")
    def _provinces_of_a_province(self) -> Self:
        if self.provinces and self.role != "province":
            raise ValueError("only an account with role: province delivers for provinces")
        return self

    @field_validator("allowed_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(text)) for text in networks)

    def to_domain(self) -> domain.Account:
        """Convert for use."""
        fields = _fields(self)
        fields["limits"] = domain.AccountLimits(**_fields(self.limits))
        return domain.Account(**fields)


class ApiKey(Dated):
    """A key for the REST API."""

    model_config = ConfigDict(hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]{8,32}$")]
    owner: Line
    secret_sha256: Sha256
    """SHA-256 of the secret; the secret itself is shown once and never stored."""
    provinces: tuple[str, ...] = ()
    """Province codes it may read; none = all."""

    def to_domain(self) -> domain.ApiKey:
        """Convert for use."""
        return domain.ApiKey(**_fields(self))


class Activation(Message):
    """A rule set put in force, for what is received from a time on or for a span already measured."""

    id: RecordId
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    """Of the rule set in ``content``."""
    content: str
    """The whole rule set, canonical JSON as ``schemas.rules.RuleSet.content`` writes it."""
    by: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]
    activated_at: Utc
    """The last activation that applies to a reading counts."""
    received_from: Utc | None = None
    """Judges every set received at or after this time."""
    measured_from: Utc | None = None
    """Judges every reading measured at or after this time ..."""
    measured_to: Utc | None = None
    """... and before this one."""

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        measured = (self.measured_from, self.measured_to)
        if (self.received_from is None) == (measured == (None, None)):
            raise ValueError("give either received_from, or measured_from and measured_to")
        _check_order(*measured)
        return self

    def to_domain(self) -> domain.Activation:
        """Convert for use."""
        return domain.Activation(**_in_utc(self))


class Withdrawal(Message):
    """A decision taken back."""

    by: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]
    at: Utc


class Decision(Message):
    """A person's flag for the readings of a span of a station; it wins over every test."""

    id: RecordId
    station: StationCode
    parameters: tuple[CatalogueCode, ...] = ()
    """None = all."""
    start: Utc
    """Inclusive, by the time of measurement."""
    end: Utc
    """Exclusive."""
    flag: DecidedFlag
    by: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]
    decided_at: Utc
    """The last decision about a reading counts."""
    withdrawn: Withdrawal | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        _check_order(self.start, self.end)
        return self

    def to_domain(self) -> domain.Decision:
        """Convert for use."""
        fields = _in_utc(self) | {"flag": Flag[self.flag.upper()]}
        if self.withdrawn is not None:
            fields["withdrawn"] = domain.Withdrawal(**_in_utc(self.withdrawn))
        return domain.Decision(**fields)


def _check_order(start: datetime | None, end: datetime | None) -> None:
    if start is not None and end is not None and start >= end:
        raise ValueError("the span must start before it ends")


def _in_utc(message: Message) -> dict[str, Any]:
    return {
        name: value.astimezone(UTC) if isinstance(value, datetime) else value
        for name, value in _fields(message).items()
    }


def _fields(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in type(message).model_fields}
