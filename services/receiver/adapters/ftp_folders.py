"""The folders that FTP accounts see: their own subfolders, and traces of the last day's uploads.

Accepted content is never kept here. An accepted file leaves a trace, an empty (sparse) file of the same name
and size, so that a logger which checks its upload with SIZE or LIST finds what it expects.
"""

import io
import os
from datetime import datetime, timedelta
from pathlib import Path

from pyftpdlib.exceptions import FilesystemError
from pyftpdlib.filesystems import AbstractedFS

KEPT = timedelta(days=1)
"""How long traces and empty folders stay."""


class UploadBuffer(io.BytesIO):
    """An upload on its way, in memory; what comes after the limit is counted and dropped.

    ``name`` is where its trace lies, ``path`` what the account calls it; ``shown`` is the size of the
    accepted file that it adds to.
    """

    def __init__(self, name: str, limit: int, *, account: str, path: str, shown: int = 0) -> None:
        super().__init__()
        self.name, self._limit, self.size = name, limit, 0
        self.account, self.path, self.shown = account, path, shown

    @property
    def too_large(self) -> bool:
        """Whether more came than is accepted."""
        return self.size > self._limit

    def take(self, chunk: bytes) -> None:
        """Append a piece of the upload."""
        self.size += len(chunk)
        if not self.too_large:
            self.write(chunk)
        else:
            self.truncate(0)


class AccountFolder(AbstractedFS):  # type: ignore[misc]  # pyftpdlib is untyped
    """One account's folder as the root of its world; uploads go to memory."""

    def open(self, filename: str, mode: str) -> UploadBuffer:
        """Open an upload, whether or not its folder exists yet."""
        if Path(filename).is_dir():
            raise FilesystemError("is a folder")
        session = self.cmd_channel
        upload = UploadBuffer(
            filename,
            session.shared.gate.file_bytes(session.username),
            account=session.username,
            path=self.fs2ftp(filename),
            shown=session.shown,
        )
        upload.take(session.before)
        return upload


def leave_trace(path: Path, size: int) -> None:
    """Show an accepted file; a trace that cannot be left is no reason to refuse the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(size)
    except OSError:
        return


def prune(root: Path, now: datetime) -> None:
    """Remove traces and empty folders older than :data:`KEPT`; ``now`` is UTC."""
    oldest = (now - KEPT).timestamp()
    for account in root.iterdir():
        for folder, _, names in os.walk(account, topdown=False):
            # Asked first: removing the traces in it makes the folder look new.
            stale = Path(folder).stat().st_mtime < oldest
            for path in (Path(folder, name) for name in names):
                if path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)
            if stale and Path(folder) != account and not any(Path(folder).iterdir()):
                Path(folder).rmdir()
