"""The folders that FTP and SFTP accounts see: their own subfolders, and traces of the last day's uploads.

Accepted content is never stored here. An accepted file leaves a trace, an empty (sparse) file of the same
name and size, so that a logger which checks its upload with SIZE or LIST finds what it expects.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

RETENTION = timedelta(days=1)
"""How long traces and empty folders stay."""


class TooManyFolders(OSError):
    """An account has as many folders as it may have."""


@dataclass(frozen=True, slots=True)
class AccountFolders:
    """The folder of each account, below ``root``; an account has at most ``folder_limit`` folders in it."""

    root: Path
    folder_limit: int = 1_000

    def __post_init__(self) -> None:
        # The doors hand in real paths.
        object.__setattr__(self, "root", self.root.resolve())

    def create(self, account: str) -> Path:
        """Return the folder of an account; it is made where it does not exist yet."""
        folder = self.root / account
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def check_room(self, folder: Path) -> None:
        """Check that a folder may be made, with those above it; raises :class:`TooManyFolders`.

        Folders are counted each time: what is pruned, or made through another door, counts at once.
        """
        top = self.root / folder.relative_to(self.root).parts[0]
        missing = sum(
            not parent.exists() for parent in (folder, *folder.parents) if parent.is_relative_to(top)
        )
        if not missing:
            return
        count = missing
        for _, folders, _ in os.walk(top):
            count += len(folders)
            if count > self.folder_limit:
                raise TooManyFolders(f"at most {self.folder_limit} folders are kept; they go after a day")

    def leave_trace(self, path: Path, size: int) -> None:
        """Show an accepted file as an empty one of its size; failing to is no reason to refuse the file."""
        try:
            self.check_room(path.parent)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.truncate(size)
        except OSError:
            return

    def prune(self, now: datetime) -> None:
        """Remove traces and empty folders older than :data:`RETENTION`; ``now`` is UTC."""
        oldest = (now - RETENTION).timestamp()
        for account in self.root.iterdir():
            for folder, _, names in os.walk(account, topdown=False):
                # Read first: removing the traces in it makes the folder look new.
                is_stale = Path(folder).stat().st_mtime < oldest
                for path in (Path(folder, name) for name in names):
                    if path.stat().st_mtime < oldest:
                        path.unlink(missing_ok=True)
                if is_stale and Path(folder) != account and not any(Path(folder).iterdir()):
                    Path(folder).rmdir()
