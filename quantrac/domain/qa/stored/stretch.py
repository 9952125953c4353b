"""Stretches: rows of a station judged together, cut so that their matrices stay small.

A reading is judged in three steps. The *plain* tests (neither of the baseline nor of the second stage) tell
the clean readings, from which the bounds of later blocks follow (:mod:`quantrac.domain.qa.baseline.blocks`);
then the baseline tests compare with bounds and neighbours; then the second stage sees what both said about
other parameters.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quantrac.domain.qa.baseline import blocks
from quantrac.domain.qa.baseline.blocks import BLOCK, BOUNDS, NOTHING, StationStatistics
from quantrac.domain.qa.baseline.neighbour_hours import Neighbours
from quantrac.domain.qa.checks.table import (
    BASELINE_TESTS,
    NEIGHBOURS,
    PLAIN_TESTS,
    SECOND_STAGE_TESTS,
    TEST_INDEX,
    TESTS,
    Test,
)
from quantrac.domain.qa.decisions import NOT_DECIDED, decision_flags
from quantrac.domain.qa.evaluate import Crash, is_bad, roll_up_rows, run_tests
from quantrac.domain.qa.shared_rules import DEPTH, FOLLOWING, continues_run, has_wrong_clock, measured
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.profile_table import Columns
from quantrac.domain.qa.window import Bools, Companions, Floats, Indices, Outcomes, Texts, Window
from quantrac.domain.readings import NOT_RUN, Flag
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.times import HOUR

TOGETHER = 30_000
"""Readings judged together: a week of 15 parameters; with fewer the calls cost more than the work."""
STRETCH = 120
"""Blocks judged together at most, so that a few readings of other years cost no grid of all between."""


class _StationCompanions(Companions):
    """The companions of rows of one station, whose parameters stand one after the other, each by time."""

    def __init__(self, sample: Indices, value: Floats, slices: Mapping[str, slice]) -> None:
        super().__init__(sample, (), value)
        self._slices = slices

    def _rows_of(self, code: str) -> tuple[Indices, Indices]:
        part = self._slices.get(code, slice(0))
        return self._sample[part], np.arange(*part.indices(len(self._sample)))


class StationWindows:
    """The readings of one station, from which the windows of its stretches are cut."""

    def __init__(
        self,
        readings: StationReadings,
        expectations: Expectations,
        decisions: Sequence[Decision],
        on_crash: Crash,
        newest: float | None = None,
    ) -> None:
        """``newest`` is the time of the station's newest reading of a right clock, by default the newest
        of ``readings``: blocks of time before its own are over.
        """
        self.readings, self.expectations, self.on_crash = readings, expectations, on_crash
        self.decisions = decisions
        self.received = readings.received
        self.wrong_clock = has_wrong_clock(readings.time, self.received)
        self._is_qualified = readings.is_qualified
        self.measured = measured(readings.value, readings.status, self._is_qualified)
        is_measured = np.isfinite(self.measured)
        past_value = np.where(is_measured, readings.value, np.nan)
        # Only readings whose clock may be right are a past: (m,) rows of them, by series and time. Before
        # each series stand DEPTH empty ones, so that no row sees another series.
        has_past = ~self.wrong_clock
        past = np.flatnonzero(has_past)
        before = np.cumsum(has_past) - has_past + DEPTH * readings.series
        padded = np.full((2, len(past) + DEPTH * (1 + len(readings.parameters))), np.nan)
        padded[0, before[past] + DEPTH] = past_value[past]
        padded[1, before[past] + DEPTH] = np.where(np.isnan(past_value), np.nan, readings.time)[past]
        self._past_value, self._past_time = sliding_window_view(padded, DEPTH, axis=1)
        self._past_line = padded[1], padded[0]
        """Times and values (line,) in which the two matrices are windows."""
        self._newest = readings.time[has_past].max(initial=-np.inf) if newest is None else newest
        before[self.wrong_clock] = len(padded[0]) - DEPTH  # the end, where nothing stands
        self._before = before
        """(n,) where the DEPTH readings before each one stand in the two matrices."""
        self._in_runs = np.flatnonzero(has_past & is_measured)
        """(k,) rows that are in a run of equal values, by series and time."""
        self._equal_since = np.full(len(readings), np.nan)
        self._equal_since[self._in_runs] = _run_starts(readings, self._in_runs)

    def cut(self, rows: Indices) -> Iterator[Indices]:
        """Cut rows into stretches of whole blocks, earliest first."""
        if not len(rows):
            return
        block = (self.readings.time[rows] // BLOCK).astype(np.int64)
        if len(rows) <= TOGETHER and block.max() - block.min() < STRETCH:
            yield rows
            return
        blocks_of_rows, index, count = np.unique(block, return_inverse=True, return_counts=True)
        part = np.cumsum(count) // TOGETHER
        begins = np.diff(part, prepend=0) > 0
        begins |= np.diff(blocks_of_rows // STRETCH, prepend=blocks_of_rows[:1] // STRETCH) > 0
        stretch = np.cumsum(begins)[index]
        for number in np.flatnonzero(np.bincount(stretch)):
            yield rows[stretch == number]

    def profiles(self, rows: Indices, codes: Texts) -> Indices:
        """Return the profile indices of rows (n,) in order, whose parameters are ``codes`` (n,)."""
        profiles = self.expectations.station_profiles(self.readings.station)
        received, time = self.received[rows], self.readings.time[rows]
        indices = np.empty(len(rows), dtype=np.intp)
        for part in self.slices(rows).values():
            indices[part] = profiles.of_rows(codes[part], received[part], time[part])
        return indices

    def slices(self, rows: Indices) -> dict[str, slice]:
        """Return where each parameter's rows stand among ``rows``, which are in order."""
        parameters = self.readings.parameters
        edges = np.searchsorted(self.readings.series[rows], np.arange(len(parameters) + 1)).tolist()
        slices = zip(parameters, pairwise(edges), strict=True)
        return {code: slice(start, end) for code, (start, end) in slices if start < end}

    def window(self, rows: Indices, profile: Indices) -> Window:
        """Return the window of rows (n,); what a baseline says of them is not known yet."""
        readings, before, nothing = self.readings, self._before[rows], np.full(len(rows), np.nan)
        time = readings.time[rows]
        sample = np.rint(1e6 * time).astype(np.intp)  # datetimes are no finer
        return Window(
            value=readings.value[rows],
            time=time,
            status=readings.status[rows],
            unit=readings.unit[rows],
            is_qualified=self._is_qualified[rows],
            equal_since=self._equal_since[rows],
            past_value=self._past_value[before],
            past_time=self._past_time[before],
            next_value=self._following(rows),
            received=self.received[rows],
            is_imported=readings.is_imported[rows],
            interval=self.expectations.intervals(profile),
            replaced=readings.replaced[rows],
            own_low=nothing,
            own_high=nothing,
            own_step=nothing,
            recent_low=nothing,
            recent_high=nothing,
            neighbours=nothing,
            neighbour_count=np.zeros(len(rows)),
            sample=sample,
            companions=_StationCompanions(sample, self.measured[rows], self.slices(rows)),
        )

    def _following(self, rows: Indices) -> Floats:
        """Return what came after each row (n, FOLLOWING) in its block; NaN until the block is over.

        Only then is it certain: so live, rejudging and the batch form agree, whichever saw it first.
        """
        block_end = (self.readings.time[rows] // BLOCK + 1) * BLOCK
        block_end[
            (block_end > self._newest) | self.wrong_clock[rows]
        ] = -np.inf  # nothing is known yet, or ever
        # (FOLLOWING, n) where they stand, the reading itself between the ones before and them; those of a
        # clock ahead, which stand nowhere, are clipped
        after = self._before[rows] + DEPTH + np.arange(1, FOLLOWING + 1)[:, None]
        time, value = (row.take(after, mode="clip") for row in self._past_line)
        value[~(time < block_end)] = np.nan
        following: Floats = value.T
        return following

    def equal_since(self, rows: Indices, since: float) -> Floats:
        """Return when the run of equal values of each row (m,) began, taking no reading before ``since`` into
        account: a message says the same whatever else was read with its readings.
        """
        readings = self.readings
        in_runs = self._in_runs[readings.time[self._in_runs] >= since]
        # (parameters,) time of the first one; they go by parameter and time.
        first = np.full(len(readings.parameters) + 1, np.inf)
        first[readings.series[in_runs][::-1]] = readings.time[in_runs][::-1]
        run_start = self._equal_since[rows]
        starts: Floats = np.maximum(run_start, first[readings.series[rows]])
        return np.where(np.isnan(run_start), readings.time[rows], starts)


@dataclass(slots=True)
class Stretch:
    """``n`` rows judged together: their window, what is expected of them, and the outcomes so far."""

    station: StationWindows
    rows: Indices
    """(n,) rows of the station's readings, in order."""
    series: Indices
    """(n,) index of each row's parameter."""
    block: Indices
    """(n,) the block of each row."""
    window: Window
    profile: Indices
    """(n,) indices of the profiles of expectations."""
    thresholds: Columns
    enabled: Mapping[str, Bools]
    """By test, the rows (n,) that it judges."""
    decided: Outcomes
    """(n,) what people decided; NOT_DECIDED where nobody did."""
    outcomes: Outcomes
    """(n, tests) in the order of the table of tests; NOT_RUN where a test is off."""
    crashed: set[str]
    """Tests that raised."""
    clean: Bools
    """(n,) whether it counts for the statistics of its block."""

    def statistics(self) -> StationStatistics:
        """Return the statistics of the stretch's blocks."""
        statistics = blocks.summarize(self.series, self.window.time, self.window.value, self.clean)
        parameters = self.station.readings.parameters
        return {parameters[index]: series for index, series in statistics.items()}

    def compare(
        self, statistics: StationStatistics, neighbours: Neighbours, rows: Indices | None = None
    ) -> None:
        """Run the baseline tests, then those of the second stage, on some of the rows or on all.

        ``statistics`` are those of the blocks that the rows' bounds come from. ``neighbours`` is asked where
        a test compares with them.
        """
        rows = np.arange(len(self.rows)) if rows is None else rows
        if not len(rows):
            return
        among = np.zeros(len(self.rows), dtype=np.bool_)
        among[rows] = True
        enabled = {name: self.enabled[name] & among for name in (*BASELINE_TESTS, *SECOND_STAGE_TESTS)}
        rows_in_past = rows[~self.station.wrong_clock[self.rows[rows]]]
        self.window = replace(
            self.window,
            **self._bounds(statistics, rows_in_past),
            **self._neighbour_hours(neighbours, rows_in_past[enabled[NEIGHBOURS][rows_in_past]]),
        )
        self._run(BASELINE_TESTS, enabled)
        if any(enabled[name].any() for name in SECOND_STAGE_TESTS):
            self.window.companions.mark_bad(is_bad(self.outcomes))
            self._run(SECOND_STAGE_TESTS, enabled)

    def flags(self) -> Outcomes:
        """Return the flag of each row (n,)."""
        required = self.station.expectations.required_tests(self.profile)
        required[:, [TEST_INDEX[name] for name in self.crashed]] = True
        return np.where(self.decided == NOT_DECIDED, roll_up_rows(self.outcomes, required), self.decided)

    def run_plain(self) -> None:
        """Run the plain tests, and tell the clean rows."""
        self._run(PLAIN_TESTS, self.enabled)
        fit = np.where(self.decided == NOT_DECIDED, ~is_bad(self.outcomes), self.decided == Flag.GOOD)
        self.clean = (
            fit & np.isfinite(self.station.measured[self.rows]) & ~self.station.wrong_clock[self.rows]
        )

    def _run(self, tests: Mapping[str, Test], enabled: Mapping[str, Bools]) -> None:
        columns = {name: self.outcomes[:, TEST_INDEX[name]] for name in tests}
        self.crashed |= run_tests(
            tests, self.window, self.thresholds, enabled, columns, on_crash=self.station.on_crash
        )

    def _bounds(self, statistics: StationStatistics, rows: Indices) -> dict[str, Any]:
        """Return what the baseline says of each row (n,), by name; NaN but for ``rows`` (m,)."""
        values = np.full((len(BOUNDS), len(self.rows)), np.nan)
        if len(rows):
            series, block = self.series[rows], self.block[rows]
            first, last = int(block.min()), int(block.max())
            baselines = [statistics.get(code, NOTHING) for code in self.station.readings.parameters]
            values[:, rows] = blocks.bounds(baselines, first, last).matrix[:, series, block - first]
        return dict(zip(BOUNDS, values, strict=True))

    def _neighbour_hours(self, neighbours: Neighbours, rows: Indices) -> dict[str, Any]:
        """Return what the neighbours measured in the hour of each row (n,); nothing but for ``rows`` (m,)."""
        median, count = np.full(len(self.rows), np.nan), np.zeros(len(self.rows))
        if len(rows):
            hour = (self.window.time // HOUR).astype(np.int64)
            hours = neighbours(int(hour[rows].min()), int(hour[rows].max()))
            for code, part in self.station.slices(self.rows[rows]).items():
                if code in hours:
                    hour_rows = rows[part]
                    median[hour_rows], count[hour_rows] = hours[code].at(hour[hour_rows])
        return {"neighbours": median, "neighbour_count": count}


def judge_plainly(station: StationWindows, rows: Indices) -> Stretch:
    """Run the plain tests on rows (n,) of a station, which are in order."""
    readings = station.readings
    series = readings.series[rows]
    codes = np.array([*readings.parameters, None], dtype=object)[series]
    profile = station.profiles(rows, codes)
    window = station.window(rows, profile)
    stretch = Stretch(
        station=station,
        rows=rows,
        series=series,
        block=(window.time // BLOCK).astype(np.intp),
        window=window,
        profile=profile,
        thresholds=station.expectations.thresholds(profile, window.time),
        enabled=station.expectations.enabled_tests(profile),
        decided=decision_flags(station.decisions, codes, window.time),
        # A column after the other in memory: tests write and the roll-up reads whole columns.
        outcomes=np.full((len(TESTS), len(rows)), NOT_RUN, dtype=np.uint8).T,
        crashed=set(),
        clean=np.zeros(len(rows), dtype=np.bool_),
    )
    stretch.run_plain()
    return stretch


def _run_starts(readings: StationReadings, rows: Indices) -> Floats:
    """When the run of equal values began that each of some measured rows (m,) is in; rows are in order."""
    time, value, series = readings.time[rows], readings.value[rows], readings.series[rows]
    same = continues_run(value[1:], time[1:], value[:-1], time[:-1]) & (series[1:] == series[:-1])
    start = np.arange(len(time))
    start[1:][same] = 0
    return time[np.maximum.accumulate(start)]
