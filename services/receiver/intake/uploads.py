"""What becomes of an upload by the way it ended, for every door that takes files in pieces.

- finished under a final name → the intake has it
- finished under a temporary name → durable on disk, answered, and taken once its sender renames it; never
  renamed, it is taken under its own name, marked ``not-renamed``
- cut → parked: joined with a resume, replaced by a full resend, and otherwise taken as it is, marked
  ``truncated``

Nothing is mixed: each transfer has its own bytes, and two uploads of one name are two files, the later one
winning where they speak about the same time.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from quantrac.domain.file_names import check_file_name
from quantrac.domain.ids import file_id
from quantrac.domain.stations import Account
from services.receiver.intake.handler import NOT_RENAMED, TRUNCATED, Upload
from services.receiver.intake.intake import Ticket
from services.receiver.intake.parked_uploads import Parked, Parking, State
from services.receiver.intake.spool import SpoolFull

log = logging.getLogger(__name__)

_ROUND_SECONDS = 0.5


class BadOffset(ValueError):
    """A resume at a place up to which nothing was received."""


class NotWaiting(LookupError):
    """A rename of what is not waiting for one: unknown, cut, or accepted long ago."""


@dataclass(frozen=True, slots=True)
class UploadRules:
    """Names and times."""

    temporary: tuple[str, ...] = ("*.tmp", "*.temp", "*.part", "*.partial", "*.filepart", ".[!.]*")
    """Patterns of names that will be renamed, whatever their case."""
    rename_within: timedelta = timedelta(minutes=15)
    """How long a finished upload waits for its rename."""
    resume_within: timedelta = timedelta(minutes=60)
    """How long a cut upload waits for the rest."""

    def is_temporary(self, name: str) -> bool:
        """Tell whether a file of this name (without its path) is still to be renamed.

        >>> UploadRules().is_temporary("HN_BKHN_KHIKXQ_20260325120000.txt.TMP")
        True
        """
        return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in self.temporary)


class Uploads:
    """Follows uploads by (account, path); safe to use from several threads, none of which it makes wait.

    A path is the full one below the account's root, with ``/`` and the name: ``/2026/03/25/x.txt``. What is
    parked survives a restart. ``offer`` is the intake's; ``account`` finds an account valid now by its name;
    ``on_round`` is called as long as :meth:`run` turns.
    """

    def __init__(
        self,
        *,
        offer: Callable[[Upload], Ticket],
        account: Callable[[str], Account | None],
        parking: Parking,
        clock: Callable[[], datetime],
        rules: UploadRules | None = None,
        on_round: Callable[[], None] = lambda: None,
    ) -> None:
        self.rules = rules or UploadRules()
        self._offer, self._account, self._parking, self._clock = offer, account, parking, clock
        self._on_round = on_round
        self._writers = ThreadPoolExecutor(4, thread_name_prefix="parking")
        self._lock = threading.Lock()
        self._parked: dict[tuple[str, str], Parked] = {}
        # Pushed aside by another upload of the same name; taken in the next round.
        self._superseded: list[Parked] = []
        for entry in parking.entries():
            self._index(entry)

    def resume(self, account: str, path: str, offset: int | None, *, shown: int = 0) -> bytes:
        """Return the bytes that stand before those about to be sent; ``offset`` ``None`` appends.

        ``shown`` is the size that the client sees of an accepted file at this path: what is added to one is
        a file of its own. Raises :class:`BadOffset` where there is a gap.
        """
        with self._lock:
            entry = self._parked.get((account, path))
            content = self._parking.read(entry) if entry else b""
        if offset is None:
            return content
        if offset <= len(content):
            return content[:offset]
        if not content and offset == shown:
            return b""
        raise BadOffset(f"{len(content)} bytes are here, not {offset}")

    def finish(self, account: Account, path: str, content: bytes, transport: str) -> Ticket:
        """Take an upload whose transfer ended well; answer the sender when ``spooled`` of the ticket is done.

        Raises ``ValueError`` for a name that cannot be kept.
        """
        upload = _upload(account, path, content, transport)
        check_file_name(upload.name)
        if self.rules.is_temporary(upload.name):
            return self._wait(upload, path)
        ticket = self._offer(upload)
        ticket.spooled.add_done_callback(lambda done: self._note_spooled(done, (account.name, path), content))
        return ticket

    def cut(self, account: str, path: str, content: bytes, transport: str) -> int:
        """Park an upload that ended in the middle: the connection broke, the sender gave up or fell silent.

        ``content`` includes what :meth:`resume` returned. Returns after how many bytes it may be resumed:
        none where nothing came or there is no room, more than came where more had come before.
        """
        if not content:
            return 0
        entry = Parked(account, path, transport, State.CUT, self._clock(), len(content), "")
        try:
            with self._lock:
                former = self._parked.get(entry.key)
                if former and self._parking.read(former).startswith(content):
                    return former.size
            self._index(self._parking.put(entry, content, durable=False), content)
        except (SpoolFull, OSError) as error:
            log.warning("a cut upload of %s is not kept: %s", account, error)
            return 0
        return entry.size

    def is_waiting(self, account: str, path: str) -> bool:
        """Tell whether an upload waits for its rename."""
        entry = self._parked.get((account, path))
        return entry is not None and entry.state is State.WAITING

    def rename(self, account: Account, old: str, new: str) -> Ticket:
        """Take a waiting upload under its final name; answer the sender when ``spooled`` is done.

        Raises :class:`NotWaiting`, or ``ValueError`` for a name that cannot be kept; it then waits on.
        """
        with self._lock:
            entry = self._parked.get((account.name, old))
            if entry is None or entry.state is not State.WAITING:
                raise NotWaiting(old)
            content = self._parking.read(entry)
            del self._parked[entry.key]
        try:
            ticket = self.finish(account, new, content, entry.transport)
        except ValueError:
            self._index(entry, content)
            raise
        ticket.spooled.add_done_callback(lambda done: self._renamed(done, entry))
        return ticket

    def run(self, stop: threading.Event) -> None:
        """Take what has waited long enough, until ``stop`` is set."""
        while not stop.wait(_ROUND_SECONDS):
            self._on_round()
            self.take_due()

    def take_due(self) -> list[Ticket]:
        """Offer what has waited long enough, or was pushed aside; without room it is offered again later."""
        now = self._clock()
        with self._lock:
            due = [entry for entry in self._parked.values() if now >= self._until(entry)] + self._superseded
            self._superseded = []
            for entry in due:
                if self._parked.get(entry.key) is entry:
                    del self._parked[entry.key]
        return [ticket for ticket in map(self._take, due) if ticket is not None]

    def close(self) -> None:
        """Finish the writes under way."""
        self._writers.shutdown()

    def _until(self, entry: Parked) -> datetime:
        cut = entry.state is State.CUT
        return entry.since + (self.rules.resume_within if cut else self.rules.rename_within)

    def _take(self, entry: Parked) -> Ticket | None:
        # An account that has ended sends for no station any more; what it sent is kept and asked about.
        account = self._account(entry.account) or Account(entry.account, "")
        mark = TRUNCATED if entry.state is State.CUT else NOT_RENAMED
        try:
            upload = _upload(account, entry.path, self._parking.read(entry), entry.transport)
            ticket = self._offer(replace(upload, marks=(mark,)))
        except ValueError as error:
            log.error("parked upload %s of %s stays as it is: %s", entry.file, entry.account, error)
            return None
        except OSError as error:
            log.error("parked upload %s of %s is not readable now: %s", entry.file, entry.account, error)
            with self._lock:
                self._superseded.append(entry)
            return None
        ticket.spooled.add_done_callback(lambda done: self._taken(done, entry))
        return ticket

    def _taken(self, done: Future[None], entry: Parked) -> None:
        if done.exception() is None:
            self._parking.remove(entry)
        else:
            with self._lock:
                self._superseded.append(entry)

    def _wait(self, upload: Upload, path: str) -> Ticket:
        ticket = Ticket(file_id(upload.content), None, known=False)
        ticket.spooled.set_running_or_notify_cancel()
        entry = Parked(
            upload.account.name,
            path,
            upload.transport,
            State.WAITING,
            self._clock(),
            len(upload.content),
            "",
        )
        self._writers.submit(self._keep_waiting, entry, upload.content, ticket)
        return ticket

    def _keep_waiting(self, entry: Parked, content: bytes, ticket: Ticket) -> None:
        try:
            self._index(self._parking.put(entry, content, durable=True), content)
        except Exception as error:  # whatever it is, the door must answer
            ticket.spooled.set_exception(error)
        else:
            ticket.spooled.set_result(None)

    def _index(self, entry: Parked, content: bytes | None = None) -> None:
        """Let an entry on the disk be the one of its path; the one before it is contained in it, or taken."""
        with self._lock:
            former = self._parked.get(entry.key)
            self._parked[entry.key] = entry
            if former is None:
                return
            if (content or self._parking.read(entry)).startswith(self._parking.read(former)):
                self._parking.remove(former)
            else:
                self._superseded.append(former)

    def _note_spooled(self, done: Future[None], key: tuple[str, str], content: bytes) -> None:
        """A file was accepted: a piece of it is needed no more, a piece of another one is taken."""
        if done.exception() is not None:
            return
        with self._lock:
            entry = self._parked.pop(key, None)
            if entry is None:
                return
            if content.startswith(self._parking.read(entry)):
                self._parking.remove(entry)
            else:
                self._superseded.append(entry)

    def _renamed(self, done: Future[None], entry: Parked) -> None:
        if done.exception() is None:
            self._parking.remove(entry)
        else:
            self._index(entry)


def _upload(account: Account, path: str, content: bytes, transport: str) -> Upload:
    folder, _, name = path.rpartition("/")
    return Upload(account, folder or "/", name, content, transport)
