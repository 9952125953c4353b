"""The levels at which two tiers are compared; day, month and year are Vietnam's (UTC+7)."""

from datetime import datetime, timedelta
from enum import StrEnum

from quantrac.domain.times import DAY_DELTA, HOUR_DELTA, VIETNAM_OFFSET, hour_start

_OFFSET = timedelta(seconds=VIETNAM_OFFSET)


class Level(StrEnum):
    """Length of the periods that are summed up, the longest first."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    HOUR = "hour"


LEVELS = tuple(Level)


def period_start(level: Level, time: datetime) -> datetime:
    """Return the start of the period that a time (UTC) lies in.

    >>> from datetime import UTC
    >>> period_start(Level.MONTH, datetime(2026, 3, 31, 17, tzinfo=UTC)).isoformat()
    '2026-03-31T17:00:00+00:00'
    """
    if level is Level.HOUR:
        return hour_start(time)
    local = (time + _OFFSET).replace(hour=0, minute=0, second=0, microsecond=0)
    if level is not Level.DAY:
        local = local.replace(day=1)
    if level is Level.YEAR:
        local = local.replace(month=1)
    return local - _OFFSET


def period_end(level: Level, start: datetime) -> datetime:
    """Return the end of the period that begins at ``start``.

    >>> from datetime import UTC
    >>> period_end(Level.YEAR, datetime(2025, 12, 31, 17, tzinfo=UTC)).isoformat()
    '2026-12-31T17:00:00+00:00'
    """
    if level is Level.HOUR:
        return start + HOUR_DELTA
    if level is Level.DAY:
        return start + DAY_DELTA
    # Longer than any such period, and shorter than two.
    return period_start(level, start + (32 if level is Level.MONTH else 367) * DAY_DELTA)


def count_periods(level: Level, start: datetime, end: datetime) -> int:
    """Return how many periods touch ``[start, end)``, with ``start`` before ``end``.

    >>> from datetime import UTC
    >>> count_periods(Level.YEAR, datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC))
    2
    """
    first, last = period_start(level, start), period_start(level, end - timedelta(microseconds=1))
    if level is Level.HOUR:
        return (last - first) // HOUR_DELTA + 1
    if level is Level.DAY:
        return (last - first) // DAY_DELTA + 1
    low, high = first + _OFFSET, last + _OFFSET
    years = high.year - low.year
    return (years if level is Level.YEAR else years * 12 + high.month - low.month) + 1
