"""Records of a workbook's sheets, each value with its cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quantrac.domain.spellings import did_you_mean, suggest
from schemas.registry_files.entries import Entry, Finding, Location, Path
from schemas.registry_files.sheets.cells import Cell, CellError, from_cell, is_empty, read_text
from schemas.registry_files.sheets.layout import ENTRY, NOTHING_SET, OWNER, SHEETS, Column, Sheet
from schemas.unreadable import Unreadable

_NAMES = {"stations": "code", "accounts": "name"}
"""Title of the column with the name of a record, by the key of the records."""


def read_sheets(
    file: str, tables: Mapping[str, Sequence[Sequence[Cell]]]
) -> tuple[list[Entry], list[Finding]]:
    """Return the entries of a workbook, and what is wrong with its sheets themselves.

    ``tables``: rows of cells by the name of the sheet, the titles in the first row. A second row of
    explanations is passed over.
    """
    return _Workbook(file, tables).read()


@dataclass(slots=True)
class _Source:
    """Where the values of a record stand."""

    start: Location
    locations: dict[Path, Location] = field(default_factory=dict)

    def locate(self, path: Path = ()) -> Location:
        lengths = range(len(path), 0, -1)
        return next((self.locations[path[:n]] for n in lengths if path[:n] in self.locations), self.start)

    def misreading(self, path: Path, *, shown: bool) -> str:
        """Nothing: what a spreadsheet makes of a text, the cells have said themselves."""
        return ""


@dataclass(slots=True)
class _Owner:
    """A record, or one of a list in it, which rows of other sheets may belong to."""

    value: dict[str, Any]
    source: _Source
    path: Path = ()


class _Workbook:
    def __init__(self, file: str, tables: Mapping[str, Sequence[Sequence[Cell]]]) -> None:
        self._file, self._tables = file, tables
        self._findings: list[Finding] = []
        self._entries: list[Entry] = []
        self._owners: dict[tuple[str, ...], _Owner] = {}
        """By sheet, name of the record, and entry."""
        self._numbers = {name: number for number, name in enumerate(tables)}

    def read(self) -> tuple[list[Entry], list[Finding]]:
        names = [sheet.name for sheet in SHEETS]
        for name in self._tables:
            if name not in names:
                self._complain(name, 0, 0, f"the registry has no such sheet{suggest(name, names)}")
        for sheet in SHEETS:
            self._read_sheet(sheet)
        return self._entries, self._findings

    def _read_sheet(self, sheet: Sheet) -> None:
        rows = self._tables.get(sheet.name, ())
        columns = self._columns(sheet, rows[0] if rows else ())
        for number, row in enumerate(rows[1:], start=1):
            cells = {title: row[index] for title, index in columns.items() if index < len(row)}
            if all(map(is_empty, row)) or (number == 1 and _is_explanation(sheet, cells)):
                continue
            owner = self._owner_of_row(sheet, cells, number, columns)
            if owner is not None:
                self._fill(sheet, owner, cells, number, columns)

    def _columns(self, sheet: Sheet, titles: Sequence[Cell]) -> dict[str, int]:
        """Return title -> number of the column, from 0; says which titles are unknown or stand twice."""
        valid = [*sheet.references, *(column.title for column in sheet.columns)]
        columns: dict[str, int] = {}
        for index, cell in enumerate(titles):
            title = str(cell).strip() if not is_empty(cell) else ""
            if title in columns:
                self._complain(sheet.name, 0, index, f"the column {title!r} stands twice")
            elif title in valid:
                columns[title] = index
            elif title:
                self._complain(sheet.name, 0, index, f"unknown column {title!r}{suggest(title, valid)}")
        return columns

    def _owner_of_row(
        self, sheet: Sheet, cells: Mapping[str, Cell], row: int, columns: Mapping[str, int]
    ) -> _Owner | None:
        """Return the record that a row is, or the new entry of a list; ``None`` where nobody has the list."""
        start = self._locate(sheet.name, row, columns.get(next(iter(cells), ""), 0))
        if not sheet.path:
            source = _Source(start)
            value: dict[str, Any] = {}
            number = sum(entry.key == sheet.key for entry in self._entries) + 1
            self._entries.append(Entry(sheet.key, number, value, source))
            owner = _Owner(value, source)
            self._owners.setdefault((sheet.key, self._text(cells, _NAMES[sheet.key])), owner)
            return owner
        parent_sheet = ".".join(sheet.path[:-1]) or sheet.key
        titles = [OWNER[sheet.key], *([ENTRY] if len(sheet.path) > 1 else [])]
        names = [self._text(cells, title) for title in titles]
        parent = self._owners.get((parent_sheet, *names))
        if parent is None:
            title = titles[-1]
            likely = {
                key[-1] for key in self._owners if key[0] == parent_sheet and key[1:-1] == tuple(names[:-1])
            }
            sentence = (
                f"the sheet {parent_sheet} has no {title} {names[-1]!r}{did_you_mean(names[-1], likely)}"
                if names[-1]
                else f"the column {title} is empty"
            )
            self._complain(sheet.name, row, columns.get(title, 0), sentence)
            return None
        children: list[dict[str, Any]] = parent.value.setdefault(sheet.path[-1], [])
        path = (*parent.path, sheet.path[-1], len(children))
        children.append({})
        parent.source.locations[path] = start
        owner = _Owner(children[-1], parent.source, path)
        if sheet.has_lists:
            self._own_lists(sheet, (*names, self._text(cells, ENTRY)), owner, row, columns)
        return owner

    def _own_lists(
        self, sheet: Sheet, names: tuple[str, ...], owner: _Owner, row: int, columns: Mapping[str, int]
    ) -> None:
        """Let rows of other sheets name an entry."""
        if not names[-1]:
            return
        if self._owners.setdefault((sheet.name, *names), owner) is not owner:
            sentence = f"the {OWNER[sheet.key]} {names[0]} has two entries {names[-1]!r}"
            self._complain(sheet.name, row, columns.get(ENTRY, 0), sentence)

    def _fill(
        self, sheet: Sheet, owner: _Owner, cells: Mapping[str, Cell], row: int, columns: Mapping[str, int]
    ) -> None:
        for column in sheet.columns:
            cell = cells.get(column.title)
            if column.title in columns:
                location = self._locate(sheet.name, row, columns[column.title])
                owner.source.locations[(*owner.path, *column.path)] = location
            if not is_empty(cell):
                _put(owner.value, column, cell)

    def _text(self, cells: Mapping[str, Cell], title: str) -> str:
        try:
            return read_text(cells.get(title))
        except CellError:
            return ""

    def _locate(self, sheet: str, row: int, column: int) -> Location:
        position = self._numbers[sheet], row, column
        return Location(0, position, self._file, f"cell {sheet}!{_letters(column)}{row + 1}")

    def _complain(self, sheet: str, row: int, column: int, sentence: str) -> None:
        self._findings.append(Finding(self._locate(sheet, row, column), (), (), sentence))


def _put(value: dict[str, Any], column: Column, cell: Cell) -> None:
    *names, last = column.path
    for name in names:
        value = value.setdefault(name, {})
    if column.is_optional and isinstance(cell, str) and cell.strip() == NOTHING_SET:
        return
    try:
        value[last] = from_cell(column.field, cell)
    except CellError as error:
        value[last] = Unreadable(str(error))


def _is_explanation(sheet: Sheet, cells: Mapping[str, Cell]) -> bool:
    """Tell whether a row is the one of explanations: a cell of it holds what we write of its column."""
    notes = sheet.references | {column.title: column.note for column in sheet.columns}
    return any(cells.get(title) == note for title, note in notes.items())


def _letters(column: int) -> str:
    """Return the letters of a column, counted from 0.

    >>> _letters(0), _letters(25), _letters(26)
    ('A', 'Z', 'AA')
    """
    letters = ""
    while column >= 0:
        letters = chr(ord("A") + column % 26) + letters
        column = column // 26 - 1
    return letters
