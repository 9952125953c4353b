"""Files on their way to another system, in one SQLite file: what each holds, its state, what is sent next.

A file has a name and belongs to a group, within which the order of times is kept. It is put in with its whole
content; putting in the same again changes nothing. Several processes may use one outbox.
"""

import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from quantrac.io.outbox_files import Entry, Filter, OutboxFile, State

OUTBOX_FILE = "outbox.sqlite"

# Another process that holds the file holds it for some milliseconds, or for as long as a large `resend`.
_BUSY_SECONDS = 30.0
_SLICE = 1_000
_NEVER = 1e18
_MOST_ASIDE = 100

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    "group" TEXT NOT NULL,
    name TEXT NOT NULL,
    folder TEXT NOT NULL,
    time INTEGER NOT NULL,
    origin BLOB NOT NULL,
    content BLOB NOT NULL,
    edition INTEGER NOT NULL,
    state TEXT NOT NULL,
    lane INTEGER,
    tries INTEGER NOT NULL,
    due_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    state_at REAL NOT NULL,
    reason TEXT NOT NULL,
    UNIQUE ("group", name)
);
CREATE INDEX IF NOT EXISTS files_in_order ON files ("group", time) WHERE lane = 1;
CREATE INDEX IF NOT EXISTS files_aside ON files (due_at) WHERE lane = 2;
CREATE INDEX IF NOT EXISTS files_by_state ON files (state, changed_at);
CREATE TABLE IF NOT EXISTS outbox (made_at REAL NOT NULL);
"""
_IN_ORDER, _ASIDE = 1, 2
"""Lanes: files that go out in the order of their times, and those that no other one waits for."""

_ENTRY = '"group", name, folder, time, edition, state, tries, due_at, changed_at, state_at, reason'

# A few steps in the index for each group, however many files wait.
_HEADS = f"""
WITH RECURSIVE
    groups (name) AS (
        SELECT min("group") FROM files WHERE lane = 1
        UNION ALL
        SELECT (SELECT min("group") FROM files WHERE lane = 1 AND "group" > groups.name)
        FROM groups WHERE groups.name IS NOT NULL
    ),
    heads (id) AS (
        SELECT coalesce(
            (SELECT rowid FROM files WHERE lane = 1 AND "group" = groups.name AND time >= :fresh
             ORDER BY time LIMIT 1),
            (SELECT rowid FROM files WHERE lane = 1 AND "group" = groups.name ORDER BY time LIMIT 1)
        )
        FROM groups WHERE groups.name IS NOT NULL
    )
SELECT {_ENTRY} FROM heads JOIN files ON files.rowid = heads.id WHERE due_at <= :now ORDER BY time DESC
"""  # noqa: S608 - no text of others


class OutboxUnavailable(Exception):
    """The file cannot be written or read now: the disk is full, or another process holds it."""


class Outbox:
    """The files of one target; safe to use from several threads.

    What is put in survives a power cut once its :meth:`transaction` is over. Every method raises
    :class:`OutboxUnavailable` where the file cannot be written or read.
    """

    def __init__(self, path: Path, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._clock, self._lock = clock, threading.RLock()
        self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        with self._exclusive():
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(_SCHEMA)
        with self.transaction():
            if not self._db.execute("SELECT 1 FROM outbox").fetchone():
                self._db.execute("INSERT INTO outbox VALUES (?)", (self._now(),))

    @property
    def creation(self) -> datetime:
        """When the outbox was made, UTC."""
        with self._exclusive():
            return _time(self._db.execute("SELECT made_at FROM outbox").fetchone()[0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do several steps as one: all of them are on the disk at the end, or none."""
        with self._exclusive():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def find(self, group: str, name: str) -> bytes | None:
        """Return what a file's content was made of, or ``None``."""
        with self._exclusive():
            row = self._db.execute(
                'SELECT origin FROM files WHERE "group" = ? AND name = ?', (group, name)
            ).fetchone()
        return zlib.decompress(row[0]) if row else None

    def put(self, file: OutboxFile) -> None:
        """Take a file in; it waits to be sent where its content is new, else it keeps its state."""
        now, origin, content = self._now(), zlib.compress(file.origin), zlib.compress(file.content)
        state, lane = (State.WAITING, _IN_ORDER) if file.content else (State.EMPTY, None)
        with self._exclusive():
            self._db.execute(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, 0, 0, ?, ?, '') "
                'ON CONFLICT ("group", name) DO UPDATE SET origin = excluded.origin',
                (
                    *(file.group, file.name, file.folder, int(file.time.timestamp())),
                    *(origin, content, state, lane, now, now),
                ),
            )
            self._db.execute(
                "UPDATE files SET content = ?1, edition = edition + 1, state = ?2, lane = ?3, tries = 0,"
                " due_at = 0, changed_at = ?4, state_at = ?4, reason = ''"
                ' WHERE "group" = ?5 AND name = ?6 AND content <> ?1',
                (content, state, lane, now, file.group, file.name),
            )

    def next_files(self, fresh_from: datetime | None = None) -> list[Entry]:
        """Return the files that may be sent now: of each group the one with the earliest time, the latest
        of these first; then those that no other one waits for.

        With ``fresh_from`` a group's files from that time on go before its other ones. A file that is not due
        yet holds up those behind it.
        """
        now = self._now()
        fresh = _NEVER if fresh_from is None else fresh_from.timestamp()
        with self._exclusive():
            heads = self._db.execute(_HEADS, {"fresh": fresh, "now": now}).fetchall()
            aside = self._db.execute(
                f"SELECT {_ENTRY} FROM files WHERE lane = 2 AND due_at <= ? ORDER BY due_at LIMIT ?",  # noqa: S608
                (now, _MOST_ASIDE),
            ).fetchall()
        return [_entry(row) for row in (*heads, *aside)]

    def content(self, entry: Entry) -> bytes | None:
        """Return the content of an entry's edition; ``None`` where there is another one by now."""
        with self._exclusive():
            row = self._db.execute(
                'SELECT content FROM files WHERE "group" = ? AND name = ? AND edition = ?', _key(entry)
            ).fetchone()
        return zlib.decompress(row[0]) if row else None

    def mark(
        self,
        entry: Entry,
        state: State,
        reason: str = "",
        *,
        due_at: datetime | None = None,
        is_aside: bool = False,
    ) -> None:
        """Note what became of a try to send an entry's edition; nothing where there is another one by now.

        One that was not sent is tried again, not before ``due_at``; unless it ``is_aside`` the files
        behind it in its group wait for it.
        """
        lane = None if state is State.SENT else _ASIDE if is_aside else _IN_ORDER
        tries, due = int(state is not State.COULD_NOT_CONNECT), due_at.timestamp() if due_at else 0.0
        with self._exclusive():
            self._db.execute(
                "UPDATE files SET state = ?, lane = ?, tries = tries + ?, due_at = ?, state_at = ?,"
                ' reason = ? WHERE "group" = ? AND name = ? AND edition = ?',
                (state, lane, tries, due, self._now(), reason, *_key(entry)),
            )

    def resend(self, files: Filter) -> int:
        """Let files be sent again that are not empty; returns how many."""
        where, values = files.sql()
        statement = (
            "UPDATE files SET state = 'waiting', lane = 1, tries = 0, due_at = 0, state_at = ?, reason = ''"
            " WHERE state <> 'empty' AND "
        )
        with self._exclusive():
            return self._db.execute(statement + where, (self._now(), *values)).rowcount

    def entries(self, files: Filter, limit: int = 100) -> list[Entry]:
        """Return entries, those with the latest times first."""
        where, values = files.sql()
        statement = f"SELECT {_ENTRY} FROM files WHERE {where} ORDER BY time DESC, name LIMIT ?"  # noqa: S608
        with self._exclusive():
            rows = self._db.execute(statement, (*values, limit)).fetchall()
        return [_entry(row) for row in rows]

    def counts(self, files: Filter) -> Mapping[State, int]:
        """Return how many files are in each state."""
        where, values = files.sql()
        statement = f"SELECT state, count(*) FROM files WHERE {where} GROUP BY state"  # noqa: S608
        with self._exclusive():
            counts = dict(self._db.execute(statement, values).fetchall())
        return {state: counts.get(state, 0) for state in State}

    def prune(self, before: datetime) -> Mapping[State, int]:
        """Forget files whose content last changed before a time; returns how many by state."""
        counts: dict[State, int] = {}
        for state in State:
            while True:
                with self._exclusive():  # a slice at a time: others wait for the lock
                    count = self._db.execute(
                        "DELETE FROM files WHERE rowid IN"
                        " (SELECT rowid FROM files WHERE state = ? AND changed_at < ? LIMIT ?)",
                        (state, before.timestamp(), _SLICE),
                    ).rowcount
                if not count:
                    break
                counts[state] = counts.get(state, 0) + count
        return counts

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.OperationalError as error:
                raise OutboxUnavailable(str(error)) from error

    def _now(self) -> float:
        return self._clock().timestamp()


def _key(entry: Entry) -> tuple[str, str, int]:
    return entry.group, entry.name, entry.edition


def _entry(row: Sequence[Any]) -> Entry:
    group, name, folder, time, edition, state, tries, due_at, changed_at, state_at, reason = row
    return Entry(
        group,
        name,
        folder,
        _time(time),
        edition,
        State(state),
        tries,
        due_at=_time(due_at),
        changed_at=_time(changed_at),
        state_at=_time(state_at),
        reason=reason,
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
