"""What the validator remembers: the latest readings of every series, kept in arrays over all series.

A *series* is one parameter of one station. Each keeps the ``depth`` readings that *arrived* last, not those
with the latest times: a logger that resends a backlog after an outage, oldest first, is then judged against
the part of the backlog already sent. What a reading sees does not depend on how arrivals are cut into
batches.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.qa.status import MEASURING
from quantrac.domain.qa.window import Floats, Texts, Window
from quantrac.domain.readings import FlaggedSet

DEPTH = 16  # 80 minutes of a 5-minute series; with three backlog files for each new one, four new ones
LONGEST_SILENCE = 3 * 3600.0
"""Equal values further apart than this (seconds) say nothing about the time between them."""

TIME, VALUE, MEASURED, EQUAL_SINCE = range(4)
"""Columns of a ring; MEASURED is the value where it is finite and the device called it good, else NaN."""
COLUMNS = 4

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """``n`` readings in order of arrival. Times are seconds since 1970 UTC."""

    series: Indices
    """(n,) from :meth:`Memory.series`."""
    value: Floats
    time: Floats
    status: Texts
    unit: Texts

    @classmethod
    def of(
        cls,
        *,
        series: Sequence[int],
        value: Sequence[float],
        time: Sequence[float],
        status: Sequence[str],
        unit: Sequence[str],
    ) -> Self:
        """Turn lists of equal length into columns."""
        return cls(
            series=np.array(series, dtype=np.intp),
            value=np.array(value, dtype=np.float64),
            time=np.array(time, dtype=np.float64),
            status=np.array(status, dtype=object),
            unit=np.array(unit, dtype=object),
        )


class _Numbers(dict[str, int]):
    """Series numbers of one station by parameter, given out at first use."""

    def __init__(self, memory: "Memory") -> None:
        self._memory = memory

    def __missing__(self, parameter: str) -> int:
        self[parameter] = number = self._memory._open()
        return number


class Memory:
    """The latest readings of each series; rebuilt at start from flagged sets by :meth:`remember`."""

    def __init__(self, depth: int = DEPTH) -> None:
        self.depth = depth
        self._stations: defaultdict[str, _Numbers] = defaultdict(lambda: _Numbers(self))
        self._count = 0
        # (series, depth, 4): the columns below, in order of arrival, newest last; NaN where empty
        self._rings = np.empty((0, depth, COLUMNS))

    def series(self, station: str) -> dict[str, int]:
        """Return the series numbers of a station by parameter; a new parameter gets one when looked up."""
        return self._stations[station]

    def see(self, arrivals: Arrivals) -> Window:
        """Remember readings and return the window of each: what was known before it when it arrived."""
        series, counts = np.unique(arrivals.series, return_counts=True)
        timeline = _Timeline(self._rings[series], counts, arrivals)
        window = timeline.window(arrivals)
        self._rings[series] = timeline.newest()
        return window

    def remember(self, flagged: FlaggedSet) -> None:
        """Take a set that was judged before, with its own ``equal_since``; without a station it is left."""
        if not flagged.station:
            return
        numbers = self._stations[flagged.station]
        for reading in flagged.readings:
            number = numbers[reading.parameter]  # may make room: before the rings are read
            ring = self._rings[number]
            ring[:-1] = ring[1:]
            ring[-1, TIME] = reading.measured_at.timestamp()
            ring[-1, VALUE] = reading.value
            ring[-1, MEASURED] = reading.value if reading.status == MEASURING else np.nan
            ring[-1, EQUAL_SINCE] = reading.equal_since.timestamp()

    def _open(self) -> int:
        if self._count == len(self._rings):
            more = np.full((max(64, self._count), self.depth, COLUMNS), np.nan)
            self._rings = np.concatenate([self._rings, more])
        self._count += 1
        return self._count - 1


class _Timeline:
    """One flat run of readings: for each series its memory, then its arrivals, in order of arrival.

    The readings that a row at position ``p`` may see are then the ``depth`` positions before ``p``.
    """

    def __init__(self, rings: Floats, counts: Indices, arrivals: Arrivals) -> None:
        depth = rings.shape[1]
        ends = np.cumsum(counts + depth)
        self._before = np.arange(-depth, 0)
        order = np.argsort(arrivals.series, kind="stable")
        row = np.empty(len(order), dtype=np.intp)
        row[order] = np.arange(len(order)) + depth * (1 + np.repeat(np.arange(len(counts)), counts))
        self._row, self._ends = row, ends

        measured = (arrivals.status == MEASURING) & np.isfinite(arrivals.value)
        fresh = np.empty((len(order), COLUMNS))
        fresh[:, TIME] = fresh[:, EQUAL_SINCE] = arrivals.time
        fresh[:, VALUE] = arrivals.value
        fresh[:, MEASURED] = np.where(measured, arrivals.value, np.nan)
        # Gathering by take is ten times as fast as placing rows one by one.
        source = np.empty(len(order) + depth * len(counts), dtype=np.intp)
        source[(ends - counts)[:, None] + self._before] = np.arange(depth * len(counts)).reshape(-1, depth)
        source[row] = np.arange(len(order)) + depth * len(counts)
        self._flat = np.concatenate([rings.reshape(-1, COLUMNS), fresh]).take(source, axis=0)

    def window(self, arrivals: Arrivals) -> Window:
        """Build the window of every arrival, and settle ``equal_since`` on the way."""
        seen, time = self._in_time_order()
        self._settle_equal_since(seen[:, -1], time[:, -1])
        value = self._flat[:, MEASURED][seen]
        value[~np.isfinite(time)] = np.nan
        # Of several readings of one time the last to arrive counts.
        value[:, :-1][time[:, :-1] == time[:, 1:]] = np.nan
        return Window(
            value=arrivals.value,
            time=arrivals.time,
            status=arrivals.status,
            unit=arrivals.unit,
            equal_since=self._flat[self._row, EQUAL_SINCE],
            past_value=value,
            past_time=np.where(np.isnan(value), np.nan, time),
        )

    def newest(self) -> Floats:
        """Return the latest arrivals of each series, in the shape of the rings."""
        return self._flat.take(self._ends[:, None] + self._before, axis=0)

    def _in_time_order(self) -> tuple[Indices, Floats]:
        """Positions and times that each row sees, earliest first; -inf for what is not before the row."""
        seen = self._row[:, None] + self._before
        every = self._flat[:, TIME].copy()
        time = every[seen]
        time = np.where(time < every[self._row][:, None], time, -np.inf)
        mixed = np.flatnonzero(np.any(time[:, 1:] < time[:, :-1], axis=1))
        order = np.argsort(time[mixed], axis=1, kind="stable")
        time[mixed] = np.take_along_axis(time[mixed], order, axis=1)
        seen[mixed] = np.take_along_axis(seen[mixed], order, axis=1)
        return seen, time

    def _settle_equal_since(self, previous: Indices, previous_time: Floats) -> None:
        """Give each row the ``equal_since`` of the reading before it in time, if that shows its value.

        That reading may be a row itself, so the rows form chains; following each chain to its head by
        doubling takes log2(n) steps, where a loop over the rows would be Python per reading.
        """
        flat, row = self._flat, self._row
        same = flat[previous, VALUE] == flat[row, VALUE]
        same &= flat[row, TIME] - previous_time <= LONGEST_SILENCE
        head = np.arange(len(flat))
        head[row] = np.where(same, previous, row)
        while not np.array_equal(further := head[head], head):
            head = further
        flat[row, EQUAL_SINCE] = flat[head[row], EQUAL_SINCE]
