"""Averages of values corrected to a reference oxygen. Pure; times are seconds since 1970, UTC."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.averaging import AverageRules, exact_sums
from quantrac.domain.limits import Limit, correct_oxygen
from quantrac.domain.periods import Period
from quantrac.domain.times import DAY, HOUR
from services.aggregator.windows.columns import PERIODS, Block, Numbers, Records, select_rows
from services.aggregator.windows.exceedances.columns import HOURS_OF, Names, period_ends
from services.aggregator.windows.exceedances.limits_in_force import OXYGEN

_Floats = NDArray[np.float64]


class HourMatrix:
    """Stored hours as matrices of series x hours, from a first hour on."""

    def __init__(self, hours: Records, first: int, width: int) -> None:
        """``hours``: stored ones from ``first`` (a start) on, of ``width`` hours at most."""
        # One number for each series, sorted: the station's index above 32 bits of the parameter's.
        self._series, row = np.unique(
            hours["station"].astype(np.int64) << 32 | hours["parameter"], return_inverse=True
        )
        column = (hours["starts_at"].astype(np.int64) - first) // HOUR
        # The last row is that of a series without hours.
        self._members = np.full((len(self._series) + 1, width), np.nan)
        self._units = np.zeros((len(self._series) + 1, width), np.int64)
        self._members[row, column], self._units[row, column] = hours["member"], hours["unit"]

    def members(self, stations: Numbers, parameter: int, unit: NDArray[np.bool_]) -> _Floats:
        """Return a parameter's hours, stations x hours; NaN where one is not complete or in another unit.

        ``unit`` is a mask of the units that are right.
        """
        series = stations << 32 | parameter
        none = len(self._series)
        row = np.minimum(np.searchsorted(self._series, series), max(none - 1, 0))
        row = np.where(self._series[row] == series, row, none) if none else row
        return np.where(unit[self._units[row]], self._members[row], np.nan)


def correct_means(  # noqa: PLR0917
    averages: Block,
    limit_index: Numbers,
    limits: Sequence[Limit],
    hours: Records,
    names: Names,
    rules: AverageRules,
) -> _Floats:
    """Return the means of values corrected to their limits' reference oxygen; NaN where one is not complete.

    Each hour is corrected by the hour's oxygen, and then averaged as any hour is. ``averages`` have a limit
    with a reference: ``limit_index`` says which of ``limits``; ``hours`` are the stored ones of their time,
    oxygen's too.
    """
    first = int(averages["starts_at"].min())
    # Columns that each average begins at, and ends before. Periods of the present reach beyond the newest
    # hour.
    begins = (averages["starts_at"] - first) // HOUR
    ends = (period_ends(averages) - first) // HOUR
    width = max((int(hours["starts_at"].max(initial=first)) - first) // HOUR + 1, *ends.tolist())
    matrix = HourMatrix(hours, first, width)
    means = np.full(len(limit_index), np.nan)
    for index in np.unique(limit_index).tolist():
        limit = limits[index]
        selected = np.flatnonzero(limit_index == index)
        stations, row = np.unique(averages["station"][selected], return_inverse=True)
        # Stations x hours: what was measured, by the oxygen of the same hour.
        oxygen = matrix.members(stations, names.parameters[OXYGEN], names.unit_mask("%"))
        measured = matrix.members(stations, names.parameters[limit.parameter], names.unit_mask(limit.unit))
        corrected = correct_oxygen(measured, oxygen, limit.reference_oxygen or 0.0)
        if limit.period in {Period.MONTH, Period.YEAR}:
            for average, station in zip(selected.tolist(), row.tolist(), strict=True):
                days = _means(corrected[station, begins[average] : ends[average]].reshape(-1, 24), rules)
                means[average] = _means(days[None, :], rules)[0]
        else:
            # Averages x hours of each one's period.
            columns = begins[selected][:, None] + np.arange(HOURS_OF[PERIODS.index(limit.period)])
            means[selected] = _means(corrected[row[:, None], columns], rules)
    return means


def _means(members: _Floats, rules: AverageRules) -> _Floats:
    """Return the mean of each row; NaN where too few of its members count."""
    present = ~np.isnan(members)
    count = np.count_nonzero(present, axis=1)
    complete = rules.complete(count, np.full(len(members), members.shape[1]))
    return np.where(complete, exact_sums(np.where(present, members, 0.0)) / np.maximum(count, 1), np.nan)


def split_by_time(averages: Block) -> Iterator[tuple[int, int, Block, Numbers]]:
    """Yield averages in parts between which two days or more lie, so that hours are read of each alone.

    Each part: start and end of the time that its periods cover, the averages, and their rows.
    """
    ends = period_ends(averages)
    for start, end in _cover(averages["starts_at"], ends):
        rows = np.flatnonzero((averages["starts_at"] >= start) & (ends <= end))
        yield start, end, select_rows(averages, rows), rows


def _cover(starts_at: Numbers, ends_at: Numbers) -> Iterator[tuple[int, int]]:
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
