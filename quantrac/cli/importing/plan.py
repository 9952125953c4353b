"""What is read of a table, and its parts: each the bytes of one raw file of one station."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from quantrac.cli.importing.mapping import TableMapping
from quantrac.cli.importing.tables import Table
from quantrac.domain.assignment import match_stations
from quantrac.domain.catalogue import find_parameter
from quantrac.domain.numbers import DecimalSign, decimal_sign, is_number
from quantrac.domain.qualifiers import split_qualifier
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station
from quantrac.domain.spellings import did_you_mean, fold
from quantrac.domain.tables.columns import find_columns
from quantrac.domain.tables.headings import is_micrograms, is_national_export
from quantrac.domain.tables.layout import TableLayout
from quantrac.domain.tables.part import READINGS_IN_A_PART, write_part
from quantrac.errors import UserError


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one station, as they are sent."""

    station: str
    content: bytes
    rows: int


@dataclass(slots=True)
class TablePlan:
    """What is read of a table."""

    table: Table
    layout: TableLayout
    station: str
    """Code of the station of all rows; empty where a column names it."""
    left_out: tuple[str, ...]
    """Headings that mean no parameter."""
    remarks: tuple[str, ...]
    """Sentences about how columns are read."""
    _station_column: int | None
    _code_of: Mapping[str, str]
    """What the column of stations holds, folded → code."""
    unplaced: Counter[str] = field(default_factory=Counter)
    """What the column of stations held that is no station → rows; filled as parts are cut."""

    def parts(self) -> Iterator[Part]:
        """Yield the parts; the same table, mapping and stations give the same bytes."""
        layout, table = self.layout.to_json().encode(), self.table
        size = max(1, READINGS_IN_A_PART // max(1, len(self.layout.wide)))
        first = table.header_line + 1
        if self._station_column is None:
            for start in range(0, len(table.rows), size):
                part = table.rows[start : start + size]
                numbers = range(first + start, first + start + len(part))
                yield Part(self.station, write_part(layout, table.header, part, numbers), len(part))
            return
        waiting: dict[str, tuple[list[bytes], list[int]]] = {}
        for line, row in enumerate(table.rows, first):
            code = self._station_of(row)
            if not code:
                continue
            rows, lines = waiting.setdefault(code, ([], []))
            rows.append(row)
            lines.append(line)
            if len(rows) == size:
                del waiting[code]
                yield Part(code, write_part(layout, table.header, rows, lines), size)
        for code, (rows, lines) in waiting.items():
            yield Part(code, write_part(layout, table.header, rows, lines), len(rows))

    def _station_of(self, row: bytes) -> str:
        """Return the code of the station that a row names; empty for a row that names none."""
        cells, index = self.table.cells(row), self._station_column or 0
        text = cells[index].strip() if index < len(cells) else ""
        code = self._code_of.get(text) or self._code_of.get(fold(text), "")
        if not code and any(cell.strip() for cell in cells):
            self.unplaced[text] += 1
        return code


def plan_table(table: Table, mapping: TableMapping, registry: Registry, station: str) -> TablePlan:
    """Find what a table holds; ``station`` is the code of the station of all rows, where it is given.

    Raises UserError, with the file and line, where no station, no time or no parameter can be told.
    """
    header = table.titles()
    code = station or mapping.station
    stations = list(registry.stations.values())
    candidates = [registry.stations[code]] if code else stations
    names = {fold(name) for entry in candidates for p in entry.parameters for name in (p.code, *p.file_names)}
    try:
        columns = find_columns(
            header, mapping.columns, lambda name: fold(name) in names or find_parameter(name) is not None
        )
    except UserError as error:
        raise UserError(f"{table.path}: {error}") from error
    column = None if code else columns.station
    if column is None and not code:
        code = _station_of_name(table, stations)
    layout, remarks = _correct_units(table, header, columns.layout)
    layout = replace(layout, shown_sign=_find_sign(table, layout))
    code_of = {fold(name): entry.code for entry in stations for name in (*entry.aliases, entry.code)}
    return TablePlan(table, layout, code, columns.left_out, remarks, column, {**code_of, **mapping.codes})


def _station_of_name(table: Table, stations: Sequence[Station]) -> str:
    """Return the station that the name of a table says; raises UserError where it says none."""
    matches = match_stations(table.path.name, stations) if len(stations) > 1 else ()
    if len(matches) == 1:
        return matches[0].code
    raise UserError(f"{table.path}: neither a column nor the name says the station; give --station CODE")


def check_station(code: str, registry: Registry) -> None:
    """Raise UserError for a code that the registry does not have."""
    if code not in registry.stations:
        raise UserError(f"{code!r} is no station of the registry{did_you_mean(code, registry.stations)}")


def _correct_units(
    table: Table, header: Sequence[str], layout: TableLayout
) -> tuple[TableLayout, tuple[str, ...]]:
    """Give CO of an export of the national system the unit that its values are in."""
    if not is_national_export(header):
        return layout, ()
    wide, remarks = list(layout.wide), []
    for number, (index, meaning) in enumerate(wide):
        entry = find_parameter(meaning.name)
        cells = (row[index] for row in map(table.cells, table.rows) if index < len(row))
        if entry and is_micrograms(entry.code, meaning.unit, (float(c) for c in cells if is_number(c))):
            wide[number] = index, replace(meaning, unit="µg/m3")
            remarks.append(
                f"{header[index]!r} is read as µg/m3: exports of the national system hold µg there"
            )
    return replace(layout, wide=tuple(wide)), tuple(remarks)


def _find_sign(table: Table, layout: TableLayout) -> DecimalSign:
    """Return the decimal sign that the numbers of the whole table show: a comma where none shows a point."""
    if table.separator == "," and not any(b'"' in row for row in table.rows):
        return "."
    indices = [index for index, _ in layout.wide] or [layout.value or 0]
    signs = set()
    for row in table.rows:
        if b"," not in row and b"." not in row:
            continue
        cells = table.cells(row)
        signs |= {decimal_sign(split_qualifier(cells[i].strip())[1]) for i in indices if i < len(cells)}
        if "." in signs:
            return "."
    return "," if "," in signs else "."
