"""Test data with defaults for everything a test does not care about.

The station is the one of Hà Nội whose real file the examples show: HN_BKHN_KHIKXQ, 5-minute files.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

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
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> Station:
    """Return a station of Hà Nội."""
    return Station(
        code=code,
        name="Đại học Bách khoa Hà Nội",
        name_en="Hanoi University of Science and Technology",
        type=type,
        province="01",
        latitude=21.0052,
        longitude=105.8428,
        interval_seconds=300,
        aliases=tuple(aliases),
        file_patterns=tuple(file_patterns),
        parameters=tuple(parameters),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def account(
    name: str = "bkhn",
    *,
    password: str = "secret",  # noqa: S107
    role: str = "station",
    stations: Iterable[str] = ("HN_BKHN_KHIKXQ",),
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
