"""An index that others published beside the measurements, compared with ours.

The hours are matched by their stamps: both tables come from one system, which labels them alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from quantrac.cli.importing.tables import Table
from quantrac.cli.shown_times import show_time
from quantrac.domain.catalogue import find_parameter
from quantrac.domain.csv_rows import is_missing
from quantrac.domain.indices import vn_aqi
from quantrac.domain.indices.rounding import exact
from quantrac.domain.readings import Readings
from quantrac.domain.registry.stations import Station
from quantrac.domain.spellings import fold
from quantrac.domain.tables.columns import find_time
from quantrac.domain.times import HOUR, to_whole_seconds
from quantrac.domain.units import canonical_unit, conversion
from quantrac.domain.written_times import read_written
from quantrac.errors import UserError

_INDEX_NAMES = frozenset({"vn_aqi", "vn aqi", "vnaqi", "aqi"})
_UNIT = "µg/m3"
_EXAMPLES = 3

Hours = dict[int, Fraction]
"""Stamp in seconds since 1970 UTC → hourly mean in µg/m3."""


@dataclass(slots=True)
class Difference:
    """An hour whose index is another one by our formula."""

    at: datetime
    """UTC."""
    published: int
    ours: int | None


@dataclass(slots=True)
class Comparison:
    """How many hours and days (of the station's clock) have the index that was published."""

    hours: int = 0
    different_hours: int = 0
    days: set[date] = field(default_factory=set)
    different_days: set[date] = field(default_factory=set)
    examples: list[Difference] = field(default_factory=list)


def read_published(table: Table, station: Station) -> dict[int, int]:
    """Return stamp (seconds since 1970 UTC) → VN_AQI of a table with a time and a column ``VN_AQI``.

    Rows without an index are left out. Raises UserError where a column lacks or a cell is no number.
    """
    header = table.titles()
    columns = [index for index, heading in enumerate(header) if fold(heading) in _INDEX_NAMES]
    if len(columns) != 1:
        raise UserError(f"{table.path}: line {table.header_line}: no column VN_AQI among {', '.join(header)}")
    (time, *more), column = find_time(header), columns[0]
    zone, published = ZoneInfo(station.timezone), {}
    for line, row in enumerate(table.rows, table.header_line + 1):
        cells = [cell.strip() for cell in table.cells(row)]
        if more or len(cells) <= max(time, column) or is_missing(cells[column]):
            continue
        try:
            at = read_written(cells[time])
            index = int(cells[column])
        except ValueError as error:
            raise UserError(f"{table.path}: line {line}: {error}") from error
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        published[to_whole_seconds(at.astimezone(UTC))] = index
    return published


def hours_in_micrograms(parts: Iterable[Readings], station: Station) -> Mapping[str, Hours]:
    """Return the parameters of the index by stamp, in µg/m3; of several rows of one time the last counts."""
    hours: dict[str, Hours] = defaultdict(dict)
    for readings in parts:
        for code, value, unit, at in zip(
            readings.parameter, readings.value, readings.unit, readings.measured_at, strict=True
        ):
            if code not in vn_aqi.PARAMETERS:
                continue
            amount = exact(_in_micrograms(code, value, unit, station))
            if amount is not None:
                hours[code][to_whole_seconds(at)] = amount
    return hours


def compare(published: Mapping[int, int], hours: Mapping[str, Hours], station: Station) -> Comparison:
    """Compute VN_AQI of each hour that was published, and compare."""
    comparison, zone = Comparison(), ZoneInfo(station.timezone)
    for stamp, index in sorted(published.items()):
        back = range(stamp, stamp - vn_aqi.WINDOW_HOURS * HOUR, -HOUR)
        ours = vn_aqi.hourly({code: [values.get(at) for at in back] for code, values in hours.items()}).index
        at = datetime.fromtimestamp(stamp, UTC)
        day = at.astimezone(zone).date()
        comparison.hours += 1
        comparison.days.add(day)
        if ours != index:
            comparison.different_hours += 1
            comparison.different_days.add(day)
            if len(comparison.examples) < _EXAMPLES:
                comparison.examples.append(Difference(at, index, ours))
    return comparison


def describe_comparison(name: str, comparison: Comparison) -> Iterator[str]:
    """Yield the lines of a report."""
    equal_hours = comparison.hours - comparison.different_hours
    equal_days = len(comparison.days) - len(comparison.different_days)
    yield (
        f"VN_AQI of {name}: equal to ours in {equal_hours:,} of {comparison.hours:,} hours, "
        f"on all hours of {equal_days:,} of {len(comparison.days):,} days"
    )
    for example in comparison.examples:
        ours = "none" if example.ours is None else example.ours
        yield (f"  {show_time(example.at)}: published {example.published}, ours {ours}")


def _in_micrograms(code: str, value: float, unit: str, station: Station) -> float | None:
    canonical, entry = canonical_unit(unit), find_parameter(code)
    if canonical == _UNIT or canonical is None:
        return value if canonical else None
    factors = conversion(
        canonical, _UNIT, molar_mass=entry.molar_mass if entry else None, medium=station.type
    )
    return factors.apply(value) if factors else None
