"""The file system of an FTP account, as pyftpdlib sees it: uploads go to memory, folders to the disk."""

import io
from pathlib import Path

from pyftpdlib.exceptions import FilesystemError
from pyftpdlib.filesystems import AbstractedFS

from services.receiver.adapters.account_folders import TooManyFolders


class UploadBuffer(io.BytesIO):
    """An upload under way, in memory; what comes after the limit (bytes) is counted and dropped.

    ``name`` is the path of its trace on the disk, ``path`` the one that the account sees; ``shown_size`` is
    the size in bytes of the accepted file that it adds to.
    """

    def __init__(self, name: str, limit: int, *, account: str, path: str, shown_size: int = 0) -> None:
        super().__init__()
        self.name, self._limit, self.size = name, limit, 0
        self.account, self.path, self.shown_size = account, path, shown_size

    @property
    def is_too_large(self) -> bool:
        """Whether more came than is accepted."""
        return self.size > self._limit

    def append(self, chunk: bytes) -> None:
        """Append a piece of the upload."""
        self.size += len(chunk)
        if not self.is_too_large:
            self.write(chunk)
        else:
            self.truncate(0)


class AccountFilesystem(AbstractedFS):  # type: ignore[misc]  # pyftpdlib is untyped
    """One account's folder as the root of all paths; uploads go to memory."""

    def open(self, filename: str, mode: str) -> UploadBuffer:
        """Open an upload, whether or not its folder exists yet."""
        if Path(filename).is_dir():
            raise FilesystemError("is a folder")
        session = self.cmd_channel
        upload = UploadBuffer(
            filename,
            session.context.gate.file_bytes(session.username),
            account=session.username,
            path=self.fs2ftp(filename),
            shown_size=session.shown_size,
        )
        upload.append(session.prefix)
        return upload

    def mkdir(self, path: str) -> None:
        """Make a folder, unless the account has too many."""
        try:
            self.cmd_channel.context.folders.check_room(Path(path))
        except TooManyFolders as error:
            raise FilesystemError(str(error)) from error
        super().mkdir(path)
