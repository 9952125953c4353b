"""Records as the rows of a workbook's sheets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from schemas.messages.base import Message
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry_files.fields import Kind
from schemas.registry_files.sheets.cells import Cell, quote, to_cell
from schemas.registry_files.sheets.layout import ENTRY, NOTHING_SET, SHEETS, Column, Sheet


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet with its rows."""

    name: str
    titles: Sequence[str]
    notes: Sequence[str]
    """Below the titles: what each column is for."""
    choices: Sequence[Sequence[str]]
    """What the cells of each column may hold; none = anything."""
    rows: list[list[Cell]] = field(default_factory=list)


def write_sheets(records: Iterable[Station | Account]) -> list[Table]:
    """Return all sheets, those without rows too."""
    tables = {sheet.name: _table(sheet) for sheet in SHEETS}
    for record in records:
        key, name = ("stations", record.code) if isinstance(record, Station) else ("accounts", record.name)
        for sheet in SHEETS:
            if sheet.key == key:
                tables[sheet.name].rows.extend(_rows(sheet, record, name))
    return list(tables.values())


def _table(sheet: Sheet) -> Table:
    references = sheet.references
    return Table(
        sheet.name,
        [*references, *(column.title for column in sheet.columns)],
        [*references.values(), *(column.note for column in sheet.columns)],
        [
            *([] for _ in references),
            *(
                ["TRUE", "FALSE"] if column.field.kind is Kind.SWITCH else list(column.field.choices)
                for column in sheet.columns
            ),
        ],
    )


def _rows(sheet: Sheet, record: Message, name: str) -> Iterable[list[Cell]]:
    """Yield the rows that one record has in a sheet."""
    owners: list[tuple[list[Cell], Message]] = [([], record)]
    for depth, key in enumerate(sheet.path, start=1):
        is_numbered = ENTRY in sheet.references and depth == 1
        owners = [
            ([*references, *([quote(name)] if depth == 1 else []), *([number] if is_numbered else [])], child)
            for references, owner in owners
            for number, child in enumerate(getattr(owner, key), start=1)
        ]
    for references, owner in owners:
        yield [*references, *(_cell(column, owner) for column in sheet.columns)]


def _cell(column: Column, owner: Message) -> Cell:
    cell = to_cell(column.field, _value(owner, column.path))
    if cell is None and column.is_optional and _value(owner, column.path[:-1]) is not None:
        return NOTHING_SET
    return cell


def _value(record: Message, path: Sequence[str]) -> Any:
    """Return what stands at a path; ``None`` where a record on it is absent."""
    return reduce(lambda owner, name: None if owner is None else getattr(owner, name), path, record)
