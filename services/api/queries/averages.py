"""Averages of one station."""

from datetime import datetime
from typing import Any

from services.api.context import Database
from services.api.queries import rows, seconds

_PAGE = """
SELECT
  station, parameter, period, starts_at, ends_at, unit, mean, minimum, maximum,
  count, received, expected, completeness, computed_at, version
FROM averages FINAL
WHERE station = {station:String}
  AND ({parameter:String} = '' OR parameter = {parameter:String})
  AND period = {period:String}
  AND starts_at >= {after_time:DateTime('UTC')} AND starts_at < {end:DateTime('UTC')}
  AND (starts_at, parameter) > ({after_time:DateTime('UTC')}, {after_parameter:String})
ORDER BY starts_at, parameter
LIMIT {limit:UInt32}
"""


def page(
    database: Database,
    *,
    station: str,
    parameter: str | None,
    period: str,
    after: tuple[datetime, str],
    end: datetime,
    limit: int,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` averages that start past the key ``after`` and before ``end``."""
    parameters = {
        "station": station,
        "parameter": parameter or "",
        "period": period,
        "after_time": seconds(after[0]),
        "after_parameter": after[1],
        "end": seconds(end),
        "limit": limit,
    }
    return rows(database, _PAGE, parameters)
