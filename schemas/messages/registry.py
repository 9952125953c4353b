"""``station-registry``: one record a key (``station/HN_BKHN_KHIKXQ``, ``account/...``, ``api-key/...``).

The same models read the registry's YAML files. Dates without a time mean midnight in Vietnam (UTC+7).
"""

from datetime import date, datetime, time
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator

from quantrac.domain import stations as domain
from schemas.messages.base import Message, Sha256, StationCode, Utc

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")


def _local_midnight(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), VIETNAM)
    return value


Moment = Annotated[Utc, BeforeValidator(_local_midnight)]
"""A time with its zone, or a date (midnight in Vietnam)."""


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
    range_low: float | None = None
    """Lower end of the equipment range (LRV), in ``unit``."""
    range_high: float | None = None
    """Upper end of the equipment range (URV), in ``unit``."""

    @model_validator(mode="after")
    def _range_in_order(self) -> Self:
        if self.range_low is not None and self.range_high is not None and self.range_low >= self.range_high:
            raise ValueError(f"{self.code}: range_low must lie below range_high")
        return self


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
        fields["parameters"] = tuple(domain.StationParameter(**_fields(p)) for p in self.parameters)
        return domain.Station(**fields)


class Account(_Dated):
    """Who may log in to send."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """Login name; also the name of the account's folder."""
    password_hash: Annotated[str, Field(pattern=r"^\$argon2id\$")]
    """argon2id in its standard text form; ``quantrac registry hash-password`` makes one."""
    role: Literal["station", "province"] = "station"
    stations: tuple[StationCode, ...] = ()
    """Stations it may send for."""

    def to_domain(self) -> domain.Account:
        """Convert for use."""
        return domain.Account(**_fields(self))


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
