"""Which files of a watched folder were processed, in one SQLite file: a restart does not read all again.

Losing it is harmless: the files are read once more, and the intake knows them by their content.
"""

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from services.receiver.adapters.folder.stable_files import FileState

_SCHEMA = """
CREATE TABLE IF NOT EXISTS taken (
    path BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TEMP TABLE present (path BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class ProcessedFiles:
    """Remembers (path, size, time of change); used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def contains(self, path: Path, state: FileState) -> bool:
        """Tell whether a file was processed in its present state."""
        row = self._db.execute("SELECT size, mtime_ns FROM taken WHERE path = ?", (os.fsencode(path),))
        return bool(row.fetchone() == (state.size, state.mtime_ns))

    def add(self, path: Path, state: FileState) -> None:
        """Remember a file in its present state."""
        entry = (os.fsencode(path), state.size, state.mtime_ns)
        self._db.execute("INSERT OR REPLACE INTO taken VALUES (?, ?, ?)", entry)

    def retain(self, paths: Iterable[Path]) -> None:
        """Forget all files but these: those that exist."""
        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM present")
        self._db.executemany("INSERT OR IGNORE INTO present VALUES (?)", ((os.fsencode(p),) for p in paths))
        self._db.execute("DELETE FROM taken WHERE path NOT IN (SELECT path FROM present)")
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._db.close()
