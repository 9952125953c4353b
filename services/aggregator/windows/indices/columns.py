"""VN_AQI and VN_WQI of stations from their stored hours. Pure; times are seconds since 1970, UTC."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from quantrac.domain.averaging import AverageRules
from quantrac.domain.catalogue import find_parameter
from quantrac.domain.indices import vn_aqi, vn_wqi
from quantrac.domain.registry.stations import StationType
from quantrac.domain.units import canonical_unit
from schemas.codec import IndexMessage
from services.aggregator.windows.columns import DAY, HOUR, LOCAL

KINDS = {StationType.AMBIENT_AIR: "VN_AQI", StationType.SURFACE_WATER: "VN_WQI"}
"""Media that have an index."""

PARAMETERS = {
    "VN_AQI": frozenset(vn_aqi.PARAMETERS),
    "VN_WQI": frozenset({*vn_wqi.SCALES, *vn_wqi.SAME_AS, vn_wqi.TEMPERATURE}),
}
"""Catalogue codes that an index looks at."""

BEFORE = 11 * HOUR
"""What NowCast, and the first 8-hour mean of a day, look back at most."""
AFTER = DAY
"""Past the day of an hour its evening still enters the next day's 8-hour means."""

Means = Mapping[str, Mapping[int, float]]
"""Parameter -> start of an hour -> its mean; NaN where the hour is there and does not count."""


@dataclass(frozen=True, slots=True)
class Index:
    """One index of one station."""

    kind: str
    period: str
    starts_at: int
    ends_at: int
    value: int | None
    level: str
    """English name; empty without an index."""
    responsible: tuple[str, ...]
    subindices: Mapping[str, float]


def usable(parameter: str, unit: str, kind: str) -> bool:
    """Tell whether the values are in the unit that the decisions' tables are in."""
    medium = next(medium for medium, name in KINDS.items() if name == kind)
    known = find_parameter(parameter)
    # A parameter that is not usual in the medium, such as temperature in water, has no unit to compare with.
    return known is not None and known.units.get(medium, unit) in {unit, canonical_unit(unit)}


def touched(kind: str, hours: Iterable[int]) -> tuple[set[int], set[int]]:
    """Return the hours and the days whose index looks at one of ``hours``."""
    following = range(vn_aqi.WINDOW_HOURS if kind == "VN_AQI" else 1)
    every = list(hours)
    touched_hours = {hour + HOUR * later for hour in every for later in following}
    evening = vn_aqi.EVENING_HOURS * HOUR if kind == "VN_AQI" else 0
    return touched_hours, {
        (at + LOCAL) // DAY * DAY - LOCAL for hour in every for at in (hour, hour + evening)
    }


def indices(
    kind: str, means: Means, touched_hours: Iterable[int], days: Iterable[int], rules: AverageRules
) -> Iterator[Index]:
    """Yield the index of every touched hour and day in which the station measured something of it."""
    measured = {hour for hours in means.values() for hour in hours}
    for hour in sorted(measured.intersection(touched_hours)):
        yield _index(kind, "hour", hour, hour + HOUR, _at(means, hour, kind))
    for day in sorted(days):
        if any(day <= hour < day + DAY for hour in measured):
            yield _index(kind, "day", day, day + DAY, _of_day(means, day, kind, rules))


Found = vn_aqi.AirIndex | vn_wqi.WaterIndex


def _at(means: Means, hour: int, kind: str) -> Found:
    if kind == "VN_AQI":
        windows = {
            code: [hours.get(hour - back * HOUR) for back in range(vn_aqi.WINDOW_HOURS)]
            for code, hours in means.items()
        }
        return vn_aqi.hourly(windows)
    return _water({code: hours.get(hour) for code, hours in means.items()})


def _of_day(means: Means, day: int, kind: str, rules: AverageRules) -> Found:
    if kind == "VN_AQI":
        span = range(day - vn_aqi.EVENING_HOURS * HOUR, day + DAY, HOUR)
        windows = {code: [hours.get(at) for at in span] for code, hours in means.items()}
        least = {f"least_of_{n}": math.ceil(rules.share * n) for n in (8, 24)}
        return vn_aqi.daily(windows, **least)
    sample: dict[str, float | None] = {}
    for code, hours in means.items():
        values = [value for at, value in hours.items() if day <= at < day + DAY and not math.isnan(value)]
        sample[code] = math.fsum(values) / len(values) if values and len(values) >= rules.share * 24 else None
    return _water(sample)


def _water(sample: Mapping[str, float | None]) -> vn_wqi.WaterIndex:
    same = {vn_wqi.SAME_AS[code]: value for code, value in sample.items() if code in vn_wqi.SAME_AS}
    return vn_wqi.water_index({**same, **sample})


def _index(kind: str, period: str, start: int, end: int, found: Found) -> Index:
    level = found.level.name if found.level else ""
    subindices = {code: round(float(value), 6) for code, value in found.subindices.items()}
    responsible: Sequence[str] = ()
    if isinstance(found, vn_aqi.AirIndex):
        responsible = found.responsible
    elif found.index is not None:
        lowest = min(found.subindices.values())
        responsible = [code for code, value in found.subindices.items() if value == lowest]
    return Index(kind, period, start, end, found.index, level, tuple(responsible), subindices)


def told(index: Index, version: int) -> IndexMessage:
    """Return an index as ``aggregated`` tells it."""
    start, end = (datetime.fromtimestamp(at, UTC) for at in (index.starts_at, index.ends_at))
    return IndexMessage(
        index.kind,
        index.period,
        start,
        end,
        index.value,
        index.level,
        list(index.responsible),
        dict(index.subindices),
        version,
    )


def columns(found: Sequence[tuple[str, Index, int]], computed_at: int) -> dict[str, list[Any]]:
    """Return the columns of ``indices`` from (station, index, version)."""
    names = ("kind", "period", "starts_at", "ends_at", "value", "level")
    return {
        "station": [station for station, _, _ in found],
        **{name: [getattr(index, name) for _, index, _ in found] for name in names},
        "responsible": [list(index.responsible) for _, index, _ in found],
        "subindices": [dict(index.subindices) for _, index, _ in found],
        "computed_at": [computed_at] * len(found),
        "version": [version for _, _, version in found],
    }
