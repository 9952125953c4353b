"""The column orders of station files, as a table: each format has a name, a detector and a sample.

A line's format is recognised by the column of its time. The four orders are those the national receiver
accepts; the first is that of Circular 10/2021/TT-BTNMT, Annex 15.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from quantrac.domain.parsing.reasons import ParseError, Reason

MAX_COLUMNS = 5
_TIME_WIDTH = 14
_STATUS_WIDTH = 2

Columns = tuple[str, str, str, str, str]
"""name, value, unit, time, status; ``''`` where the format has no such column."""


@dataclass(frozen=True, slots=True)
class Format:
    """One column order; the position of an optional column may lie past the end of a short line."""

    name: str
    sample: str
    columns: range
    """How many columns a line of it may have."""
    parameter: int
    value: int
    time: int
    fixed_from: int
    """Where the closing columns of known width (time, status) begin; the end where there is none."""
    unit: int | None = None
    status: int | None = None

    def fits(self, columns: list[str]) -> bool:
        """Tell whether a line has this format: the count is right and the time is where it should be."""
        return len(columns) in self.columns and _looks_like_time(columns[self.time])

    def arrange(self, columns: list[str]) -> Columns:
        """Bring a line's columns into the common order."""
        return (
            columns[self.parameter],
            columns[self.value],
            _at(columns, self.unit),
            columns[self.time],
            _at(columns, self.status),
        )


FORMATS = (
    Format(
        "name-value-unit-time",
        "PM2.5\t27.81\tug/m3\t20260325000500\t00",
        range(4, 6),
        parameter=0,
        value=1,
        unit=2,
        time=3,
        status=4,
        fixed_from=3,
    ),
    Format(
        "time-name-value-unit",
        "20260325000500\tPM2.5\t27.81\tug/m3",
        range(4, 6),
        time=0,
        parameter=1,
        value=2,
        unit=3,
        status=4,
        fixed_from=4,
    ),
    Format(
        "time-name-value",
        "20260325000500\tPM2.5\t27.81",
        range(3, 4),
        time=0,
        parameter=1,
        value=2,
        fixed_from=3,
    ),
    Format(
        "name-value-time",
        "PM2.5\t27.81\t20260325000500\t00",
        range(3, 5),
        parameter=0,
        value=1,
        time=2,
        status=3,
        fixed_from=2,
    ),
)


def find_format(columns: list[str]) -> Format | None:
    """Return the first format that fits a line, or ``None``."""
    return next((candidate for candidate in FORMATS if candidate.fits(columns)), None)


def value_texts(lines: Iterable[str]) -> Iterator[str]:
    """Yield the value column of every line that has a format."""
    for line in lines:
        columns = split_line(line)
        line_format = find_format(columns)
        if line_format is not None:
            yield columns[line_format.value]


def split_line(line: str) -> list[str]:
    """Divide at TABs, empty columns past the fifth dropped; without a TAB, at blanks.

    The limit keeps a megabyte of TABs from becoming a million columns.
    """
    if "\t" not in line:
        return line.split(None, MAX_COLUMNS)
    columns = line.split("\t", MAX_COLUMNS)
    if len(columns) > MAX_COLUMNS and not columns[-1].strip():
        columns.pop()
    return columns


def format_error(line: str, columns: list[str]) -> ParseError:
    """Return why no format fits a line."""
    if len(columns) < 3 or (len(columns) == 3 and "\t" in line):
        return ParseError(Reason.TOO_FEW_COLUMNS, count=len(columns))
    if "\t" not in line:
        return ParseError(Reason.AMBIGUOUS_COLUMNS)
    if len(columns) > MAX_COLUMNS:
        return ParseError(Reason.TOO_MANY_COLUMNS)
    return ParseError(Reason.BAD_TIME, text=columns[3] if len(columns) == MAX_COLUMNS else line)


def breaks_off(columns: list[str], previous: list[str] | None) -> bool:
    """Tell whether a last line without line end was cut, judged by the good line before it.

    Cut means: no format fits, fewer columns, or a shorter time or status. A cut inside a closing value or
    unit (formats that end in one) cannot be told from a whole line and passes.
    """
    line_format = find_format(columns)
    previous_format = find_format(previous) if previous else None
    if line_format is None:
        return previous_format is not None or len(columns) > 1
    tail = columns[line_format.fixed_from :]
    full = previous[previous_format.fixed_from :] if previous and previous_format else []
    if not tail:
        return previous_format is not None and previous_format is not line_format
    if len(tail) < len(full):
        return True
    position = line_format.fixed_from + len(tail) - 1
    usual = _TIME_WIDTH if position == line_format.time else _STATUS_WIDTH
    width = len(full[len(tail) - 1].strip()) if len(full) == len(tail) else usual
    return len(tail[-1].strip()) < width


def _looks_like_time(column: str) -> bool:
    """Digits enough for a time, right or wrong: a value or a unit never looks like it."""
    digits = column.strip()
    return 10 <= len(digits) <= 17 and digits.isascii() and digits.isdigit()


def _at(columns: list[str], position: int | None) -> str:
    return columns[position] if position is not None and position < len(columns) else ""
