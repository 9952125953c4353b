"""Dirty hours in groups that one query reads. Times are seconds since 1970, UTC."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from quantrac.domain.catalogue import Combined, find_parameter
from services.aggregator.windows.columns import Numbers

Hours = Mapping[str, set[tuple[str, int]]]
"""Station -> (parameter, start of the hour)."""

# Their codes travel in the URL, which servers limit (16 KiB is the smallest in use).
_STATIONS_A_QUERY = 200


@dataclass(frozen=True, slots=True)
class Look:
    """Dirty hours of some stations within one part of time, a day or a year of Vietnam's."""

    part: int
    """Start of the day in seconds since 1970, or the year."""
    stations: list[str]
    parameters: list[str]
    series: Numbers
    """Station's place x parameters + parameter's place, one a dirty hour."""
    times: Numbers
    """Start of the hour."""

    @property
    def combined(self) -> list[Combined]:
        """How the values of each parameter become one."""
        known = (find_parameter(code) for code in self.parameters)
        return [parameter.combined if parameter else Combined.MEAN for parameter in known]


def looks(wanted: Hours, part_of: Callable[[Numbers], Numbers]) -> Iterator[Look]:
    """Group hours so that one query reads one part of time of a bounded number of stations."""
    parts: dict[int, dict[str, list[tuple[str, int]]]] = defaultdict(lambda: defaultdict(list))
    for station, hours in wanted.items():
        found = sorted(hours)
        times = np.array([hour for _, hour in found], np.int64)
        for part, each in zip(part_of(times).tolist(), found, strict=True):
            parts[part][station].append(each)
    for part in sorted(parts):
        remaining = iter(sorted(parts[part].items()))
        while some := dict(islice(remaining, _STATIONS_A_QUERY)):
            parameters = sorted({parameter for hours in some.values() for parameter, _ in hours})
            place = places(parameters)
            series = [
                number * len(parameters) + place[parameter]
                for number, hours in enumerate(some.values())
                for parameter, _ in hours
            ]
            at = [hour for hours in some.values() for _, hour in hours]
            yield Look(part, list(some), parameters, np.array(series), np.array(at, np.int64))


def places(names: Sequence[str]) -> dict[str, int]:
    """Return name -> its place."""
    return {name: place for place, name in enumerate(names)}


def paired(numbers: Numbers, times: Numbers) -> Numbers:
    """Return one number for each pair of a number and a time."""
    return numbers.astype(np.int64) << 32 | times
