"""What the columns of a table hold, by the names in its header and by what a person says of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from quantrac.domain.numbers import DecimalSign
from quantrac.domain.spellings import did_you_mean, fold, plain_letters
from quantrac.domain.tables.compass import COMPASS
from quantrac.domain.tables.headings import split_heading
from quantrac.domain.tables.layout import Meaning, TableLayout
from quantrac.errors import UserError

TIME_NAMES = (
    *("datetime", "time", "timestamp", "date time", "date_time", "date"),
    *("thoi gian", "thoi diem", "ngay gio", "ngay"),
)
"""Headings of the column of times, without marks and case; exports of the national system have the first."""
TIME_PARTS = ("year", "month", "day", "hour", "minute", "second")
ROW_NUMBERS = ("", "No", "No.", "STT", "id", "index", "#")
"""Headings of a column that counts rows, as they are written: ``NO`` is nitric oxide."""
_STATION_NAMES = ("station", "station_code", "station code", "tram", "ma tram", "tram quan trac")
_NAME_NAMES = ("parameter", "param", "variable", "indicator", "thong so", "chi tieu")
_VALUE_NAMES = ("value", "result", "concentration", "gia tri", "ket qua")
_UNIT_NAMES = ("unit", "units", "don vi", "dvt")
_STATUS_NAMES = ("status", "trang thai", "tinh trang")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """What a person says of the columns of a table; what is not said is found by their names."""

    time: tuple[str, ...] = ()
    """Headings of the column of times, or of its parts."""
    zone: str | None = None
    station: str = ""
    """Heading of the column that names the station."""
    columns: Mapping[str, Meaning] = field(default_factory=dict)
    """Heading of a wide table, or name in a long one → what it stands for."""
    ignore: frozenset[str] = frozenset()
    """Headings of columns that are not read."""
    missing: tuple[str, ...] = ()
    decimal_sign: DecimalSign | None = None


@dataclass(frozen=True, slots=True)
class FoundColumns:
    """What the columns of a header hold."""

    layout: TableLayout
    station: int | None
    """Column that names the station."""
    left_out: tuple[str, ...]
    """Headings that mean no parameter, as written."""


def find_columns(
    header: Sequence[str], mapping: ColumnMapping, is_parameter: Callable[[str], bool]
) -> FoundColumns:
    """Find what each column holds; ``is_parameter`` tells of a name whether it is one of a parameter.

    Raises UserError where there is no time or no value, or where a heading that was named is not there.
    """
    _check_names(header, mapping)
    time = find_time(header, mapping)
    station = _find_named(header, mapping.station) if mapping.station else _find(header, _STATION_NAMES)
    layout = TableLayout(
        time=time,
        zone=mapping.zone,
        missing=mapping.missing,
        decimal_sign=mapping.decimal_sign,
        status=_find(header, _STATUS_NAMES),
    )
    name, value = _find(header, _NAME_NAMES), _find(header, _VALUE_NAMES)
    if name is not None and value is not None:
        return FoundColumns(_long(header, layout, mapping, name, value), station, ())
    no_values = {*time, station, layout.status}
    wide: list[tuple[int, Meaning]] = []
    left_out: list[str] = []
    for index, heading in enumerate(header):
        if index in no_values or heading in ROW_NUMBERS or fold(heading) in map(fold, mapping.ignore):
            continue
        meaning = _meaning_of(heading, mapping, is_parameter)
        if meaning is None:
            left_out.append(heading)
        else:
            wide.append((index, meaning))
    if not wide:
        raise UserError(f"line 1: no column of a parameter among {', '.join(map(repr, header))}")
    return FoundColumns(replace(layout, wide=tuple(wide)), station, tuple(left_out))


def _long(
    header: Sequence[str], layout: TableLayout, mapping: ColumnMapping, name: int, value: int
) -> TableLayout:
    unit = split_heading(header[value])[1] or ""
    names = {
        heading: replace(meaning, unit=meaning.unit or unit) for heading, meaning in mapping.columns.items()
    }
    return replace(
        layout, name=name, value=value, unit=_find(header, _UNIT_NAMES), names=tuple(names.items())
    )


def _meaning_of(heading: str, mapping: ColumnMapping, is_parameter: Callable[[str], bool]) -> Meaning | None:
    """Return what a heading of a wide table stands for; ``None`` for one that means no parameter."""
    name, unit = (heading, None) if is_parameter(heading) else split_heading(heading)
    for key in (heading, name):
        for mapped, meaning in mapping.columns.items():
            if fold(mapped) == fold(key):
                return replace(meaning, unit=meaning.unit or unit or "")
    return Meaning(name, unit or "") if is_parameter(name) else None


def find_time(header: Sequence[str], mapping: ColumnMapping | None = None) -> tuple[int, ...]:
    """Return the column of times, or those of its parts; raises UserError where there is none."""
    if mapping is not None and mapping.time:
        return tuple(_find_named(header, name) for name in mapping.time)
    parts = [_find(header, (part,)) for part in TIME_PARTS]
    if None not in parts[:4]:
        return tuple(index for index in parts if index is not None)
    for name in TIME_NAMES:
        index = _find(header, (name,))
        if index is not None:
            return (index,)
    raise UserError(
        f"line 1: no column of times among {', '.join(map(repr, header)) or 'nothing'}; "
        "call it time or datetime"
    )


def _find(header: Sequence[str], names: Iterable[str]) -> int | None:
    """Return the first column whose name, without its unit, is one of ``names``."""
    candidates = set(names)
    for index, heading in enumerate(header):
        if plain_letters(fold(split_heading(heading)[0])) in candidates:
            return index
    return None


def _find_named(header: Sequence[str], name: str) -> int:
    """Return the column with a heading that a person named; raises UserError where there is none."""
    for index, heading in enumerate(header):
        if fold(heading) == fold(name):
            return index
    raise UserError(f"line 1: no column {name!r}{did_you_mean(name, header)}")


def _check_names(header: Sequence[str], mapping: ColumnMapping) -> None:
    twice = [heading for heading in dict.fromkeys(header) if heading and header.count(heading) > 1]
    if twice:
        raise UserError(f"line 1: {twice[0]!r} stands there twice")
    if _find(header, _NAME_NAMES) is not None and _find(header, _VALUE_NAMES) is not None:
        return  # a long table: the names stand in its rows
    keys = {fold(key) for heading in header for key in (heading, split_heading(heading)[0])}
    for name in mapping.columns:
        if fold(name) not in keys:
            raise UserError(f"line 1: no column {name!r}{did_you_mean(name, header)}")


def compass_words() -> tuple[tuple[str, float], ...]:
    """Return the points of the compass as words of a column."""
    return tuple(COMPASS.items())
