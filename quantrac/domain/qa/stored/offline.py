"""A file's series, judged as the validator would have judged them.

They are taken for the parameters of one registered station that sends no other units than the usual ones.
Nobody knows when its readings were received, so the tests that ask for it cannot judge; but it was not before
they were measured, so that a time to come is a wrong clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from quantrac.domain.catalogue import find_parameter
from quantrac.domain.ids import reading_version
from quantrac.domain.qa.station_readings import NO_VERSION, StationReadings
from quantrac.domain.qa.stored.span import Judged, judge_span
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.rule_book import RuleBook
from quantrac.domain.qa.window import Floats, Outcomes, Texts
from quantrac.domain.qualifiers import NO_QUALIFIER
from quantrac.domain.readings import Flag
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StampMeaning, Station, StationParameter, StationType
from quantrac.domain.stamps import Stamps
from quantrac.domain.statuses import MEASURING

STATION = "SERIES"
"""Code of the station that a file's series are taken for."""


@dataclass(frozen=True, slots=True)
class Series:
    """``n`` rows of one parameter, in any order."""

    time: Floats
    """(n,) seconds since 1970 UTC."""
    value: Floats
    """(n,) in the parameter's usual unit; NaN is missing."""
    status: Texts | str = MEASURING
    """(n,) device status, or one for all."""
    qualifier: Texts | str = NO_QUALIFIER
    """(n,) on which side of a value that is a limit of the method the true one lies, or one for all."""


@dataclass(frozen=True, slots=True)
class FlaggedSeries:
    """The same rows in the same order."""

    flag: Outcomes
    """(n,)"""
    tests: list[Mapping[str, int]]
    """Outcomes by test."""


def flag_series(
    series: Mapping[str, Series],
    medium: StationType,
    *,
    book: RuleBook,
    now: datetime,
    interval: float | None = None,
    stamps: Stamps = Stamps.INSTANT,
) -> dict[str, FlaggedSeries]:
    """Judge what one station measured, by catalogue code; ``interval`` in seconds, ``now`` in UTC.

    ``stamps``: what the times of the rows name of the interval, which decides the hour of day of each.

    Of several rows of one parameter and time the last counts; the ones before it get its outcomes if they say
    the same, and are SUSPECT by ``duplicate`` if not.
    """
    station = Station(
        code=STATION,
        name=STATION,
        name_en=STATION,
        type=medium,
        province="",
        latitude=0.0,
        longitude=0.0,
        interval_seconds=max(1, round(interval or 1)),  # every time lies on a grid of seconds
        stamps=(StampMeaning(stamps),),
        parameters=tuple(StationParameter(code, _unit(code, medium)) for code in series),
    )
    lengths = [len(rows.time) for rows in series.values()]
    time = _joined([rows.time for rows in series.values()])
    readings = StationReadings.of(
        STATION,
        parameter=np.repeat(np.array(list(series), dtype=object), lengths),
        time=time,
        value=_joined([rows.value for rows in series.values()]),
        status=_joined([_column(rows.status, rows) for rows in series.values()]),
        qualifier=_joined([_column(rows.qualifier, rows) for rows in series.values()]),
        unit=np.repeat(np.array([entry.unit for entry in station.parameters], dtype=object), lengths),
        version=np.where(time > now.timestamp(), reading_version(now), NO_VERSION),
        line=_joined([np.arange(length) for length in lengths]),
    )
    judged = judge_span(readings, Expectations(Registry(stations={STATION: station}), book))
    return {code: _flagged(judged, code, rows) for code, rows in series.items()}


def _flagged(judged: Judged, code: str, series: Series) -> FlaggedSeries:
    readings = judged.readings
    if code not in readings.parameters:
        return FlaggedSeries(np.empty(0, dtype=np.uint8), [])
    rows = np.flatnonzero(readings.series == readings.parameters.index(code))
    # (n,) the judged reading of each row: each time stands once among the judged.
    index = rows[np.searchsorted(readings.time[rows], series.time)]
    value = readings.value[index]
    same = (value == series.value) | (np.isnan(value) & np.isnan(series.value))
    same &= readings.status[index] == _column(series.status, series)
    same &= readings.qualifier[index] == _column(series.qualifier, series)
    counts = same | (readings.line[index] == np.arange(len(index)))
    return FlaggedSeries(
        flag=np.where(counts, judged.flag[index], np.uint8(Flag.SUSPECT)),
        tests=[
            judged.tests(row) if good else {"duplicate": int(Flag.SUSPECT)}
            for row, good in zip(index.tolist(), counts.tolist(), strict=True)
        ],
    )


def _unit(code: str, medium: StationType) -> str:
    parameter = find_parameter(code)
    return parameter.units.get(medium, "") if parameter else ""


def _column(texts: Texts | str, series: Series) -> Texts:
    return np.broadcast_to(np.asarray(texts, dtype=object), len(series.time))


def _joined(columns: list[Any]) -> Any:
    return np.concatenate(columns) if columns else np.empty(0)
