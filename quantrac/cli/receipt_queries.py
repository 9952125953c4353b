"""What the database holds of receipts; times are UTC."""

from datetime import datetime
from typing import Any

from quantrac.domain.bounds import DATETIME64
from quantrac.domain.times import to_sql_milliseconds
from quantrac.errors import UserError
from quantrac.io.clickhouse import ClickHouse

_DELIVERIES = """
SELECT delivery_id, target, account, sent_at, confirmed_at, sets, waiting, rejected, readings, bytes, tries
FROM deliveries FINAL
WHERE confirmed_at >= {start:DateTime64(3, 'UTC')} AND confirmed_at < {end:DateTime64(3, 'UTC')}
  AND ({station:String} = '' OR delivery_id IN (
    SELECT delivery_id FROM receipts FINAL WHERE station = {station:String}))
ORDER BY confirmed_at DESC, delivery_id
LIMIT {limit:UInt32}
"""
_RECEIPT = """
SELECT delivery_id, receipt, contents
FROM deliveries FINAL
WHERE startsWith(delivery_id, {prefix:String}) AND receipt != ''
ORDER BY delivery_id, confirmed_at
LIMIT 1 BY delivery_id
LIMIT 3
"""


def find_deliveries(
    database: ClickHouse, start: datetime, end: datetime | None, station: str | None, *, limit: int
) -> list[dict[str, Any]]:
    """Return deliveries confirmed from ``start`` to before ``end``, the newest first."""
    parameters = {
        "start": to_sql_milliseconds(start),
        "end": to_sql_milliseconds(end or DATETIME64.last),
        "station": station or "",
        "limit": limit,
    }
    return database.query(_DELIVERIES, parameters).dicts()


def find_receipt(database: ClickHouse, delivery_id: str) -> tuple[str, str]:
    """Return the first receipt (JWS) of a delivery and its contents; raises ``UserError``.

    ``delivery_id`` may be its first digits.
    """
    rows = database.query(_RECEIPT, {"prefix": delivery_id.strip().lower()}).rows
    if not rows:
        raise UserError(
            f"there is no receipt of a delivery {delivery_id}; `quantrac receipts list` shows them"
        )
    if len(rows) > 1:
        candidates = ", ".join(row[0][:16] for row in rows)
        raise UserError(f"several deliveries begin with {delivery_id}: {candidates}, …; give more digits")
    return rows[0][1], rows[0][2]
