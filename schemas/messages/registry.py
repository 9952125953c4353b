"""``station-registry``: one record a key (``station/HN_BKHN_KHIKXQ``, ``account/...``, ``api-key/...``).

The same models read the registry's YAML files. Dates without a time mean midnight in Vietnam (UTC+7).
"""

from datetime import date, datetime, time
from ipaddress import ip_network
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator

from quantrac.domain import stations as domain
from quantrac.domain.units import canonical_unit
from schemas.messages.base import Message, Sha256, StationCode, Utc

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def _local_midnight(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), VIETNAM)
    return value


Moment = Annotated[Utc, BeforeValidator(_local_midnight)]
"""A time with its zone, or a date (midnight in Vietnam)."""

PublicKey = Annotated[str, Field(pattern=r"^(ssh|ecdsa|sk)-[a-z0-9@.-]+ AAAA[A-Za-z0-9+/]+=* ?[^\r\n]*$")]
"""One public key in OpenSSH's text form."""


class _Dated(Message):
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


class StationParameter(_Dated):
    """One parameter that a station measures."""

    code: Annotated[str, Field(min_length=1)]
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

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if self.range_low is not None and self.range_high is not None and self.range_low >= self.range_high:
            raise ValueError(f"{self.code}: range_low must lie below range_high")
        return self

    def to_domain(self) -> domain.StationParameter:
        """Convert for use."""
        fields = _fields(self)
        fields["unit_override"] = tuple((o.written, o.really) for o in self.unit_override)
        return domain.StationParameter(**fields)


class Station(_Dated):
    """One automatic station."""

    code: StationCode
    name: str
    name_en: str = ""
    type: domain.StationType
    province: Annotated[str, Field(pattern=r"^\d{2}$")]
    """Two-digit code of Decision 19/2025/QĐ-TTg."""
    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    interval_minutes: Annotated[float, Field(gt=0, le=1440)] = 5
    """Distance between two files; the national register's default is 5."""
    timezone: str = "Asia/Ho_Chi_Minh"
    """IANA name of the logger's clock."""
    aliases: tuple[StationCode, ...] = ()
    """Other codes its file names carry."""
    file_patterns: tuple[Annotated[str, Field(min_length=3, max_length=200)], ...] = ()
    """Parts of its files' names, or globs where they hold ``*`` or ``?``, for names that state no code."""
    encoding: Literal["utf-8", "cp1258"] = "utf-8"
    """Of its files, where they have no BOM; ``cp1258`` is Vietnamese Windows."""
    parameters: tuple[StationParameter, ...] = ()

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
        fields["parameters"] = tuple(p.to_domain() for p in self.parameters)
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


class Account(_Dated):
    """Who may log in to send."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """Login name; also the name of the account's folder."""
    password_hash: Annotated[str, Field(pattern=r"^\$argon2id\$")]
    """argon2id in its standard text form; ``quantrac registry hash-password`` makes one."""
    role: Literal["station", "province"] = "station"
    stations: tuple[StationCode, ...] = ()
    """Stations it may send for."""
    public_keys: tuple[PublicKey, ...] = ()
    """Keys it may log in with by SFTP, as ``ssh-keygen`` writes them (``ssh-ed25519 AAAA... comment``)."""
    allowed_networks: tuple[str, ...] = ()
    """Addresses (``203.113.4.17``) and networks (``203.113.4.0/24``) it may log in from; none = anywhere."""
    limits: AccountLimits = AccountLimits()
    plain_ftp: bool = False
    """Whether it may use FTP without TLS, where the deployment leaves that to the account."""

    @field_validator("allowed_networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_network(text)) for text in networks)

    def to_domain(self) -> domain.Account:
        """Convert for use."""
        fields = _fields(self)
        fields["limits"] = domain.AccountLimits(**_fields(self.limits))
        return domain.Account(**fields)


class ApiKey(_Dated):
    """A key for the REST API."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9]{8,32}$")]
    owner: str
    secret_sha256: Sha256
    """SHA-256 of the secret; the secret itself is shown once and never stored."""
    provinces: tuple[str, ...] = ()
    """Province codes it may read; none = all."""

    def to_domain(self) -> domain.ApiKey:
        """Convert for use."""
        return domain.ApiKey(**_fields(self))


def _fields(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in type(message).model_fields}
