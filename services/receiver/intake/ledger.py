"""Which files the broker already has, in one SQLite file: an exact resend then costs nothing downstream.

Losing the ledger is harmless: a resend goes through once more, under the same file id. It therefore trades
durability for speed (WAL, ``synchronous=NORMAL``: a crash of the machine may lose the last entries).
"""

import hashlib
import logging
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

log = logging.getLogger(__name__)

RETENTION = timedelta(days=60)
"""Loggers keep, and so resend, 60 days."""

# Half a SHA-256 as the key: 2,000 stations make 35 million files in 60 days, so every byte counts.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    key BLOB PRIMARY KEY,
    received_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_age ON files (received_at);
"""


class Ledger:
    """Remembers (owner, file id) → when it was first received; safe to use from several threads.

    The owner is the station, or the account where no station could be assigned.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def first_receipt(self, owner: str, file_id: str) -> datetime | None:
        """Return when the file was first received (UTC), or ``None`` if it is new."""
        with self._lock:
            row = self._db.execute(
                "SELECT received_at FROM files WHERE key = ?", (_key(owner, file_id),)
            ).fetchone()
        return datetime.fromtimestamp(row[0] / 1000, UTC) if row else None

    def add(self, owner: str, file_id: str, received_at: datetime) -> None:
        """Remember a file that the broker has confirmed; the first time of receipt stays.

        A full disk is logged and costs only the memory.
        """
        row = (_key(owner, file_id), round(received_at.timestamp() * 1000))
        try:
            with self._lock:
                self._db.execute("INSERT OR IGNORE INTO files VALUES (?, ?)", row)
        except sqlite3.OperationalError as error:
            log.warning("file %s is not remembered: %s", file_id, error)

    def prune(self, now: datetime) -> int:
        """Forget what is older than :data:`RETENTION`, a slice at a time; returns how many were forgotten."""
        oldest = round((now - RETENTION).timestamp() * 1000)
        forgotten = 0
        while True:
            with self._lock:
                deleted = self._db.execute(
                    "DELETE FROM files WHERE key IN (SELECT key FROM files WHERE received_at < ? LIMIT 1000)",
                    (oldest,),
                ).rowcount
            if not deleted:
                return forgotten
            forgotten += deleted

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _key(owner: str, file_id: str) -> bytes:
    return hashlib.sha256(f"{owner}\0{file_id}".encode()).digest()[:16]
