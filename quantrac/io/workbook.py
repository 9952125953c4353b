"""Reads the cells of a spreadsheet (Office Open XML, ``.xlsx``) as texts, with Python's own library.

A number is written as shortly as it means the same, a date as ISO 8601 without a zone. Formulas give the
value that was stored with them.
"""

import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from posixpath import join, normpath
from typing import IO
from xml.etree import ElementTree as ET

MAGIC = b"PK\x03\x04"
"""How the file begins, as every zip does."""

_SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_EPOCH, _EPOCH_OF_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet names no zone
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""Built-in number formats that show a date or a time (ECMA-376, part 1, 18.8.30)."""
_DATE_LETTERS = frozenset("ymdhs")
_MOST_BYTES = 2 << 30
"""Of one member unpacked; a bomb must not fill the memory of a desk."""


class WorkbookError(ValueError):
    """The file is no workbook that can be read; the text says why."""


def read_sheet(path: Path) -> Iterator[list[str]]:
    """Yield the rows of the first sheet, each from its first column; rows that are not there are empty.

    Raises :class:`WorkbookError`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            sheet, since_1904 = _first_sheet(archive)
            texts, dates = _read_texts(archive), _date_styles(archive)
            epoch = _EPOCH_OF_1904 if since_1904 else _EPOCH
            with _open(archive, sheet) as stream:
                yield from _rows(stream, texts, dates, epoch)
    except (zipfile.BadZipFile, KeyError, ET.ParseError, ValueError, IndexError, OSError) as error:
        raise WorkbookError(f"it is no workbook that can be read: {error}") from error


def _rows(stream: IO[bytes], texts: list[str], dates: frozenset[int], epoch: datetime) -> Iterator[list[str]]:
    number = 0
    for _, element in ET.iterparse(stream):  # noqa: S314 - expat bounds how far entities expand
        if element.tag != f"{_SPACE}row":
            continue
        row = int(element.get("r", number + 1))
        yield from ([] for _ in range(number + 1, row))
        number = row
        cells: list[str] = []
        for cell in element.iter(f"{_SPACE}c"):
            column = _column(cell.get("r", ""), len(cells))
            cells += [""] * (column - len(cells))
            cells.append(_text(cell, texts, dates, epoch))
        element.clear()
        yield cells


def _text(cell: ET.Element, texts: list[str], dates: frozenset[int], epoch: datetime) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        return "".join(part.text or "" for part in cell.iter(f"{_SPACE}t"))
    value = cell.findtext(f"{_SPACE}v") or ""
    if kind == "s":
        return texts[int(value)] if value else ""
    if kind != "n" or not value:
        return value
    number = float(value)
    if int(cell.get("s", 0)) in dates:
        # To the second: a fraction of a day in binary is never one exactly.
        time = epoch + timedelta(seconds=round(number * 86_400))
        return time.isoformat()
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def _column(reference: str, following: int) -> int:
    """Return the column of a cell, from 0: that of its reference such as ``AB12``, else the next one."""
    letters = reference.rstrip("0123456789")
    if not letters:
        return following
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - ord("A") + 1
    if not following < column <= 16_384:
        raise ValueError(f"the cell {reference} stands in no order")
    return column - 1


def _first_sheet(archive: zipfile.ZipFile) -> tuple[str, bool]:
    """Return the name of the first sheet's member, and whether dates are counted from 1904."""
    workbook = _parse(archive, "xl/workbook.xml")
    sheet = workbook.find(f"{_SPACE}sheets/{_SPACE}sheet")
    if sheet is None:
        raise ValueError("it has no sheet")
    relations = _parse(archive, "xl/_rels/workbook.xml.rels")
    target = next(part.get("Target", "") for part in relations if part.get("Id") == sheet.get(_RELATION))
    properties = workbook.find(f"{_SPACE}workbookPr")
    since_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
    return (target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))), since_1904


def _read_texts(archive: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in archive.namelist():
        return []
    entries = _parse(archive, "xl/sharedStrings.xml").iter(f"{_SPACE}si")
    return ["".join(part.text or "" for part in entry.iter(f"{_SPACE}t")) for entry in entries]


def _date_styles(archive: zipfile.ZipFile) -> frozenset[int]:
    """Return the styles of cells that show a date."""
    if "xl/styles.xml" not in archive.namelist():
        return frozenset()
    styles = _parse(archive, "xl/styles.xml")
    own = {
        int(entry.get("numFmtId", 0))
        for entry in styles.iter(f"{_SPACE}numFmt")
        if _shows_date(entry.get("formatCode", ""))
    }
    formats = styles.findall(f"{_SPACE}cellXfs/{_SPACE}xf")
    shown = enumerate(int(entry.get("numFmtId", 0)) for entry in formats)
    return frozenset(index for index, number in shown if number in _DATE_FORMATS or number in own)


def _shows_date(code: str) -> bool:
    """Tell whether a number format shows a date or a time; quoted texts, colours and escaped letters do not.

    >>> [_shows_date(code) for code in ("hh:mm dd/mm/yyyy", '0.00" days"', "[Red]0.0", r"0\\d")]
    [True, False, False, False]
    """
    unquoted = "".join(code.split('"')[::2])
    first, *bracketed = unquoted.split("[")
    plain = first + "".join(text.partition("]")[2] for text in bracketed)
    letters, *escaped = plain.split("\\")
    return not _DATE_LETTERS.isdisjoint((letters + "".join(text[1:] for text in escaped)).casefold())


def _parse(archive: zipfile.ZipFile, member: str) -> ET.Element:
    with _open(archive, member) as stream:
        return ET.parse(stream).getroot()  # noqa: S314 - expat bounds how far entities expand


def _open(archive: zipfile.ZipFile, member: str) -> IO[bytes]:
    if archive.getinfo(member).file_size > _MOST_BYTES:
        raise ValueError(f"{member} is larger than {_MOST_BYTES >> 30} GiB")
    return archive.open(member)
