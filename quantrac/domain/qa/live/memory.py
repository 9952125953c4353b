"""What the validator remembers: the newest readings of every series, kept in arrays over all series.

A *series* is one parameter of one station. Each keeps the ``depth`` newest readings *by time*, each time
once. A reading sees those measured before it, whatever order they came in; so readings that come in order
see exactly what the store will hold. What a reading sees never depends on how arrivals are cut into batches.

What cannot be known here is told beside the window (:class:`Seen`), to be judged again from the store:

- a reading not newer than the newest of its series is *late*; one older than all that is remembered is judged
  without a past and not remembered;
- such an old reading may have broken or lengthened the run of equal values that reaches back beyond the ring:
  the run is *unsure* until it breaks or has certainly lasted as long as the tests look back;
- after a restart, or when an idle series had to give way, a reading with less than ``depth`` before it has a
  *short* past unless the tests do not look back further.

Equal times: of two readings the one received later counts, of one receipt the later line.
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quantrac.domain.qa.shared_rules import DEPTH, LONGEST_AHEAD, LONGEST_SILENCE, measured
from quantrac.domain.qa.window import Bools, Floats, Indices

MOST_SERIES = 100_000
"""Series remembered, 90 MB: three times those of the country. A quarter, idle longest, gives way to more."""
NO_SERIES = -1
"""Series number of a reading that has no past and is no past: one without a station, for example."""
MOST_PARAMETERS = 500
"""Series of one station; what else it names has :data:`NO_SERIES`."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """``n`` readings in order of arrival. Times are seconds since 1970 UTC."""

    series: Indices
    """(n,) from :meth:`Memory.series`, or :data:`NO_SERIES`."""
    value: Floats
    time: Floats
    received: Floats
    measured: Floats
    """(n,) the value where the device was measuring, else NaN."""
    reach: Floats
    """(n,) seconds that the tests of the series look back."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was known before each of ``n`` readings; columns as in a window, and what was not known."""

    past_value: Floats
    past_time: Floats
    equal_since: Floats
    """(n,) as far as known: where ``unsure``, the latest it can be."""
    replaced: Floats
    late: Bools
    """(n,) not newer than the newest of its series."""
    unsure: Bools
    """(n,) the run of equal values may have begun earlier."""
    short: Bools
    """(n,) there may have been readings before it that are not remembered."""


class Remembered(Protocol):
    """One reading of a set judged before."""

    parameter: str
    value: float
    measured_at: datetime
    status: str
    equal_since: datetime | None


class RememberedSet(Protocol):
    """A set judged before: a :class:`~quantrac.domain.readings.FlaggedSet`, or what matters of one."""

    station: str
    received_at: datetime
    revision: int

    @property
    def readings(self) -> Sequence[Remembered]:
        """In the order of the file."""


class Series(dict[str, int]):
    """Series numbers of one station by parameter, given out at first use."""

    def __init__(self, rings: "_Rings") -> None:
        self._rings = rings
        self._last: tuple[list[str], Indices] = [], np.empty(0, dtype=np.intp)

    def __missing__(self, parameter: str) -> int:
        if len(self) >= MOST_PARAMETERS:
            return NO_SERIES
        number = self[parameter] = self._rings.open()
        return number

    def of(self, parameters: list[str]) -> tuple[list[str], Indices]:
        """Return the parameters of one file and their numbers (n,).

        A station's files mostly hold the same parameters: the very same objects are given again then.
        """
        if parameters != self._last[0]:
            self._last = parameters, np.array([self[each] for each in parameters], dtype=np.intp)
        return self._last

    def forget(self, gone: AbstractSet[int]) -> None:
        """Take out the numbers that are no longer good."""
        for parameter in [name for name, number in self.items() if number in gone]:
            del self[parameter]
        self._last = [], np.empty(0, dtype=np.intp)


class Memory:
    """The newest readings of each series; rebuilt at start from flagged sets by :meth:`remember`."""

    def __init__(self) -> None:
        self.whole = True
        """Whether there were no readings but those seen."""
        self.newest: dict[str, float] = {}
        """Time of the newest reading of each station (seconds since 1970 UTC), clocks ahead left out."""
        self._stations: dict[str, Series] = {}
        self._rings = _Rings()

    @property
    def count(self) -> int:
        """How many series are remembered."""
        return self._rings.count

    def series(self, station: str) -> Series:
        """Return the series numbers of a station by parameter; a new parameter gets one when looked up.

        A number holds until the next :meth:`see`.
        """
        known = self._stations.get(station)
        if known is None:
            known = self._stations[station] = Series(self._rings)
        return known

    def see(self, arrivals: Arrivals) -> Seen:
        """Remember readings and return what was known before each when it arrived."""
        return self._see(arrivals, None)

    def remember(self, sets: Iterable[RememberedSet]) -> None:
        """Take sets that were judged before, in the order they were, with their own ``equal_since``.

        Sets without a station are left out, and so are revisions: they hold the same values again. There may
        have been more before them.
        """
        series: list[Indices] = []
        times: list[float] = []
        since: list[float] = []
        received: list[float] = []
        readings: list[Remembered] = []
        for each in sets:
            if each.station and each.readings and not each.revision:
                numbers, at = self.series(each.station), whole_milliseconds(each.received_at)
                moments = seconds(each.readings)
                self.advance(each.station, moments, at)
                times += moments
                received += [at] * len(moments)
                readings += each.readings
                series.append(numbers.of([reading.parameter for reading in each.readings])[1])
                for reading, time in zip(each.readings, moments, strict=True):
                    start = reading.equal_since
                    if start is None:
                        since.append(np.nan)
                    else:
                        since.append(time if start == reading.measured_at else start.timestamp())
        if readings:
            value = np.array([reading.value for reading in readings], dtype=np.float64)
            status = np.array([reading.status for reading in readings], dtype=object)
            arrivals = Arrivals(
                series=np.concatenate(series),
                value=value,
                time=np.array(times),
                received=np.array(received),
                measured=measured(value, status),
                reach=np.zeros(len(readings)),
            )
            self._see(arrivals, np.array(since))
            self.whole = False

    def advance(self, station: str, times: Sequence[float], received: float) -> tuple[float, float]:
        """Move the newest time of a station on; returns the one before and the new one (-inf: none)."""
        before = self.newest.get(station, -np.inf)
        newest = max(times)
        if newest > received + LONGEST_AHEAD:
            newest = max((each for each in times if each <= received + LONGEST_AHEAD), default=-np.inf)
        if newest > before:
            self.newest[station] = newest
            return before, newest
        return before, before

    def times(self, series: int) -> list[float]:
        """Return the times that are remembered of a series, earliest first."""
        times = self._rings.time[series]
        return sorted(times[times > -np.inf].tolist())

    def _see(self, arrivals: Arrivals, known_since: Floats | None) -> Seen:
        n = len(arrivals.value)
        seen = Seen(
            past_value=np.full((n, DEPTH), np.nan),
            past_time=np.full((n, DEPTH), np.nan),
            equal_since=arrivals.time.copy(),
            replaced=np.full(n, np.nan),
            late=np.zeros(n, dtype=np.bool_),
            unsure=np.zeros(n, dtype=np.bool_),
            short=np.zeros(n, dtype=np.bool_),
        )
        with np.errstate(invalid="ignore"):  # empty slots, at -inf, are compared like all others
            order = _by_series(arrivals.series)
            if known_since is None:
                runs = _in_order(self._rings, arrivals, order)
                if len(runs):
                    _see_runs(self._rings, arrivals, order[runs], seen, whole=self.whole)
                    order = np.delete(order, runs)
            for rows in _waves(arrivals.series, order):
                _Wave(self._rings, arrivals, rows, seen, whole=self.whole).see(known_since)
        self._rings.used(arrivals.series)
        if self._rings.count > MOST_SERIES:
            self._make_room()
        return seen

    def _make_room(self) -> None:
        gone = self._rings.forget(MOST_SERIES * 3 // 4)
        for station, numbers in list(self._stations.items()):
            numbers.forget(gone)
            if not numbers:
                del self._stations[station]
                self.newest.pop(station, None)
        self.whole = False


class _Rings:
    """The newest readings of each series, one row a series; a slot that was never filled is at -inf."""

    def __init__(self) -> None:
        self.count = 0
        self._free: list[int] = []
        self._batch = 0
        self._last_use = np.zeros(0, dtype=np.int64)
        self.start = np.zeros(0, dtype=np.intp)
        """(series,) slot of the oldest reading, the next to give way."""
        empty = np.empty((0, DEPTH))
        self.time, self.value, self.received = empty, empty, empty
        self.measured, self.measured_time = empty, empty
        """Value and time where the value is finite and the device called it good, else NaN."""
        self.since, self.certain = empty, empty
        """When the run of equal values began (-inf: not known), and when at the latest."""

    def open(self) -> int:
        """Return the number of a new, empty series."""
        if not self._free:
            self._grow(max(64, len(self.start)))
        self.count += 1
        number = self._free.pop()
        self._last_use[number] = self._batch
        return number

    def used(self, series: Indices) -> None:
        """Take note of the series of a batch."""
        self._batch += 1
        self._last_use[series[series >= 0]] = self._batch

    def forget(self, keep: int) -> set[int]:
        """Empty all series but the ``keep`` used last; returns which."""
        idle = np.argsort(self._last_use, kind="stable")
        taken = np.ones(len(idle), dtype=np.bool_)
        taken[self._free] = False
        gone = idle[taken[idle]][: self.count - keep]
        self.time[gone] = -np.inf
        self.measured[gone] = self.measured_time[gone] = np.nan
        self._free += gone.tolist()
        self.count -= len(gone)
        return set(gone.tolist())

    def _grow(self, more: int) -> None:
        known = len(self.start)
        self._free += range(known + more - 1, known - 1, -1)
        self.start = np.concatenate([self.start, np.zeros(more, dtype=np.intp)])
        self._last_use = np.concatenate([self._last_use, np.zeros(more, dtype=np.int64)])
        for name in ("value", "received", "measured", "measured_time", "since", "certain"):
            setattr(self, name, np.concatenate([getattr(self, name), np.full((more, DEPTH), np.nan)]))
        self.time = np.concatenate([self.time, np.full((more, DEPTH), -np.inf)])


_SLOTS = (np.arange(DEPTH)[:, None] + np.arange(DEPTH)) % DEPTH
"""(start, place): the slot of each place in time, oldest first."""


class _Wave:
    """Readings of which no two are of one series, judged side by side."""

    def __init__(self, rings: _Rings, arrivals: Arrivals, rows: Indices, seen: Seen, *, whole: bool) -> None:
        self._rings, self._rows, self._seen, self._whole = rings, rows, seen, whole
        self._series = arrivals.series[rows]
        self._time, self._value = arrivals.time[rows], arrivals.value[rows]
        self._received, self._reach = arrivals.received[rows], arrivals.reach[rows]
        known = np.isfinite(arrivals.measured[rows])
        self._measured = np.where(known, self._value, np.nan)
        self._measured_time = np.where(known, self._time, np.nan)
        start = rings.start[self._series]
        self._oldest = self._series * DEPTH + start
        # (m, DEPTH) places of the rings' slots in their flat form, oldest first
        self._slots = (self._series * DEPTH)[:, None] + _SLOTS[start]

    def see(self, known_since: Floats | None) -> None:
        rings, rows, seen = self._rings, self._rows, self._seen
        last = self._slots[:, -1]
        newest = rings.time.take(last)
        late = self._time <= newest
        in_order = ~late
        if len(rows) == len(seen.late):  # nearly always: files of as many stations
            rings.measured.take(self._slots, out=seen.past_value, mode="clip")
            rings.measured_time.take(self._slots, out=seen.past_time, mode="clip")
        else:
            seen.past_value[rows] = rings.measured.take(self._slots)
            seen.past_time[rows] = rings.measured_time.take(self._slots)
        same = (self._value == rings.value.take(last)) & (self._time - newest <= LONGEST_SILENCE)
        since = np.where(same, rings.since.take(last), self._time)
        certain = np.where(same, rings.certain.take(last), self._time)
        if known_since is not None:
            known = known_since[rows]
            told = ~np.isnan(known)
            since[told] = certain[told] = known[told]
            since[~told & (same | (newest == -np.inf))] = -np.inf
        elif not self._whole:
            since[newest == -np.inf] = -np.inf
        self._tell(slice(None), since, certain)
        if not self._whole:
            self._tell_short()
        keep = self._time <= self._received + LONGEST_AHEAD
        keep |= np.isnan(self._received)
        if late.any():
            seen.late[rows] = late
            self._see_late(np.flatnonzero(late), keep[late])
            keep &= in_order
        if not keep.all():
            self._append(np.flatnonzero(keep), since, certain)
        else:
            self._append(slice(None), since, certain)

    def _tell(self, which: Indices | slice, since: Floats, certain: Floats) -> None:
        rows = self._rows[which]
        self._seen.equal_since[rows] = certain
        self._seen.unsure[rows] = (since != certain) & (self._time[which] - certain <= self._reach[which])

    def _tell_short(self) -> None:
        part = np.flatnonzero(self._rings.time.take(self._oldest) == -np.inf)
        times = self._rings.time.take(self._slots[part])
        oldest = np.min(times, axis=1, where=times > -np.inf, initial=np.inf)
        self._seen.short[self._rows[part]] = ~(self._time[part] - oldest > self._reach[part])

    def _append(self, which: Indices | slice, since: Floats, certain: Floats) -> None:
        rings, slot, series = self._rings, self._oldest[which], self._series[which]
        rings.start[series] = (rings.start[series] + 1) % DEPTH
        rings.time.put(slot, self._time[which])
        rings.value.put(slot, self._value[which])
        rings.received.put(slot, self._received[which])
        rings.measured.put(slot, self._measured[which])
        rings.measured_time.put(slot, self._measured_time[which])
        rings.since.put(slot, since[which])
        rings.certain.put(slot, certain[which])

    def _see_late(self, which: Indices, keep: Bools) -> None:
        """Judge readings not newer than the newest of their series, and set them in where they belong."""
        rings, seen, rows, row = self._rings, self._seen, self._rows[which], np.arange(len(which))
        slots = self._slots[which]
        at, value, received = self._time[which], self._value[which], self._received[which]
        time = rings.time.take(slots)
        place = np.sum(time < at[:, None], axis=1)
        first = np.sum(time == -np.inf, axis=1)
        twice = time[row, place] == at
        old = (place == first) & ~twice

        before = place[:, None] + np.arange(-DEPTH, 0)
        for column, known in ((seen.past_value, rings.measured), (seen.past_time, rings.measured_time)):
            past = np.take_along_axis(known.take(slots), np.maximum(before, 0), axis=1)
            column[rows] = np.where(before >= 0, past, np.nan)
        there = rings.received.take(slots)[row, place]
        replaces = twice & (there < received)
        seen.replaced[rows] = np.where(replaces, rings.value.take(slots)[row, place], np.nan)

        put = keep & ~old & ~(twice & (received < there))
        target = np.where(twice, place, place - 1)
        shifted = (put & ~twice)[:, None] & (np.arange(DEPTH) < target[:, None])
        source = np.arange(DEPTH) + shifted
        # The oldest one remembered gets another value: what was before it is not known.
        orphan = put & (target == first) & (rings.value.take(slots)[row, place] != value)
        told: dict[str, Floats] = {
            "time": at,
            "value": value,
            "received": received,
            "measured": self._measured[which],
            "measured_time": self._measured_time[which],
        }
        matrices = {
            name: np.take_along_axis(getattr(rings, name).take(slots), source, axis=1)
            for name in (*told, "since", "certain")
        }
        for name, column in told.items():
            matrices[name][row[put], target[put]] = column[put]
        since, certain = matrices["since"], matrices["certain"]
        since[row[orphan], target[orphan]], certain[row[orphan], target[orphan]] = -np.inf, at[orphan]
        _doubt(matrices, row[old & keep], first[old & keep], at[old & keep], value[old & keep])
        _follow_runs(matrices)
        for name, matrix in matrices.items():
            getattr(rings, name).put(slots, matrix)
        known = put | twice
        self._tell(
            which,
            np.where(known, since[row, target], -np.inf),
            np.where(known, certain[row, target], at),
        )


def _doubt(matrices: dict[str, Floats], row: Indices, first: Indices, at: Floats, value: Floats) -> None:
    """Say what readings older than all remembered ones leave unknown of the run that the ring begins with."""
    since, certain = matrices["since"][row, first], matrices["certain"][row, first]
    same = matrices["value"][row, first] == value
    breaks = ~same & (at >= since)
    lengthens = same & (at < since) & (since - at <= LONGEST_SILENCE)
    oldest = matrices["time"][row, first]
    matrices["since"][row, first] = np.where(breaks | lengthens, -np.inf, since)
    matrices["certain"][row, first] = np.where(breaks & (at >= certain), oldest, certain)


def _follow_runs(matrices: dict[str, Floats]) -> None:
    """Give each remembered reading the beginning of its run from the reading before it."""
    time, value, since, certain = (matrices[name] for name in ("time", "value", "since", "certain"))
    for place in range(1, DEPTH):
        linked = time[:, place - 1] > -np.inf
        same = (value[:, place] == value[:, place - 1]) & (
            time[:, place] - time[:, place - 1] <= LONGEST_SILENCE
        )
        for column in (since, certain):
            begun = np.where(same, column[:, place - 1], time[:, place])
            column[:, place] = np.where(linked, begun, column[:, place])


def _by_series(series: Indices) -> Indices:
    """Rows that have a series, series by series, each in order of arrival."""
    order = np.argsort(series, kind="stable")
    return order[np.searchsorted(series[order], 0) :]


def _begins(ordered: Indices) -> Bools:
    """Tell where another series begins."""
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]


def _waves(series: Indices, order: Indices) -> Iterator[Indices]:
    """Yield the rows of each series' first reading, then of each one's second, and so on."""
    if not len(order):
        return
    begins = _begins(series[order])
    if begins.all():
        yield np.sort(order)
        return
    first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    occurrence = np.arange(len(order)) - first
    order = order[np.argsort(occurrence, kind="stable")]
    yield from np.split(order, np.cumsum(np.bincount(occurrence))[:-1])


def _in_order(rings: _Rings, arrivals: Arrivals, order: Indices) -> Indices:
    """Places in ``order`` of the series with several readings, none of them late or ahead: long files."""
    series, time, received = arrivals.series[order], arrivals.time[order], arrivals.received[order]
    begins = _begins(series)
    if begins.all():
        return np.empty(0, dtype=np.intp)
    first, count = np.flatnonzero(begins), np.diff(np.append(np.flatnonzero(begins), len(order)))
    before = np.concatenate([[-np.inf], time[:-1]])
    before[first] = rings.time[series[first], rings.start[series[first]] - 1]
    fine = (time > before) & ~(time > received + LONGEST_AHEAD)
    whole = np.logical_and.reduceat(fine, first) & (count > 1)
    return np.flatnonzero(np.repeat(whole, count))


def _see_runs(rings: _Rings, arrivals: Arrivals, rows: Indices, seen: Seen, *, whole: bool) -> None:
    """Judge readings that come in order, all of a series together: what waves would do one by one.

    ``rows`` go series by series. Before the readings of each stand those of its ring, in one line over all.
    """
    series = arrivals.series[rows]
    begins = _begins(series)
    each, run = series[begins], np.cumsum(begins) - 1
    at = np.arange(len(rows)) + DEPTH * (run + 1)
    ring = at[begins][:, None] + np.arange(-DEPTH, 0)
    slots = (each * DEPTH)[:, None] + _SLOTS[rings.start[each]]
    known = np.isfinite(arrivals.measured[rows])
    time = arrivals.time[rows]
    lines: dict[str, Floats] = {}
    for name, column in {
        "time": time,
        "value": arrivals.value[rows],
        "received": arrivals.received[rows],
        "measured": np.where(known, arrivals.value[rows], np.nan),
        "measured_time": np.where(known, time, np.nan),
        "since": time,
        "certain": time,
    }.items():
        line = lines[name] = np.empty(len(rows) + DEPTH * len(each))
        line[ring], line[at] = getattr(rings, name).take(slots), column

    seen.past_value[rows] = sliding_window_view(lines["measured"], DEPTH)[at - DEPTH]
    seen.past_time[rows] = sliding_window_view(lines["measured_time"], DEPTH)[at - DEPTH]
    same = (lines["value"][at] == lines["value"][at - 1]) & (time - lines["time"][at - 1] <= LONGEST_SILENCE)
    if not whole:
        new = at[begins]
        lines["since"][new[lines["time"][new - 1] == -np.inf]] = -np.inf
    head = np.arange(len(lines["time"]))
    head[at[same]] = 0
    head = np.maximum.accumulate(head)
    for name in ("since", "certain"):
        lines[name][at] = lines[name][head[at]]
    since, certain = lines["since"][at], lines["certain"][at]
    seen.equal_since[rows] = certain
    seen.unsure[rows] = (since != certain) & (time - certain <= arrivals.reach[rows])
    if not whole:
        times = sliding_window_view(lines["time"], DEPTH)[at - DEPTH]
        oldest = np.min(times, axis=1, where=times > -np.inf, initial=np.inf)
        seen.short[rows] = (times[:, 0] == -np.inf) & ~(time - oldest > arrivals.reach[rows])

    ends = np.append(at[begins][1:] - DEPTH, len(head))
    rings.start[each] = 0
    for name, line in lines.items():
        getattr(rings, name)[each] = line[ends[:, None] + np.arange(-DEPTH, 0)]


def remember(times: list[float], at: float, received: float) -> None:
    """Put a time among those remembered of a series, earliest first: what :meth:`Memory.see` keeps."""
    if at in times or at > received + LONGEST_AHEAD or (times and at < times[0]):
        return
    insort(times, at)
    del times[:-DEPTH]


class Timed(Protocol):
    """Anything measured."""

    measured_at: datetime


def seconds(readings: Sequence[Timed]) -> list[float]:
    """Return the times of readings as seconds since 1970 UTC; a file mostly has one."""
    moments = [reading.measured_at for reading in readings]
    if moments.count(moments[0]) == len(moments):
        return [moments[0].timestamp()] * len(moments)
    known = {moment: moment.timestamp() for moment in dict.fromkeys(moments)}
    return [known[moment] for moment in moments]


def whole_milliseconds(at: datetime) -> float:
    """Return a time as seconds since 1970 UTC, cut to milliseconds as the store keeps it."""
    return int(at.timestamp() * 1000) / 1000
