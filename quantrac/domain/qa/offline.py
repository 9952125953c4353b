"""One series in a file, judged as the validator would have judged it.

The series is taken as the only parameter of a registered station that sends no other unit than the usual
one. Nobody knows when its readings were received, so the tests that ask for it cannot judge.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from quantrac.domain.catalogue import Parameter
from quantrac.domain.qa.expectations import Expectations, RuleBook
from quantrac.domain.qa.series import NO_VERSION, StationReadings
from quantrac.domain.qa.span import judge_span
from quantrac.domain.qa.window import Floats, Outcomes, Texts
from quantrac.domain.readings import Flag
from quantrac.domain.stations import Registry, Station, StationParameter, StationType

STATION = "SERIES"
"""Code of the station that a file's series is taken for."""

_UNKNOWN_INTERVAL = 300
"""Seconds; only the test of the grid asks for it, and without a stated interval its outcome is left out."""


@dataclass(frozen=True, slots=True)
class FlaggedSeries:
    """``n`` rows in the order they were given."""

    flag: Outcomes
    """(n,)"""
    tests: list[Mapping[str, int]]
    """Outcomes by test."""


def flag_series(
    parameter: Parameter,
    medium: StationType,
    time: Floats,
    value: Floats,
    status: Texts,
    *,
    book: RuleBook,
    interval: float | None = None,
) -> FlaggedSeries:
    """Judge rows (n,) in any order; ``time`` in seconds since 1970 UTC, ``interval`` in seconds.

    A missing value is NaN. Of several rows of one time the last counts, the ones before it get its outcomes
    if they say the same and are SUSPECT by ``duplicate`` if not.
    """
    unit = parameter.units.get(medium, "")
    station = Station(
        code=STATION,
        name=STATION,
        name_en=STATION,
        type=medium,
        province="",
        latitude=0.0,
        longitude=0.0,
        interval_seconds=round(interval or _UNKNOWN_INTERVAL),
        parameters=(StationParameter(parameter.code, unit),),
    )
    readings = StationReadings.of(
        STATION,
        parameter=np.full(len(time), parameter.code, dtype=object),
        time=time,
        value=value,
        status=status,
        unit=unit,
        version=NO_VERSION,
        line=np.arange(len(time)),
    )
    judged = judge_span(readings, Expectations(Registry(stations={STATION: station}), book))
    # Each time stands once in ``readings``, so that its place there is that of all its rows.
    place = np.searchsorted(readings.time, time)
    counts = readings.line[place] == np.arange(len(time))
    same = (readings.value[place] == value) | (np.isnan(readings.value[place]) & np.isnan(value))
    same &= readings.status[place] == status
    return FlaggedSeries(
        flag=np.where(counts | same, judged.flag[place], np.uint8(Flag.SUSPECT)),
        tests=[
            judged.tests(at) if good else {"duplicate": int(Flag.SUSPECT)}
            for at, good in zip(place.tolist(), (counts | same).tolist(), strict=True)
        ],
    )
