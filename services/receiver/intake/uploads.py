"""What becomes of an upload by the way it ended, for every door that takes files in pieces.

- finished under a final name → offered to the intake
- finished under a temporary name → parked durably, answered as accepted, and offered once its sender renames
  it; never renamed, it is offered under its own name, marked ``not-renamed``
- cut → parked: joined with a resume, replaced by a full resend, and otherwise offered as it is, marked
  ``truncated``

Each transfer has its own bytes. Two uploads of one name are two files, and the later one wins where both
hold a reading of the same time.
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
from quantrac.domain.registry.accounts import Account
from services.receiver.intake.handler import NOT_RENAMED, TRUNCATED, Upload
from services.receiver.intake.intake import UploadOutcome
from services.receiver.intake.parked_uploads import ParkedUpload, ParkedUploads, State
from services.receiver.intake.spool import SpoolFull

log = logging.getLogger(__name__)

_ROUND_SECONDS = 0.5


class BadOffset(ValueError):
    """A resume that would leave a gap after the bytes received so far."""


class NotWaiting(LookupError):
    """A rename of an upload that does not wait for one: unknown, cut, or accepted long ago."""


@dataclass(frozen=True, slots=True)
class UploadRules:
    """Which names are temporary, and how long parked uploads wait."""

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
    """Follows uploads by (account, path); safe to use from several threads, none of which it blocks.

    A path is the full one below the account's root, with ``/`` and the name: ``/2026/03/25/x.txt``. What is
    parked survives a restart. ``offer`` hands an upload to the intake; ``account`` returns the account of a
    name where it is valid now; ``on_round`` is called in every round of :meth:`run`.
    """

    def __init__(
        self,
        *,
        offer: Callable[[Upload], UploadOutcome],
        account: Callable[[str], Account | None],
        storage: ParkedUploads,
        clock: Callable[[], datetime],
        rules: UploadRules | None = None,
        on_round: Callable[[], None] = lambda: None,
    ) -> None:
        self.rules = rules or UploadRules()
        self._offer, self._account, self._storage, self._clock = offer, account, storage, clock
        self._on_round = on_round
        self._writers = ThreadPoolExecutor(4, thread_name_prefix="parking")
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], ParkedUpload] = {}
        # Replaced by another upload of the same name, or refused for want of room: offered in the next round.
        self._next_offers: list[ParkedUpload] = []
        for entry in storage.entries():
            self._index(entry)

    def resume(self, account: str, path: str, offset: int | None, *, shown_size: int = 0) -> bytes:
        """Return the bytes received before those about to be sent; ``offset`` ``None`` appends.

        ``shown_size`` is the size in bytes that the client sees of an accepted file at this path: what is
        added to one is a file of its own. Raises :class:`BadOffset` where there is a gap.
        """
        with self._lock:
            entry = self._entries.get((account, path))
            content = self._storage.read(entry) if entry else b""
        if offset is None:
            return content
        if offset <= len(content):
            return content[:offset]
        if not content and offset == shown_size:
            return b""
        raise BadOffset(f"{len(content)} bytes are here, not {offset}")

    def finish(self, account: Account, path: str, content: bytes, transport: str) -> UploadOutcome:
        """Take an upload whose transfer ended well; the sender is answered when ``spooled`` is done.

        Raises ``ValueError`` for a name that cannot be kept.
        """
        upload = _upload(account, path, content, transport)
        check_file_name(upload.name)
        if self.rules.is_temporary(upload.name):
            return self._await_rename(upload, path)
        outcome = self._offer(upload)
        outcome.spooled.add_done_callback(
            lambda spooled: self._unpark(spooled, (account.name, path), content)
        )
        return outcome

    def park(self, account: str, path: str, content: bytes, transport: str) -> int:
        """Park an upload that ended in the middle: the connection broke, the sender aborted or fell silent.

        ``content`` includes what :meth:`resume` returned. Returns after how many bytes it may be resumed:
        none where nothing came or there is no room, more than came where more had come before.
        """
        if not content:
            return 0
        entry = ParkedUpload(account, path, transport, State.CUT, self._clock(), len(content), "")
        try:
            with self._lock:
                former = self._entries.get(entry.key)
                if former and self._storage.read(former).startswith(content):
                    return former.size
            self._index(self._storage.put(entry, content, durable=False), content)
        except (SpoolFull, OSError) as error:
            log.warning("a cut upload of %s is not kept: %s", account, error)
            return 0
        return entry.size

    def is_waiting(self, account: str, path: str) -> bool:
        """Tell whether an upload waits for its rename."""
        entry = self._entries.get((account, path))
        return entry is not None and entry.state is State.WAITING

    def rename(self, account: Account, old: str, new: str) -> UploadOutcome:
        """Take a waiting upload under its final name; answer the sender when ``spooled`` is done.

        Raises :class:`NotWaiting`, or ``ValueError`` for a name that cannot be kept; it then waits on.
        """
        with self._lock:
            entry = self._entries.get((account.name, old))
            if entry is None or entry.state is not State.WAITING:
                raise NotWaiting(old)
            content = self._storage.read(entry)
            del self._entries[entry.key]
        try:
            outcome = self.finish(account, new, content, entry.transport)
        except ValueError:
            self._index(entry, content)
            raise
        outcome.spooled.add_done_callback(lambda spooled: self._end_rename(spooled, entry))
        return outcome

    def run(self, stop: threading.Event) -> None:
        """Offer what has waited long enough, until ``stop`` is set."""
        while not stop.wait(_ROUND_SECONDS):
            self._on_round()
            self.offer_due()

    def offer_due(self) -> list[UploadOutcome]:
        """Offer what has waited long enough or was replaced; without room it is offered again later."""
        now = self._clock()
        with self._lock:
            due = [entry for entry in self._entries.values() if now >= self._deadline(entry)]
            due += self._next_offers
            self._next_offers = []
            for entry in due:
                if self._entries.get(entry.key) is entry:
                    del self._entries[entry.key]
        return [outcome for outcome in map(self._offer_entry, due) if outcome is not None]

    def close(self) -> None:
        """Finish the writes under way."""
        self._writers.shutdown()

    def _deadline(self, entry: ParkedUpload) -> datetime:
        is_cut = entry.state is State.CUT
        return entry.since + (self.rules.resume_within if is_cut else self.rules.rename_within)

    def _offer_entry(self, entry: ParkedUpload) -> UploadOutcome | None:
        # An account that is no longer valid sends for no station; the file goes to raw-file unassigned.
        account = self._account(entry.account) or Account(entry.account, "")
        mark = TRUNCATED if entry.state is State.CUT else NOT_RENAMED
        try:
            upload = _upload(account, entry.path, self._storage.read(entry), entry.transport)
            outcome = self._offer(replace(upload, marks=(mark,)))
        except ValueError as error:
            log.error("parked upload %s of %s stays as it is: %s", entry.file, entry.account, error)
            return None
        except OSError as error:
            log.error("parked upload %s of %s is not readable now: %s", entry.file, entry.account, error)
            with self._lock:
                self._next_offers.append(entry)
            return None
        outcome.spooled.add_done_callback(lambda spooled: self._end_offer(spooled, entry))
        return outcome

    def _end_offer(self, spooled: Future[None], entry: ParkedUpload) -> None:
        if spooled.exception() is None:
            self._storage.remove(entry)
        else:
            with self._lock:
                self._next_offers.append(entry)

    def _await_rename(self, upload: Upload, path: str) -> UploadOutcome:
        outcome = UploadOutcome(file_id(upload.content), None, is_resend=False)
        outcome.spooled.set_running_or_notify_cancel()
        entry = ParkedUpload(
            upload.account.name,
            path,
            upload.transport,
            State.WAITING,
            self._clock(),
            len(upload.content),
            "",
        )
        self._writers.submit(self._park_for_rename, entry, upload.content, outcome)
        return outcome

    def _park_for_rename(self, entry: ParkedUpload, content: bytes, outcome: UploadOutcome) -> None:
        try:
            self._index(self._storage.put(entry, content, durable=True), content)
        except Exception as error:  # whatever it is, the door must answer
            outcome.spooled.set_exception(error)
        else:
            outcome.spooled.set_result(None)

    def _index(self, entry: ParkedUpload, content: bytes | None = None) -> None:
        """Make an entry that is on disk the one of its path; the one before is dropped if contained in it."""
        with self._lock:
            former = self._entries.get(entry.key)
            self._entries[entry.key] = entry
            if former is None:
                return
            if (content or self._storage.read(entry)).startswith(self._storage.read(former)):
                self._storage.remove(former)
            else:
                self._next_offers.append(former)

    def _unpark(self, spooled: Future[None], key: tuple[str, str], content: bytes) -> None:
        """Once a file is spooled, drop the parked beginning of it, and offer that of another file."""
        if spooled.exception() is not None:
            return
        with self._lock:
            entry = self._entries.pop(key, None)
            if entry is None:
                return
            if content.startswith(self._storage.read(entry)):
                self._storage.remove(entry)
            else:
                self._next_offers.append(entry)

    def _end_rename(self, spooled: Future[None], entry: ParkedUpload) -> None:
        if spooled.exception() is None:
            self._storage.remove(entry)
        else:
            self._index(entry)


def _upload(account: Account, path: str, content: bytes, transport: str) -> Upload:
    folder, _, name = path.rpartition("/")
    return Upload(account, folder or "/", name, content, transport)
