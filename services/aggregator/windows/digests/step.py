"""Decides which counts and digests of readings are computed now, and which when their hour is over."""

from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np

from quantrac.domain.reconciliation.differences import Sum
from quantrac.domain.times import HOUR, to_milliseconds
from quantrac.io.clickhouse_native import Words
from services.aggregator.windows.batch import WindowBatch
from services.aggregator.windows.digests.queries import DigestTables, StationHour

# Files of an hour's last minutes come after it.
_AFTER_HOUR_SECONDS = 600

# Hours summed up in one batch beside the present: a country's 2,000 take ten batches.
_HOURS_A_BATCH = 200
# While older hours pour in, so many wait and are summed up together: a statement for each few of them cost a
# backlog a tenth.
_HOURS_WAITING = 500


class DigestStep:
    """Keeps the table ``digests``: the last step of the windows.

    A station's hour is touched by each of its files. It is marked as pending at the first, and summed up in
    some batch after it is over: a few in each batch, or, while a backlog comes in, many at a time. Whoever
    reads the table meanwhile sums up the pending hours from the readings. Marks outlive the process: a start
    reads them.
    """

    def __init__(self, tables: DigestTables, *, clock: Callable[[], datetime]) -> None:
        self._tables, self._clock = tables, clock
        self._pending: set[StationHour] | None = None
        """``None`` until they have been read."""

    def process(self, batch: WindowBatch) -> None:
        """Mark or sum up the hours; see :class:`services.aggregator.windows.batch.Step`."""
        if self._pending is None:
            self._pending = self._tables.pending_hours()
        now = self._clock()
        touched = {(station, hour) for station, pairs in batch.hours.items() for _, hour in pairs}
        over = sorted(pair for pair in self._pending if _is_over(pair[1], now))
        is_backlog = any(_is_over(hour, now) for _, hour in touched)
        if len(over) >= _HOURS_WAITING or not is_backlog:
            due = over[: _HOURS_WAITING if is_backlog else _HOURS_A_BATCH]
            self._write(self._tables.hours(due), now, is_pending=False)
            self._pending.difference_update(due)
        marks = touched - self._pending
        self._write(dict.fromkeys(marks, Sum(0, 0)), now, is_pending=True)
        self._pending |= marks

    def _write(self, sums: Mapping[StationHour, Sum], now: datetime, *, is_pending: bool) -> None:
        """Insert one block, if any; its rows are as old as ``now``, before which the readings were stored."""
        if not sums:
            return
        stations = sorted({station for station, _ in sums})
        code = {station: number for number, station in enumerate(stations)}
        self._tables.insert(
            "digests",
            {
                "station": Words(stations, np.array([code[station] for station, _ in sums])),
                "hour": np.array([hour for _, hour in sums]),
                "readings": np.array([total.rows for total in sums.values()]),
                "digest": np.array([total.digest for total in sums.values()], np.uint64),
                "is_pending": np.full(len(sums), int(is_pending)),
                "computed_at": np.full(len(sums), to_milliseconds(now)),
            },
        )


def _is_over(hour: int, now: datetime) -> bool:
    return hour + HOUR + _AFTER_HOUR_SECONDS <= now.timestamp()
