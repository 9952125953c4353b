"""What stands around one reading: its file, its average, its receipts."""

from datetime import datetime, timedelta
from typing import Any

from quantrac.domain.averaging import hour_of
from services.api.context import Database
from services.api.queries import averages, files, rows

_RECEIPTS = """
SELECT target, delivery_id, confirmed_at, readings
FROM receipts FINAL
WHERE station = {station:String} AND file_id = {file_id:String}
ORDER BY target, confirmed_at
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
        after=(hour_of(measured_at), ""),
        end=measured_at + timedelta(microseconds=1),
        limit=1,
    )
    return found[0] if found else None


def receipts(database: Database, *, station: str, file_id: str) -> list[dict[str, Any]]:
    """Return what the ministry confirmed about a file, one row a target."""
    return rows(database, _RECEIPTS, {"station": station, "file_id": file_id})
