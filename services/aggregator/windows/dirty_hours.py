"""Dirty hours in groups that are read and computed together. Times are seconds since 1970, UTC."""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from quantrac.domain.catalogue import Combined, find_parameter
from quantrac.domain.counters import hours_of_increments
from quantrac.domain.registry.registry import Registry
from quantrac.domain.stamps import MiddleOffset, hours_of_stamps
from quantrac.domain.times import HOUR, local_day_starts
from services.aggregator.windows.columns import Numbers, indices_by_name

DirtyHours = Mapping[str, set[tuple[str, int]]]
"""Station -> (parameter, start of the hour)."""

# Days of series that one group holds, unless a single station has more: some 6 KB of arrays each.
_DAYS_A_GROUP = 10_000


@dataclass(frozen=True, slots=True)
class HourGroup:
    """All dirty hours of some stations."""

    stations: list[str]
    parameters: list[str]
    """Of all groups of a batch."""
    series: Numbers
    """Station's index x number of parameters + parameter's index, one a dirty hour."""
    times: Numbers
    """Start of the hour, one a dirty hour."""

    @property
    def combinations(self) -> list[Combined]:
        """How the values of each parameter become one."""
        entries = (find_parameter(code) for code in self.parameters)
        return [entry.combined if entry else Combined.MEAN for entry in entries]


def hours_counted(hours: DirtyHours, registry: Registry) -> DirtyHours:
    """Return dirty ``hours`` with those in which readings stamped in them can count.

    Others only of stations whose stamps name no instant, and of counters. The hours themselves stay: by
    another meaning of the stamps readings may have counted there.
    """
    entries = {code: entry for code in hours if (entry := registry.stations.get(code))}
    offsets = {code: entry.middle_offsets() for code, entry in entries.items()}
    counted = {station: _spread(pairs, offsets.get(station, ())) for station, pairs in hours.items()}
    for code, entry in entries.items():
        counted[code] |= _following(counted[code], entry.counters)
    return counted


def _following(pairs: set[tuple[str, int]], counters: AbstractSet[str]) -> set[tuple[str, int]]:
    """Return the hours in which what counters add follows from readings of dirty hours."""
    dirty = [pair for pair in pairs if pair[0] in counters] if counters else []
    return {(parameter, hour) for parameter, start in dirty for hour in hours_of_increments(start)}


def _spread(pairs: set[tuple[str, int]], offsets: Sequence[MiddleOffset]) -> set[tuple[str, int]]:
    if not offsets:
        return set(pairs)
    # Parameters share most hours.
    starts = {start for _, start in pairs}
    hours = {start: {start, *hours_of_stamps(start, start + HOUR, offsets)} for start in starts}
    return {(parameter, hour) for parameter, start in pairs for hour in hours[start]}


def group_hours(hours: DirtyHours) -> Iterator[HourGroup]:
    """Yield groups of stations, in their order: every hour of a station is in one group.

    So no group reads what another one of the batch has changed.
    """
    parameters = sorted({parameter for pairs in hours.values() for parameter, _ in pairs})
    index = indices_by_name(parameters)
    stations: list[str] = []
    series: list[Numbers] = []
    times: list[Numbers] = []
    days = 0
    for station in sorted(station for station, pairs in hours.items() if pairs):
        # Two numbers an hour: the parameter's index and the start.
        pairs = np.array([(index[parameter], time) for parameter, time in hours[station]], np.int64)
        own_days = len(np.unique(pairs[:, 0] << 32 | local_day_starts(pairs[:, 1])))
        if stations and days + own_days > _DAYS_A_GROUP:
            yield HourGroup(stations, parameters, np.concatenate(series), np.concatenate(times))
            stations, series, times, days = [], [], [], 0
        series.append(len(stations) * len(parameters) + pairs[:, 0])
        times.append(pairs[:, 1])
        stations.append(station)
        days += own_days
    if stations:
        yield HourGroup(stations, parameters, np.concatenate(series), np.concatenate(times))
