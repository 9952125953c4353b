"""What a cell holds, and the value of a record's key that it stands for."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.numbers import NumberError, read_plain
from quantrac.domain.times import UTC_7, VIETNAM
from quantrac.domain.written_times import read_written
from schemas.registry_files.fields import Field, Kind

Cell: TypeAlias = str | int | float | bool | datetime | None
"""``None`` where it is empty; times without a zone, on Vietnam's clock."""

_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"})
_QUOTE = '"'
_ITEM = re.compile(r'\s*+(?:"((?:[^"]|"")*+)"[ \t]*+|([^;"\r\n]*+))(?:;|\r?\n|$)')
"""One of several texts in a cell, with the semicolon or line break after it."""
_FIRST_DATE = datetime(1900, 3, 1)  # noqa: DTZ001 - days before are counted otherwise by each program


class CellError(ValueError):
    """A cell cannot be read; the message is a sentence."""


def is_empty(cell: object) -> bool:
    """Tell whether nothing stands in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def to_cell(field: Field, value: Any) -> Cell:
    """Write a value of a record; an empty cell for the default, and where the record is absent."""
    if value is None or (not field.is_required and value == field.default):
        return None
    cell: Cell = _WRITERS[field.kind](value)
    return cell


def from_cell(field: Field, cell: Cell) -> Any:
    """Read a cell that is not empty as a file would hold its value; raises :class:`CellError`."""
    if isinstance(cell, str) and cell.strip() in _ERRORS:
        raise CellError(f"the cell shows {cell.strip()}")
    return _READERS[field.kind](cell)


def read_text(cell: Cell) -> str:
    """Read a text; raises :class:`CellError` where a spreadsheet has made something else of it.

    One in double quotes is taken as it stands between them, so that an empty one can be written.

    >>> read_text(" PM2.5 "), read_text(7.0), read_text('""')
    ('PM2.5', '7', '')
    """
    if isinstance(cell, datetime | bool):
        kind = "a date" if isinstance(cell, datetime) else "true or false"
        raise CellError(f"the spreadsheet made {kind} of this; format the cell as text and write it again")
    if isinstance(cell, int | float):
        return shortest_decimal(float(cell))
    text = (cell or "").strip()
    if len(text) > 1 and text.startswith(_QUOTE) and text.endswith(_QUOTE):
        return text[1:-1].replace(_QUOTE * 2, _QUOTE)
    return text


def quote(text: str) -> str:
    """Write a text so that :func:`read_text` gives it back."""
    if text and text == text.strip() and not text.startswith(_QUOTE):
        return text
    return f'"{text.replace(_QUOTE, _QUOTE * 2)}"'


def _read_number(cell: Cell) -> float:
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return cell
    text = read_text(cell)
    try:
        return read_plain(text)
    except NumberError as error:
        raise CellError(f"{error}; a number has a decimal point or is a number of the spreadsheet") from None


def _read_switch(cell: Cell) -> object:
    return cell if isinstance(cell, bool) else read_text(cell).lower()


def _write_time(time: datetime) -> Cell:
    local = time.astimezone(UTC_7)
    naive = local.replace(tzinfo=None)
    if naive < _FIRST_DATE or naive.microsecond or naive.replace(tzinfo=VIETNAM).astimezone(UTC) != time:
        return local.isoformat()
    return naive


def _read_time(cell: Cell) -> object:
    """Read a time; without a zone it is on Vietnam's clock, and a date alone is midnight."""
    if isinstance(cell, int | float):
        raise CellError(f"{cell} is no date; format the cell as a date")
    if isinstance(cell, datetime):
        return cell.replace(tzinfo=VIETNAM)
    text = read_text(cell)
    try:
        time = read_written(f"{text} 00:00" if text.count("/") == 2 and ":" not in text else text)
    except ValueError:
        raise CellError(f"{text!r} is no date or time; write 2026-01-31 or 2026-01-31 07:30") from None
    return time if time.tzinfo is not None else time.replace(tzinfo=VIETNAM)


def _join(texts: Iterable[str]) -> str:
    """Write texts in one cell, with semicolons between; those that hold one are quoted.

    >>> _join(("PM2,5", "Flow; 1"))
    'PM2,5; "Flow; 1"'
    """
    return "; ".join(_quote_item(text) for text in texts)


def _quote_item(text: str) -> str:
    if any(sign in text for sign in ';"\r\n') or text != text.strip() or not text:
        return f'"{text.replace(_QUOTE, _QUOTE * 2)}"'
    return text


def _read_texts(cell: Cell) -> list[str]:
    """Read the texts of one cell: between them a semicolon or a line break.

    >>> _read_texts('PM2,5; "Flow; 1"')
    ['PM2,5', 'Flow; 1']
    """
    if not isinstance(cell, str):
        return [read_text(cell)]
    items: list[str] = []
    start = 0
    while start < len(cell):
        match = _ITEM.match(cell, start)
        if match is None:
            raise CellError("a text with double quotes, or in them, stands whole in double quotes")
        quoted, plain = match.groups()
        if quoted is not None:
            items.append(quoted.replace(_QUOTE * 2, _QUOTE))
        elif plain.strip():
            items.append(plain.strip())
        start = match.end()
    return items


def _read_numbers(cell: Cell) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for item in _read_texts(cell):
        name, sign, number = item.rpartition("=")
        if not sign:
            raise CellError(f"{item!r} is no name with its number; write Kq=0.9; Kf=1")
        numbers[name.strip()] = _read_number(number.strip())
    return numbers


_READERS: Mapping[Kind, Callable[[Cell], Any]] = {
    Kind.TEXT: read_text,
    Kind.CHOICE: read_text,
    Kind.NUMBER: _read_number,
    Kind.COUNT: _read_number,
    Kind.SWITCH: _read_switch,
    Kind.TIME: _read_time,
    Kind.TEXTS: _read_texts,
    Kind.NUMBERS: _read_numbers,
}

_WRITERS: Mapping[Kind, Callable[[Any], Cell]] = {
    Kind.TEXT: quote,
    Kind.CHOICE: str,
    Kind.NUMBER: lambda value: value,
    Kind.COUNT: lambda value: value,
    Kind.SWITCH: lambda value: value,
    Kind.TIME: _write_time,
    Kind.TEXTS: _join,
    Kind.NUMBERS: lambda value: _join([f"{name}={shortest_decimal(n)}" for name, n in value.items()]),
}
