"""``quantrac index``: the public indices of a CSV, with no stack."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import NoReturn, TextIO

import click

from quantrac.cli.csv_table import EPOCH, Table
from quantrac.cli.csv_table_reader import read_table
from quantrac.cli.csv_units import Target, convert_columns, describe_doubt
from quantrac.cli.terminal import csv_writer, echo
from quantrac.domain.catalogue import CATALOGUE, find_parameter
from quantrac.domain.csv_rows import ENCODING, ENCODING_ERRORS
from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.indices import vn_aqi, vn_wqi
from quantrac.domain.registry.pollution import Pollution
from quantrac.domain.registry.stations import StationType
from quantrac.domain.spellings import fold
from quantrac.domain.stamps import Stamps
from quantrac.errors import UserError

READ, SOME_UNREADABLE, UNREADABLE = 0, 1, 2


@click.group()
def index() -> None:
    """Compute VN_AQI and VN_WQI of a CSV; needs no running stack.

    Exit status: 0 every cell was read, 1 some cells or times could not be read (they count as missing),
    2 the file could not be used.
    """


_UNIT = click.option(
    "--unit",
    "units",
    multiple=True,
    metavar="NAME=UNIT",
    help="What a column is in, such as CO=mg/m3; by default what its heading states. May be given "
    "several times.",
)
_FILE = click.argument("file", type=click.File(encoding=ENCODING, errors=ENCODING_ERRORS))


@index.command("vn-aqi")
@_FILE
@click.option("--daily", is_flag=True, help="Print one row a day (UTC+7) instead of one an hour.")
@click.option(
    "--stamps",
    "--label",
    type=click.Choice([stamps.value for stamps in Stamps]),
    default=Stamps.END.value,
    show_default=True,
    help="Whether a time names the start or the end of its hour (so the ministry's export), or an instant; "
    "with --daily it decides the day.",
)
@_UNIT
def vn_aqi_command(file: TextIO, *, daily: bool, stamps: str, units: Sequence[str]) -> None:
    """Compute VN_AQI (Decision 1459/QĐ-TCMT) of hourly means.

    FILE (- = stdin): a header with time and any of PM2.5, PM10, SO2, NO2, CO, O3 in any order, one row an
    hour, an empty cell = missing. Values are µg/m3 where neither the heading, such as CO (mg/m3), nor --unit
    says otherwise; what cannot be in that unit is told. The exports of the national system are read as they
    are. A time without a zone is in Vietnam (UTC+7). An hour that the file
    lacks is missing in NowCast; of two rows of one hour the last value counts, for both rows. A negative
    value counts as missing. A column that is none of the six stays empty.

    A day is the hours labelled, at their end, 01:00 to 24:00. Its mean of PM needs 18 hours, an 8-hour mean
    of O3 needs 6; the first of these begins the evening before.
    """
    table = _read(file, _air_parameter)
    stated_units = _convert(table, units, _AIR)
    hours = table.hours(Stamps(stamps))
    series: dict[str, dict[int, Fraction]] = defaultdict(dict)
    for hour, values in zip(hours, table.values, strict=True):
        if hour is not None:
            for parameter, value in values.items():
                series[parameter][hour] = value
    for parameter, unit in stated_units.items():
        values_by_day = [(hour // 24, float(value)) for hour, value in series[parameter].items()]
        if doubt := describe_doubt(parameter, unit, values_by_day, f"--unit {parameter}={{unit}}"):
            echo(f"line 1: {doubt}", err=True)
    rows = _aqi_of_days(table, hours, series) if daily else _aqi_of_hours(table, hours, series)
    _write(["time", *table.columns, "vn_aqi"], rows)
    sys.exit(SOME_UNREADABLE if table.complaints else READ)


def _aqi_of_hours(
    table: Table, hours: Sequence[int | None], series: Mapping[str, Mapping[int, Fraction]]
) -> Iterator[list[str]]:
    for text, hour in zip(table.times, hours, strict=True):
        windows: dict[str, list[Fraction | None]] = {}
        if hour is not None:
            back = range(hour, hour - vn_aqi.WINDOW_HOURS, -1)
            windows = {name: [values.get(h) for h in back] for name, values in series.items()}
        yield _aqi_row(text, table, vn_aqi.hourly(windows))


def _aqi_of_days(
    table: Table, hours: Sequence[int | None], series: Mapping[str, Mapping[int, Fraction]]
) -> Iterator[list[str]]:
    # The decision's day is the hours labelled, at their end, 01:00 to 24:00: those that begin at 24 d to
    # 24 d + 23 from 1970.
    for day in sorted({hour // 24 for hour in hours if hour is not None}):
        span = range(24 * day - vn_aqi.EVENING_HOURS, 24 * (day + 1))
        windows = {name: [values.get(h) for h in span] for name, values in series.items()}
        shown = date.fromordinal(EPOCH.toordinal() + day).isoformat()
        yield _aqi_row(shown, table, vn_aqi.daily(windows))


def _aqi_row(time: str, table: Table, air: vn_aqi.AirIndex) -> list[str]:
    cells = table.sub_columns({name: str(value) for name, value in air.subindices.items()})
    return [time, *cells, "" if air.index is None else str(air.index)]


@index.command("vn-wqi")
@_FILE
@click.option(
    "--least-groups",
    type=click.IntRange(1, len(vn_wqi.Group)),
    default=vn_wqi.LEAST_GROUPS,
    show_default=True,
    help="Groups of parameters that an index needs.",
)
@click.option(
    "--least-in-iv",
    type=click.IntRange(1),
    default=vn_wqi.LEAST_IN_IV,
    show_default=True,
    help="Parameters of group IV (organics and nutrients) that an index needs.",
)
@click.option(
    "--pollution",
    multiple=True,
    type=click.Choice([kind.value for kind in Pollution]),
    help="Pollution that is known of the water body: organic counts group IV twice (formula 5); pesticides "
    "makes group II compulsory, metals group III. May be given several times.",
)
@_UNIT
def vn_wqi_command(
    file: TextIO, *, least_groups: int, least_in_iv: int, pollution: Sequence[str], units: Sequence[str]
) -> None:
    """Compute VN_WQI (Decision 1460/QĐ-TCMT) of samples of surface water.

    FILE (- = stdin): a header with time and any parameters of the index in any order, one row a sample, an
    empty cell = missing. Values are mg/L (coliform and E. coli MPN/100 mL, pesticides µg/L) where neither the
    heading, such as As (µg/L), nor --unit says otherwise. DO needs the temperature (°C). A negative value
    counts as missing. A value beyond what the method can measure, such as <2 or >11000, has a sub-index where
    all values there have the same. Nutrients are as nitrogen and phosphorus: NH4-N, NO3-N, NO2-N, PO4-P; NH4
    is taken for NH4-N.

    The column formula says which of the decision's gave the index: 3 groups IV and V weigh the same, 4
    nothing of group V was measured, 5 group IV counts twice. Only indices with the same parameters can be
    compared. The decision speaks of periodic samples: an index of automatic data is outside it.
    """
    table = _read(file, _water_parameter, takes_qualified=True)
    _convert(table, units, _WATER)
    groups = [f"wqi_{group.lower()}" for group in vn_wqi.Group]
    known_pollution = [Pollution(kind) for kind in pollution]
    waters = [
        vn_wqi.water_index(
            values,
            qualifiers=qualifiers,
            pollution=known_pollution,
            least_groups=least_groups,
            least_in_iv=least_in_iv,
        )
        for values, qualifiers in zip(table.values, table.qualifiers, strict=True)
    ]
    rows = (_wqi_row(time, table, water) for time, water in zip(table.times, waters, strict=True))
    _write(["time", *table.columns, *groups, "vn_wqi", "level", "formula", "parameters"], rows)
    _warn_of_comparing(waters)
    sys.exit(SOME_UNREADABLE if table.complaints else READ)


def _wqi_row(time: str, table: Table, water: vn_wqi.WaterIndex) -> list[str]:
    cells = table.sub_columns({name: _two_decimals(value) for name, value in water.subindices.items()})
    groups = [_two_decimals(water.groups[group]) if group in water.groups else "" for group in vn_wqi.Group]
    level = [str(water.index), water.level.name] if water.level else ["", ""]
    formula = str(water.formula.value) if water.formula else ""
    return [time, *cells, *groups, *level, formula, ";".join(water.subindices)]


def _warn_of_comparing(waters: Iterable[vn_wqi.WaterIndex]) -> None:
    """Say what the indices are no answer to."""
    echo(f"{vn_wqi.OUTSIDE_THE_DECISION}.", err=True)
    count = len({frozenset(water.subindices) for water in waters if water.index is not None})
    if count > 1:
        echo(
            f"The indices rest on {count} sets of parameters (column 'parameters'): only those of one set "
            "can be compared.",
            err=True,
        )


def _two_decimals(value: float | Fraction) -> str:
    return shortest_decimal(round(float(value), 2))


def _air_parameter(name: str) -> str | None:
    parameter = find_parameter(name)
    return parameter.code if parameter and parameter.code in vn_aqi.PARAMETERS else None


# Those that the catalogue of stations does not have.
_WATER_OWN = {fold(name): name for name in vn_wqi.SCALES} | {"e.coli": "E. coli", "ecoli": "E. coli"}


def _water_parameter(name: str) -> str | None:
    parameter = find_parameter(name)
    code = parameter.code if parameter else _WATER_OWN.get(fold(name), "")
    code = vn_wqi.SAME_AS.get(code, code)
    return code if code in vn_wqi.SCALES or code == vn_wqi.TEMPERATURE else None


_AIR = Target(StationType.AMBIENT_AIR, _air_parameter, dict.fromkeys(vn_aqi.PARAMETERS, "µg/m3"))
_WATER = Target(
    StationType.SURFACE_WATER,
    _water_parameter,
    {
        **dict.fromkeys(vn_wqi.SCALES, "µg/L"),  # pesticides, which the catalogue does not have
        "E. coli": "MPN/100mL",
        **{entry.code: entry.units.get(StationType.SURFACE_WATER, "") for entry in CATALOGUE},
    },
)


def _convert(table: Table, options: Sequence[str], target: Target) -> dict[str, str]:
    """Bring the values into the units of an index; returns what each parameter was taken to be in."""
    try:
        return convert_columns(table.headings, table.values, options, target)
    except UserError as error:
        _give_up(f"line 1: {error}")


def _read(file: TextIO, parameter_of: Callable[[str], str | None], *, takes_qualified: bool = False) -> Table:
    """Read a CSV; ends the command where it is none that the index can use."""
    try:
        return read_table(file, parameter_of, subject="the index", takes_qualified=takes_qualified)
    except UserError as error:
        _give_up(str(error))


def _write(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    out = csv_writer()
    out.writerow(header)
    out.writerows(rows)


def _give_up(why: str) -> NoReturn:
    echo(f"quantrac: {why}", err=True)
    sys.exit(UNREADABLE)
