"""Touched averages to what a limit judges. Pure; times are seconds since 1970, UTC."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.averaging import AverageRules, Period
from quantrac.domain.exceedances import ends, steps
from quantrac.domain.units import canonical_unit
from services.aggregator.windows.columns import DAY, HOUR, PERIODS, Block, Numbers, chosen, joined

# More than any batch names; a series' number and its step share 63 bits.
_PARAMETERS = 1 << 16
_KEPT = ("station", "parameter", "period", "starts_at", "unit", "mean")
_HOUR, _EIGHT, _DAY = (PERIODS.index(each) for each in (Period.HOUR, Period.EIGHT_HOURS, Period.DAY))
LENGTHS = {_HOUR: 1, _EIGHT: 8, _DAY: 24}


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
    member = np.where(block["expected"] > LENGTHS[_DAY], DAY, HOUR)
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


def by_period_ends(rows: Block) -> Numbers:
    """Return when the periods of rows are over."""
    return by_period(lambda at, period: ends(steps(at, period), period), rows["starts_at"], rows["period"])
