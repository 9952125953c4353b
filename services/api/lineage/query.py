"""What belongs to one reading: its file, its average, its indices, its receipts, its earlier versions.

Times are UTC; every function raises ``ClickHouseError``.
"""

from datetime import datetime, timedelta
from typing import Any

from quantrac.domain.ids import revision_sql
from quantrac.domain.indices.kinds import INDEX_KINDS
from quantrac.domain.times import local_day_start, to_sql_milliseconds
from schemas.clickhouse.history import RIGHT_CLOCK
from services.api.averages.query import select_averages
from services.api.common.database import Database, format_seconds, select
from services.api.common.keys import FileScope
from services.api.files.query import select_files
from services.api.indices.query import select_indices

_RECEIPTS = """
SELECT target, delivery_id, account, confirmed_at, readings, revision, waiting
FROM receipts FINAL
WHERE station = {station:String} AND file_id = {file_id:String}
ORDER BY target, revision, confirmed_at
"""

_SIGNED = """
SELECT delivery_id, receipt
FROM deliveries
WHERE confirmed_at IN {times:Array(DateTime64(3, 'UTC'))} AND delivery_id IN {ids:Array(String)}
"""

_REVISIONS = f"""
SELECT value, qualifier, unit, flag, rules, cause, received_at, {revision_sql("version")} AS revision,
  superseded_at
FROM reading_revisions FINAL
WHERE station = {{station:String}} AND parameter = {{parameter:String}}
  AND measured_at = {{measured_at:DateTime('UTC')}}
ORDER BY version DESC
"""  # noqa: S608  # constants of our own

_AFTER = f"""
SELECT 1 AS present
FROM readings
WHERE station = {{station:String}} AND measured_at >= toDateTime({{end:UInt32}}, 'UTC') AND {RIGHT_CLOCK}
LIMIT 1
"""  # noqa: S608  # constants of our own


def find_file(database: Database, *, station: str, received_at: datetime) -> dict[str, Any] | None:
    """Return the file of a station received at that millisecond, or ``None``."""
    end, scope = received_at + timedelta(milliseconds=1), FileScope([station], [])
    rows = select_files(database, scope=scope, after_key=(received_at, "", ""), end=end, limit=1)
    return rows[0] if rows else None


def find_average(
    database: Database, *, station: str, parameter: str, hour: datetime
) -> dict[str, Any] | None:
    """Return the average of an hour by its start, or ``None`` before it is computed."""
    rows = select_averages(
        database,
        station=station,
        parameter=parameter,
        period="hour",
        after_key=(hour, ""),
        end=hour + timedelta(microseconds=1),
        limit=1,
    )
    return rows[0] if rows else None


def find_indices(database: Database, *, station: str, parameter: str, hour: datetime) -> list[dict[str, Any]]:
    """Return the indices of an hour (its start) and of its day that look at the parameter, as they stand."""
    starts = {"hour": hour, "day": local_day_start(hour)}
    rows = [
        row
        for period, start in starts.items()
        for row in select_indices(
            database,
            station=station,
            kind=None,
            period=period,
            after_key=(start, ""),
            end=start + timedelta(seconds=1),
            limit=len(INDEX_KINDS),
        )
    ]
    return [row for row in rows if parameter in INDEX_KINDS[row["kind"]].parameters]


def select_receipts(database: Database, *, station: str, file_id: str) -> list[dict[str, Any]]:
    """Return what the ministry confirmed about a file, one row a target and judgement.

    ``signed`` is the receipt of the delivery, empty where it has none.
    """
    rows = select(database, _RECEIPTS, {"station": station, "file_id": file_id})
    if not rows:
        return []
    times = [to_sql_milliseconds(row["confirmed_at"]) for row in rows]
    deliveries = select(database, _SIGNED, {"times": times, "ids": [row["delivery_id"] for row in rows]})
    signed = {row["delivery_id"]: row["receipt"] for row in deliveries}
    return [row | {"signed": signed.get(row["delivery_id"], "")} for row in rows]


def select_revisions(
    database: Database, *, station: str, parameter: str, measured_at: datetime
) -> list[dict[str, Any]]:
    """Return the earlier versions of a reading, the newest first."""
    key = {"station": station, "parameter": parameter, "measured_at": format_seconds(measured_at)}
    return select(database, _REVISIONS, key)


def has_readings_after(database: Database, *, station: str, end: int) -> bool:
    """Tell whether a station has a reading measured at or after ``end``, seconds since 1970 UTC.

    Readings whose clock was wrong do not count.
    """
    return bool(database.columns(_AFTER, {"station": station, "end": end}))
