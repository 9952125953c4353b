"""The readings of one batch in columns, and what its sets may leave provisional."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from itertools import chain

import numpy as np

from quantrac.domain.qa.baseline.blocks import BLOCK, BOUNDS
from quantrac.domain.qa.baseline.lookup import Baselines, Lookup
from quantrac.domain.qa.baseline.neighbour_hours import HOUR
from quantrac.domain.qa.checks.table import NEIGHBOURS, TESTS
from quantrac.domain.qa.live.arrivals import NO_SERIES, Arrivals, Seen
from quantrac.domain.qa.live.memory import Memory, remember, seconds, whole_milliseconds
from quantrac.domain.qa.shared_rules import measured
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Bools, Companions, Floats, Indices, Window
from quantrac.domain.readings import FlaggedReading, Provisional, Reading, ReadingSet

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

BY_BLOCK = tuple(name for name, test in TESTS.items() if test.baseline and name != NEIGHBOURS)
"""Tests that compare with the limits of a block."""

Outcome = tuple[int, dict[str, int]]
"""Flag, and outcomes by test."""


class Batch:
    """The readings of some sets in columns, one row a reading; and what each set may leave provisional."""

    def __init__(
        self, sets: Sequence[ReadingSet], expectations: Expectations, memory: Memory, baseline: Baselines
    ) -> None:
        self._sets, self._expectations, self._memory = sets, expectations, memory
        self.stations = [each.station for each in sets]
        self.readings: list[Reading] = list(chain.from_iterable(each.readings for each in sets))
        self.parameter: list[str] = []
        self.starts = [0]
        """First row of each set, and the end of the last."""
        self._series: list[Indices] = []
        self._profiles: list[Indices] = []
        self._value: list[float] = []
        self._time: list[float] = []
        self._status: list[str] = []
        self._unit: list[str] = []
        self._received = [whole_milliseconds(each.received_at) for each in sets]
        self._moment: list[int] = []
        self._baseline = Lookup(baseline)
        self._spans: dict[int, list[tuple[float, float, str]]] = {}
        self._blocks: dict[int, tuple[float, float]] = {}
        self._hours: dict[int, tuple[float, float]] = {}
        """Spans of time that are over since a set came: from the last block or hour with readings on."""
        self._before = [-np.inf] * len(sets)
        """Newest time of each set's station before it."""
        self._others = _Others(memory)
        moments = 0
        for number, each in enumerate(sets):
            start = self.starts[-1]
            end = start + len(each.readings)
            self.starts.append(end)
            if end > start:
                moments = self._add(number, each, start, end, moments)
        self.status = np.array(self._status, dtype=object)
        self.profile = np.concatenate([np.empty(0, dtype=np.intp), *self._profiles])

    def _add(self, number: int, each: ReadingSet, start: int, end: int, moment: int) -> int:
        """Take in one set; returns the first free number of a moment."""
        station, count, times = each.station, end - start, seconds(each.readings)
        # Here, because the readings of one file are still at hand in the processor's cache.
        self._value += [reading.value for reading in each.readings]
        self._time += times
        self._status += [reading.status for reading in each.readings]
        self._unit += [reading.unit for reading in each.readings]
        expected = self._expectations.station_profiles(station)
        names = [reading.parameter for reading in each.readings]
        if station:
            names, series = self._memory.series(station).of(names)
        else:
            series = np.full(count, NO_SERIES)
        received = self._received[number]
        self.parameter += names
        self._series.append(series)
        self._profiles.append(expected.of_file(names, received, times))
        at = times[0]
        same = times.count(at) == count
        self._baseline.add(station, names, times, same=same)
        together: dict[float, list[str]] = {at: names} if same else defaultdict(list)
        if same:
            self._moment += [moment] * count
        else:
            for name, time in zip(names, times, strict=True):
                together[time].append(name)
            moments = {time: place for place, time in enumerate(together, moment)}
            self._moment += [moments[time] for time in times]
        if station:
            for time, here in together.items():
                lacking = expected.missing_companions(here)
                if lacking and self._others.told(station, lacking, time):
                    self._mark_provisional(number, time, time + 1, "companion")
            self._others.add(station, names, times, received)
            before, newest = self._memory.advance(station, times, received)
            self._before[number] = before
            self._finish(number, before, newest)
        return moment + len(together)

    def _finish(self, number: int, before: float, newest: float) -> None:
        """Note what is over of the station's blocks and hours since a set came."""
        for length, spans in ((BLOCK, self._blocks), (HOUR, self._hours)):
            begun = newest // length * length
            if before < begun:
                known = before if before > -np.inf else begun - length
                spans[number] = known // length * length, begun

    def _mark_provisional(self, number: int, start: float, end: float, cause: str) -> None:
        self._spans.setdefault(number, []).append((start, end, cause))

    def arrivals(self) -> Arrivals:
        """Return the readings as the memory takes them."""
        value = np.array(self._value, dtype=np.float64)
        return Arrivals(
            series=np.concatenate(self._series),
            value=value,
            time=np.array(self._time),
            received=np.repeat(self._received, np.diff(self.starts)),
            measured=measured(value, self.status),
            reach=self._expectations.look_backs(self.profile),
        )

    def window(self, arrivals: Arrivals, seen: Seen) -> Window:
        """Return the readings with what was known before each."""
        limits, nothing = self._baseline.limits(), np.full(len(self.readings), np.nan)
        sample = np.array(self._moment, dtype=np.intp)
        return Window(
            value=arrivals.value,
            time=arrivals.time,
            status=self.status,
            unit=np.array(self._unit, dtype=object),
            equal_since=seen.equal_since,
            past_value=seen.past_value,
            past_time=seen.past_time,
            received=arrivals.received,
            interval=self._expectations.intervals(self.profile),
            replaced=seen.replaced,
            **{name: getattr(limits, name) for name in BOUNDS},
            neighbours=nothing,  # known when the hour is over
            neighbour_count=np.zeros(len(self.readings)),
            sample=sample,
            companions=Companions(sample, self.parameter, arrivals.measured),
        )

    def flagged(self, outcomes: Sequence[Outcome], time: Floats, seen: Seen) -> list[FlaggedReading]:
        """Join the readings with what was found out about them."""
        readings = self.readings
        # Most values have just changed: their own time needs no new object.
        since: list[datetime | None] = [reading.measured_at for reading in readings]
        for row in np.flatnonzero(seen.unsure | (seen.equal_since != time)).tolist():
            known = None if seen.unsure[row] else EPOCH + timedelta(seconds=float(seen.equal_since[row]))
            since[row] = known
        return [
            FlaggedReading(
                reading.line,
                reading.parameter,
                reading.value,
                reading.text,
                reading.unit,
                reading.measured_at,
                reading.status,
                flag,
                tests,
                equal_since,
            )
            for reading, (flag, tests), equal_since in zip(readings, outcomes, since, strict=True)
        ]

    def provisional(
        self, arrivals: Arrivals, seen: Seen, asked: Mapping[str, Bools]
    ) -> dict[int, Provisional]:
        """Return what the sets leave to be judged again, by number of the set."""
        time = arrivals.time
        stationed = np.repeat([station != "" for station in self.stations], np.diff(self.starts))
        late = seen.late | (arrivals.series == NO_SERIES)
        by_block = np.zeros(len(time), dtype=np.bool_)
        for name in BY_BLOCK:
            by_block |= asked[name]
        self._add_spans(late & stationed, time, time + arrivals.reach, "late")
        self._add_spans(seen.unsure & stationed, time, time + 1, "late")
        self._add_spans(seen.short & stationed, time, time + 1, "memory")
        self._add_spans(by_block & ~self._baseline.published() & stationed, time, time + 1, "block")
        for number, (start, end) in self._blocks.items():
            self._mark_provisional(number, start, end, "block")
        # A parameter that comes after others, when its block or hour is over already.
        before, in_order = np.repeat(self._before, np.diff(self.starts)), ~late & stationed
        block, hour = (np.floor(time / length) * length for length in (BLOCK, HOUR))
        self._add_spans(in_order & (block + BLOCK <= before), block, block + BLOCK, "block")
        if asked[NEIGHBOURS].any():
            for number, (start, end) in self._hours.items():
                if asked[NEIGHBOURS][self.starts[number] : self.starts[number + 1]].any():
                    self._mark_provisional(number, start, end, NEIGHBOURS)
            over = in_order & asked[NEIGHBOURS] & (hour + HOUR <= before)
            self._add_spans(over, hour, hour + HOUR, NEIGHBOURS)
        return {
            number: Provisional(
                start=_instant(min(start for start, _, _ in spans)),
                end=_instant(max(end for _, end, _ in spans)),
                causes=sorted({cause for _, _, cause in spans}),
            )
            for number, spans in self._spans.items()
        }

    def _add_spans(self, rows: Bools, start: Floats, end: Floats, cause: str) -> None:
        """Add the spans of some rows to their sets."""
        if not rows.any():
            return
        places = np.flatnonzero(rows)
        numbers = np.searchsorted(self.starts, places, side="right") - 1
        first = np.flatnonzero(np.concatenate([[True], numbers[1:] != numbers[:-1]]))
        earliest = np.minimum.reduceat(start[places], first).tolist()
        latest = np.maximum.reduceat(end[places], first).tolist()
        for number, begin, finish in zip(numbers[first].tolist(), earliest, latest, strict=True):
            self._mark_provisional(number, begin, finish, cause)


class _Others:
    """What other files told of a station, earlier in the batch or before it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._files: dict[str, list[tuple[Sequence[str], Sequence[float], float]]] = {}
        self._told: dict[tuple[str, str], tuple[list[float], int]] = {}
        """By station and code: times remembered, and how many of the station's files they hold."""

    def add(self, station: str, names: Sequence[str], times: Sequence[float], received: float) -> None:
        """Add a set: codes and times, and when it was received."""
        self._files.setdefault(station, []).append((names, times, received))

    def told(self, station: str, codes: AbstractSet[str], time: float) -> bool:
        """Tell whether one of the parameters was, or may have been, told for a time."""
        numbers, files = self._memory.series(station), self._files.get(station, [])
        for code in codes & numbers.keys():
            known, taken = self._told.get((station, code)) or (self._memory.times(numbers[code]), 0)
            for names, times, received in files[taken:]:
                for name, at in zip(names, times, strict=True):
                    if name == code:
                        remember(known, at, received)
            self._told[station, code] = known, len(files)
            if known and (time in known or time < known[0]):
                return True
        return False


_FIRST = datetime.min.replace(tzinfo=UTC).timestamp()

_LAST = datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp()


def _instant(at: float) -> datetime:
    """Return the time (UTC) of seconds since 1970, kept within what a date can hold."""
    return EPOCH + timedelta(seconds=min(max(at, _FIRST), _LAST))
