"""Touched averages to what a limit judges. Pure; times are seconds since 1970, UTC."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.exceedances import ends, steps
from quantrac.domain.periods import Period
from quantrac.domain.units import canonical_unit
from services.aggregator.windows.batch import TouchedAverages
from services.aggregator.windows.columns import (
    PERIODS,
    Block,
    Numbers,
    indices_by_name,
    join_blocks,
    select_rows,
)

# More than any batch names; a series' number and its step share 63 bits.
_PARAMETERS = 1 << 16

HOURS_OF = {
    PERIODS.index(Period.HOUR): 1,
    PERIODS.index(Period.EIGHT_HOURS): 8,
    PERIODS.index(Period.DAY): 24,
}
"""Index of a period -> its length in hours, where that is always the same."""


class Names:
    """Indices of a group's stations, parameters and units; a series is a number made of indices."""

    def __init__(self, stations: Sequence[str], units: Sequence[str]) -> None:
        self.stations, self.units = list(stations), list(units)
        self.parameters: dict[str, int] = {}
        """Code -> index, in the order of the indices."""
        self._stations = indices_by_name(self.stations)
        self._canonical = np.array([canonical_unit(unit) or unit for unit in self.units])
        self._unit_masks: dict[str, NDArray[np.bool_]] = {}

    def station(self, code: str) -> int:
        """Return a station's index, -1 where it is not of the group."""
        return self._stations.get(code, -1)

    def parameter(self, code: str) -> int:
        """Return a parameter's index, a new one where it has none yet."""
        return self.parameters.setdefault(code, len(self.parameters))

    def unit_mask(self, unit: str) -> NDArray[np.bool_]:
        """Return a mask of the group's units: which of them are this one."""
        if unit not in self._unit_masks:
            self._unit_masks[unit] = self._canonical == (canonical_unit(unit) or unit)
        return self._unit_masks[unit]

    def gather(self, touched: Iterable[TouchedAverages]) -> Block:
        """Return the rows of the group's stations, with its indices; no columns where there are none."""
        blocks = []
        for averages in touched:
            # The group's index of each of their stations, -1 where it is not of the group.
            stations = np.array([self.station(code) for code in averages.stations])
            rows = select_rows(averages.rows, stations[averages.rows["station"]] >= 0)
            if len(rows["mean"]):
                parameters = np.array([self.parameter(code) for code in averages.parameters])
                rows["station"] = stations[rows["station"]]
                rows["parameter"] = parameters[rows["parameter"]]
                blocks.append(rows)
        return join_blocks(blocks) if blocks else {}


def series_number(station: Any, parameter: Any, period: Any) -> Any:
    """Return the number of a series, or of many, from the indices of station, parameter and period."""
    return (station * _PARAMETERS + parameter) * len(PERIODS) + period


def series_parts(series: Any) -> tuple[Any, Any, Any]:
    """Return the indices of station, parameter and period."""
    rest, period = divmod(series, len(PERIODS))
    return (*divmod(rest, _PARAMETERS), period)


def by_period(function: Any, values: Numbers, periods: Numbers) -> Numbers:
    """Apply a function of (values, period) to values of several periods."""
    results = np.zeros(len(values), np.int64)
    for index in np.unique(periods).tolist():
        rows = periods == index
        results[rows] = function(values[rows], PERIODS[index])
    return results


def period_ends(averages: Block) -> Numbers:
    """Return when the periods of averages are over."""
    return by_period(
        lambda starts, period: ends(steps(starts, period), period), averages["starts_at"], averages["period"]
    )
