"""The batch form: the flags of a station's stored readings, whatever the order they came in.

It uses the tests of the live form on windows cut out of sorted series. A long span is judged in stretches of
time, so that its matrices stay small.

A reading is judged in three steps. The *plain* tests (neither of the baseline nor of the second stage) tell
the clean readings, from which the limits of later blocks follow (:mod:`quantrac.domain.qa.baseline.blocks`);
then the baseline tests compare with bounds and neighbours; then the second stage sees what both said about
other parameters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from quantrac.domain.qa.baseline.blocks import BLOCK, BlockStatistics, StationStatistics
from quantrac.domain.qa.baseline.neighbour_hours import Neighbours, nobody
from quantrac.domain.qa.checks.table import TEST_INDEX, TESTS
from quantrac.domain.qa.decisions import NOT_DECIDED
from quantrac.domain.qa.evaluate import NOT_RUN, Crash, raise_crash
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.stretch import Station, Stretch
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Bools, Floats, Indices, Outcomes
from quantrac.domain.stations import Decision


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
    """(n,) seconds since 1970 UTC; no earlier than the first reading given."""
    clean: Bools
    """(n,) whether it counts for the statistics of its block."""
    profile: Indices
    """(n,) numbers of the profiles of expectations it was judged by."""

    def __len__(self) -> int:
        return len(self.flag)

    def asks(self, test: str) -> bool:
        """Tell whether any reading was judged by a test."""
        return bool(np.any(self.outcomes[:, TEST_INDEX[test]] != NOT_RUN))

    def tests(self, row: int) -> dict[str, int]:
        """Return the outcomes of one reading by test, as a flagged reading carries them."""
        outcomes = self.outcomes[row].tolist()
        tests = {name: outcome for name, outcome in zip(TESTS, outcomes, strict=True) if outcome != NOT_RUN}
        if self.decided[row] != NOT_DECIDED:
            tests["decision"] = int(self.decided[row])
        return tests


def judge_span(
    readings: StationReadings,
    expectations: Expectations,
    start: float = -np.inf,
    end: float = np.inf,
    *,
    statistics: StationStatistics | None = None,
    neighbours: Neighbours = nobody,
    decisions: Sequence[Decision] = (),
    on_crash: Crash = raise_crash,
) -> Judged:
    """Judge the readings of ``[start, end)``, seconds since 1970 UTC.

    ``readings`` hold the span and what lies before it as far as the tests look (``reach`` of the rules).
    ``statistics`` are those of the station's blocks; without them, for a file without history, they are taken
    from the span itself. ``neighbours`` is asked for the hours of the neighbour stations
    where a test wants them.
    """
    rows = readings.between(start, end)
    place = np.full(len(readings), -1, dtype=np.intp)
    place[rows] = np.arange(len(rows))
    judged = Judged(
        readings=readings.take(rows),
        flag=np.empty(len(rows), dtype=np.uint8),
        outcomes=np.empty((len(rows), len(TESTS)), dtype=np.uint8),
        decided=np.empty(len(rows), dtype=np.uint8),
        equal_since=np.empty(len(rows)),
        clean=np.empty(len(rows), dtype=np.bool_),
        profile=np.empty(len(rows), dtype=np.intp),
    )
    for each in stretches(
        readings,
        expectations,
        rows,
        statistics=statistics,
        neighbours=neighbours,
        decisions=decisions,
        on_crash=on_crash,
    ):
        to = place[each.rows]
        judged.flag[to] = each.flags()
        judged.outcomes[to] = each.outcomes
        judged.decided[to] = each.decided
        judged.equal_since[to] = each.window.equal_since
        judged.clean[to] = each.clean
        judged.profile[to] = each.profile
    return judged


def stretches(
    readings: StationReadings,
    expectations: Expectations,
    rows: Indices,
    *,
    statistics: StationStatistics | None = None,
    neighbours: Neighbours = nobody,
    decisions: Sequence[Decision] = (),
    on_crash: Crash = raise_crash,
) -> Iterator[Stretch]:
    """Yield the judged stretches of rows, earliest first; arguments as for :func:`judge_span`."""
    station = Station(readings, expectations, decisions, on_crash)
    found: dict[str, BlockStatistics] = {}
    for part in station.cut(rows):
        stretch = station.stretch(part)
        if statistics is None:
            stretch.summarize(found)
        stretch.compare(found if statistics is None else statistics, neighbours)
        yield stretch


def summarize_blocks(
    readings: StationReadings,
    expectations: Expectations,
    first: int,
    last: int,
    *,
    decisions: Sequence[Decision] = (),
    on_crash: Crash = raise_crash,
) -> dict[str, BlockStatistics]:
    """Sum up the blocks ``first`` to ``last`` of each parameter; only the plain tests are run."""
    station = Station(readings, expectations, decisions, on_crash)
    found: dict[str, BlockStatistics] = {}
    for rows in station.cut(readings.between(first * BLOCK, (last + 1) * BLOCK)):
        station.stretch(rows).summarize(found)
    return found
