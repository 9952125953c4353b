"""Workbooks (XLSX): cells in, cells out; formulas count as what the spreadsheet last showed."""

import datetime as dt
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell as WrittenCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import IllegalCharacterError, InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from quantrac.io.private_files import create_private

Cell: TypeAlias = str | int | float | bool | dt.datetime | None
"""``None`` where it is empty; times without a zone, to the second."""

MOST_BYTES = 256 << 20
"""Of a workbook that is read at once, unpacked: the largest sheet of 100,000 stations has some 40 MiB."""
MOST_BYTES_OF_TABLE = 1 << 30
"""Of one that is read row by row, unpacked: a million rows of ten columns have some 400 MiB."""
_MOST_RATIO, _SMALL = 100, 1 << 20
"""Tables unpack to some 10 times the size of the file; one larger than a MiB to no more than 100 times."""
_MOST_ROWS = 1 << 20
"""Of a sheet, as in every spreadsheet; a file may claim to have more, and empty ones cost nothing there."""
_MOST_ROOM = 1 << 28
"""Of a sheet: its cells, those between others too, and the characters of texts, which cells may share."""
_BROKEN = (
    *(InvalidFileException, zipfile.BadZipFile, zlib.error, EOFError),
    *(LookupError, ValueError, ArithmeticError, TypeError, AttributeError, SyntaxError, RuntimeError),
)
"""What the library raises for a file that is not as it should be."""
_MOST_CHARACTERS = 32_767
"""Of a cell."""
_WIDTHS = 12, 40
"""Least and most, in characters."""
_ROOM = 2
_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of most cells; the question which a value is costs a tenth of that by ``isinstance``."""
_HALF_A_SECOND = dt.timedelta(seconds=0.5)
_NOTES = PatternFill("solid", fgColor="FFF2F2F2")


class WorkbookError(ValueError):
    """A file is no workbook, or a text cannot stand in one; the message is a sentence."""


class Sheet(Protocol):
    """What one sheet is to hold."""

    @property
    def name(self) -> str:
        """At most 31 characters."""

    @property
    def titles(self) -> Sequence[str]:
        """The first row."""

    @property
    def notes(self) -> Sequence[str]:
        """The second row: what each column is for."""

    @property
    def choices(self) -> Sequence[Sequence[str]]:
        """What the spreadsheet offers in the cells of each column; none = anything."""

    @property
    def rows(self) -> Sequence[Sequence[Cell]]:
        """From the third row on."""


def read_workbook(file: Path) -> Mapping[str, list[list[Cell]]]:
    """Return the cells of each sheet, row by row; raises :class:`WorkbookError` or ``OSError``."""
    with _open(file, MOST_BYTES) as sheets:
        return {sheet.title: list(_rows(sheet)) for sheet in sheets}


def read_first_sheet(file: Path) -> Iterator[list[Cell]]:
    """Yield the rows of the first sheet as they are read: a table of any length.

    Raises :class:`WorkbookError` or ``OSError``.
    """
    with _open(file, MOST_BYTES_OF_TABLE) as sheets:
        yield from _rows(sheets[0])


def write_workbook(file: Path, sheets: Iterable[Sheet]) -> None:
    """Write a new workbook that only this user can read.

    Raises :class:`WorkbookError`, and ``OSError`` where the file is there already.
    """
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for sheet in sheets:
        _write_sheet(workbook.create_sheet(sheet.name), sheet)
    with create_private(file) as stream:
        workbook.save(stream)


@contextmanager
def _open(file: Path, most: int) -> Iterator[list[ReadOnlyWorksheet]]:
    """Give the sheets; what is raised while they are read is a :class:`WorkbookError` or ``OSError``."""
    _check_size(file, most)
    try:
        # The library leaves a file open that it cannot read.
        with file.open("rb") as stream, warnings.catch_warnings():
            # Of what a spreadsheet has beside its cells, such as a list of choices.
            warnings.simplefilter("ignore", UserWarning)
            workbook = load_workbook(stream, read_only=True, data_only=True)
            try:
                yield [sheet for sheet in workbook.worksheets if isinstance(sheet, ReadOnlyWorksheet)]
            finally:
                workbook.close()
    except WorkbookError:
        raise
    except _BROKEN as error:
        raise WorkbookError(f"it cannot be read as a workbook: {' '.join(str(error).split())}") from error


def _check_size(file: Path, most: int) -> None:
    """Refuse what would fill the memory, unread."""
    size = file.stat().st_size
    try:
        with zipfile.ZipFile(file) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
    except zipfile.BadZipFile:
        raise WorkbookError("it is no workbook (*.xlsx)") from None
    if unpacked > most:
        raise WorkbookError(f"it is larger than {most >> 20} MiB once unpacked")
    if unpacked > max(_MOST_RATIO * size, _SMALL):
        raise WorkbookError(f"it unpacks to over {_MOST_RATIO} times its size, as no table does")


def _rows(sheet: ReadOnlyWorksheet) -> Iterator[list[Cell]]:
    """Yield the rows of a sheet, each to its last cell that is not empty."""
    sheet.reset_dimensions()  # some programs write a size that is not the sheet's
    rows: Iterable[Iterable[Any]] = sheet.iter_rows(values_only=True)  # type: ignore[misc]  # the stub's
    room = 0
    for number, row in enumerate(rows, start=1):
        values: list[Cell] = [value if type(value) in _PLAIN else _value(value) for value in row]
        while values and values[-1] is None:
            values.pop()
        room += len(values) + sum(len(value) for value in values if isinstance(value, str))
        if number > _MOST_ROWS or room > _MOST_ROOM:
            raise WorkbookError(f"the sheet {sheet.title} is larger than any table")
        yield values


def _value(value: object) -> Cell:
    if isinstance(value, dt.datetime):
        # A fraction of a day in binary is seldom a whole second.
        return (value + _HALF_A_SECOND).replace(microsecond=0) if value.microsecond else value
    if isinstance(value, dt.date):
        return dt.datetime.combine(value, dt.time())
    return str(value)  # a time of day or a length of time


def _write_sheet(worksheet: Worksheet, sheet: Sheet) -> None:
    for number, row in enumerate([sheet.titles, sheet.notes, *sheet.rows], start=1):
        for column, value in enumerate(row, start=1):
            cell = worksheet.cell(number, column)
            if value is not None and isinstance(cell, WrittenCell):
                _write_cell(cell, value, sheet.name)
    for cell in worksheet[1]:
        cell.font = Font(bold=True)
    for cell in worksheet[2]:
        cell.fill, cell.alignment = _NOTES, Alignment(wrap_text=True, vertical="top")
    worksheet.freeze_panes = "B3"
    for column, (title, choices) in enumerate(zip(sheet.titles, sheet.choices, strict=True), start=1):
        letter = get_column_letter(column)
        texts = [title, *(str(row[column - 1]) for row in sheet.rows if len(row) >= column)]
        widest = max(len(text) for text in texts) + _ROOM
        worksheet.column_dimensions[letter].width = min(max(widest, _WIDTHS[0]), _WIDTHS[1])
        if choices:
            listed = DataValidation(type="list", formula1=f'"{",".join(choices)}"', allow_blank=True)
            listed.add(f"{letter}3:{letter}1048576")
            worksheet.add_data_validation(listed)


def _write_cell(cell: WrittenCell, value: Cell, sheet: str) -> None:
    if isinstance(value, str) and len(value) > _MOST_CHARACTERS:
        raise WorkbookError(f"{value[:40]!r} ... is longer than a cell of the sheet {sheet} may be")
    try:
        if isinstance(value, str) and "\r" in value:  # XML reads it back as a line feed
            raise IllegalCharacterError
        cell.value = value
    except IllegalCharacterError:
        raise WorkbookError(f"{value!r:.80} holds a character that no workbook can keep") from None
    if isinstance(value, str):
        cell.data_type = "s"  # never a formula
        cell.number_format = "@"
    elif isinstance(value, dt.datetime):
        cell.number_format = "yyyy-mm-dd hh:mm:ss"
