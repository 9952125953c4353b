"""Hours of counters: their members are what the running sum grew by. Times are seconds since 1970, UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isnan

import numpy as np

from quantrac.domain.averaging import AverageRules
from quantrac.domain.counters import LOOK_BACK, increments
from quantrac.domain.registry.registry import Registry
from quantrac.domain.stamps import MiddleOffset
from quantrac.domain.times import from_seconds
from services.aggregator.windows.averages.queries import AverageTables
from services.aggregator.windows.scope import Scope

Hour = tuple[str, str, int]
"""Station, parameter and start."""


def counter_hours(hours: Sequence[Hour], registry: Registry) -> set[Hour]:
    """Return those of ``hours`` at whose start the parameter is a counter of the station."""
    counters = {station: entry.counters for station, entry in registry.stations.items() if entry.counters}
    return {
        (station, parameter, hour)
        for station, parameter, hour in hours
        if parameter in counters.get(station, ()) and _is_counter(registry, station, parameter, hour)
    }


def hourly_increments(
    tables: AverageTables,
    hours: set[Hour],
    scope: Scope,
    rules: AverageRules,
    offsets: Mapping[str, Sequence[MiddleOffset]],
) -> dict[Hour, list[float]]:
    """Return what the readings of counters in ``hours`` add; an hour in which none is known is left out.

    ``scope`` spans these hours; the readings before it that they are compared with are read with them.
    """
    if not hours:
        return {}
    own = replace(
        scope,
        stations=sorted({station for station, _, _ in hours}),
        parameters=sorted({parameter for _, parameter, _ in hours}),
        start=scope.start - LOOK_BACK,
        days=(),
    )
    # A row a series, each with the stamps, hours and values of its readings.
    columns = tables.values_in_order(own, rules, offsets)
    members: dict[Hour, list[float]] = {}
    for station, parameter, stamps, starts, values in zip(
        *(columns.get(name, ()) for name in ("station", "parameter", "stamps", "hours", "values")),
        strict=True,
    ):
        added = increments(np.array(values, np.float64), np.array(stamps, np.int64))
        for start, increment in zip(starts, added.tolist(), strict=True):
            hour = station, parameter, int(start)
            if not isnan(increment) and hour in hours:
                members.setdefault(hour, []).append(increment)
    return members


def _is_counter(registry: Registry, station: str, parameter: str, hour: int) -> bool:
    entry = registry.stations[station].parameter(parameter, from_seconds(hour))
    return entry is not None and entry.counter
