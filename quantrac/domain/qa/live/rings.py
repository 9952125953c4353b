"""The newest readings of every series in arrays over all series."""

import numpy as np

from quantrac.domain.qa.shared_rules import DEPTH
from quantrac.domain.qa.window import Indices


class Rings:
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


SLOTS = (np.arange(DEPTH)[:, None] + np.arange(DEPTH)) % DEPTH
"""(start, place): the slot of each place in time, oldest first."""
