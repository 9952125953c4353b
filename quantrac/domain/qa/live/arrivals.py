"""Readings in order of arrival, what was known before each, and how the rings take them in."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quantrac.domain.qa.live.rings import SLOTS, Rings
from quantrac.domain.qa.shared_rules import DEPTH, LONGEST_AHEAD, LONGEST_SILENCE
from quantrac.domain.qa.window import Bools, Floats, Indices

NO_SERIES = -1
"""Series number of a reading that has no past and is no past: one without a station, for example."""


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


class Wave:
    """Readings of which no two are of one series, judged side by side."""

    def __init__(self, rings: Rings, arrivals: Arrivals, rows: Indices, seen: Seen, *, whole: bool) -> None:
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
        self._slots = (self._series * DEPTH)[:, None] + SLOTS[start]

    def see(self, known_since: Floats | None) -> None:
        """Note what was known before each reading, and take the readings in."""
        rings, rows, seen = self._rings, self._rows, self._seen
        last = self._slots[:, -1]
        newest = rings.time.take(last)
        late = self._time <= newest
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
            keep &= ~late
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


def by_series(series: Indices) -> Indices:
    """Rows that have a series, series by series, each in order of arrival."""
    order = np.argsort(series, kind="stable")
    return order[np.searchsorted(series[order], 0) :]


def _begins(ordered: Indices) -> Bools:
    """Tell where another series begins."""
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]


def waves(series: Indices, order: Indices) -> Iterator[Indices]:
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


def in_order(rings: Rings, arrivals: Arrivals, order: Indices) -> Indices:
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


def see_runs(rings: Rings, arrivals: Arrivals, rows: Indices, seen: Seen, *, whole: bool) -> None:
    """Judge readings that come in order, all of a series together: what waves would do one by one.

    ``rows`` go series by series. Before the readings of each stand those of its ring, in one line over all.
    """
    series = arrivals.series[rows]
    begins = _begins(series)
    each, run = series[begins], np.cumsum(begins) - 1
    at = np.arange(len(rows)) + DEPTH * (run + 1)
    ring = at[begins][:, None] + np.arange(-DEPTH, 0)
    slots = (each * DEPTH)[:, None] + SLOTS[rings.start[each]]
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
