"""Which files of a watched folder were dealt with, in one SQLite file: a restart does not read all again.

Losing it is harmless: the files are read once more and known by their content.
"""

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from services.receiver.adapters.folder.stable_files import Look

_SCHEMA = """
CREATE TABLE IF NOT EXISTS taken (
    path BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TEMP TABLE present (path BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class TakenFiles:
    """Remembers (path, size, time of change); used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def has(self, path: Path, look: Look) -> bool:
        """Tell whether this file was dealt with as it looks now."""
        row = self._db.execute("SELECT size, mtime_ns FROM taken WHERE path = ?", (os.fsencode(path),))
        return bool(row.fetchone() == (look.size, look.mtime_ns))

    def add(self, path: Path, look: Look) -> None:
        """Remember a file as it looks now."""
        entry = (os.fsencode(path), look.size, look.mtime_ns)
        self._db.execute("INSERT OR REPLACE INTO taken VALUES (?, ?, ?)", entry)

    def keep_only(self, paths: Iterable[Path]) -> None:
        """Forget the files that are not there any more."""
        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM present")
        self._db.executemany("INSERT OR IGNORE INTO present VALUES (?)", ((os.fsencode(p),) for p in paths))
        self._db.execute("DELETE FROM taken WHERE path NOT IN (SELECT path FROM present)")
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()
