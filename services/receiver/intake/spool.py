"""Files on their way to Kafka, safe on disk.

One entry is one file in ``ready``: a line of JSON (topic, key, headers) and then the exact bytes. It is
written under ``incoming``, flushed to the disk, renamed, and the folder is flushed too; only then is it
acknowledged. What a crash leaves in ``incoming`` was never acknowledged and is thrown away at the next start.
"""

import errno
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

from quantrac.io.records import Record

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
"""Errors of a full disk, or a full quota."""


class SpoolFull(Exception):
    """The spool, or the disk, has no room; nothing of the file is stored."""


def write_durably(path: Path, content: bytes) -> None:
    """Write a file and return once it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


class Spool:
    """The folder of entries; safe to use from several threads."""

    def __init__(
        self, folder: Path, limit_bytes: int, write: Callable[[Path, bytes], None] = write_durably
    ) -> None:
        self._incoming, self._ready, self._damaged = (
            folder / name for name in ("incoming", "ready", "damaged")
        )
        for directory in (self._incoming, self._ready, self._damaged):
            directory.mkdir(parents=True, exist_ok=True)
        for leftover in self._incoming.iterdir():
            leftover.unlink()
        self._limit, self._write = limit_bytes, write
        self._lock = threading.Lock()
        self._used = sum(entry.stat().st_size for entry in self._ready.iterdir())

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached."""
        return self._used >= self._limit

    def names(self) -> list[str]:
        """Return the names of all entries, oldest first."""
        return sorted(entry.name for entry in self._ready.iterdir())

    def put(self, name: str, record: Record) -> None:
        """Store one entry; raises :class:`SpoolFull` or ``OSError``, and then nothing is stored."""
        content = _encode(record)
        self._reserve(len(content))
        temporary = self._incoming / name
        try:
            self._write(temporary, content)
            temporary.rename(self._ready / name)
            sync_folder(self._ready)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            (self._ready / name).unlink(missing_ok=True)
            self._release(len(content))
            if error.errno in NO_ROOM:
                raise SpoolFull("the disk is full") from error
            raise

    def read(self, name: str) -> Record:
        """Return an entry; raises ``ValueError`` when its file is damaged."""
        head, _, value = (self._ready / name).read_bytes().partition(b"\n")
        try:
            fields = json.loads(head)
            headers = {key: text.encode() for key, text in fields["headers"].items()}
            return Record(fields["topic"], fields["key"].encode(), value, headers)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"spool entry {name} is damaged: {error}") from error

    def remove(self, name: str) -> None:
        """Delete an entry that Kafka has."""
        entry = self._ready / name
        size = entry.stat().st_size
        entry.unlink()
        self._release(size)

    def set_aside(self, name: str) -> None:
        """Move a damaged entry out of the way, for a person to look at."""
        entry = self._ready / name
        self._release(entry.stat().st_size)
        entry.rename(self._damaged / name)

    def _reserve(self, size: int) -> None:
        with self._lock:
            if self._used + size > self._limit:
                raise SpoolFull(f"{self._used} of {self._limit} bytes are taken")
            self._used += size

    def _release(self, size: int) -> None:
        with self._lock:
            self._used -= size


def _encode(record: Record) -> bytes:
    headers = {key: value.decode() for key, value in record.headers.items()}
    head = {"topic": record.topic, "key": record.key.decode(), "headers": headers}
    return json.dumps(head).encode() + b"\n" + (record.value or b"")


def sync_folder(folder: Path) -> None:
    """Flush a folder, so that what was renamed into it stays there."""
    if os.name != "posix":
        return  # elsewhere a folder cannot be opened, and a rename is durable by itself
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
