"""Real measurements from a CSV as station files: one file a row, every number as it is written there."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from quantrac.domain.csv_rows import ENCODING, ENCODING_ERRORS, is_missing, read_rows
from quantrac.domain.numbers import is_number
from quantrac.domain.spellings import did_you_mean
from quantrac.domain.tables.columns import ROW_NUMBERS, find_time
from quantrac.domain.written_times import read_parts, read_written
from quantrac.errors import UserError
from quantrac.local.simulator.files import TIME_FORMAT, file_name, line

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Column:
    """What a CSV column is called in the station's files."""

    parameter: str
    unit: str = ""
    """Unit column of the files; empty leaves the unit to the station's registry entry."""


def csv_files(
    path: Path,
    station_code: str,
    mapping: Mapping[str, Column] | None = None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    timezone: str = "Asia/Ho_Chi_Minh",
) -> Iterator[tuple[str, bytes]]:
    """Return the name and the bytes of one station file a row, in time order.

    The time stands in one column (:data:`quantrac.domain.tables.columns.TIME_NAMES`), or in ``year``,
    ``month``, ``day``, ``hour`` and finer ones; it is the station's local time, and only a time with an
    offset is converted to ``timezone``. ``since`` (inclusive) and ``until`` (exclusive) are aware.
    Every column that holds numbers, and every mapped one, gives lines; a missing value gives none, a row
    without any no file.
    Raises UserError for a CSV that cannot be read so, naming file and line.
    """
    header, rows = _read(path)
    zone = ZoneInfo(timezone)
    time_of, time_columns = _time_reader(path, header, zone)
    columns = _parameter_columns(path, header, rows, mapping or {}, time_columns)
    timed = []
    for number, row in enumerate(rows, start=2):  # line 1 is the header
        try:
            timed.append((time_of(row), row))
        except (ValueError, OverflowError) as error:
            raise UserError(f"{path.name}: line {number}: no readable time: {error}") from error
    timed.sort(key=lambda entry: entry[0])
    first, end = (bound and bound.astimezone(zone).replace(tzinfo=None) for bound in (since, until))
    return (
        (file_name(station_code, time.strftime(TIME_FORMAT)), content)
        for time, row in timed
        if (first is None or first <= time) and (end is None or time < end)
        if (content := _content(row, columns, time))
    )


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(newline="", encoding=ENCODING, errors=ENCODING_ERRORS) as stream:
            lines = [row for _, row in read_rows(stream) if any(row)]
    except csv.Error as error:
        raise UserError(f"{path.name}: no CSV: {error}") from error
    if not lines:
        raise UserError(f"{path.name}: the file is empty")
    return lines[0], lines[1:]


def _time_reader(
    path: Path, header: list[str], zone: ZoneInfo
) -> tuple[Callable[[Row], datetime], frozenset[int]]:
    """Return how to read a row's local time (naive), and which columns make it up."""
    try:
        indices = find_time(header)
    except UserError as error:
        raise UserError(f"{path.name}: {error}") from error
    if len(indices) > 1:
        return partial(_time_of_parts, indices), frozenset(indices)
    return partial(_time_of_text, indices[0], zone), frozenset(indices)


def _time_of_parts(indices: Sequence[int], row: Row) -> datetime:
    return read_parts([_cell(row, index) for index in indices])


def _time_of_text(index: int, zone: ZoneInfo, row: Row) -> datetime:
    time = read_written(_cell(row, index))
    return time.astimezone(zone).replace(tzinfo=None) if time.tzinfo else time


def _parameter_columns(
    path: Path,
    header: list[str],
    rows: list[list[str]],
    mapping: Mapping[str, Column],
    time_columns: frozenset[int],
) -> list[tuple[int, Column]]:
    for name in mapping:
        if name not in header:
            raise UserError(f"{path.name}: no column {name!r}{did_you_mean(name, header)}")
    columns = [
        (index, mapping.get(name, Column(name)))
        for index, name in enumerate(header)
        if index not in time_columns
        if name in mapping or (name not in ROW_NUMBERS and _holds_numbers(rows, index))
    ]
    if not columns:
        raise UserError(f"{path.name}: no column holds numbers")
    return columns


def _holds_numbers(rows: list[list[str]], index: int) -> bool:
    """Most of the cells are numbers: one broken cell does not hide a column, a few digits do not make one."""
    cells = [cell for row in rows if not is_missing(cell := _cell(row, index))]
    return 2 * sum(map(is_number, cells)) > len(cells)


def _content(row: Row, columns: list[tuple[int, Column]], local_time: datetime) -> bytes:
    time = local_time.strftime(TIME_FORMAT)
    return "".join(
        line(column.parameter, cell, column.unit, time)
        for index, column in columns
        if not is_missing(cell := _cell(row, index))
    ).encode()


def _cell(row: Row, index: int) -> str:
    """One cell without blanks around it; a short row is missing its last cells."""
    return " ".join(row[index].split()) if index < len(row) else ""
