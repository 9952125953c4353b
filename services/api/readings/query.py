"""Readings of one station, and the latest of each parameter of many.

Times are UTC; every function raises ``ClickHouseError``.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from services.api.common.database import Database, format_seconds, select

_PAGE = """
SELECT station, parameter, measured_at, value, text, unit, status, flag, tests, rules, line, received_at
FROM readings FINAL
WHERE station = {station:String}
  AND ({parameter:String} = '' OR parameter = {parameter:String})
  AND measured_at >= {after_time:DateTime('UTC')} AND measured_at < {end:DateTime('UTC')}
  AND (measured_at, parameter) > ({after_time:DateTime('UTC')}, {after_parameter:String})
  AND ({flag:UInt8} = 0 OR flag = {flag:UInt8})
ORDER BY measured_at, parameter
LIMIT {limit:UInt32}
"""

# Finding the times reads four bytes a row or fewer, in the order of the key (half the time of a hash table);
# only then are the few whole rows looked up.
# Times that lie ahead come from a clock gone wrong and would hide every true reading.
_LATEST = """
SELECT station, parameter, measured_at, value, text, unit, status, flag, tests, rules, line, received_at
FROM readings FINAL
WHERE (station, parameter, measured_at) IN (
    SELECT station, parameter, max(measured_at)
    FROM readings
    WHERE station IN {stations:Array(String)}
      AND measured_at >= {since:DateTime('UTC')} AND measured_at < {now:DateTime('UTC')}
    GROUP BY station, parameter
    SETTINGS optimize_aggregation_in_order = 1
  )
  AND measured_at >= {since:DateTime('UTC')} AND measured_at < {now:DateTime('UTC')}
ORDER BY station, parameter
"""


def select_readings(
    database: Database,
    *,
    station: str,
    parameter: str | None = None,
    flag: int | None = None,
    after_key: tuple[datetime, str],
    end: datetime,
    limit: int,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` readings past ``after_key`` and before ``end``, by (measured_at, parameter)."""
    parameters = {
        "station": station,
        "parameter": parameter or "",
        "flag": flag or 0,
        "after_time": format_seconds(after_key[0]),
        "after_parameter": after_key[1],
        "end": format_seconds(end),
        "limit": limit,
    }
    return select(database, _PAGE, parameters)


def find_reading(
    database: Database, *, station: str, parameter: str, measured_at: datetime
) -> dict[str, Any] | None:
    """Return the reading of one time, or ``None``."""
    end = measured_at + timedelta(microseconds=1)
    rows = select_readings(
        database, station=station, parameter=parameter, after_key=(measured_at, ""), end=end, limit=1
    )
    return rows[0] if rows else None


def select_latest_readings(
    database: Database, *, stations: Sequence[str], since: datetime, now: datetime
) -> list[dict[str, Any]]:
    """Return the last reading in [since, now) of each parameter of each station, by station and parameter."""
    parameters = {"stations": list(stations), "since": format_seconds(since), "now": format_seconds(now)}
    return select(database, _LATEST, parameters)
