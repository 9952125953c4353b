"""Deliveries with their receipts, and files that the ministry has not confirmed.

Times are UTC; every function raises ``ClickHouseError``.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.api.common.database import Database, bind_stations, format_milliseconds, select

_PAGE = """
WHERE confirmed_at >= {after_time:DateTime64(3, 'UTC')} AND confirmed_at < {end:DateTime64(3, 'UTC')}
  AND (confirmed_at, target, account, delivery_id)
    > ({after_time:DateTime64(3, 'UTC')}, {after_target:String}, {after_account:String}, {after_id:String})
  AND ({account:String} = '' OR account = {account:String})
"""
_ORDER = """
ORDER BY confirmed_at, target, account, delivery_id
LIMIT {limit:UInt32}
"""
_COLUMNS = "delivery_id, target, account, sent_at, confirmed_at, bytes, tries"

_ALL = f"""
SELECT {_COLUMNS}, receipt AS signed, sets, waiting, rejected, readings
FROM deliveries FINAL
{_PAGE} {_ORDER}
"""  # noqa: S608  # constants of our own

_SPAN = ">= {after_time:DateTime64(3, 'UTC')} AND %s < {end:DateTime64(3, 'UTC')}"

# A set that was delivered twice stands in the receipts once, with the delivery that came last.
_OF_STATIONS = f"""
SELECT {_COLUMNS}, signed, sets, waiting, rejected, readings
FROM (SELECT {_COLUMNS}, receipt AS signed FROM deliveries FINAL {_PAGE}) AS d
GLOBAL INNER JOIN
(
    SELECT id, at, sum(n.1) AS sets, sum(n.2) AS waiting, sum(n.3) AS rejected, sum(n.4) AS readings
    FROM
    (
        SELECT delivery_id AS id, confirmed_at AS at, (1, waiting, 0, readings) AS n
        FROM receipts FINAL
        WHERE station IN {{stations:Array(String)}} AND confirmed_at {_SPAN % "confirmed_at"}
        UNION ALL
        SELECT delivery_id AS id, rejected_at AS at, (0, 0, 1, 0) AS n
        FROM rejected_sets FINAL
        WHERE station IN {{stations:Array(String)}} AND rejected_at {_SPAN % "rejected_at"}
    )
    GROUP BY id, at
) AS s ON s.id = d.delivery_id AND s.at = d.confirmed_at
{_ORDER}
"""  # noqa: S608

# A file is delivered once its first judgement is. What the ministry rejected is not on its way any more.
_LAG = """
SELECT station, countIf(answer = 0) AS files, sumIf(count, answer = 0) AS readings,
  minIf(received, answer = 0) AS oldest_received_at,
  sumIf(count, answer = 2) AS waiting, sumIf(count, answer = 1) AS refused
FROM
(
    -- 3 the ministry has it, 2 it waits there, 1 rejected, 0 none yet.
    SELECT any(code) AS station, any(at) AS received, max(n) AS count, max(said) AS answer
    FROM
    (
        SELECT station AS code, received_at AS at, readings AS n, 0 AS said FROM files
        UNION ALL
        -- Sets that waited do so until their station is released.
        SELECT r.station, r.received_at, r.readings, if(r.waiting AND r.confirmed_at >= q.released_at, 2, 3)
        FROM receipts AS r
        GLOBAL LEFT JOIN
        (
            SELECT station, ifNull(released_at, toDateTime64(0, 3, 'UTC')) AS released_at
            FROM registry_requests FINAL
        ) AS q ON q.station = r.station
        WHERE r.revision = 0
        UNION ALL
        SELECT station, assumeNotNull(received_at), 0, 1 FROM rejected_sets
        WHERE revision = 0 AND isNotNull(received_at)
    )
    WHERE ({all_stations:UInt8} OR code IN {stations:Array(String)}) AND code != ''
      AND at >= {start:DateTime64(3, 'UTC')} AND at < {end:DateTime64(3, 'UTC')}
    -- A number for a key takes a third of the time that a text takes.
    GROUP BY cityHash64(code, at)
)
GROUP BY station
HAVING files > 0 OR waiting > 0 OR refused > 0
ORDER BY files = 0, oldest_received_at, station
LIMIT {limit:UInt32}
"""

Key = tuple[datetime, str, str, str]
"""(confirmed_at, target, account, delivery id)."""


def select_deliveries(
    database: Database,
    *,
    stations: Sequence[str] | None,
    account: str | None,
    after_key: Key,
    end: datetime,
    limit: int,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` deliveries confirmed past ``after_key`` and before ``end``.

    With ``stations``, those with sets of these, of which alone sets and readings are counted.
    """
    names = ("after_target", "after_account", "after_id")
    parameters = {
        **bind_stations(stations),
        "account": account or "",
        "after_time": format_milliseconds(after_key[0]),
        **dict(zip(names, after_key[1:], strict=True)),
        "end": format_milliseconds(end),
        "limit": limit,
    }
    return select(database, _ALL if stations is None else _OF_STATIONS, parameters)


def select_lag(
    database: Database, *, stations: Sequence[str] | None, start: datetime, end: datetime, limit: int
) -> list[dict[str, Any]]:
    """Return what the ministry has not confirmed of the files received in ``[start, end)``, by station.

    The station whose oldest file waits longest comes first.
    """
    span = {"start": format_milliseconds(start), "end": format_milliseconds(end), "limit": limit}
    return select(database, _LAG, {**bind_stations(stations), **span})
