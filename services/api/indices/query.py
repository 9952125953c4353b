"""Indices of one station.

Times are UTC; every function raises ``ClickHouseError``.
"""

from datetime import datetime
from typing import Any

from services.api.common.database import LAST_TIME, Database, format_milliseconds, format_seconds, select

# Every version is kept; the highest of those computed until ``as_of`` counts.
_PAGE = """
SELECT
  station, kind, period, starts_at, ends_at, value, responsible, subindices, formula, version,
  computed_at
FROM indices
WHERE station = {station:String}
  AND ({kind:String} = '' OR kind = {kind:String})
  AND period = {period:String}
  AND starts_at >= {after_time:DateTime('UTC')} AND starts_at < {end:DateTime('UTC')}
  AND (starts_at, kind) > ({after_time:DateTime('UTC')}, {after_kind:String})
  AND computed_at <= {as_of:DateTime64(3, 'UTC')}
ORDER BY starts_at, kind, version DESC, computed_at DESC
LIMIT 1 BY starts_at, kind
LIMIT {limit:UInt32}
"""


def select_indices(
    database: Database,
    *,
    station: str,
    kind: str | None,
    period: str,
    after_key: tuple[datetime, str],
    end: datetime,
    limit: int,
    as_of: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` indices that start past the key ``after_key`` and before ``end``.

    In their present version, or in the one that counted at ``as_of``.
    """
    parameters = {
        "station": station,
        "kind": kind or "",
        "period": period,
        "after_time": format_seconds(after_key[0]),
        "after_kind": after_key[1],
        "end": format_seconds(end),
        "as_of": format_milliseconds(as_of or LAST_TIME),
        "limit": limit,
    }
    return select(database, _PAGE, parameters)
