"""Averages to what a limit judges, and episodes to rows. Pure; times are seconds since 1970, UTC."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.averaging import AverageRules, Period, exact_sums
from quantrac.domain.exceedances import Episodes, ends, starts, steps
from quantrac.domain.limits import Limit, LimitBook, oxygen_corrected
from quantrac.domain.registry.registry import Registry
from quantrac.domain.units import canonical_unit
from schemas.codec import ToldExceedance
from services.aggregator.windows.averages.columns import DAY, HOUR, Block, Numbers, chosen, joined
from services.aggregator.windows.averages.queries import PERIODS, Records

OXYGEN = "O2"
"""What the values of a flue gas are corrected by, in volume percent."""

# More than any batch names; a series' number and its step share 63 bits.
_PARAMETERS = 1 << 16
_KEPT = ("station", "parameter", "period", "starts_at", "unit", "mean")
_HOUR, _EIGHT, _DAY = (PERIODS.index(each) for each in (Period.HOUR, Period.EIGHT_HOURS, Period.DAY))
_LENGTHS = {_HOUR: 1, _EIGHT: 8, _DAY: 24}


class Episode(NamedTuple):
    """One row of ``exceedances`` without its station and version."""

    parameter: str
    period: str
    standard: str
    column: str
    minimum: float | None
    maximum: float | None
    unit: str
    starts_at: int
    ends_at: int
    periods: int
    peak: float
    peak_at: int
    ratio: float
    open: bool

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names it within its station."""
        return (*self[:4], self.starts_at)

    @property
    def withdrawn(self) -> "Episode":
        """The version that says there is nothing left of it."""
        return self._replace(periods=0, open=False)


@dataclass(frozen=True, slots=True)
class Touched:
    """Averages that one look of the windows computed again, whether or not they came out otherwise."""

    stations: Sequence[str]
    parameters: Sequence[str]
    rows: Block
    """Of :data:`Block` the columns station, parameter, period, starts_at, unit, and mean: NaN where the
    average is not complete."""


def touched(stations: Sequence[str], parameters: Sequence[str], block: Block, rules: AverageRules) -> Touched:
    """Return of recomputed averages those that are complete, or may have been.

    A period of which less than the needed share is over at its last reading has never been complete, so
    nothing was judged by it: of a year that is every file until October.
    """
    member = np.where(block["expected"] > _LENGTHS[_DAY], DAY, HOUR)
    begun = (block["last_at"] - block["starts_at"]) // member + 1
    may = (block["period"] == _HOUR) | rules.complete(begun, block["expected"])
    rows = chosen({name: block[name] for name in (*_KEPT, "complete")}, may | block["complete"])
    rows["mean"] = np.where(rows.pop("complete"), rows["mean"], np.nan)
    return Touched(stations, parameters, rows)


class Names:
    """Places of a group's stations, parameters and units; a series is a number made of places."""

    def __init__(self, stations: Sequence[str], units: Sequence[str]) -> None:
        self.stations, self.units = list(stations), list(units)
        self.parameters: dict[str, int] = {}
        self._stations = {code: place for place, code in enumerate(self.stations)}
        self._canonical = np.array([canonical_unit(unit) or unit for unit in self.units])
        self._in_unit: dict[str, NDArray[np.bool_]] = {}

    def station(self, code: str) -> int:
        """Return a station's place, -1 where it is not of the group."""
        return self._stations.get(code, -1)

    def parameter(self, code: str) -> int:
        """Return a parameter's place, a new one where it is not known yet."""
        return self.parameters.setdefault(code, len(self.parameters))

    def in_unit(self, unit: str) -> NDArray[np.bool_]:
        """Tell of each known unit whether it is this one."""
        if unit not in self._in_unit:
            self._in_unit[unit] = self._canonical == (canonical_unit(unit) or unit)
        return self._in_unit[unit]

    def gathered(self, some: Iterable[Touched]) -> Block:
        """Return the rows of the group's stations, with its places; no columns where there are none."""
        blocks = []
        for each in some:
            stations = np.array([self.station(code) for code in each.stations])
            rows = chosen(each.rows, stations[each.rows["station"]] >= 0)
            if len(rows["mean"]):
                parameters = np.array([self.parameter(code) for code in each.parameters])
                rows["station"] = stations[rows["station"]]
                rows["parameter"] = parameters[rows["parameter"]]
                blocks.append(rows)
        return joined(blocks) if blocks else {}


def series_number(station: Any, parameter: Any, period: Any) -> Any:
    """Return the number of a series, or of many, from the places of station, parameter and period."""
    return (station * _PARAMETERS + parameter) * len(PERIODS) + period


def series_parts(series: Any) -> tuple[Any, Any, Any]:
    """Return the places of station, parameter and period."""
    rest, period = divmod(series, len(PERIODS))
    return (*divmod(rest, _PARAMETERS), period)


def by_period(function: Any, values: Numbers, periods: Numbers) -> Numbers:
    """Apply a function of (values, period) to values of several periods."""
    found = np.zeros(len(values), np.int64)
    for place in np.unique(periods).tolist():
        rows = periods == place
        found[rows] = function(values[rows], PERIODS[place])
    return found


class LimitsInForce:
    """Which limit judges which average: the first of a station for its parameter and period.

    :attr:`limits` are told apart by what they hold to, so that another certainty splits no episode.
    """

    def __init__(self, registry: Registry, book: LimitBook) -> None:
        self._registry, self._book = registry, book
        self.limits: list[Limit] = []
        self._places: dict[tuple[Any, ...], int] = {}
        self._sets: dict[int, tuple[tuple[Limit, ...], dict[tuple[str, int], int]]] = {}

    def held(self, names: Names, rows: Block) -> Numbers:
        """Return the place in :attr:`limits` of what each average is judged by, -1 = nothing."""
        pairs, inverse = np.unique(
            rows["station"].astype(np.int64) << 32 | rows["starts_at"], return_inverse=True
        )
        found: dict[int, int] = {}
        tables: list[dict[tuple[str, int], int]] = []
        which = np.zeros(len(pairs), np.int64)
        for place, pair in enumerate(pairs.tolist()):
            at = datetime.fromtimestamp(pair & 0xFFFFFFFF, UTC)
            entry = self._registry.station(names.stations[pair >> 32], at)
            limits = self._book.limits_of(entry, at) if entry else ()
            if id(limits) not in found:
                found[id(limits)] = len(tables)
                tables.append(self._set(limits))
            which[place] = found[id(limits)]
        by_place = np.full((len(tables), len(names.parameters), len(PERIODS)), -1)
        for number, table in enumerate(tables):
            for (code, period), place in table.items():
                if code in names.parameters:
                    by_place[number, names.parameters[code], period] = place
        held: Numbers = by_place[which[inverse], rows["parameter"], rows["period"]]
        return held

    def corrected(self, names: Names, rows: Block) -> Block:
        """Return, for averages of oxygen, those that are corrected by it; NaN still."""
        oxygen = chosen(rows, rows["parameter"] == names.parameter(OXYGEN))
        blocks = []
        for limit in self.with_oxygen:
            some = chosen(oxygen, oxygen["period"] == PERIODS.index(limit.period))
            place = np.full(len(some["mean"]), names.parameter(limit.parameter))
            some |= {"parameter": place, "mean": np.full(len(place), np.nan)}
            held = self.held(names, some)
            blocks.append(chosen(some, ~np.isnan(self.reference(held))))
        return joined(blocks) if blocks else chosen(oxygen, np.zeros(0, np.int64))

    def reference(self, held: Numbers) -> NDArray[np.float64]:
        """Return the reference oxygen of each average's limit, NaN where it has none."""
        every = [np.nan if each.reference_oxygen is None else each.reference_oxygen for each in self.limits]
        found: NDArray[np.float64] = np.array([*every, np.nan])[held]
        return found

    @property
    def with_oxygen(self) -> Collection[Limit]:
        """One limit that has a reference oxygen of each parameter and period."""
        every = (each for each in self.limits if each.reference_oxygen is not None)
        return {(each.parameter, each.period): each for each in every}.values()

    def _set(self, limits: tuple[Limit, ...]) -> dict[tuple[str, int], int]:
        known = self._sets.get(id(limits))
        if known is None:
            table: dict[tuple[str, int], int] = {}
            for each in limits:
                what = (each.parameter, each.period, each.standard, each.column, each.unit)
                values = (each.minimum, each.maximum, each.reference_oxygen)
                place = self._places.setdefault((*what, *values), len(self.limits))
                if place == len(self.limits):
                    self.limits.append(each)
                table.setdefault((each.parameter, PERIODS.index(each.period)), place)
            # The tuple is kept, so that no other one gets its id.
            known = self._sets[id(limits)] = limits, table
        return known[1]


def spans_of(starts_at: Numbers, ends_at: Numbers) -> Iterator[tuple[int, int]]:
    """Yield the spans of time that periods cover, as one where less than two days lie between."""
    order = np.argsort(starts_at, kind="stable")
    begin = end = None
    for start, stop in zip(starts_at[order].tolist(), ends_at[order].tolist(), strict=True):
        if begin is None or end is None or start > end + 2 * DAY:
            if begin is not None and end is not None:
                yield begin, end
            begin, end = start, stop
        end = max(end, stop)
    if begin is not None and end is not None:
        yield begin, end


def corrected_means(  # noqa: PLR0917
    rows: Block, held: Numbers, limits: Sequence[Limit], hours: Records, names: Names, rules: AverageRules
) -> NDArray[np.float64]:
    """Return the means of values corrected to their limits' reference oxygen; NaN where one is not complete.

    Each hour is corrected by the hour's oxygen, and then averaged as any hour is. ``rows`` have a limit with
    a reference; ``hours`` are the stored ones of their time, oxygen's too.
    """
    first = int(rows["starts_at"].min())
    width = (int(hours["starts_at"].max(initial=first)) - first) // HOUR + 1
    # Periods of the present reach beyond the newest hour.
    width = max(width, *((by_period_ends(rows) - first) // HOUR).tolist())
    keys, line = np.unique(hours["station"].astype(np.int64) << 32 | hours["parameter"], return_inverse=True)
    column = (hours["starts_at"].astype(np.int64) - first) // HOUR
    values = np.full((len(keys) + 1, width), np.nan)  # the last line is that of a series without hours
    units = np.zeros((len(keys) + 1, width), np.int64)
    values[line, column], units[line, column] = hours["member"], hours["unit"]

    def of(station: Numbers, parameter: Any, unit: NDArray[np.bool_]) -> NDArray[np.float64]:
        wanted = station << 32 | parameter
        place = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
        place = np.where(keys[place] == wanted, place, len(keys)) if len(keys) else place
        return np.where(unit[units[place]], values[place], np.nan)

    found = np.full(len(held), np.nan)
    for number in np.unique(held).tolist():
        limit = limits[number]
        some = np.flatnonzero(held == number)
        station, row = np.unique(rows["station"][some], return_inverse=True)
        oxygen = of(station, names.parameters[OXYGEN], names.in_unit("%"))
        measured = of(station, names.parameters[limit.parameter], names.in_unit(limit.unit))
        corrected = oxygen_corrected(measured, oxygen, limit.reference_oxygen or 0.0)
        begin = (rows["starts_at"][some] - first) // HOUR
        end = (by_period_ends(chosen(rows, some)) - first) // HOUR
        if limit.period in {Period.MONTH, Period.YEAR}:
            for place, at, start, stop in zip(
                some.tolist(), row.tolist(), begin.tolist(), end.tolist(), strict=True
            ):
                days = _mean(corrected[at, start:stop].reshape(-1, 24), rules)
                found[place] = _mean(days[None, :], rules)[0]
        else:
            length = _LENGTHS[PERIODS.index(limit.period)]
            found[some] = _mean(corrected[row[:, None], begin[:, None] + np.arange(length)], rules)
    return found


def _mean(members: NDArray[np.float64], rules: AverageRules) -> NDArray[np.float64]:
    """Return the mean of each row; NaN where too few of its members count."""
    there = ~np.isnan(members)
    count = np.count_nonzero(there, axis=1)
    complete = rules.complete(count, np.full(len(members), members.shape[1]))
    return np.where(complete, exact_sums(np.where(there, members, 0.0)) / np.maximum(count, 1), np.nan)


def by_period_ends(rows: Block) -> Numbers:
    """Return when the periods of rows are over."""
    return by_period(lambda at, period: ends(steps(at, period), period), rows["starts_at"], rows["period"])


def rows_of_episodes(
    found: Episodes, names: Names, limits: Sequence[Limit], columns: Block
) -> Iterator[tuple[int, int, Episode]]:
    """Yield each episode with its series and first step.

    ``columns``: series, step, mean, held of the averages that ``found`` was made of.
    """
    codes = list(names.parameters)
    numbers = columns["series"][found.first]
    _, parameter, period = series_parts(numbers)
    first, last, peak = (columns["step"][rows] for rows in (found.first, found.last, found.peak))
    lists = (
        *(each.tolist() for each in (numbers, first, parameter, period, columns["held"][found.first])),
        *(by_period(starts, each, period).tolist() for each in (first, peak)),
        by_period(ends, last, period).tolist(),
        (found.last - found.first + 1).tolist(),
        columns["mean"][found.peak].tolist(),
        found.ratio.tolist(),
        found.open.tolist(),
    )
    for series, step, code, length, place, at, peak_at, end, count, mean, ratio, still in zip(
        *lists, strict=True
    ):
        limit = limits[place]
        what = codes[code], PERIODS[length].value, limit.standard, limit.column
        values = limit.minimum, limit.maximum, limit.unit
        yield series, step, Episode(*what, *values, at, end, count, mean, peak_at, ratio, still)


def columns(found: Sequence[tuple[str, Episode, int]], computed_at: int) -> dict[str, list[Any]]:
    """Return the columns of ``exceedances`` from (station, episode, version)."""
    return {
        "station": [station for station, _, _ in found],
        **{name: [getattr(episode, name) for _, episode, _ in found] for name in Episode._fields},
        "computed_at": [computed_at] * len(found),
        "version": [version for _, _, version in found],
    }


def told(episode: Episode, version: int) -> ToldExceedance:
    """Return an episode as ``aggregated`` tells it."""
    times = {
        name: datetime.fromtimestamp(getattr(episode, name), UTC)
        for name in ("starts_at", "ends_at", "peak_at")
    }
    return ToldExceedance(**(episode._asdict() | times), version=version)
