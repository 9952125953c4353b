"""Uploads that are not accepted files yet: cut ones, and finished ones that wait for their rename.

One entry is one file in the folder: a line of JSON (account, path, transport, state, time) and then the exact
bytes, written under a dotted name and renamed. A restart finds it again; what a crash leaves half written is
thrown away.
"""

import json
import logging
import secrets
import threading
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from services.receiver.intake.spool import NO_ROOM, SpoolFull, sync_folder, write_durably

log = logging.getLogger(__name__)

# What an entry counts at least against the limits, in bytes: a block of the disk, so that empty ones are
# bounded too.
_SMALLEST_BYTES = 4096


class State(StrEnum):
    """Why an upload is parked."""

    CUT = "cut"
    """Its transfer ended in the middle; its sender was never told that it is accepted."""
    WAITING = "waiting"
    """Accepted under a temporary name; its sender will rename it."""


@dataclass(frozen=True, slots=True)
class ParkedUpload:
    """One parked upload, without its bytes."""

    account: str
    path: str
    """Full path below the account's root, with the name."""
    transport: str
    state: State
    since: datetime
    """UTC."""
    size: int
    """Bytes."""
    file: str
    """Name of the entry on the disk; rises with time."""

    @property
    def key(self) -> tuple[str, str]:
        """Account and path, by which it is looked up."""
        return self.account, self.path


class ParkedUploads:
    """The folder of all parked uploads; safe to use from several threads.

    ``account_limit`` and ``limit`` (bytes) bound what one account, and all together, may park.
    """

    def __init__(self, folder: Path, *, account_limit: int, limit: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._account_limit, self._limit = folder, account_limit, limit
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}
        for leftover in folder.glob(".*"):
            leftover.unlink()

    def entries(self) -> list[ParkedUpload]:
        """Return the entries of a former process, oldest first, and count them against the limits."""
        entries = []
        for path in sorted(self._folder.iterdir()):
            try:
                entries.append(_decode(path))
            except (KeyError, TypeError, ValueError) as error:
                log.error("parked entry %s is damaged and stays as it is: %s", path.name, error)
        self._used = {}
        for entry in entries:
            self._count(entry.account, 1, entry.size)
        return entries

    def put(self, entry: ParkedUpload, content: bytes, *, durable: bool) -> ParkedUpload:
        """Store an entry and return it with its file; raises ``SpoolFull`` or ``OSError``, storing nothing.

        ``durable`` returns once it is on the disk; without it a crash of the machine may lose it.
        """
        self._reserve(entry.account, len(content))
        file = f"{entry.since.timestamp() * 1000:013.0f}-{secrets.token_hex(8)}"
        temporary = self._folder / f".{file}"
        try:
            if durable:
                write_durably(temporary, _encode(entry, content))
            else:
                temporary.write_bytes(_encode(entry, content))
            temporary.rename(self._folder / file)
            if durable:
                sync_folder(self._folder)
        except OSError as error:
            for path in (temporary, self._folder / file):
                path.unlink(missing_ok=True)
            self._count(entry.account, -1, len(content))
            if error.errno in NO_ROOM:
                raise SpoolFull("the disk is full") from error
            raise
        return replace(entry, size=len(content), file=file)

    def read(self, entry: ParkedUpload) -> bytes:
        """Return the bytes; raises ``OSError``."""
        return (self._folder / entry.file).read_bytes().partition(b"\n")[2]

    def remove(self, entry: ParkedUpload) -> None:
        """Delete an entry."""
        (self._folder / entry.file).unlink(missing_ok=True)
        self._count(entry.account, -1, entry.size)

    def _reserve(self, account: str, size: int) -> None:
        with self._lock:
            charge, used = max(size, _SMALLEST_BYTES), self._used
            if used.get(account, 0) + charge > self._account_limit:
                raise SpoolFull(f"account {account} has parked {used.get(account, 0)} bytes")
            if sum(used.values()) + charge > self._limit:
                raise SpoolFull(f"{sum(used.values())} of {self._limit} bytes are parked")
            used[account] = used.get(account, 0) + charge

    def _count(self, account: str, sign: int, size: int) -> None:
        with self._lock:
            self._used[account] = self._used.get(account, 0) + sign * max(size, _SMALLEST_BYTES)
            if not self._used[account]:
                del self._used[account]


def _encode(entry: ParkedUpload, content: bytes) -> bytes:
    head = asdict(entry) | {"since": entry.since.isoformat()}
    return json.dumps(head).encode() + b"\n" + content


def _decode(path: Path) -> ParkedUpload:
    head, _, content = path.read_bytes().partition(b"\n")
    fields = json.loads(head)
    fields["state"], fields["since"] = State(fields["state"]), datetime.fromisoformat(fields["since"])
    return ParkedUpload(**fields | {"size": len(content), "file": path.name})
