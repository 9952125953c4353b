"""Workbooks (XLSX): cells in, cells out; formulas count as what the spreadsheet last showed."""

import datetime as dt
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell as WrittenCell
from openpyxl.cell import MergedCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import IllegalCharacterError, InvalidFileException
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from quantrac.io.private_files import create_private

Cell: TypeAlias = str | int | float | bool | dt.datetime | None
"""``None`` where it is empty; times without a zone."""

MOST_BYTES = 64 << 20
"""Of a file, and of each part of it unpacked: a workbook of 100,000 stations has some 40 MiB."""
_MOST_CHARACTERS = 32_767
"""Of a cell."""
_WIDTHS = 12, 40
"""Least and most, in characters."""
_ROOM = 2
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
    _check_size(file)
    try:
        # Read-only: an empty cell far out does not make a table of all between.
        workbook = load_workbook(file, read_only=True, data_only=True)
        try:
            return {sheet.title: [_values(row) for row in sheet.iter_rows()] for sheet in workbook.worksheets}
        finally:
            workbook.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, TypeError, SyntaxError) as error:
        raise WorkbookError(f"it cannot be read as a workbook: {' '.join(str(error).split())}") from error


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


def _check_size(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as parts:
            sizes = [file.stat().st_size, *(part.file_size for part in parts.infolist())]
    except zipfile.BadZipFile:
        raise WorkbookError("it is no workbook (*.xlsx)") from None
    if max(sizes) > MOST_BYTES:
        raise WorkbookError(f"it is larger than {MOST_BYTES >> 20} MiB")


def _values(row: Iterable[WrittenCell | MergedCell]) -> list[Cell]:
    values = [_value(cell.value) for cell in row]
    while values and values[-1] is None:
        values.pop()
    return values


def _value(value: object) -> Cell:
    if isinstance(value, str | int | float | dt.datetime | None):
        return value
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
