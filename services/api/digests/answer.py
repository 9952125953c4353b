"""Digests as they are answered."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from quantrac.domain.ids import received_of, revision_of
from quantrac.domain.reconciliation.differences import RowDigest, RowKey, Subject, Sum, SumKey
from quantrac.domain.reconciliation.levels import Level, period_end
from quantrac.domain.times import from_milliseconds
from services.api.common.answers import AnswerModel


class DigestSum(AnswerModel):
    """Count and digest of the rows of one period."""

    station: str
    """Station code; empty where all stations are summed up."""
    starts_at: datetime
    """Start of the period, UTC; day, month and year are Vietnam's (UTC+7)."""
    ends_at: datetime
    """Exclusive, UTC."""
    count: int
    """Readings, averages or indices in the period and in [from, to)."""
    digest: str
    """Sum of their hashes modulo 2^64, 16 hexadecimal digits."""


class RowHash(AnswerModel):
    """One reading, average or index."""

    station: str
    name: str
    """Parameter; of an index its kind."""
    period: str
    """Of an average or index: hour, 8h, day, month, year; of a reading empty."""
    time: datetime
    """When it was measured, or its start, UTC."""
    version: int
    """Of a reading 1024 times its file's time of receipt in milliseconds since 1970, plus its revision; the
    highest counts. Of others each tier counts its own."""
    received_at: datetime | None
    """Of a reading when the province had its file, UTC."""
    revision: int | None
    """Of a reading which judgement of its file it is; 0 is the first."""
    digest: str
    """Its hash, 16 hexadecimal digits."""


class Digests(AnswerModel):
    """A page of digests."""

    items: list[DigestSum | RowHash]
    next: str | None
    """Link to the next page; null on the last."""


def present_sums(sums: Iterable[tuple[SumKey, Sum]], level: Level) -> list[dict[str, Any]]:
    """Present sums as :class:`DigestSum`."""
    return [
        {
            "station": key.station,
            "starts_at": key.starts_at,
            "ends_at": period_end(level, key.starts_at),
            "count": total.rows,
            "digest": f"{total.digest:016x}",
        }
        for key, total in sums
    ]


def present_rows(subject: Subject, station: str, rows: Mapping[RowKey, RowDigest]) -> list[dict[str, Any]]:
    """Present rows of a station as :class:`RowHash`."""
    is_reading = subject is Subject.READINGS
    return [
        {
            "station": station,
            "name": key.name,
            "period": key.period,
            "time": key.time,
            "version": row.version,
            "received_at": from_milliseconds(received_of(row.version)) if is_reading else None,
            "revision": revision_of(row.version) if is_reading else None,
            "digest": f"{row.digest:016x}",
        }
        for key, row in rows.items()
    ]
