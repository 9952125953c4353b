"""Dirty hours in groups that one query reads. Times are seconds since 1970, UTC."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from quantrac.domain.catalogue import Combined, find_parameter
from quantrac.domain.times import local_day_starts
from services.aggregator.windows.columns import Numbers, indices_by_name, year_and_month

DirtyHours = Mapping[str, set[tuple[str, int]]]
"""Station -> (parameter, start of the hour)."""

# Their codes travel in the URL, which servers limit (16 KiB is the smallest in use).
_STATIONS_A_QUERY = 200


@dataclass(frozen=True, slots=True)
class HourGroup:
    """Dirty hours of some stations within one part of time, a day or a year of Vietnam's."""

    part: int
    """Start of the day in seconds since 1970, or the year."""
    stations: list[str]
    parameters: list[str]
    series: Numbers
    """Station's index x number of parameters + parameter's index, one a dirty hour."""
    times: Numbers
    """Start of the hour, one a dirty hour."""

    @property
    def combinations(self) -> list[Combined]:
        """How the values of each parameter become one."""
        entries = (find_parameter(code) for code in self.parameters)
        return [entry.combined if entry else Combined.MEAN for entry in entries]


def group_by_day(hours: DirtyHours) -> Iterator[HourGroup]:
    """Yield groups of one day of Vietnam's each."""
    return _group(hours, local_day_starts)


def group_by_year(hours: DirtyHours) -> Iterator[HourGroup]:
    """Yield groups of one year of Vietnam's each."""
    return _group(hours, lambda times: year_and_month(times)[0])


def _group(hours: DirtyHours, part_of: Callable[[Numbers], Numbers]) -> Iterator[HourGroup]:
    """Yield groups of hours of one part of time and of a bounded number of stations."""
    parts: dict[int, dict[str, list[tuple[str, int]]]] = defaultdict(lambda: defaultdict(list))
    for station, pairs in hours.items():
        ordered = sorted(pairs)
        times = np.array([time for _, time in ordered], np.int64)
        for part, pair in zip(part_of(times).tolist(), ordered, strict=True):
            parts[part][station].append(pair)
    for part in sorted(parts):
        remaining = iter(sorted(parts[part].items()))
        while group := dict(islice(remaining, _STATIONS_A_QUERY)):
            parameters = sorted({parameter for pairs in group.values() for parameter, _ in pairs})
            index = indices_by_name(parameters)
            series = [
                station * len(parameters) + index[parameter]
                for station, pairs in enumerate(group.values())
                for parameter, _ in pairs
            ]
            starts = [time for pairs in group.values() for _, time in pairs]
            yield HourGroup(part, list(group), parameters, np.array(series), np.array(starts, np.int64))
