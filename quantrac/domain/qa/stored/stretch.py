"""Stretches: rows of a station judged together, cut so that their matrices stay small."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quantrac.domain.qa.baseline import blocks
from quantrac.domain.qa.baseline.blocks import BLOCK, BOUNDS, NOTHING, BlockStatistics, StationStatistics
from quantrac.domain.qa.baseline.neighbour_hours import HOUR, Neighbours
from quantrac.domain.qa.checks.table import (
    BASELINE_TESTS,
    NEIGHBOURS,
    PLAIN_TESTS,
    SECOND_STAGE_TESTS,
    TEST_INDEX,
    TESTS,
    Test,
)
from quantrac.domain.qa.decisions import NOT_DECIDED, decided
from quantrac.domain.qa.evaluate import NOT_RUN, Crash, evaluate, is_bad, roll_up_rows
from quantrac.domain.qa.shared_rules import DEPTH, LONGEST_SILENCE, measured
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Bools, Companions, Floats, Indices, Outcomes, Window
from quantrac.domain.readings import Flag
from quantrac.domain.stations import Decision

TOGETHER = 30_000
"""Readings judged together: a week of 15 parameters; with fewer the calls cost more than the work."""
STRETCH = 120
"""Blocks judged together at most, so that a few readings of other years cost no grid of all between."""


class Station:
    """The readings of one station with what every stretch needs of all of them."""

    def __init__(
        self,
        readings: StationReadings,
        expectations: Expectations,
        decisions: Sequence[Decision],
        on_crash: Crash,
    ) -> None:
        self.readings, self.expectations, self.on_crash = readings, expectations, on_crash
        self.decisions = decisions
        self.measured: Bools = np.isfinite(measured(readings.value, readings.status))
        self.ahead = readings.ahead
        # Only readings of a right clock are a past. Before each series stand DEPTH empty ones, so that no row
        # sees another series.
        past = np.flatnonzero(~self.ahead)
        self._position = np.cumsum(~self.ahead) - ~self.ahead + DEPTH * readings.series
        padded = np.full((2, len(past) + DEPTH * (1 + len(readings.parameters))), np.nan)
        padded[0, self._position[past] + DEPTH] = np.where(self.measured, readings.value, np.nan)[past]
        padded[1, self._position[past] + DEPTH] = np.where(self.measured, readings.time, np.nan)[past]
        self._past_value, self._past_time = sliding_window_view(padded, DEPTH, axis=1)
        self._position[self.ahead] = len(padded[0]) - DEPTH  # the end, where nothing stands
        self._equal_since = readings.time.copy()
        self._equal_since[past] = _equal_since(readings.take(past))

    def cut(self, rows: Indices) -> Iterator[Indices]:
        """Cut rows into stretches of whole blocks, earliest first."""
        block, of, count = np.unique(
            (self.readings.time[rows] // BLOCK).astype(np.int64), return_inverse=True, return_counts=True
        )
        part = np.cumsum(count) // TOGETHER
        begins = np.diff(part, prepend=0) > 0
        begins |= np.diff(block // STRETCH, prepend=block[:1] // STRETCH) > 0
        number = np.cumsum(begins)[of]
        for each in np.flatnonzero(np.bincount(number)):
            yield rows[number == each]

    def stretch(self, rows: Indices) -> "Stretch":
        """Run the plain tests on rows."""
        readings, position = self.readings.take(rows), self._position[rows]
        codes, nothing = readings.parameter, np.full(len(rows), np.nan)
        sample = np.unique(readings.time, return_inverse=True)[1]
        profile = self.expectations.profiles_of(readings.station, codes, readings.received, readings.time)
        window = Window(
            value=readings.value,
            time=readings.time,
            status=readings.status,
            unit=readings.unit,
            equal_since=self._equal_since[rows],
            past_value=self._past_value[position],
            past_time=self._past_time[position],
            received=readings.received,
            interval=self.expectations.intervals(profile),
            replaced=readings.replaced,
            own_low=nothing,
            own_high=nothing,
            own_step=nothing,
            recent_low=nothing,
            recent_high=nothing,
            neighbours=nothing,
            neighbour_count=np.zeros(len(rows)),
            sample=sample,
            companions=Companions(sample, codes.tolist(), measured(readings.value, readings.status)),
        )
        return Stretch(self, rows, readings, window, profile)


class Stretch:
    """Rows judged together: their window, what was asked of them, and the outcomes so far."""

    def __init__(
        self, station: Station, rows: Indices, readings: StationReadings, window: Window, profile: Indices
    ) -> None:
        self.rows, self.readings, self.window, self.profile = rows, readings, window, profile
        self.decided = decided(station.decisions, readings.parameter, readings.time)
        self.thresholds, self.asked = station.expectations.of(profile, readings.time)
        self._required = station.expectations.required(profile)
        self._on_crash = station.on_crash
        self.outcomes: Outcomes = np.full((len(rows), len(TESTS)), NOT_RUN, dtype=np.uint8)
        self.crashed: set[str] = set()
        self._run(PLAIN_TESTS)
        fit = np.where(self.decided == NOT_DECIDED, ~is_bad(self.outcomes), self.decided == Flag.GOOD)
        self._ahead = station.ahead[rows]
        self.clean: Bools = station.measured[rows] & fit & ~self._ahead

    def summarize(self, found: dict[str, BlockStatistics]) -> None:
        """Add the statistics of the stretch's blocks to those found before."""
        bounds = np.searchsorted(self.readings.series, np.arange(len(self.readings.parameters) + 1))
        for code, start, end in zip(self.readings.parameters, bounds[:-1], bounds[1:], strict=True):
            part = slice(start, end)
            new = blocks.summarize(self.readings.time[part], self.readings.value[part], self.clean[part])
            found[code] = blocks.joined(found.get(code, NOTHING), new)

    def compare(self, statistics: StationStatistics, neighbours: Neighbours) -> None:
        """Run the baseline tests, then those of the second stage."""
        self.window = replace(self.window, **self._limits(statistics), **self._neighbours(neighbours))
        self._run(BASELINE_TESTS)
        self.window.companions.mark_bad(is_bad(self.outcomes))
        self._run(SECOND_STAGE_TESTS)

    def flags(self) -> Outcomes:
        """Return the flag of each row."""
        self._required[:, [TEST_INDEX[name] for name in self.crashed]] = True
        return np.where(
            self.decided == NOT_DECIDED, roll_up_rows(self.outcomes, self._required), self.decided
        )

    def _run(self, tests: Mapping[str, Test]) -> None:
        if not tests:
            return
        verdict = evaluate(self.window, self.thresholds, self.asked, on_crash=self._on_crash, tests=tests)
        self.outcomes[:, [TEST_INDEX[name] for name in tests]] = verdict.outcomes
        self.crashed |= verdict.crashed

    def _limits(self, statistics: StationStatistics) -> dict[str, Any]:
        block = (self.readings.time // BLOCK).astype(np.intp)
        first, last = int(block.min()), int(block.max())
        held = np.full((len(BOUNDS), len(self.readings.parameters), last - first + 1), np.nan)
        for place, code in enumerate(self.readings.parameters):
            if code in statistics:
                limits = blocks.bounds(statistics[code], first, last)
                held[:, place] = [getattr(limits, name) for name in BOUNDS]
        rows = np.where(self._ahead, np.nan, held[:, self.readings.series, block - first])
        return dict(zip(BOUNDS, rows, strict=True))

    def _neighbours(self, neighbours: Neighbours) -> dict[str, Any]:
        median, count = np.full(len(self.rows), np.nan), np.zeros(len(self.rows))
        wanted = np.flatnonzero(self.asked[NEIGHBOURS] & ~self._ahead)
        if len(wanted):
            hour = (self.readings.time // HOUR).astype(np.int64)
            given = neighbours(int(hour[wanted].min()), int(hour[wanted].max()))
            for place, code in enumerate(self.readings.parameters):
                if code in given:
                    rows = wanted[self.readings.series[wanted] == place]
                    median[rows], count[rows] = given[code].at(hour[rows])
        return {"neighbours": median, "neighbour_count": count}


def _equal_since(readings: StationReadings) -> Floats:
    """When the run of equal values began that each reading (n,) belongs to."""
    time, value, series = readings.time, readings.value, readings.series
    same = (value[1:] == value[:-1]) & (series[1:] == series[:-1])
    same &= time[1:] - time[:-1] <= LONGEST_SILENCE
    head = np.arange(len(time))
    head[1:][same] = 0
    return time[np.maximum.accumulate(head)]
