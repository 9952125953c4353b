"""Averages as episodes are made of them: with a step, a mean that counts, and the limit that judges it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.averaging import AverageRules
from quantrac.domain.exceedances import ends, excess, starts, steps
from quantrac.domain.times import DAY
from services.aggregator.windows.columns import PERIODS, Block, Numbers, join_blocks, select_rows
from services.aggregator.windows.exceedances.columns import Names, by_period, series_number, series_parts
from services.aggregator.windows.exceedances.limits_in_force import OXYGEN, LimitsInForce
from services.aggregator.windows.exceedances.oxygen import correct_means, split_by_time
from services.aggregator.windows.exceedances.queries import END, ExceedanceTables, Span
from services.aggregator.windows.scope import Scope

STEPS_AFTER = 24
"""How far behind an episode of the past its end is looked for before all that followed is read."""

# Series of one query, of one period: four numbers each are bound beside the stations' codes.
_SERIES_A_QUERY = 2_000
# Series whose spans lie farther apart are read apart: a query passes over all that lies between.
_GAP = 31 * DAY
# What follows a period that has just been over is little: all of it is read at once.
_RECENT = 2 * DAY

_EMPTY: Block = {
    **{name: np.zeros(0, np.int64) for name in ("station", "parameter", "period", "starts_at", "unit")},
    "mean": np.zeros(0),
}

StepRange = tuple[int, int]
"""First and last step of a series; :data:`services.aggregator.windows.exceedances.queries.END` as the last =
without an end."""


class AverageReader:
    """Averages of one group of stations, as columns sorted by series and step.

    ``series`` and ``step`` are numbers; ``mean`` is NaN where an average does not count; ``limit`` is the
    index of the limit that judges it, -1 = none.
    """

    def __init__(
        self,
        tables: ExceedanceTables,
        limits: LimitsInForce,
        names: Names,
        *,
        clock: Callable[[], datetime],
        rules: AverageRules,
    ) -> None:
        self._tables, self._limits, self._names = tables, limits, names
        self._clock, self._rules = clock, rules

    def find_limits(self, averages: Block) -> tuple[Block, Numbers]:
        """Return touched averages, with those that touched oxygen corrects, and the limit of each."""
        limit = self._limits.find(self._names, averages)
        if OXYGEN in self._names.parameters and self._limits.has_oxygen_limits:
            averages = join_blocks([averages, self._limits.averages_corrected_by(self._names, averages)])
            limit = self._limits.find(self._names, averages)
        return averages, limit

    def read(self, ranges: Mapping[int, StepRange]) -> Block:
        """Return the stored averages of some steps of series."""
        codes = list(self._names.parameters)
        spans = [(self._span(series, steps_read, codes), series) for series, steps_read in ranges.items()]
        blocks = [_EMPTY]
        for part in _split(spans):
            records = self._tables.means([span for span, _ in part], self._names.units)
            # The series of each average: a record says which of the spans it is of.
            series = np.array([series for _, series in part])[records["span"]]
            station, parameter, period = series_parts(series)
            block = {"station": station, "parameter": parameter, "period": period}
            block |= {name: records[name].astype(np.int64) for name in ("starts_at", "unit")}
            blocks.append(block | {"mean": records["mean"]})
        averages = join_blocks(blocks)
        return self.columns(averages, self._limits.find(self._names, averages))

    def columns(self, averages: Block, limit: Numbers) -> Block:
        """Return averages as the columns series, step, mean and limit, each average once."""
        # Limits x units: whether a limit judges an average in this unit; the last row is that of no limit.
        judges = np.array(
            [self._names.unit_mask(entry.unit) for entry in self._limits.limits]
            + [[True] * len(self._names.units)]
        )
        means = np.where(judges[limit, averages["unit"]], averages["mean"], np.nan)
        # Rows whose limit is stated at a reference oxygen.
        rows = np.flatnonzero(~np.isnan(self._limits.reference_oxygen(limit)))
        if len(rows):
            means[rows] = self._correct_means(select_rows(averages, rows), limit[rows])
        series = series_number(averages["station"], averages["parameter"], averages["period"])
        step = by_period(steps, averages["starts_at"], averages["period"])
        # Sorted, and of equal ones the first: an average may be touched itself and by its oxygen.
        _, order = np.unique(series << 32 | step, return_index=True)
        return {
            "series": series[order],
            "step": step[order],
            "mean": means[order],
            "limit": limit[order],
        }

    def range_around(self, series: int, steps_inside: StepRange) -> StepRange:
        """Return the steps to read around some: one before them, and after them what shows their end."""
        low, high = steps_inside
        end = int(ends(np.array([high]), PERIODS[series_parts(series)[2]])[0])
        is_recent = end > self._clock().timestamp() - _RECENT
        return low - 1, END if is_recent else high + STEPS_AFTER

    def excess(self, columns: Block) -> Numbers:
        """Return how far each mean is beyond its limit; not above 0 within it, NaN where none counts."""
        return excess(columns["mean"], columns["limit"], self._limits.limits)

    def closes(self, columns: Block) -> Numbers:
        """Return a mask of the averages that close what was open before: they count, and are within."""
        return ~np.isnan(columns["mean"]) & ~(self.excess(columns) > 0)

    def _span(self, series: int, steps_read: StepRange, codes: Sequence[str]) -> Span:
        station, parameter, index = series_parts(series)
        period, (first, last) = PERIODS[index], steps_read
        start = max(int(starts(np.array([first]), period)[0]), 0)
        end = int(starts(np.array([last + 1]), period)[0]) if last < END else END
        return Span(self._names.stations[station], codes[parameter], period, start, end)

    def _correct_means(self, averages: Block, limit: Numbers) -> NDArray[np.float64]:
        """Return the means of averages whose limit has a reference oxygen, made of their hours."""
        oxygen = self._names.parameter(OXYGEN)
        means = np.full(len(limit), np.nan)
        for start, end, part, rows in split_by_time(averages):
            codes = list(self._names.parameters)
            stations = np.unique(part["station"])
            parameters = np.unique([*part["parameter"].tolist(), oxygen])
            scope = Scope(
                [self._names.stations[station] for station in stations.tolist()],
                [codes[parameter] for parameter in parameters.tolist()],
                self._names.units,
                start,
                end,
            )
            hours = self._tables.hours(scope).copy()
            # From indices of the scope's lists to those of the group's.
            hours["station"], hours["parameter"] = stations[hours["station"]], parameters[hours["parameter"]]
            means[rows] = correct_means(
                part, limit[rows], self._limits.limits, hours, self._names, self._rules
            )
        return means


def _split(spans: Iterable[tuple[Span, int]]) -> Iterator[list[tuple[Span, int]]]:
    """Yield spans (each with its series' number) in parts of one period that lie near each other in time."""
    part: list[tuple[Span, int]] = []
    end = 0
    for span, series in sorted(spans, key=lambda pair: (pair[0].period, pair[0].start)):
        is_near = part and part[0][0].period is span.period and span.start <= end + _GAP
        if part and not (is_near and len(part) < _SERIES_A_QUERY):
            yield part
            part, end = [], 0
        part.append((span, series))
        end = max(end, span.end)
    if part:
        yield part
