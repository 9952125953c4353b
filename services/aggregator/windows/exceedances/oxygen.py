"""Averages of values corrected to a reference oxygen. Pure; times are seconds since 1970, UTC."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.averaging import AverageRules, Period, exact_sums
from quantrac.domain.limits import Limit, oxygen_corrected
from services.aggregator.windows.columns import DAY, HOUR, PERIODS, Block, Numbers, Records, chosen
from services.aggregator.windows.exceedances.columns import LENGTHS, Names, by_period_ends
from services.aggregator.windows.exceedances.limits_in_force import OXYGEN


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
            length = LENGTHS[PERIODS.index(limit.period)]
            found[some] = _mean(corrected[row[:, None], begin[:, None] + np.arange(length)], rules)
    return found


def _mean(members: NDArray[np.float64], rules: AverageRules) -> NDArray[np.float64]:
    """Return the mean of each row; NaN where too few of its members count."""
    there = ~np.isnan(members)
    count = np.count_nonzero(there, axis=1)
    complete = rules.complete(count, np.full(len(members), members.shape[1]))
    return np.where(complete, exact_sums(np.where(there, members, 0.0)) / np.maximum(count, 1), np.nan)
