"""A tier's counts and digests made of rows in memory."""

from collections.abc import Mapping
from datetime import datetime

from quantrac.domain.reconciliation.differences import RowDigest, RowKey, Subject, Sum, SumKey
from quantrac.domain.reconciliation.levels import Level, period_start

Rows = dict[tuple[str, RowKey], RowDigest]
"""Station and key -> row."""


class MemorySource:
    """Satisfies :class:`quantrac.domain.reconciliation.differences.Source`."""

    def __init__(self, rows: Rows, *, stations: frozenset[str] | None = None) -> None:
        """``stations`` of the registry; ``None`` = any."""
        self.content, self._stations = rows, stations
        self.questions: list[str] = []
        self.answered_rows = 0

    def sums(
        self, subject: Subject, level: Level, start: datetime, end: datetime, station: str | None = None
    ) -> Mapping[SumKey, Sum]:
        self.questions.append(level)
        sums: dict[SumKey, Sum] = {}
        for (code, key), row in self.content.items():
            if station in (None, code) and start <= key.time < end:
                whole = SumKey(code, period_start(level, key.time))
                before = sums.get(whole, Sum(0, 0))
                sums[whole] = Sum(before.rows + 1, (before.digest + row.digest) % 2**64)
        return sums

    def rows(
        self, subject: Subject, station: str, start: datetime, end: datetime
    ) -> Mapping[RowKey, RowDigest]:
        self.questions.append("rows")
        rows = {
            key: row
            for (code, key), row in self.content.items()
            if code == station and start <= key.time < end
        }
        self.answered_rows += len(rows)
        return rows

    def has_station(self, code: str) -> bool:
        return self._stations is None or code in self._stations
