"""A watched folder, ``ROOT/<account>/...``: for the FTP server that a province has and wants to keep.

Whoever may write there has been let in by that server; here the account only needs to be a station's in the
registry. Changes come from the operating system, and a rescan finds what it did not tell.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from watchfiles import watch

from quantrac.domain.stations import Account, Registry
from services.receiver.access.gate import Gate
from services.receiver.adapters.folder.files import files_below, look, move, read
from services.receiver.adapters.folder.processed_files import TakenFiles
from services.receiver.adapters.folder.stable_files import Look, Resting
from services.receiver.intake.handler import Upload
from services.receiver.intake.intake import Intake, Ticket
from services.receiver.intake.spool import SpoolFull

log = logging.getLogger(__name__)

# Offered together, so that their flushes to the disk are merged.
_BATCH = 64
_LONGEST_TICK = 0.5


@dataclass(frozen=True, slots=True)
class FolderRules:
    """What is taken, when, and what happens to it then."""

    root: Path
    rest_seconds: float = 10.0
    """How long a file must stay as it is."""
    rescan_seconds: float = 60.0
    """Distance between two looks at everything."""
    after: str = "keep"
    """``keep``, ``delete`` or ``move:FOLDER``."""

    @property
    def moved_to(self) -> Path | None:
        """Where taken files are put; raises ``ValueError`` for a folder that would be watched too."""
        action, _, folder = self.after.partition(":")
        if action != "move":
            return None
        if Path(folder).resolve().is_relative_to(self.root.resolve()):
            raise ValueError(f"folder_after: {folder} lies in the watched folder {self.root}")
        return Path(folder).resolve()


class WatchedFolder:
    """Takes files from :meth:`run`'s thread; raises ``ValueError`` when the folder is not there.

    ``on_round`` is called as long as the loop turns.
    """

    def __init__(
        self,
        rules: FolderRules,
        *,
        intake: Intake,
        gate: Gate,
        registry: Registry,
        taken: TakenFiles,
        is_temporary: Callable[[str], bool],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        on_round: Callable[[], None] = lambda: None,
    ) -> None:
        if not rules.root.is_dir():
            raise ValueError(f"folder_root: {rules.root} is not a folder")
        self._root, self._moved_to = rules.root.resolve(), rules.moved_to
        self._rules, self._intake, self._gate = rules, intake, gate
        self._registry, self._taken, self._clock, self._monotonic = registry, taken, clock, monotonic
        self._on_round = on_round
        self._resting = Resting(rules.rest_seconds, is_temporary)
        self._strangers: set[str] = set()

    def run(self, stop: threading.Event) -> None:
        """Take what is there and what comes until ``stop`` is set."""
        rescan_at = self._monotonic()
        for changed in self._changes(stop):
            self._on_round()
            now = self._monotonic()
            if now >= rescan_at:
                self._rescan(now)
                rescan_at = now + self._rules.rescan_seconds
            for path in changed:
                self._see(path, now)
            self._take_due(stop)

    def _changes(self, stop: threading.Event) -> Iterator[set[Path]]:
        tick = min(_LONGEST_TICK, max(0.01, self._rules.rest_seconds / 2))
        try:
            for changes in watch(
                self._root,
                watch_filter=None,
                stop_event=stop,
                rust_timeout=round(tick * 1000),
                yield_on_timeout=True,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                yield {Path(path) for _, path in changes}
        except (OSError, RuntimeError) as error:
            # Such as too many folders for the system's limit: slower, and nothing is missed.
            log.error("%s cannot be watched and is only rescanned: %s", self._root, error)
        while not stop.wait(tick):
            yield set()

    def _rescan(self, now: float) -> None:
        present = list(files_below(self._root))
        self._taken.keep_only(present)
        for path in present:
            self._see_file(path, now)

    def _see(self, path: Path, now: float) -> None:
        if path.is_dir() and not path.is_symlink():
            for file in files_below(path):
                self._see_file(file, now)
        else:
            self._see_file(path, now)

    def _see_file(self, path: Path, now: float) -> None:
        seen = look(path) if self._is_ours(path) else None
        if seen is None or self._taken.has(path, seen):
            self._resting.forget(path)
        else:
            self._resting.see(path, seen, now)

    def _is_ours(self, path: Path) -> bool:
        folders = path.relative_to(self._root).parts[:-1]
        hidden = any(folder.startswith(".") for folder in folders)
        return bool(folders) and not hidden and path.parent.resolve() == path.parent

    def _take_due(self, stop: threading.Event) -> None:
        due = self._resting.due(self._monotonic())
        while due and self._intake.ready and not stop.is_set():
            self._on_round()
            batch, due = due[:_BATCH], due[_BATCH:]
            offers = {path: self._offer(path) for path in batch}
            finished = [self._finish(path, *offer) for path, offer in offers.items() if offer is not None]
            if not all(finished):
                return  # no room: the others are still due, and wait

    def _offer(self, path: Path) -> tuple[Look, Ticket] | None:
        now, seen = self._monotonic(), look(path)
        account = self._account(path.relative_to(self._root).parts[0])
        if seen is None or account is None:
            self._resting.forget(path)  # a later rescan finds it, should the account come to be known
            return None
        if not self._resting.is_whole(path, seen, now):
            return None
        if seen.size > self._gate.file_bytes(account.name):
            self._refuse(path, seen, f"{seen.size} bytes are more than is accepted")
            return None
        return self._read_and_offer(path, seen, account, now)

    def _read_and_offer(
        self, path: Path, seen: Look, account: Account, now: float
    ) -> tuple[Look, Ticket] | None:
        folder = path.parent.relative_to(self._root / account.name).as_posix()
        try:
            content = read(path, seen)
            if content is not None:
                upload = Upload(account, "/" if folder == "." else f"/{folder}", path.name, content, "folder")
                return seen, self._intake.offer(upload)
        except ValueError as error:
            self._refuse(path, seen, str(error))
            return None
        except OSError as error:
            log.warning("%s cannot be read: %s", path, error)
        self._resting.postpone(path, now)
        return None

    def _finish(self, path: Path, seen: Look, ticket: Ticket) -> bool:
        try:
            ticket.spooled.result()
        except (SpoolFull, OSError) as error:
            log.warning("%s is left for later: %s", path, error)
            self._resting.postpone(path, self._monotonic())
            return False
        self._taken.add(path, seen)
        self._resting.forget(path)
        self._put_away(path, seen)
        return True

    def _put_away(self, path: Path, seen: Look) -> None:
        if look(path) != seen:
            return  # it is another file by now, and will be taken itself
        try:
            if self._rules.after == "delete":
                path.unlink()
            elif self._moved_to is not None:
                move(path, self._moved_to / path.relative_to(self._root))
        except OSError as error:
            log.warning("%s was taken and stays where it is: %s", path, error)

    def _refuse(self, path: Path, seen: Look, reason: str) -> None:
        log.warning("%r is not taken: %s", str(path), reason)
        self._taken.add(path, seen)
        self._resting.forget(path)

    def _account(self, name: str) -> Account | None:
        account = self._registry.account(name, self._clock())
        if account is not None and account.role == "station":
            self._strangers.discard(name)
            return account
        if name not in self._strangers:
            self._strangers.add(name)
            log.warning("%s is not a station's account; its files wait", self._root / name)
        return None
