"""The files that are imported: tables (CSV, XLSX), or station files as loggers sent them."""

import codecs
import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from quantrac.domain.csv_rows import read_rows
from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.file_names import check_file_name
from quantrac.domain.parsing.filename import is_side_file
from quantrac.domain.parsing.formats import find_format, split_line
from quantrac.domain.parsing.text import read_lines
from quantrac.errors import UserError

_ZIP = b"PK\x03\x04"
"""How a workbook begins."""
_FIRST_BYTES, _FIRST_LINES = 4096, 20
_MUST_BE_QUOTED = frozenset(',"\n\r')


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header."""

    path: Path
    header: bytes
    """UTF-8, without its line end."""
    header_line: int
    rows: Sequence[bytes]
    """All lines after the header, without their ends; the first is line ``header_line + 1``."""
    separator: str
    """Of cells."""

    def titles(self) -> list[str]:
        """Return the cells of the header; raises UserError where it is no CSV."""
        try:
            rows = list(read_rows([self.header.decode(errors="replace")]))
        except csv.Error as error:
            raise UserError(f"{self.path}: the file is no CSV: {error}") from error
        return rows[0][1] if rows else []

    def cells(self, row: bytes) -> list[str]:
        """Return the cells of a row, blanks around them included."""
        line = row.decode(errors="replace")
        if '"' not in line:  # as most rows: quotation marks cost more
            return line.split(self.separator)
        return next(csv.reader([line], delimiter=self.separator), [])


@dataclass(frozen=True, slots=True)
class StationFile:
    """A file as a logger sent it."""

    path: Path
    folder: str
    """Below the folder that is imported, separated by ``/``."""


def find_files(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each file with its folder below what was named, folders in the order of their names.

    Hidden files and what Windows leaves beside a file are left out.
    """
    for path in paths:
        if not path.is_dir():
            yield path, "/"
            continue
        for file in sorted(path.rglob("*")):
            parts = file.relative_to(path).parts
            if file.is_file() and not is_side_file(file.name) and not any(p.startswith(".") for p in parts):
                yield file, "/" + "/".join(parts[:-1])


def open_file(path: Path, folder: str) -> Table | StationFile:
    """Tell what a file is by its beginning, and read it where it is a table; raises UserError."""
    try:
        check_file_name(path.name)
        with path.open("rb") as stream:
            begin = stream.read(_FIRST_BYTES)
        if begin.startswith(_ZIP):
            return _table(path, _read_workbook(path))
        if _is_station_file(begin):
            return StationFile(path, folder)
        return _table(path, _read_lines(path))
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: {error}") from error


def _is_station_file(begin: bytes) -> bool:
    lines = read_lines(begin).complete[:_FIRST_LINES]
    return any("\t" in line and find_format(split_line(line)) is not None for line in lines)


def _read_lines(path: Path) -> list[bytes]:
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = content.decode("utf-16", "replace").encode()
    content = content.removeprefix(codecs.BOM_UTF8)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content.split(b"\n")


def _table(path: Path, lines: list[bytes]) -> Table:
    for index, line in enumerate(lines):
        if line.strip(b' ,;\t"'):
            rows = lines[index + 1 :]
            while rows and not rows[-1].strip():
                rows.pop()
            separator = max(";\t,", key=line.decode(errors="replace").count)
            return Table(path, line, index + 1, rows, separator)
    raise UserError(f"{path}: the file is empty; its first line must name its columns")


def _read_workbook(path: Path) -> list[bytes]:
    """Write the rows of the first sheet as lines of CSV."""
    from quantrac.io.workbooks import read_first_sheet

    return [_csv_line([_cell_text(cell) for cell in row]) for row in read_first_sheet(path)]


def _cell_text(cell: str | int | float | bool | datetime | None) -> str:
    """Write a cell as shortly as it means the same, a date as ISO 8601 without a zone.

    >>> _cell_text(23.934999999999999), _cell_text(7.0), _cell_text(True), _cell_text(None)
    ('23.935', '7', 'TRUE', '')
    """
    if isinstance(cell, float):
        return shortest_decimal(cell)
    if isinstance(cell, datetime):
        return cell.isoformat()
    if isinstance(cell, bool):
        return str(cell).upper()
    return "" if cell is None else str(cell)


def _csv_line(cells: Sequence[str]) -> bytes:
    """Write a row as a line of CSV."""
    return ",".join(
        f'"{" ".join(cell.split()).replace(chr(34), chr(34) * 2)}"' if _MUST_BE_QUOTED & set(cell) else cell
        for cell in cells
    ).encode()
