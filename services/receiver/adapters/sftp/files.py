"""What an SFTP account can do with files: send new ones, make folders, list what it sent.

The close of a file is answered once it is on disk. A file whose connection ends before its close was cut, and
is parked. As at the FTP door, an accepted file shows as an empty (sparse) one of its size for a day.
"""

import asyncio
import logging
import os
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, Protocol

import asyncssh
from asyncssh import (
    SFTPAttrs,
    SFTPFailure,
    SFTPNoSpaceOnFilesystem,
    SFTPPermissionDenied,
    SFTPQuotaExceeded,
)

from quantrac.domain.file_names import check_folder
from quantrac.domain.registry.accounts import Account
from services.receiver.access.gate import Gate
from services.receiver.adapters.account_folders import AccountFolders, TooManyFolders
from services.receiver.adapters.sftp.upload import OpenUpload
from services.receiver.intake.intake import UploadOutcome
from services.receiver.intake.spool import SpoolFull
from services.receiver.intake.uploads import NotWaiting, Uploads

log = logging.getLogger(__name__)

# Files that one client may have open at once; each may take as much memory as the largest file.
_OPEN_FILES = 8
_REGULAR_FILE = 0o100644


class SftpContext(Protocol):
    """What all sessions of a server share: the server, as its sessions see it."""

    uploads: Uploads
    gate: Gate
    folders: AccountFolders

    def account(self, name: str) -> Account | None:
        """Return an account valid now."""
        ...


class AccountFiles(asyncssh.SFTPServer):
    """The file operations of one session; the account's own folder is the root of all paths."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", context: SftpContext, name: str) -> None:
        self._context, self._name = context, name
        self._folder = context.folders.create(name)
        self._open_count = 0
        self.is_client_gone = False
        """Whether the client has ended the session; what it has not closed by then is cut."""
        super().__init__(channel, chroot=os.fsencode(self._folder))

    def map_path(self, path: bytes) -> bytes:
        """Return the real path; raises ``SFTPFailure`` for a name that is not taken.

        One that leaves the folder by a link is refused by ``SFTPPermissionDenied``.
        """
        real = super().map_path(path)
        try:
            check_folder(os.fsdecode(real).removeprefix(str(self._folder)))
        except ValueError as error:
            raise SFTPFailure(str(error)) from error
        if not Path(os.fsdecode(real)).resolve().is_relative_to(self._folder):
            raise SFTPPermissionDenied("outside the account's folder")
        return real

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> OpenUpload:
        """Begin an upload, whether or not its folder exists yet."""
        if not pflags & asyncssh.FXF_WRITE:
            self._refuse()
        return self._begin(
            path, truncate=bool(pflags & asyncssh.FXF_TRUNC), append=bool(pflags & asyncssh.FXF_APPEND)
        )

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write a piece of an upload, no faster than the account may send."""
        size = _upload(file_obj).write(offset, data)
        if pause := self._context.gate.pause(self._name, size):
            await asyncio.sleep(pause)
        return size

    def fstat(self, file_obj: object) -> SFTPAttrs:
        """Describe an upload."""
        return SFTPAttrs(size=_upload(file_obj).shown_size, permissions=_REGULAR_FILE)

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Set the length; times and permissions, which many clients set, are ignored."""
        if attrs.size is not None:
            _upload(file_obj).resize(attrs.size)

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Ignore times and permissions; the length of a sent file cannot be changed."""
        if attrs.size is not None:
            self._refuse()

    lsetstat = setstat

    def fsync(self, file_obj: object) -> None:
        """Do nothing: the close is answered when the file is on disk."""

    async def close(self, file_obj: object) -> None:
        """Offer a file and return when it is on disk; park it when its client has gone."""
        self._open_count -= 1
        upload = _upload(file_obj)
        if self.is_client_gone:
            self._park(upload)
        elif not upload.is_untouched:
            await self._offer(upload)

    def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Make a folder, unless the account has too many."""
        folder = Path(os.fsdecode(self.map_path(path)))
        try:
            self._context.folders.check_room(folder)
        except TooManyFolders as error:
            raise SFTPQuotaExceeded(str(error)) from error
        folder.mkdir()

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Take a file sent under a temporary name; nothing else can be renamed."""
        old, new = (Path(os.fsdecode(self.map_path(path))) for path in (oldpath, newpath))
        names = self._account_path(old), self._account_path(new)
        await _wait_until_spooled(partial(self._context.uploads.rename, self._account(), *names))
        self._context.folders.leave_trace(new, old.stat().st_size if old.exists() else 0)
        old.unlink(missing_ok=True)

    posix_rename = rename

    def remove(self, path: bytes) -> None:
        """Refuse, except where no such file exists: some clients remove the target before their rename."""
        os.lstat(self.map_path(path))
        self._refuse()

    def _begin(self, path: bytes, *, truncate: bool, append: bool) -> OpenUpload:
        target = Path(os.fsdecode(self.map_path(path)))
        if target.is_dir():
            raise SFTPFailure("is a folder")
        if self._open_count >= _OPEN_FILES:
            raise SFTPFailure(f"at most {_OPEN_FILES} files can be open at once")
        self._open_count += 1
        limit = self._context.gate.file_bytes(self._name)
        if truncate:
            return OpenUpload(target, limit, resume=None)
        shown_size = target.stat().st_size if target.exists() else 0
        resume = partial(
            self._context.uploads.resume, self._name, self._account_path(target), shown_size=shown_size
        )
        return OpenUpload(target, limit, resume=resume, shown_size=shown_size, append=append)

    async def _offer(self, upload: OpenUpload) -> None:
        content = upload.content()
        if refusal := self._context.gate.count_file(self._name):
            raise SFTPQuotaExceeded(refusal.reason)
        finish = self._context.uploads.finish
        await _wait_until_spooled(
            partial(finish, self._account(), self._account_path(upload.path), content, "sftp")
        )
        self._context.folders.leave_trace(upload.path, upload.shown_size)

    def _park(self, upload: OpenUpload) -> None:
        path = self._account_path(upload.path)
        log.warning("%s of %s: connection broken; file not taken", path, self._name)
        if upload.is_untouched or upload.is_too_large:
            return
        # Shown, so that a client which resumes learns how much of it is here.
        if size := self._context.uploads.park(self._name, path, upload.content(), "sftp"):
            self._context.folders.leave_trace(upload.path, size)

    def _account(self) -> Account:
        account = self._context.account(self._name)
        if account is None:
            raise SFTPPermissionDenied("the account is no longer valid; file not taken")
        return account

    def _account_path(self, path: Path) -> str:
        return f"/{path.relative_to(self._folder).as_posix()}"

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise SFTPPermissionDenied("what was sent can be listed, and neither read, changed nor removed")

    read = rmdir = symlink = link = readlink = statvfs = fstatvfs = _refuse


def _upload(file_obj: object) -> OpenUpload:
    assert isinstance(file_obj, OpenUpload)  # noqa: S101  # open() returns nothing else
    return file_obj


async def _wait_until_spooled(offer: partial[UploadOutcome]) -> None:
    """Offer a file and wait until it is on the disk; raises the ``SFTPError`` that says why it is not."""
    try:
        await asyncio.wrap_future(offer().spooled)
    except NotWaiting as error:
        raise SFTPPermissionDenied("only a file sent under a temporary name can be renamed") from error
    except ValueError as error:
        raise SFTPPermissionDenied(str(error)) from error
    except SpoolFull as error:
        raise SFTPNoSpaceOnFilesystem("no room; file not taken, try again later") from error
    except OSError as error:
        log.error("a file could not be kept: %s", error)
        raise SFTPFailure("local error; file not taken, try again later") from error
