"""Sums and rows of digests; the SQL stands in ``schemas``, which both tiers share.

Every function raises ``ClickHouseError``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from quantrac.domain.reconciliation.differences import RowDigest, RowKey, Subject, Sum, SumKey
from quantrac.domain.reconciliation.levels import Level
from schemas.clickhouse.digests import StoredDigests
from services.api.common.database import Database


def select_sums(
    database: Database,
    subject: Subject,
    level: Level,
    span: tuple[datetime, datetime],
    *,
    stations: Sequence[str] | None,
    ended_before: datetime,
    is_fresh: bool,
) -> Mapping[SumKey, Sum]:
    """Return the sums of a span by station and period; see :meth:`StoredDigests.sums`."""
    return StoredDigests(database).sums(
        subject, level, *span, stations=stations, ended_before=ended_before, is_fresh=is_fresh
    )


def select_rows(
    database: Database,
    subject: Subject,
    station: str,
    span: tuple[datetime, datetime],
    *,
    ended_before: datetime,
    after: RowKey,
    limit: int,
) -> Mapping[RowKey, RowDigest]:
    """Return up to ``limit`` rows of a station in a span, those past the key ``after``."""
    return StoredDigests(database).rows(
        subject, station, *span, ended_before=ended_before, after=after, limit=limit
    )


def count_readings(
    database: Database, span: tuple[datetime, datetime], stations: Sequence[str] | None
) -> int:
    """Return about how many readings a span holds."""
    return StoredDigests(database).count_readings(*span, stations)
