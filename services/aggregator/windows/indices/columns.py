"""VN_AQI and VN_WQI of stations from their stored hours. Pure; times are seconds since 1970, UTC."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from quantrac.domain.averaging import AverageRules
from quantrac.domain.catalogue import find_parameter
from quantrac.domain.indices import vn_aqi, vn_wqi
from quantrac.domain.indices.kinds import INDEX_KINDS
from quantrac.domain.registry.pollution import Pollution
from quantrac.domain.times import DAY, HOUR, from_seconds, local_day_starts
from quantrac.domain.units import Conversion, canonical_unit, conversion
from schemas.codecs.aggregated import IndexMessage

Means = Mapping[str, Mapping[int, float]]
"""Parameter -> start of an hour -> its mean; NaN where the hour is stored and does not count."""

PollutionAt = Callable[[datetime], Collection[Pollution]]
"""What is known of a station's water body at a time (UTC)."""

_Computed = vn_aqi.AirIndex | vn_wqi.WaterIndex


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
    formula: int | None
    """Of VN_WQI, by the decision's numbers; ``None`` without an index."""


IndexVersion = tuple[str, Index, int]
"""Station, index, version."""


_AS_THEY_ARE = Conversion(1.0)


@lru_cache(maxsize=4096)
def to_index_unit(parameter: str, unit: str, kind: str) -> Conversion | None:
    """Return how values become values in the unit of the decisions' tables; ``None`` where they cannot."""
    medium = INDEX_KINDS[kind].medium
    entry = find_parameter(parameter)
    if entry is None:
        return None
    # A parameter that is not usual in the medium has no unit to compare with.
    usual = entry.units.get(medium, unit)
    if usual == unit:
        return _AS_THEY_ARE
    return conversion(canonical_unit(unit) or unit, usual, molar_mass=entry.molar_mass, medium=medium)


def find_periods(kind: str, hours: Iterable[int]) -> tuple[set[int], set[int]]:
    """Return the starts of the hours and of the days whose index looks at one of ``hours``."""
    following = range(vn_aqi.WINDOW_HOURS if kind == "VN_AQI" else 1)
    starts = list(hours)
    touched_hours = {start + HOUR * later for start in starts for later in following}
    evening = vn_aqi.EVENING_HOURS * HOUR if kind == "VN_AQI" else 0
    return touched_hours, {local_day_starts(time) for start in starts for time in (start, start + evening)}


def indices(
    kind: str,
    means: Means,
    hours: Iterable[int],
    days: Iterable[int],
    *,
    rules: AverageRules,
    pollution_at: PollutionAt,
) -> Iterator[Index]:
    """Yield the index of each hour and day, by their starts, in which the station measured one of its
    parameters. What is known of its water body at the start counts for the whole hour or day.
    """
    measured = {hour for hours_of_parameter in means.values() for hour in hours_of_parameter}
    for hour in sorted(measured.intersection(hours)):
        pollution = pollution_at(from_seconds(hour))
        yield _index(kind, "hour", hour, hour + HOUR, _hourly(means, hour, kind, pollution))
    for day in sorted({local_day_starts(hour) for hour in measured}.intersection(days)):
        pollution = pollution_at(from_seconds(day))
        yield _index(kind, "day", day, day + DAY, _daily(means, day, kind, rules, pollution))


def _hourly(means: Means, hour: int, kind: str, pollution: Collection[Pollution]) -> _Computed:
    if kind == "VN_AQI":
        windows = {
            code: [hours.get(hour - back * HOUR) for back in range(vn_aqi.WINDOW_HOURS)]
            for code, hours in means.items()
        }
        return vn_aqi.hourly(windows)
    return _water_index({code: hours.get(hour) for code, hours in means.items()}, pollution)


def _daily(
    means: Means, day: int, kind: str, rules: AverageRules, pollution: Collection[Pollution]
) -> _Computed:
    if kind == "VN_AQI":
        span = range(day - vn_aqi.EVENING_HOURS * HOUR, day + DAY, HOUR)
        windows = {code: [hours.get(start) for start in span] for code, hours in means.items()}
        least = {f"least_of_{n}": math.ceil(rules.share * n) for n in (8, 24)}
        return vn_aqi.daily(windows, **least)
    sample: dict[str, float | None] = {}
    for code, hours in means.items():
        values = [
            value for start, value in hours.items() if day <= start < day + DAY and not math.isnan(value)
        ]
        sample[code] = math.fsum(values) / len(values) if values and len(values) >= rules.share * 24 else None
    return _water_index(sample, pollution)


def _water_index(sample: Mapping[str, float | None], pollution: Collection[Pollution]) -> vn_wqi.WaterIndex:
    renamed = {vn_wqi.SAME_AS[code]: value for code, value in sample.items() if code in vn_wqi.SAME_AS}
    return vn_wqi.water_index({**renamed, **sample}, pollution=pollution)


def _index(kind: str, period: str, start: int, end: int, computed: _Computed) -> Index:
    level = computed.level.name if computed.level else ""
    subindices = {code: round(float(value), 6) for code, value in computed.subindices.items()}
    responsible: Sequence[str] = ()
    formula: int | None = None
    if isinstance(computed, vn_aqi.AirIndex):
        responsible = computed.responsible
    elif computed.formula is not None:
        lowest = min(computed.subindices.values())
        responsible = [code for code, value in computed.subindices.items() if value == lowest]
        formula = computed.formula.value
    return Index(kind, period, start, end, computed.index, level, tuple(responsible), subindices, formula)


def to_message(index: Index, version: int) -> IndexMessage:
    """Return an index as ``aggregated`` has it."""
    return IndexMessage(
        index.kind,
        index.period,
        from_seconds(index.starts_at),
        from_seconds(index.ends_at),
        index.value,
        index.level,
        list(index.responsible),
        dict(index.subindices),
        version,
        index.formula,
    )


def index_columns(versions: Sequence[IndexVersion], computed_at: int) -> dict[str, list[Any]]:
    """Return the columns of ``indices``; ``computed_at`` in milliseconds since 1970."""
    names = ("kind", "period", "starts_at", "ends_at", "value", "level", "formula")
    return {
        "station": [station for station, _, _ in versions],
        **{name: [getattr(index, name) for _, index, _ in versions] for name in names},
        "responsible": [list(index.responsible) for _, index, _ in versions],
        "subindices": [dict(index.subindices) for _, index, _ in versions],
        "computed_at": [computed_at] * len(versions),
        "version": [version for _, _, version in versions],
    }
