"""Waves: readings of which no two are of one series, taken in side by side.

The first reading of every series is one wave, the second of each the next, and so on.
"""

from collections.abc import Iterator

import numpy as np

from quantrac.domain.qa.live.arrivals import Arrivals, Past, is_series_start
from quantrac.domain.qa.live.rings import TIME_SLOTS, Rings
from quantrac.domain.qa.shared_rules import DEPTH, LONGEST_SILENCE, continues_run, has_wrong_clock
from quantrac.domain.qa.window import Bools, Floats, Indices


def split_waves(series: Indices, order: Indices) -> Iterator[Indices]:
    """Yield the rows of each wave.

    ``series`` (n,) are those of all rows, ``order`` (m,) the rows to split, sorted by series.

    >>> [rows.tolist() for rows in split_waves(np.array([4, 2, 4]), np.array([1, 0, 2]))]
    [[1, 0], [2]]
    """
    if not len(order):
        return
    is_start = is_series_start(series[order])
    if is_start.all():
        yield np.sort(order)
        return
    # (m,) how many readings of its series come before each row: the number of its wave
    first = np.maximum.accumulate(np.where(is_start, np.arange(len(order)), 0))
    wave = np.arange(len(order)) - first
    order = order[np.argsort(wave, kind="stable")]
    yield from np.split(order, np.cumsum(np.bincount(wave))[:-1])


class Wave:
    """``m`` readings of which no two are of one series.

    Columns (m,) are those of the readings. Slots are indices into a ring array in its flat form.
    """

    def __init__(self, rings: Rings, arrivals: Arrivals, rows: Indices, past: Past) -> None:
        self._rings, self._rows, self._past = rings, rows, past
        self._series = arrivals.series[rows]
        self._time, self._value = arrivals.time[rows], arrivals.value[rows]
        self._received, self._look_back = arrivals.received[rows], arrivals.look_back[rows]
        is_measured = np.isfinite(arrivals.measured[rows])
        self._measured = np.where(is_measured, self._value, np.nan)
        self._measured_time = np.where(is_measured, self._time, np.nan)
        oldest_slot = rings.oldest_slot[self._series]
        # (m,) the slot of the oldest reading; (m, DEPTH) all slots, oldest first
        self._oldest = self._series * DEPTH + oldest_slot
        self._slots = (self._series * DEPTH)[:, None] + TIME_SLOTS[oldest_slot]

    def add(self, restored_run_start: Floats | None, *, is_complete: bool) -> None:
        """Note in the past what was known before each reading, and take the readings in.

        ``restored_run_start`` (n,) is given with readings that were judged before, of all rows: when their
        run of equal values began by that judgement, NaN where it was uncertain. ``is_complete`` says whether
        there were no readings but those taken in.
        """
        rings, rows, past = self._rings, self._rows, self._past
        last = self._slots[:, -1]
        newest = rings.time.take(last)
        is_late = self._time <= newest
        if len(rows) == len(past.is_late):  # nearly always: files of as many stations
            rings.measured.take(self._slots, out=past.past_value, mode="clip")
            rings.measured_time.take(self._slots, out=past.past_time, mode="clip")
        else:
            past.past_value[rows] = rings.measured.take(self._slots)
            past.past_time[rows] = rings.measured_time.take(self._slots)
        run_start, latest = self._find_run_starts(last, newest, restored_run_start, is_complete=is_complete)
        self._note_runs(slice(None), run_start, latest)
        if not is_complete:
            self._note_incomplete()
        is_past = ~has_wrong_clock(self._time, self._received)
        if is_late.any():
            past.is_late[rows] = is_late & is_past
            self._insert_late(np.flatnonzero(is_late), is_past[is_late])
            is_past &= ~is_late
        if not is_past.all():
            self._append(np.flatnonzero(is_past), run_start, latest)
        else:
            self._append(slice(None), run_start, latest)

    def _find_run_starts(
        self, last: Indices, newest: Floats, restored_run_start: Floats | None, *, is_complete: bool
    ) -> tuple[Floats, Floats]:
        """Return when the runs of equal values began (m,), and when at the latest (m,).

        Of readings newer than all of their series: ``last`` (m,) is the slot of the newest, ``newest`` its
        time.
        """
        rings, time = self._rings, self._time
        previous, is_lacking = self._find_previous(last)
        is_continuing = continues_run(
            self._measured, time, rings.measured.take(previous), rings.measured_time.take(previous)
        )
        run_start = np.where(is_continuing, rings.run_start.take(previous), time)
        latest = np.where(is_continuing, rings.latest_run_start.take(previous), time)
        if restored_run_start is not None:
            restored = restored_run_start[self._rows]
            is_known = ~np.isnan(restored)
            run_start[is_known] = latest[is_known] = restored[is_known]
            run_start[~is_known & (is_continuing | is_lacking)] = -np.inf
        else:
            # Before the oldest of them, one that is not remembered may have been measured, not long ago.
            members = np.flatnonzero(is_lacking & (newest > -np.inf))
            is_near = time[members] - self._find_oldest(members) <= LONGEST_SILENCE
            run_start[members[is_near]] = -np.inf
            if not is_complete:
                run_start[newest == -np.inf] = -np.inf
        return run_start, latest

    def _find_previous(self, last: Indices) -> tuple[Indices, Bools]:
        """Return the slot (m,) of the newest measured reading of each series, and where there is none (m,).

        ``last`` (m,) is the slot of the newest one, which it nearly always is.
        """
        measured = self._rings.measured
        previous = last.copy()
        is_lacking = np.isnan(measured.take(last))
        members = np.flatnonzero(is_lacking)
        if len(members):
            slots = self._slots[members]
            # (members, DEPTH) newest first
            is_measured = ~np.isnan(measured.take(slots[:, ::-1]))
            previous[members] = slots[np.arange(len(members)), DEPTH - 1 - is_measured.argmax(axis=1)]
            is_lacking[members] = ~is_measured.any(axis=1)
        return previous, is_lacking

    def _find_oldest(self, members: Indices) -> Floats:
        """Return the time (k,) of the oldest remembered reading of some series; inf where there is none."""
        times = self._rings.time.take(self._slots[members])
        oldest: Floats = np.min(times, axis=1, where=times > -np.inf, initial=np.inf)
        return oldest

    def _note_runs(self, members: Indices | slice, run_start: Floats, latest: Floats) -> None:
        """Note since when some of the readings have had equal values, and whether that is certain."""
        rows, is_measured = self._rows[members], ~np.isnan(self._measured[members])
        self._past.equal_since[rows] = np.where(is_measured, latest, np.nan)
        is_within = self._time[members] - latest <= self._look_back[members]
        self._past.is_run_uncertain[rows] = (run_start != latest) & is_within & is_measured

    def _note_incomplete(self) -> None:
        """Note which readings may have more before them than the rings hold."""
        members = np.flatnonzero(self._rings.time.take(self._oldest) == -np.inf)  # rings that are not full
        is_within = ~(self._time[members] - self._find_oldest(members) > self._look_back[members])
        self._past.is_incomplete[self._rows[members]] = is_within

    def _append(self, members: Indices | slice, run_start: Floats, latest: Floats) -> None:
        """Take in readings newer than all of their series; the oldest of each gives way."""
        rings, slots, series = self._rings, self._oldest[members], self._series[members]
        rings.oldest_slot[series] = (rings.oldest_slot[series] + 1) % DEPTH
        rings.time.put(slots, self._time[members])
        rings.value.put(slots, self._value[members])
        rings.received.put(slots, self._received[members])
        rings.measured.put(slots, self._measured[members])
        rings.measured_time.put(slots, self._measured_time[members])
        rings.run_start.put(slots, run_start[members])
        rings.latest_run_start.put(slots, latest[members])

    def _insert_late(self, members: Indices, is_past: Bools) -> None:
        """Note the past of readings not newer than the newest of their series, and insert them by time.

        ``members`` (k,) are indices of the wave, ``is_past`` (k,) says whose clock may be right. Arrays
        (k, DEPTH) are rings in order of time.
        """
        rings, past, rows = self._rings, self._past, self._rows[members]
        row = np.arange(len(members))
        slots = self._slots[members]
        time, value, received = self._time[members], self._value[members], self._received[members]
        ring_time = rings.time.take(slots)
        # (k,) index of the first remembered reading that is not earlier, and of the first reading at all
        index = np.sum(ring_time < time[:, None], axis=1)
        first = np.sum(ring_time == -np.inf, axis=1)
        is_repeated = ring_time[row, index] == time
        is_older_than_ring = (index == first) & ~is_repeated

        # (k, DEPTH) index of the readings before each; negative where the ring does not go back so far
        before = index[:, None] + np.arange(-DEPTH, 0)
        for column, ring in ((past.past_value, rings.measured), (past.past_time, rings.measured_time)):
            earlier = np.take_along_axis(ring.take(slots), np.maximum(before, 0), axis=1)
            column[rows] = np.where(before >= 0, earlier, np.nan)
        received_before = rings.received.take(slots)[row, index]
        is_replacing = is_repeated & (received_before < received)
        past.replaced[rows] = np.where(is_replacing, rings.value.take(slots)[row, index], np.nan)

        # (k,) which are taken in, and the index where: over the reading of the same time, or between two,
        # for which all before it move by one and the oldest gives way
        is_inserted = is_past & ~is_older_than_ring & ~(is_repeated & (received < received_before))
        target = np.where(is_repeated, index, index - 1)
        is_shifted = (is_inserted & ~is_repeated)[:, None] & (np.arange(DEPTH) < target[:, None])
        source = np.arange(DEPTH) + is_shifted
        measured = self._measured[members]
        measured_before = np.where(is_repeated, rings.measured.take(slots)[row, index], np.nan)
        is_equal = (measured == measured_before) | (np.isnan(measured) & np.isnan(measured_before))
        columns: dict[str, Floats] = {
            "time": time,
            "value": value,
            "received": received,
            "measured": measured,
            "measured_time": self._measured_time[members],
        }
        ordered = {
            name: np.take_along_axis(getattr(rings, name).take(slots), source, axis=1)
            for name in rings.COLUMNS
        }
        for name, column in columns.items():
            ordered[name][row[is_inserted], target[is_inserted]] = column[is_inserted]
        run_start, latest = ordered["run_start"], ordered["latest_run_start"]
        # (k,) index of the first one that was measured, which the run that the ring begins with is of
        is_measured = ~np.isnan(ordered["measured"])
        first_measured, has_measured = is_measured.argmax(axis=1), is_measured.any(axis=1)
        # Where it is another one than before, what was before it is not known.
        is_orphaned = is_inserted & ~is_equal & has_measured & (first_measured >= target)
        orphan = row[is_orphaned], first_measured[is_orphaned]
        run_start[orphan], latest[orphan] = -np.inf, ordered["time"][orphan]
        is_doubt = is_older_than_ring & is_past & has_measured & ~np.isnan(measured)
        _doubt_first_runs(
            ordered, row[is_doubt], first_measured[is_doubt], time[is_doubt], measured[is_doubt]
        )
        _follow_runs(ordered)
        for name, matrix in ordered.items():
            getattr(rings, name).put(slots, matrix)
        is_remembered = is_inserted | is_repeated
        self._note_runs(
            members,
            np.where(is_remembered, run_start[row, target], -np.inf),
            np.where(is_remembered, latest[row, target], time),
        )


def _doubt_first_runs(
    ordered: dict[str, Floats], row: Indices, first: Indices, time: Floats, value: Floats
) -> None:
    """Note what readings older than all remembered ones leave unknown of the run that the ring begins with.

    Such a measured reading ``time``, ``value`` (k,) breaks that run if it lies within and differs, and
    lengthens it if it comes shortly before and is equal. ``row`` and ``first`` (k,) say where that run
    begins.
    """
    run_start = ordered["run_start"][row, first]
    latest = ordered["latest_run_start"][row, first]
    run_value = ordered["measured"][row, first]
    is_breaking = ~(run_value == value) & (time >= run_start)
    is_lengthening = (time < run_start) & continues_run(run_value, run_start, value, time)
    oldest = ordered["time"][row, first]
    ordered["run_start"][row, first] = np.where(is_breaking | is_lengthening, -np.inf, run_start)
    ordered["latest_run_start"][row, first] = np.where(is_breaking & (time >= latest), oldest, latest)


def _follow_runs(ordered: dict[str, Floats]) -> None:
    """Give each remembered reading (k, DEPTH) the start of its run from the measured reading before it."""
    time, measured = ordered["time"], ordered["measured"]
    starts = ordered["run_start"], ordered["latest_run_start"]
    is_measured = ~np.isnan(measured)
    # Most values have just changed, and nothing is missing between them.
    is_following = is_measured[:, 1:] & is_measured[:, :-1]
    for column in starts:
        np.copyto(column[:, 1:], time[:, 1:], where=is_following)
    is_continuing = continues_run(measured[:, 1:], time[:, 1:], measured[:, :-1], time[:, :-1])
    is_missing = ~is_measured & (time > -np.inf)
    rows = np.flatnonzero(is_continuing.any(axis=1) | is_missing.any(axis=1))
    if not len(rows):
        return
    # (rows,) each of the last measured reading so far; NaN before the first
    value, value_time, *run_starts = np.full((4, len(rows)), np.nan)
    for index in range(DEPTH):
        current, at, is_present = measured[rows, index], time[rows, index], is_measured[rows, index]
        continues = continues_run(current, at, value, value_time)
        has_previous = is_present & ~np.isnan(value)
        for column, run_start in zip(starts, run_starts, strict=True):
            start = np.where(has_previous, np.where(continues, run_start, at), column[rows, index])
            column[rows, index] = start
            np.copyto(run_start, start, where=is_present)
        np.copyto(value, current, where=is_present)
        np.copyto(value_time, at, where=is_present)
