"""Plain CSV of one series: ``time,value[,status]``, for people who have a file and no stack."""

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from quantrac.domain.csv_rows import cell_at, is_missing, read_rows
from quantrac.domain.numbers import NumberError, Numbers, read_plain
from quantrac.domain.qualifiers import NO_QUALIFIER, Qualifier
from quantrac.domain.statuses import read_status
from quantrac.domain.tables.headings import split_heading
from quantrac.domain.times import VIETNAM
from quantrac.domain.written_times import read_written
from quantrac.errors import UserError


@dataclass(slots=True)
class Series:
    """The rows of a file in its order. A row that could not be read keeps its place, with the reason."""

    time_text: list[str] = field(default_factory=list)
    value_text: list[str] = field(default_factory=list)
    time: list[datetime] = field(default_factory=list)
    """UTC; the epoch where the time could not be read."""
    value: list[float] = field(default_factory=list)
    """NaN where there is none."""
    qualifier: list[Qualifier] = field(default_factory=list)
    """On which side of a value that is a limit of the method the true one lies."""
    status: list[str] = field(default_factory=list)
    """Device status; ``00`` where the file has no such column."""
    unreadable: dict[int, str] = field(default_factory=dict)
    """Row, from 0 → what is wrong with it."""
    has_status: bool = False
    unit: str | None = None
    """Of the values, as the heading states it: ``value (mg/m3)``; ``None`` where it states none."""


def read_series(lines: Iterable[str]) -> Series:
    """Read a file with a header; columns beside the three are ignored.

    Times are those of :func:`read_written`; without a zone they are Vietnam's (UTC+7). Raises UserError where
    the file is no CSV, or its header lacks ``time`` or ``value``; a bad row never stops the reading.
    """
    try:
        rows = [row for _, row in read_rows(lines)]
    except csv.Error as error:
        raise UserError(f"the file is no CSV: {error}") from error
    if not rows:
        raise UserError("the file is empty; its first line must be time,value or time,value,status")
    headings = [split_heading(name) for name in rows.pop(0)]
    header = [name.casefold() for name, _ in headings]
    for name in ("time", "value"):
        if name not in header:
            raise UserError(f"line 1: no column {name!r} among {', '.join(map(repr, header))}")
    time, value = header.index("time"), header.index("value")
    status = header.index("status") if "status" in header else None
    series = Series(has_status=status is not None, unit=headings[value][1])
    numbers = Numbers(lambda: series.value_text)
    series.value_text = [cell_at(row, value) for row in rows]
    for row in rows:
        _append(series, numbers, cell_at(row, time), cell_at(row, value), cell_at(row, status))
    return series


def _append(series: Series, numbers: Numbers, time: str, value: str, status: str) -> None:
    problems = []
    try:
        moment = _time(time)
    except (ValueError, OverflowError):
        moment = datetime.fromtimestamp(0, UTC)
        problems.append(f"{time!r} is no time")
    number, qualifier = math.nan, NO_QUALIFIER
    if not is_missing(value):
        try:
            number, qualifier = numbers.read_qualified(value)
        except NumberError as error:
            problems.append(str(error))
    if problems:
        series.unreadable[len(series.time)] = ", ".join(problems)
    series.time_text.append(time)
    series.time.append(moment)
    series.value.append(number)
    series.qualifier.append(qualifier)
    series.status.append(read_status(status))


def _time(text: str) -> datetime:
    """Return UTC.

    >>> _time("2026-03-25T00:05:00+07:00").isoformat(), _time("25/03/2026 0:05").isoformat()
    ('2026-03-24T17:05:00+00:00', '2026-03-24T17:05:00+00:00')
    """
    moment = read_written(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)).astimezone(UTC)


def interval(text: str) -> timedelta:
    """Read ``15min``, ``300s``, ``1h`` or a bare number of minutes; raises UserError.

    >>> interval("15min"), interval("1h")
    (datetime.timedelta(seconds=900), datetime.timedelta(seconds=3600))
    """
    lengths = {"s": 1, "sec": 1, "min": 60, "m": 60, "": 60, "h": 3600, "hour": 3600, "d": 86400}
    digits = text.strip().rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = text.strip()[len(digits) :].strip()
    try:
        seconds = read_plain(digits) * lengths[unit]
    except (KeyError, ValueError):
        raise UserError(f"{text!r} is no interval; write it as 15min, 300s or 1h") from None
    if not 0 < seconds <= 86400:
        raise UserError(f"an interval lies between 1 s and 1 day, not {text!r}")
    return timedelta(seconds=seconds)
