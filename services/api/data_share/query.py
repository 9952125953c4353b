"""Data shares, and files that belong to no station.

Times are UTC; every function raises ``ClickHouseError``.
"""

from collections.abc import Sequence
from datetime import datetime

from quantrac.domain.data_share import DataShare
from schemas.clickhouse.data_share import DATA_SHARE, bind_span
from services.api.common.database import Database, format_milliseconds, select

_UNASSIGNED = """
SELECT uniqExact(file_id, received_at) AS files
FROM files FINAL
WHERE station IN {stations:Array(String)} AND account IN {accounts:Array(String)} AND rejects > 0
  AND received_at >= {start:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}
"""


def select_shares(
    database: Database, *, stations: Sequence[str], start: datetime, end: datetime
) -> dict[str, DataShare]:
    """Return the shares of ``[start, end)`` by station, of ``stations`` alone; without one, no shares.

    A station of which nothing was expected and nothing came has none.
    """
    if not stations:  # to the view, no station means all
        return {}
    rows = select(database, DATA_SHARE, {"stations": list(stations), **bind_span(start, end)})
    return {row["station"]: DataShare(**row) for row in rows}


def count_unassigned(database: Database, *, accounts: Sequence[str], start: datetime, end: datetime) -> int:
    """Return how many files received in ``[start, end)`` from ``accounts`` belong to no station."""
    if not accounts:
        return 0
    parameters = {"stations": [""], "accounts": list(accounts)}
    span = {"start": format_milliseconds(start), "end": format_milliseconds(end)}
    rows = select(database, _UNASSIGNED, {**parameters, **span})
    return int(rows[0]["files"]) if rows else 0
