"""The batch form: the flags of a station's stored readings, whatever the order they came in.

It uses the tests of the live form on windows cut out of sorted series. A long span is judged in stretches of
time (:mod:`quantrac.domain.qa.stored.stretch`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantrac.domain.qa.baseline.blocks import NOTHING, BlockStatistics, StationStatistics, joined
from quantrac.domain.qa.baseline.neighbour_hours import Neighbours, nobody
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.evaluate import Crash, outcomes_by_test, raise_crash
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.stretch import StationWindows, judge_plainly
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Bools, Floats, Indices, Outcomes
from quantrac.domain.registry.decisions import Decision


@dataclass(frozen=True, slots=True)
class Judged:
    """``n`` judged readings, in the order of ``readings``."""

    readings: StationReadings
    flag: Outcomes
    """(n,)"""
    outcomes: Outcomes
    """(n, tests) in the order of the table of tests; NOT_RUN where a test is off."""
    decided: Outcomes
    """(n,) what people decided; NOT_DECIDED where nobody did."""
    equal_since: Floats
    """(n,) seconds since 1970 UTC; no earlier than the first reading given. NaN for what no measuring device
    gave."""
    clean: Bools
    """(n,) whether it counts for the statistics of its block."""
    profile: Indices
    """(n,) numbers of the profiles of expectations it was judged by."""

    def __len__(self) -> int:
        return len(self.flag)

    def tests(self, row: int) -> dict[str, int]:
        """Return the outcomes of one reading by test, as a flagged reading carries them."""
        return outcomes_by_test(self.outcomes[row].tolist(), int(self.decided[row]))


def judge_span(
    readings: StationReadings,
    expectations: Expectations,
    start: float = -np.inf,
    end: float = np.inf,
    *,
    statistics: StationStatistics | None = None,
    neighbours: Neighbours = nobody,
    decisions: Sequence[Decision] = (),
    newest: float | None = None,
    on_crash: Crash = raise_crash,
) -> Judged:
    """Judge the readings of ``[start, end)``, seconds since 1970 UTC.

    ``readings`` hold the span, what lies before it as far as the tests look back, and the rest of its last
    block of time; ``newest`` is the time of the station's newest reading, by default the newest of these.
    ``statistics`` are those of the station's blocks; without them, for a file without history, they are taken
    from the span itself. ``neighbours`` is asked for the hours of the neighbour stations where a test
    compares with them.
    """
    rows = readings.between(start, end)
    index = np.full(len(readings), -1, dtype=np.intp)
    index[rows] = np.arange(len(rows))
    judged = Judged(
        readings=readings.take(rows),
        flag=np.empty(len(rows), dtype=np.uint8),
        outcomes=np.empty((len(rows), len(TESTS)), dtype=np.uint8),
        decided=np.empty(len(rows), dtype=np.uint8),
        equal_since=np.empty(len(rows)),
        clean=np.empty(len(rows), dtype=np.bool_),
        profile=np.empty(len(rows), dtype=np.intp),
    )
    station = StationWindows(readings, expectations, decisions, on_crash, newest)
    summed_up: dict[str, BlockStatistics] = {}
    for part in station.cut(rows):
        stretch = judge_plainly(station, part)
        if statistics is None:
            for code, new in stretch.statistics().items():
                summed_up[code] = joined(summed_up.get(code, NOTHING), new)
        stretch.compare(summed_up if statistics is None else statistics, neighbours)
        target = index[part]
        judged.flag[target] = stretch.flags()
        judged.outcomes[target] = stretch.outcomes
        judged.decided[target] = stretch.decided
        judged.equal_since[target] = stretch.window.equal_since
        judged.clean[target] = stretch.clean
        judged.profile[target] = stretch.profile
    return judged
