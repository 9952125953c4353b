"""Received files, their bytes, and the lines of them that gave no reading.

A file may be read again, by a mended parser or registry; its newest reading counts. So a reject only stands
while the file's row names its line. A file that got its station late leaves a row without station and without
rejects behind, which says that nothing of it is unassigned any longer, and is never shown.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.api.common.context import Database
from services.api.common.database import bind_stations, format_milliseconds, select

_FILES = """
SELECT station, received_at, file_id, name, account, transport, format, rules, readings, rejects
FROM files FINAL
WHERE ({everywhere:UInt8} OR station IN {stations:Array(String)})
  AND NOT (station = '' AND rejects = 0)
  AND received_at >= {after_time:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}
  AND (received_at, station, file_id)
    > ({after_time:DateTime64(3, 'UTC')}, {after_station:String}, {after_file:String})
ORDER BY received_at, station, file_id
LIMIT {limit:UInt32}
"""

_REJECTS = """
SELECT station, file_id, received_at, line, text, reason, detail
FROM rejects FINAL
WHERE ({everywhere:UInt8} OR station IN {stations:Array(String)})
  AND (station, received_at, file_id, line) IN
  (
      SELECT station, received_at, file_id, arrayJoin(rejected_lines)
      FROM files FINAL
      WHERE ({everywhere:UInt8} OR station IN {stations:Array(String)})
        AND received_at >= {after_time:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}
  )
  AND ({reason:String} = '' OR reason = {reason:String})
  AND received_at >= {after_time:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}
  AND (received_at, station, file_id, line)
    > ({after_time:DateTime64(3, 'UTC')}, {after_station:String}, {after_file:String}, {after_line:UInt32})
ORDER BY received_at, station, file_id, line
LIMIT {limit:UInt32}
"""

_SUMMARY = """
SELECT station, reason, uniqExact(file_id, received_at) AS files, count() AS lines, max(received_at) AS last
FROM rejects FINAL
WHERE ({everywhere:UInt8} OR station IN {stations:Array(String)})
  AND received_at >= {start:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}
  AND (station, received_at, file_id, line) IN
  (
      SELECT station, received_at, file_id, arrayJoin(rejected_lines)
      FROM files FINAL
      WHERE ({everywhere:UInt8} OR station IN {stations:Array(String)})
        AND received_at >= {start:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}
  )
GROUP BY station, reason
ORDER BY lines DESC, station, reason
LIMIT {limit:UInt32}
"""

_BY_ID = """
SELECT station, received_at, file_id, name, account, transport, format, rules, readings, rejects
FROM files FINAL
WHERE file_id = {file_id:String} AND NOT (station = '' AND rejects = 0)
ORDER BY received_at DESC, station
LIMIT 100
"""

_CONTENT = """
SELECT name, base64Encode(content) AS encoded
FROM raw_files
WHERE station IN {senders:Array(String)} AND file_id = {file_id:String}
LIMIT 1
"""

Key = tuple[datetime, str, str]
"""(received_at, station, file id)."""


def files_page(
    database: Database, *, stations: Sequence[str] | None, after: Key, end: datetime, limit: int
) -> list[dict[str, Any]]:
    """Return up to ``limit`` files past ``after`` and before ``end``; ``stations=None`` means all."""
    return select(
        database,
        _FILES,
        {**bind_stations(stations), **_after(after), "end": format_milliseconds(end), "limit": limit},
    )


def rejects_page(
    database: Database,
    *,
    stations: Sequence[str] | None,
    reason: str | None,
    after: tuple[datetime, str, str, int],
    end: datetime,
    limit: int,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` rejected lines past ``after`` and before ``end``, as :func:`files_page` does."""
    parameters = {
        **bind_stations(stations),
        **_after((after[0], after[1], after[2])),
        "after_line": after[3],
        "reason": reason or "",
        "end": format_milliseconds(end),
        "limit": limit,
    }
    return select(database, _REJECTS, parameters)


def rejects_summary(
    database: Database, *, stations: Sequence[str] | None, start: datetime, end: datetime, limit: int
) -> list[dict[str, Any]]:
    """Return how many lines and files each station and reason have in [start, end), the most first."""
    span = {"start": format_milliseconds(start), "end": format_milliseconds(end), "limit": limit}
    return select(database, _SUMMARY, {**bind_stations(stations), **span})


def by_id(database: Database, file_id: str) -> list[dict[str, Any]]:
    """Return every time a file was received, the last first: two stations can send the same bytes."""
    return select(database, _BY_ID, {"file_id": file_id})


def content(database: Database, file_id: str, *, senders: Sequence[str]) -> tuple[str, bytes] | None:
    """Return name and exact bytes of a file kept under one of ``senders``: station codes or account names."""
    # The driver would decode the column as text; bytes pass as base64.
    found = select(database, _CONTENT, {"file_id": file_id, "senders": list(senders)})
    return (found[0]["name"], base64.b64decode(found[0]["encoded"])) if found else None


def _after(key: Key) -> dict[str, Any]:
    return {"after_time": format_milliseconds(key[0]), "after_station": key[1], "after_file": key[2]}
