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

# Hours under way that are over by now and are summed up in one batch: a country's 2,000 take ten batches.
_PENDING_A_BATCH = 200


class DigestStep:
    """Keeps the table ``digests``: the last step of the windows.

    A station's hour is touched by each of its files. While under way it is only marked as pending, once.
    It is summed up in some batch after it is over, and at once where it is older. Whoever reads the table
    meanwhile sums up the pending hours from the readings. Marks outlive the process: a start reads them.
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
        under_way = {pair for pair in touched if _is_under_way(pair[1], now)}
        over = sorted(pair for pair in self._pending if not _is_under_way(pair[1], now))
        marks = under_way - self._pending
        if marks:
            self._write(dict.fromkeys(marks, Sum(0, 0)), now, is_pending=True)
            self._pending |= marks
        due = touched - under_way | set(over[:_PENDING_A_BATCH])
        if due:
            self._write(self._tables.hours(due), now, is_pending=False)
            self._pending -= due

    def _write(self, sums: Mapping[StationHour, Sum], now: datetime, *, is_pending: bool) -> None:
        """Insert one block; the rows are as old as ``now``, before which the readings were stored."""
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


def _is_under_way(hour: int, now: datetime) -> bool:
    return hour + HOUR + _AFTER_HOUR_SECONDS > now.timestamp()
