"""Received files, their bytes, and the lines of them that gave no reading.

A file may be parsed again, after a fix of the parser or the registry; its newest parse counts. So a reject
counts only while the file's row names its line. A file that was assigned to its station later leaves a row
without station and without rejects, which is never shown.

Times are UTC; every function raises ``ClickHouseError``.
"""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.api.common.database import Database, bind_stations, format_milliseconds, select
from services.api.common.keys import FileScope

_FILES = """
SELECT station, received_at, file_id, name, account, transport, format, rules, readings, rejects
FROM files FINAL
WHERE ({all_stations:UInt8} OR station IN {stations:Array(String)})
  AND (station != '' OR {all_accounts:UInt8} OR account IN {accounts:Array(String)})
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
WHERE ({all_stations:UInt8} OR station IN {stations:Array(String)})
  AND (station, received_at, file_id, line) IN
  (
      SELECT station, received_at, file_id, arrayJoin(rejected_lines)
      FROM files FINAL
      WHERE ({all_stations:UInt8} OR station IN {stations:Array(String)})
        AND (station != '' OR {all_accounts:UInt8} OR account IN {accounts:Array(String)})
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
WHERE ({all_stations:UInt8} OR station IN {stations:Array(String)})
  AND received_at >= {start:DateTime64(3, 'UTC')} AND received_at < {end:DateTime64(3, 'UTC')}
  AND (station, received_at, file_id, line) IN
  (
      SELECT station, received_at, file_id, arrayJoin(rejected_lines)
      FROM files FINAL
      WHERE ({all_stations:UInt8} OR station IN {stations:Array(String)})
        AND (station != '' OR {all_accounts:UInt8} OR account IN {accounts:Array(String)})
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


def select_files(
    database: Database, *, scope: FileScope, after_key: Key, end: datetime, limit: int
) -> list[dict[str, Any]]:
    """Return up to ``limit`` files past ``after_key`` and before ``end``."""
    span = {**_bind_key(after_key), "end": format_milliseconds(end), "limit": limit}
    return select(database, _FILES, {**_bind_scope(scope), **span})


def select_rejects(
    database: Database,
    *,
    scope: FileScope,
    reason: str | None,
    after_key: tuple[datetime, str, str, int],
    end: datetime,
    limit: int,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` rejected lines past ``after_key`` and before ``end``."""
    parameters = {
        **_bind_scope(scope),
        **_bind_key((after_key[0], after_key[1], after_key[2])),
        "after_line": after_key[3],
        "reason": reason or "",
        "end": format_milliseconds(end),
        "limit": limit,
    }
    return select(database, _REJECTS, parameters)


def select_reject_counts(
    database: Database, *, scope: FileScope, start: datetime, end: datetime, limit: int
) -> list[dict[str, Any]]:
    """Return how many lines and files each station and reason have in [start, end), the most first."""
    span = {"start": format_milliseconds(start), "end": format_milliseconds(end), "limit": limit}
    return select(database, _SUMMARY, {**_bind_scope(scope), **span})


def select_files_by_id(database: Database, file_id: str) -> list[dict[str, Any]]:
    """Return a row for each reception of a file, the newest first: two stations can send the same bytes."""
    return select(database, _BY_ID, {"file_id": file_id})


def find_content(database: Database, file_id: str, *, senders: Sequence[str]) -> tuple[str, bytes] | None:
    """Return name and exact bytes of a file kept under one of ``senders``: station codes or account names."""
    # The driver would decode the column as text; bytes pass as base64.
    rows = select(database, _CONTENT, {"file_id": file_id, "senders": list(senders)})
    return (rows[0]["name"], base64.b64decode(rows[0]["encoded"])) if rows else None


def _bind_scope(scope: FileScope) -> dict[str, Any]:
    all_accounts, accounts = int(scope.accounts is None), scope.accounts or []
    return {**bind_stations(scope.stations), "all_accounts": all_accounts, "accounts": accounts}


def _bind_key(key: Key) -> dict[str, Any]:
    return {"after_time": format_milliseconds(key[0]), "after_station": key[1], "after_file": key[2]}
