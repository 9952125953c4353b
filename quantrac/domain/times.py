"""The kinds of time, each conversion once.

Three kinds travel through the code, all of them UTC:

- ``datetime``: always aware. In messages, in answers, and wherever single times are compared.
- *seconds*: ``float`` or ``int``, since 1970. In columns, which hold thousands.
- *milliseconds*: ``int``, since 1970. Of times of receipt, which are stored that exactly.

Lengths of time are seconds as well, unless their name says ``DELTA``.

Vietnam's clock is UTC+7 and has known no summer time since 1975; its days are those of the regulation.
"""

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from quantrac.domain.written_times import read_iso
from quantrac.errors import UserError

if TYPE_CHECKING:  # numpy takes longer to import than `quantrac parse` takes altogether
    from numpy.typing import NDArray

HOUR = 3_600
"""Seconds."""
DAY = 24 * HOUR
"""Seconds."""
HOUR_DELTA = timedelta(seconds=HOUR)
DAY_DELTA = timedelta(seconds=DAY)

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
"""The zone of every station, account and person that names no other."""
VIETNAM_OFFSET = 7 * HOUR
"""Seconds that Vietnam's clock is ahead of UTC."""
UTC_7 = timezone(timedelta(seconds=VIETNAM_OFFSET))
"""Vietnam's offset of today at all times, also before 1975, when its clocks had others."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_OFFSET_DELTA = timedelta(seconds=VIETNAM_OFFSET)

_Seconds = TypeVar("_Seconds", int, "NDArray[Any]")


def to_seconds(time: datetime) -> float:
    """Return seconds since 1970, exact to the microsecond.

    >>> to_seconds(datetime(2026, 3, 25, 5, 0, 0, 250_000, tzinfo=UTC))
    1774414800.25
    """
    return time.timestamp()


def to_whole_seconds(time: datetime) -> int:
    """Return whole seconds since 1970, rounded down.

    >>> to_whole_seconds(datetime(2026, 3, 25, 5, 0, 0, 999_999, tzinfo=UTC))
    1774414800
    """
    return int(time.timestamp() // 1)


def from_seconds(seconds: float) -> datetime:
    """Return the time (UTC) of seconds since 1970; raises ``ValueError`` past the year 9999.

    >>> from_seconds(1774414800.0).isoformat()
    '2026-03-25T05:00:00+00:00'
    """
    return datetime.fromtimestamp(seconds, UTC)


def to_milliseconds(time: datetime) -> int:
    """Return whole milliseconds since 1970, rounded down.

    Exact in every year: by way of float seconds every 160th time after January 2038 would lose one.

    >>> to_milliseconds(datetime(2026, 3, 25, 5, 0, 0, 1_999, tzinfo=UTC))
    1774414800001
    """
    return (time - _EPOCH) // _MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    """Return the time (UTC) of milliseconds since 1970.

    >>> from_milliseconds(1774414800001).isoformat()
    '2026-03-25T05:00:00.001000+00:00'
    """
    return _EPOCH + milliseconds * _MILLISECOND


def to_receipt_seconds(time: datetime) -> float:
    """Return seconds since 1970 of a time of receipt, cut to the millisecond as it is stored.

    >>> to_receipt_seconds(datetime(2026, 3, 25, 5, 0, 0, 1_999, tzinfo=UTC))
    1774414800.001
    """
    return to_milliseconds(time) / 1000


def to_iso(time: datetime) -> str:
    """Write a time (UTC) as ISO 8601, to the second.

    >>> to_iso(datetime(2026, 3, 25, 5, tzinfo=UTC))
    '2026-03-25T05:00:00Z'
    """
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def to_sql_milliseconds(time: datetime) -> str:
    """Write a time (UTC) as ClickHouse reads it, cut to the millisecond.

    >>> to_sql_milliseconds(datetime(2026, 3, 25, 5, 0, 0, 1_999, tzinfo=UTC))
    '2026-03-25 05:00:00.001'
    """
    return f"{time:%Y-%m-%d %H:%M:%S.%f}"[:-3]


def to_local_iso(time: datetime) -> str:
    """Write a time (aware) for a person: on Vietnam's clock with its offset, to the second, as ISO 8601.

    :func:`parse_time` reads it back. A time past the year 9999 of that clock is written in UTC.

    >>> to_local_iso(datetime(2026, 3, 25, 5, tzinfo=UTC))
    '2026-03-25T12:00:00+07:00'
    """
    try:
        return time.astimezone(VIETNAM).isoformat(timespec="seconds")
    except OverflowError:
        return to_iso(time.astimezone(UTC))


def parse_time(text: str) -> datetime:
    """Read a time with its zone, or a date (midnight in Vietnam); returns UTC, raises UserError.

    >>> parse_time("2026-03-25").isoformat(), parse_time("2026-03-25T07:05+07:00").isoformat()
    ('2026-03-24T17:00:00+00:00', '2026-03-25T00:05:00+00:00')
    """
    try:
        time = read_iso(text)
    except ValueError:
        raise UserError(f"{text!r} is neither a date nor a time such as 2026-03-25T07:00+07:00") from None
    if len(text) == len("2026-03-25"):
        time = time.replace(tzinfo=VIETNAM)
    if time.tzinfo is None:
        raise UserError(f"{text!r} names no zone; write +07:00 or Z after it")
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise UserError(f"{text!r} lies outside the years 1 to 9999 of UTC") from None


def hour_start(time: datetime) -> datetime:
    """Return the start of the hour that ``time`` (UTC) lies in.

    >>> hour_start(datetime(2026, 3, 25, 0, 59, 59, tzinfo=UTC)).isoformat()
    '2026-03-25T00:00:00+00:00'
    """
    return time.replace(minute=0, second=0, microsecond=0)


def local_day_start(time: datetime) -> datetime:
    """Return the start (UTC) of Vietnam's day that ``time`` lies in.

    >>> local_day_start(datetime(2026, 3, 25, 17, 30, tzinfo=UTC)).isoformat()
    '2026-03-25T17:00:00+00:00'
    """
    local = time.astimezone(UTC) + _OFFSET_DELTA
    return local.replace(hour=0, minute=0, second=0, microsecond=0) - _OFFSET_DELTA


def local_day_starts(seconds: _Seconds) -> _Seconds:
    """Return the starts of Vietnam's days that times lie in; whole seconds since 1970, one or an array.

    >>> local_day_starts(1774459800)  # 17:30 UTC, half past midnight in Vietnam
    1774458000
    """
    return (seconds + VIETNAM_OFFSET) // DAY * DAY - VIETNAM_OFFSET
