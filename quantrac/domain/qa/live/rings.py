"""The newest readings of every series, in arrays over all series."""

from collections.abc import Sequence

import numpy as np

from quantrac.domain.qa.shared_rules import DEPTH
from quantrac.domain.qa.window import Indices

TIME_SLOTS = (np.arange(DEPTH)[:, None] + np.arange(DEPTH)) % DEPTH
"""(DEPTH, DEPTH) slots in order of time, oldest first, by the slot of the oldest."""


class Rings:
    """The :data:`DEPTH` newest readings of each series: arrays (series, DEPTH), each row a ring.

    A slot that was never filled has the time -inf. Times are seconds since 1970 UTC.
    """

    COLUMNS = ("time", "value", "received", "measured", "measured_time", "run_start", "latest_run_start")

    def __init__(self) -> None:
        self.count = 0
        """Series in use."""
        self._free: list[int] = []
        """Rows that no series uses."""
        self._batch = 0
        self._last_use = np.zeros(0, dtype=np.int64)
        """(series,) number of the last batch with a reading of it."""
        self.oldest_slot = np.zeros(0, dtype=np.intp)
        """(series,) slot of the oldest reading, the next to give way."""
        empty = np.empty((0, DEPTH))
        self.time, self.value, self.received = empty, empty, empty
        self.measured, self.measured_time = empty, empty
        """Value and time where the value is finite and the device called it good, else NaN."""
        self.run_start, self.latest_run_start = empty, empty
        """When the run of equal values began (-inf: not known), and when at the latest."""

    def open(self, count: int) -> list[int]:
        """Return the indices of new, empty series."""
        if len(self._free) < count:
            self._grow(max(64, count, len(self.oldest_slot)))
        self.count += count
        opened = self._free[: -count - 1 : -1]
        del self._free[-count:]
        self._empty(np.array(opened, dtype=np.intp))
        return opened

    def mark_used(self, series: Indices) -> None:
        """Take note of the series (n,) of a batch; negative ones are none."""
        self._batch += 1
        self._last_use[series[series >= 0]] = self._batch

    def forget_idle(self, count: int) -> set[int]:
        """Close all series but the ``count`` used last; returns those closed."""
        by_use = np.argsort(self._last_use, kind="stable")
        is_used = np.ones(len(by_use), dtype=np.bool_)
        is_used[self._free] = False
        idle = by_use[is_used[by_use]][: self.count - count]
        self.close(idle.tolist())
        return set(idle.tolist())

    def close(self, indices: Sequence[int]) -> None:
        """Give back the rows of series that are no longer used."""
        self._free += indices
        self.count -= len(indices)

    def _empty(self, series: Indices) -> None:
        """Take all readings out: without its time, nothing else that stands in a slot is looked at."""
        self.time[series] = -np.inf
        self.measured[series] = self.measured_time[series] = np.nan

    def _grow(self, more: int) -> None:
        size = len(self.oldest_slot)
        self._free += range(size + more - 1, size - 1, -1)
        for name in ("oldest_slot", "_last_use", *self.COLUMNS):
            # The memory of zeros is taken only where a series is opened: 900 bytes each.
            column = getattr(self, name)
            grown = np.zeros((size + more, *column.shape[1:]), dtype=column.dtype)
            grown[:size] = column
            setattr(self, name, grown)
