"""What stands around one reading: its file, its average, its receipts."""

from datetime import datetime, timedelta
from typing import Any

from quantrac.domain.times import hour_start
from services.api.context import Database
from services.api.queries import averages, files, rows, seconds

_RECEIPTS = """
SELECT target, delivery_id, confirmed_at, readings, revision
FROM receipts FINAL
WHERE station = {station:String} AND file_id = {file_id:String}
ORDER BY target, revision, confirmed_at
"""

_REVISIONS = """
SELECT value, unit, flag, rules, cause, received_at, bitAnd(version, 1023) AS revision, superseded_at
FROM reading_revisions FINAL
WHERE station = {station:String} AND parameter = {parameter:String}
  AND measured_at = {measured_at:DateTime('UTC')}
ORDER BY version DESC
"""


def file(database: Database, *, station: str, received_at: datetime) -> dict[str, Any] | None:
    """Return the file of a station received at that millisecond, or ``None``."""
    end = received_at + timedelta(milliseconds=1)
    found = files.files_page(database, stations=[station], after=(received_at, "", ""), end=end, limit=1)
    return found[0] if found else None


def average(
    database: Database, *, station: str, parameter: str, measured_at: datetime
) -> dict[str, Any] | None:
    """Return the hourly average that a reading went into, or ``None`` before it is computed."""
    found = averages.page(
        database,
        station=station,
        parameter=parameter,
        period="hour",
        after=(hour_start(measured_at), ""),
        end=measured_at + timedelta(microseconds=1),
        limit=1,
    )
    return found[0] if found else None


def receipts(database: Database, *, station: str, file_id: str) -> list[dict[str, Any]]:
    """Return what the ministry confirmed about a file, one row a target and judgement."""
    return rows(database, _RECEIPTS, {"station": station, "file_id": file_id})


def revisions(
    database: Database, *, station: str, parameter: str, measured_at: datetime
) -> list[dict[str, Any]]:
    """Return how a reading stood before, the newest first."""
    asked = {"station": station, "parameter": parameter, "measured_at": seconds(measured_at)}
    return rows(database, _REVISIONS, asked)
