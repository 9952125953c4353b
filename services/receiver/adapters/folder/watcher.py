"""A watched folder, ``ROOT/<account>/...``: for the FTP server that a province has and wants to keep.

That server has checked who may write; the account only needs to be a station's in the registry. The operating
system reports changes, and a rescan finds those it did not report.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from watchfiles import watch

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from services.receiver.access.gate import Gate
from services.receiver.adapters.folder.files import list_files, move, read, read_state
from services.receiver.adapters.folder.processed_files import ProcessedFiles
from services.receiver.adapters.folder.stable_files import FileState, StableFiles
from services.receiver.intake.handler import Upload
from services.receiver.intake.intake import Intake, UploadOutcome
from services.receiver.intake.spool import SpoolFull

log = logging.getLogger(__name__)

# Files offered together, so that their flushes to the disk are merged.
_BATCH = 64
_LONGEST_TICK = 0.5


@dataclass(frozen=True, slots=True)
class FolderRules:
    """Which folder is watched, when a file is complete, and what happens to it once it is accepted."""

    root: Path
    rest_seconds: float = 10.0
    """Seconds a file must stay unchanged before it is complete."""
    rescan_seconds: float = 60.0
    """Seconds between two scans of the whole folder."""
    after: str = "keep"
    """``keep``, ``delete`` or ``move:FOLDER``."""

    @property
    def target(self) -> Path | None:
        """Folder for accepted files; raises ``ValueError`` for one inside the watched folder."""
        action, _, folder = self.after.partition(":")
        if action != "move":
            return None
        if Path(folder).resolve().is_relative_to(self.root.resolve()):
            raise ValueError(f"folder_after: {folder} lies in the watched folder {self.root}")
        return Path(folder).resolve()


class WatchedFolder:
    """Takes files from :meth:`run`'s thread; raises ``ValueError`` when the folder is not there.

    ``on_round`` is called in every round of the loop.
    """

    def __init__(
        self,
        rules: FolderRules,
        *,
        intake: Intake,
        gate: Gate,
        registry: Registry,
        processed: ProcessedFiles,
        is_temporary: Callable[[str], bool],
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        on_round: Callable[[], None] = lambda: None,
    ) -> None:
        if not rules.root.is_dir():
            raise ValueError(f"folder_root: {rules.root} is not a folder")
        self._root, self._target = rules.root.resolve(), rules.target
        self._rules, self._intake, self._gate = rules, intake, gate
        self._registry, self._processed, self._clock, self._monotonic = registry, processed, clock, monotonic
        self._on_round = on_round
        self._stable_files = StableFiles(rules.rest_seconds, is_temporary)
        self._unknown_accounts: set[str] = set()

    def run(self, stop: threading.Event) -> None:
        """Offer the files that exist and those that come until ``stop`` is set."""
        rescan_at = self._monotonic()
        for changed_paths in self._changes(stop):
            self._on_round()
            now = self._monotonic()
            if now >= rescan_at:
                self._rescan(now)
                rescan_at = now + self._rules.rescan_seconds
            for path in changed_paths:
                self._note(path, now)
            self._offer_due(stop)

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
        paths = list(list_files(self._root))
        self._processed.retain(paths)
        for path in paths:
            self._note_file(path, now)

    def _note(self, path: Path, now: float) -> None:
        if path.is_dir() and not path.is_symlink():
            for file in list_files(path):
                self._note_file(file, now)
        else:
            self._note_file(path, now)

    def _note_file(self, path: Path, now: float) -> None:
        state = read_state(path) if self._is_ours(path) else None
        if state is None or self._processed.contains(path, state):
            self._stable_files.forget(path)
        else:
            self._stable_files.note(path, state, now)

    def _is_ours(self, path: Path) -> bool:
        folders = path.relative_to(self._root).parts[:-1]
        is_hidden = any(folder.startswith(".") for folder in folders)
        return bool(folders) and not is_hidden and path.parent.resolve() == path.parent

    def _offer_due(self, stop: threading.Event) -> None:
        due = self._stable_files.list_due(self._monotonic())
        while due and self._intake.has_room and not stop.is_set():
            self._on_round()
            batch, due = due[:_BATCH], due[_BATCH:]
            offers = {path: self._offer(path) for path in batch}
            has_room = [self._finish(path, *offer) for path, offer in offers.items() if offer is not None]
            if not all(has_room):
                return  # no room: the rest of the files are still due, and wait

    def _offer(self, path: Path) -> tuple[FileState, UploadOutcome] | None:
        now, state = self._monotonic(), read_state(path)
        account = self._account(path.relative_to(self._root).parts[0])
        if state is None or account is None:
            # A later rescan notes it again, once the registry has the account.
            self._stable_files.forget(path)
            return None
        if not self._stable_files.is_complete(path, state, now):
            return None
        if state.size > self._gate.file_bytes(account.name):
            self._refuse(path, state, f"{state.size} bytes are more than is accepted")
            return None
        return self._read_and_offer(path, state, account, now)

    def _read_and_offer(
        self, path: Path, state: FileState, account: Account, now: float
    ) -> tuple[FileState, UploadOutcome] | None:
        folder = path.parent.relative_to(self._root / account.name).as_posix()
        try:
            content = read(path, state)
            if content is not None:
                upload = Upload(account, "/" if folder == "." else f"/{folder}", path.name, content, "folder")
                return state, self._intake.offer(upload)
        except ValueError as error:
            self._refuse(path, state, str(error))
            return None
        except OSError as error:
            log.warning("%s cannot be read: %s", path, error)
        self._stable_files.postpone(path, now)
        return None

    def _finish(self, path: Path, state: FileState, outcome: UploadOutcome) -> bool:
        try:
            outcome.spooled.result()
        except (SpoolFull, OSError) as error:
            log.warning("%s is left for later: %s", path, error)
            self._stable_files.postpone(path, self._monotonic())
            return False
        self._processed.add(path, state)
        self._stable_files.forget(path)
        self._put_away(path, state)
        return True

    def _put_away(self, path: Path, state: FileState) -> None:
        if read_state(path) != state:
            return  # it is another file by now, and will be taken itself
        try:
            if self._rules.after == "delete":
                path.unlink()
            elif self._target is not None:
                move(path, self._target / path.relative_to(self._root))
        except OSError as error:
            log.warning("%s was taken and stays where it is: %s", path, error)

    def _refuse(self, path: Path, state: FileState, reason: str) -> None:
        log.warning("%r is not taken: %s", str(path), reason)
        self._processed.add(path, state)
        self._stable_files.forget(path)

    def _account(self, name: str) -> Account | None:
        account = self._registry.account(name, self._clock())
        if account is not None and account.role == "station":
            self._unknown_accounts.discard(name)
            return account
        if name not in self._unknown_accounts:
            self._unknown_accounts.add(name)
            log.warning("%s is not a station's account; its files wait", self._root / name)
        return None
