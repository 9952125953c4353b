"""The neighbour stations: which they are, and what they measured in an hour.

An hour of a station is *finished* when the station has a reading of a later one. Only finished hours are
compared, on both sides: the answer is then a function of what is stored, and a station whose hour ends later
than its neighbour's tells by that end that the neighbour's hour is to be judged again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from quantrac.domain.qa.station_readings import Integers, StationReadings
from quantrac.domain.qa.window import Floats
from quantrac.domain.registry.registry import Registry
from quantrac.domain.statuses import MEASURING
from quantrac.domain.times import HOUR

RADIUS_KM = 20.0
"""Stations nearer than this share weather and traffic; default, unverified."""
EARTH_KM = 6371.0088
"""Mean radius of the earth (IUGG)."""


@dataclass(frozen=True, slots=True)
class Hours:
    """What the neighbours of a station measured of one parameter, in order of hours."""

    hour: Integers
    """(m,) seconds since 1970 divided by :data:`HOUR`."""
    median: Floats
    """(m,) median over the neighbours of their medians of the hour."""
    count: Floats
    """(m,) how many neighbours that is."""

    def at(self, hour: Integers) -> tuple[Floats, Floats]:
        """Return median and count (n,) of hours (n,); NaN and 0 where nothing is known."""
        if not len(self.hour):
            return np.full(len(hour), np.nan), np.zeros(len(hour))
        index = np.minimum(np.searchsorted(self.hour, hour), len(self.hour) - 1)
        is_known = self.hour[index] == hour
        return np.where(is_known, self.median[index], np.nan), np.where(is_known, self.count[index], 0.0)


Neighbours: TypeAlias = Callable[[int, int], Mapping[str, Hours]]
"""Returns the hours ``first`` to ``last`` by parameter."""
HourMedians: TypeAlias = Mapping[str, tuple[Integers, Floats]]
"""Hours in order and their medians (m,), by parameter: what one station measured."""


def nobody(_first: int, _last: int) -> Mapping[str, Hours]:
    """Say that there are no neighbours."""
    return {}


def neighbours_of(registry: Registry, station: str, radius_km: float = RADIUS_KM) -> list[str]:
    """Return the codes of the registered stations of the same type within a distance, in order.

    None for a station that nobody registered. Two stations are neighbours of each other or neither is.
    """
    centre = registry.stations.get(station)
    if centre is None:
        return []
    # The distance takes 8 µs, so it is worked out only within a square: of 100,000 stations, of some hundred.
    height = 1.001 * float(np.degrees(radius_km / EARTH_KM))
    nearest_to_pole = min(90.0, abs(centre.latitude) + height)
    width = height / max(float(np.cos(np.radians(nearest_to_pole))), height / 360)
    return sorted(
        other.code
        for other in registry.stations_between(centre.latitude - height, centre.latitude + height)
        if other.code != station
        and other.type is centre.type
        and not width < abs(other.longitude - centre.longitude) < 360 - width
        and distance_km(centre.latitude, centre.longitude, other.latitude, other.longitude) <= radius_km
    )


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Return the great-circle distance of two places in degrees (haversine).

    >>> round(distance_km(21.0285, 105.8542, 10.7769, 106.7009))  # Hà Nội to Thành phố Hồ Chí Minh
    1144
    """
    north, east, other_north, other_east = np.radians([latitude, longitude, other_latitude, other_longitude])
    half = (
        np.sin((other_north - north) / 2) ** 2
        + np.cos(north) * np.cos(other_north) * np.sin((other_east - east) / 2) ** 2
    )
    return float(2 * EARTH_KM * np.arcsin(np.sqrt(half)))


def hour_medians(readings: StationReadings, newest: float) -> HourMedians:
    """Return the medians of the finished hours of a station whose newest reading is at ``newest``.

    Of values measured under status 00, whatever their flag, so that no station's flags depend on another's;
    a median is robust without them. Of an even count the lower middle one (ClickHouse:
    ``quantileExactLow``). Values beyond a limit of the method and readings of a wrong clock are left out.
    """
    measured = (readings.status == MEASURING) & np.isfinite(readings.value) & ~readings.is_qualified
    measured &= (readings.time // HOUR < newest // HOUR) & ~readings.wrong_clock
    medians = {}
    for index, code in enumerate(readings.parameters):
        rows = np.flatnonzero(measured & (readings.series == index))
        hour, value = (readings.time[rows] // HOUR).astype(np.int64), readings.value[rows]
        hours, first, count = np.unique(hour, return_index=True, return_counts=True)
        if len(hours):
            medians[code] = hours, value[np.lexsort((value, hour))][first + (count - 1) // 2]
    return medians


def combine_hours(newest: float, neighbours: Iterable[HourMedians]) -> dict[str, Hours]:
    """Combine the neighbours' hour medians for a station whose newest reading is at ``newest``.

    ``newest`` is seconds since 1970 UTC; hours that the station itself has not finished are left out.

    >>> hours = combine_hours(7300.0, [{"CO": (np.array([0, 1]), np.array([5.0, 6.0]))},
    ...                           {"CO": (np.array([1, 2]), np.array([8.0, 9.0]))}])
    >>> hours["CO"].hour.tolist(), hours["CO"].median.tolist(), hours["CO"].count.tolist()
    ([0, 1], [5.0, 7.0], [1.0, 2.0])
    """
    by_code: dict[str, list[tuple[Integers, Floats]]] = {}
    for medians in neighbours:
        for code, part in medians.items():
            by_code.setdefault(code, []).append(part)
    combined = {}
    for code, parts in by_code.items():
        hour = np.concatenate([hours for hours, _ in parts])
        median = np.concatenate([medians for _, medians in parts])
        finished = hour < newest // HOUR
        hour, median = hour[finished], median[finished]
        hours, first, count = np.unique(hour, return_index=True, return_counts=True)
        order = np.lexsort((median, hour))
        ordered, first = median[order], np.cumsum(count) - count
        below, above = ordered[first + (count - 1) // 2], ordered[first + count // 2]
        combined[code] = Hours(hours, below / 2 + above / 2, count.astype(np.float64))
    return combined
