"""Times as loggers, spreadsheets and people write them: one reader for each form, for all ways in.

Midnight may be written as 24:00 of the day that it ends, with or without seconds: ISO 8601 does so, and
Decision 1459/QĐ-TCMT labels the hours of a day 01:00 to 24:00. Past that, as 24:05, there is no time.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

_DAY = timedelta(days=1)
_END_OF_DAY = re.compile(r"(?<=\d[T ])24(?=:?00(?::?00(?:[.,]0+)?)?(?:$|[Z+ -]))", re.ASCII)
_DATE, _CLOCK = r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})", r"\d{1,2}:\d{2}(?::\d{2})?"
_FORMS = (
    re.compile(rf"{_DATE}\s+(?P<clock>{_CLOCK})", re.ASCII),
    re.compile(rf"(?P<clock>{_CLOCK})\s+{_DATE}", re.ASCII),  # as the national software exports it
)


def clock_time(year: int, month: int, day: int, *clock: int) -> datetime:
    """Return a time on a clock without a zone, from hour, minute and second; 24:00:00 is midnight.

    Raises ``ValueError`` where there is no such time, ``OverflowError`` past the year 9999.

    >>> clock_time(2026, 3, 24, 24).isoformat()
    '2026-03-25T00:00:00'
    """
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    if hour == 24 and minute == second == 0:
        return datetime(year, month, day) + _DAY  # noqa: DTZ001 - a logger's clock names no zone
    return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001


def read_parts(texts: Sequence[str]) -> datetime:
    """Read a time from texts of its year, month, day, hour and finer parts; raises as :func:`clock_time`.

    >>> read_parts(["2013", "3", "1", "24"]).isoformat()
    '2013-03-02T00:00:00'
    """
    for text in texts:
        if not (text.isascii() and text.isdigit()):  # `int` takes 1_0 for ten
            raise ValueError(f"{text!r} is no whole number")
    year, month, day, *clock = map(int, texts)
    return clock_time(year, month, day, *clock)


def read_digits(text: str) -> datetime:
    """Read yyyyMMddHHmmss, or 12 digits without seconds; without a zone.

    Positions, not ``strptime``: that takes ten times as long and accepts single digits. Raises
    ``ValueError``, or ``OverflowError`` past the year 9999.
    """
    if len(text) not in (12, 14) or not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is no time as yyyyMMddHHmmss")
    month, day, *clock = (int(text[i : i + 2]) for i in range(4, len(text), 2))
    return clock_time(int(text[:4]), month, day, *clock)


def split_end_of_day(text: str) -> tuple[str, timedelta]:
    """Write 24:00 of a time in ISO 8601 as 00:00; returns that, and the day to add.

    >>> split_end_of_day("2026-03-24T24:00+07:00")
    ('2026-03-24T00:00+07:00', datetime.timedelta(days=1))
    """
    begun, count = _END_OF_DAY.subn("00", text, count=1)
    return begun, count * _DAY


def read_iso(text: str) -> datetime:
    """Read a date or time in ISO 8601, with its zone or without; raises ``ValueError``.

    >>> read_iso("2026-03-24T24:00:00Z").isoformat(), read_iso("2026-03-24").isoformat()
    ('2026-03-25T00:00:00+00:00', '2026-03-24T00:00:00')
    """
    if text.isdigit() and len(text) != len("20260325"):
        # `fromisoformat` takes the ninth digit for the "T".
        raise ValueError(f"{text!r} is no time in ISO 8601")
    begun, day = split_end_of_day(text)
    try:
        return datetime.fromisoformat(begun) + day
    except OverflowError:
        raise ValueError(f"{text!r} lies past the year 9999") from None


def read_written(text: str) -> datetime:
    """Read a time of a table: ISO 8601, day first, clock first, or 12 or 14 digits; raises ``ValueError``.

    >>> [read_written(text).isoformat() for text in ("24/03/2026 24:00", "0:05 25/03/2026", "202603250005")]
    ['2026-03-25T00:00:00', '2026-03-25T00:05:00', '2026-03-25T00:05:00']
    """
    text = text.strip()
    try:
        if len(text) in (12, 14) and text.isdigit():
            return read_digits(text)
        for form in _FORMS:
            if match := form.fullmatch(text):
                year, month, day = (int(match[part]) for part in ("year", "month", "day"))
                return clock_time(year, month, day, *map(int, match["clock"].split(":")))
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time") from None
    try:
        return read_iso(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time") from None
