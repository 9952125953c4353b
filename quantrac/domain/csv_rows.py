"""Rows of a CSV as people export it: one reader for all commands that take one."""

import csv
from collections.abc import Iterable, Iterator, Sequence

from quantrac.domain.control_characters import has_control, strip_control
from quantrac.domain.titles import LONGEST, is_end_mark

ENCODING, ENCODING_ERRORS = "utf-8-sig", "replace"
"""How to open the file: a byte that is no UTF-8 spoils its cell alone, and nothing where that is not read."""

NO_VALUE = frozenset({"", "na", "nan", "null", "none", "-", "\\n"})
r"""What stands in a cell, lower case, where there is no value; ``\N`` is ClickHouse's."""

_SEPARATORS = ";\t,"


def read_rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of a line, counted from 1, and its cells without blanks around them.

    The first is the header; its most frequent separator is that of the file: comma, semicolon or TAB. Blank
    rows, end marks, the header again and control characters around cells are left out. A quotation mark
    without a second one spoils its row; the next line begins a new one. Raises ``csv.Error`` for a cell past
    all bounds.
    """
    separator, header = "", None
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix("\ufeff")
        separator = separator or _separator(text)
        clean = _clean if has_control(text) else str.strip
        for cells in csv.reader([text], delimiter=separator or ","):
            row = [clean(cell) for cell in cells]
            if row not in ([], [""], header) and not (len(text) <= LONGEST and _is_end(row)):
                header = header or row
                yield number, row


def _is_end(row: Sequence[str]) -> bool:
    return is_end_mark(" ".join(filter(None, row)))


def cell_at(cells: Sequence[str], index: int | None) -> str:
    """Return a cell of a row; an empty one past its end, or where there is no such column."""
    return cells[index] if index is not None and index < len(cells) else ""


def is_missing(cell: str) -> bool:
    """Tell whether a cell says that there is no value."""
    return cell.casefold() in NO_VALUE


def _separator(header: str) -> str:
    """Return the separator that a header has most of; empty for a line without data."""
    return max(_SEPARATORS, key=header.count) if _clean(header) else ""


def _clean(cell: str) -> str:
    return (strip_control(cell) if has_control(cell) else cell).strip()
