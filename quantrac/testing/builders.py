"""Test data with defaults for everything a test does not care about.

The station is the one of Hà Nội whose real file the examples show: HN_BKHN_KHIKXQ, 5-minute files.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from quantrac.domain import ids
from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.readings import (
    Flag,
    FlaggedReading,
    FlaggedReadings,
    FlaggedSet,
    Provisional,
    Reading,
    Readings,
    ReadingSet,
    Reject,
)
from quantrac.domain.registry.accounts import Account, AccountLimits
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.io.passwords import hash_password

NOON = datetime(2026, 3, 25, 5, 0, tzinfo=UTC)
"""Noon in Vietnam on the day of the example file."""

PARAMETERS = (
    StationParameter("PM2.5", "µg/m³", file_names=("PM-2-5",)),
    StationParameter("NO2", "µg/m³"),
    StationParameter("TEMP", "°C", file_names=("Nhiệt độ",)),
)


def station(
    code: str = "HN_BKHN_KHIKXQ",
    *,
    aliases: Iterable[str] = (),
    file_patterns: Iterable[str] = (),
    parameters: Iterable[StationParameter] = PARAMETERS,
    type: StationType = StationType.AMBIENT_AIR,
    **fields: Any,
) -> Station:
    """Return a station of Hà Nội; ``fields``: any other field of a :class:`Station`."""
    usual: dict[str, Any] = {
        "name": "Đại học Bách khoa Hà Nội",
        "name_en": "Hanoi University of Science and Technology",
        "province": "01",
        "latitude": 21.0052,
        "longitude": 105.8428,
        "interval_seconds": 300,
    }
    return Station(
        code=code,
        type=type,
        aliases=tuple(aliases),
        file_patterns=tuple(file_patterns),
        parameters=tuple(parameters),
        **(usual | fields),
    )


def account(
    name: str = "bkhn",
    *,
    password: str = "secret",  # noqa: S107
    role: str = "station",
    stations: Iterable[str] = ("HN_BKHN_KHIKXQ",),
    provinces: Iterable[str] = (),
    valid_to: datetime | None = None,
    allowed_networks: Iterable[str] = (),
    limits: AccountLimits = AccountLimits(),  # noqa: B008  # frozen
) -> Account:
    """Return an account; its hash is a cheap one, so that a login costs a test nothing."""
    password_hash = hash_password(password, memory_kib=8, passes=1)
    return Account(
        name,
        password_hash,
        role=role,
        stations=tuple(stations),
        provinces=tuple(provinces),
        valid_to=valid_to,
        allowed_networks=tuple(allowed_networks),
        limits=limits,
    )


def registry(
    stations: Iterable[Station] | None = None, accounts: Iterable[Account] | None = None
) -> Registry:
    """Return a registry of these, or of one station and its account."""
    return Registry(
        stations={s.code: s for s in ([station()] if stations is None else stations)},
        accounts={a.name: a for a in ([account()] if accounts is None else accounts)},
    )


def station_file(
    lines: Sequence[tuple[str, str, str, str]] = (("PM2.5", "12.40", "ug/m3", "00"),), at: datetime = NOON
) -> bytes:
    """Return a file of (name, value, unit, status) lines, TAB-separated, at one time in Vietnam's."""
    time = at.astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%Y%m%d%H%M%S")
    return "".join(f"{n}\t{v}\t{u}\t{time}\t{s}\r\n" for n, v, u, s in lines).encode()


def file_name(code: str = "HN_BKHN_KHIKXQ", at: datetime = NOON) -> str:
    """Return the usual name of a station's file."""
    return f"{code}_{at.astimezone(ZoneInfo('Asia/Ho_Chi_Minh')):%Y%m%d%H%M%S}.txt"


def reading(
    value: float = 12.4,
    *,
    parameter: str = "PM2.5",
    text: str | None = None,
    unit: str = "µg/m³",
    measured_at: datetime = NOON,
    status: str = "00",
    line: int = 1,
) -> Reading:
    """Return a reading; its text is the shortest one of its value unless another is given."""
    text = shortest_decimal(value) if text is None else text
    return Reading(line, parameter, value, text, unit, measured_at, status)


def flagged_reading(
    value: float = 12.4,
    *,
    parameter: str = "PM2.5",
    text: str | None = None,
    unit: str = "µg/m³",
    measured_at: datetime = NOON,
    status: str = "00",
    line: int = 1,
    flag: int = Flag.GOOD,
    tests: Mapping[str, int] | None = None,
    equal_since: datetime | None = None,
) -> FlaggedReading:
    """Return a reading with its flag, which is the outcome of the test ``status`` unless tests are given."""
    text = shortest_decimal(value) if text is None else text
    outcomes = {"status": int(flag)} if tests is None else dict(tests)
    return FlaggedReading(
        line, parameter, value, text, unit, measured_at, status, int(flag), outcomes, equal_since
    )


def reading_set(
    *readings: Reading,
    station: str = "HN_BKHN_KHIKXQ",
    received_at: datetime | None = None,
    file_id: str | None = None,
    file_name: str | None = None,
    account: str = "bkhn",
    transport: str = "ftp",
    format: str = "name-value-unit-time",
    rejects: Iterable[Reject] = (),
) -> ReadingSet:
    """Return what one file gave, received a minute after its last reading.

    The file is named after its station and the second of its receipt, and its id is the hash of its name: a
    file received at another time is another file.
    """
    received_at = _receipt_time(readings) if received_at is None else received_at
    name, identity = _identify(station, received_at, file_name, file_id)
    return ReadingSet(
        station=station,
        file_id=identity,
        file_name=name,
        account=account,
        transport=transport,
        received_at=received_at,
        format=format,
        readings=Readings.of(readings),
        rejects=list(rejects),
    )


def flagged_set(
    *readings: FlaggedReading,
    station: str = "HN_BKHN_KHIKXQ",
    received_at: datetime | None = None,
    file_id: str | None = None,
    file_name: str | None = None,
    account: str = "bkhn",
    transport: str = "ftp",
    format: str = "name-value-unit-time",
    rules: str = "0123456789ab",
    rejects: Iterable[Reject] = (),
    revision: int = 0,
    cause: str = "",
    provisional: Provisional | None = None,
) -> FlaggedSet:
    """Return what the validator made of one file; times and names as in :func:`reading_set`."""
    received_at = _receipt_time(readings) if received_at is None else received_at
    name, identity = _identify(station, received_at, file_name, file_id)
    return FlaggedSet(
        station=station,
        file_id=identity,
        file_name=name,
        account=account,
        transport=transport,
        received_at=received_at,
        format=format,
        rules=rules,
        readings=FlaggedReadings.of(readings),
        rejects=list(rejects),
        revision=revision,
        cause=cause,
        provisional=provisional,
    )


def _receipt_time(readings: Iterable[Reading]) -> datetime:
    return max((reading.measured_at for reading in readings), default=NOON) + timedelta(minutes=1)


def _identify(code: str, received_at: datetime, name: str | None, identity: str | None) -> tuple[str, str]:
    """Return the name and the id of a file: those that a test gives, or the usual ones."""
    name = file_name(code, received_at) if name is None else name
    return name, ids.file_id(name.encode()) if identity is None else identity
