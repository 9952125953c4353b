"""What an SFTP account can do with files: send new ones, make folders, list what it sent.

The close of a file is answered once it is on the disk. A file whose connection ends before its close was cut:
it is parked. As at the FTP door, an accepted file shows as an empty (sparse) one of its size for a day.
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
from quantrac.domain.stations import Account
from services.receiver.access.gate import Gate
from services.receiver.adapters.account_folders import Homes, TooManyFolders
from services.receiver.adapters.sftp.upload import OpenUpload
from services.receiver.intake.intake import Ticket
from services.receiver.intake.spool import SpoolFull
from services.receiver.intake.uploads import NotWaiting, Uploads

log = logging.getLogger(__name__)

# Files that one client may have open at once; each may take as much memory as the largest file.
_OPEN_FILES = 8
_REGULAR_FILE = 0o100644


class Shared(Protocol):
    """What all sessions of a server share."""

    uploads: Uploads
    gate: Gate
    homes: Homes

    def account(self, name: str) -> Account | None:
        """Return an account valid now."""
        ...


class AccountFiles(asyncssh.SFTPServer):
    """One session's view: the account's own folder is its world."""

    def __init__(self, channel: "asyncssh.SSHServerChannel[bytes]", shared: Shared, name: str) -> None:
        self._shared, self._name = shared, name
        self._home = shared.homes.of(name)
        self._open = 0
        self.gone = False
        """Whether the client has ended; what it has not closed by then is cut."""
        super().__init__(channel, chroot=os.fsencode(self._home))

    def map_path(self, path: bytes) -> bytes:
        """Return the real path; raises ``SFTPFailure`` for a name that is not taken.

        One that leaves the folder by a link is refused by ``SFTPPermissionDenied``.
        """
        real = super().map_path(path)
        try:
            check_folder(os.fsdecode(real).removeprefix(str(self._home)))
        except ValueError as error:
            raise SFTPFailure(str(error)) from error
        if not Path(os.fsdecode(real)).resolve().is_relative_to(self._home):
            raise SFTPPermissionDenied("outside the account's folder")
        return real

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> OpenUpload:
        """Begin an upload, whether or not its folder exists yet."""
        if not pflags & asyncssh.FXF_WRITE:
            self._refuse()
        return self._begin(
            path, anew=bool(pflags & asyncssh.FXF_TRUNC), append=bool(pflags & asyncssh.FXF_APPEND)
        )

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Take a piece of an upload, no faster than the account may send."""
        written = _upload(file_obj).write(offset, data)
        if pause := self._shared.gate.pause(self._name, written):
            await asyncio.sleep(pause)
        return written

    def fstat(self, file_obj: object) -> SFTPAttrs:
        """Describe an upload."""
        return SFTPAttrs(size=_upload(file_obj).shown, permissions=_REGULAR_FILE)

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Set the length; times and permissions, which clients set unasked, are not kept."""
        if attrs.size is not None:
            _upload(file_obj).resize(attrs.size)

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Let times and permissions pass without keeping them; a sent file keeps its length."""
        if attrs.size is not None:
            self._refuse()

    lsetstat = setstat

    def fsync(self, file_obj: object) -> None:
        """Do nothing yet: the close is answered when the file is on the disk."""

    async def close(self, file_obj: object) -> None:
        """Take a file and return when it is on the disk; park it when its client has gone."""
        self._open -= 1
        upload = _upload(file_obj)
        if self.gone:
            self._park(upload)
        elif not upload.untouched:
            await self._take(upload)

    def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Make a folder, unless the account has too many."""
        folder = Path(os.fsdecode(self.map_path(path)))
        try:
            self._shared.homes.check_room(folder)
        except TooManyFolders as error:
            raise SFTPQuotaExceeded(str(error)) from error
        folder.mkdir()

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Take a file sent under a temporary name; nothing else can be renamed."""
        old, new = (Path(os.fsdecode(self.map_path(path))) for path in (oldpath, newpath))
        names = self._visible(old), self._visible(new)
        await _kept(partial(self._shared.uploads.rename, self._account(), *names))
        self._shared.homes.leave_trace(new, old.stat().st_size if old.exists() else 0)
        old.unlink(missing_ok=True)

    posix_rename = rename

    def remove(self, path: bytes) -> None:
        """Refuse, unless there is nothing to remove: some clients clear the way for their rename."""
        os.lstat(self.map_path(path))
        self._refuse()

    def _begin(self, path: bytes, *, anew: bool, append: bool) -> OpenUpload:
        target = Path(os.fsdecode(self.map_path(path)))
        if target.is_dir():
            raise SFTPFailure("is a folder")
        if self._open >= _OPEN_FILES:
            raise SFTPFailure(f"at most {_OPEN_FILES} files can be open at once")
        self._open += 1
        limit = self._shared.gate.file_bytes(self._name)
        if anew:
            return OpenUpload(target, limit, resume=None)
        shown = target.stat().st_size if target.exists() else 0
        resume = partial(self._shared.uploads.resume, self._name, self._visible(target), shown=shown)
        return OpenUpload(target, limit, resume=resume, shown=shown, append=append)

    async def _take(self, upload: OpenUpload) -> None:
        content = upload.content()
        if refusal := self._shared.gate.take_file(self._name):
            raise SFTPQuotaExceeded(refusal.reason)
        finish = self._shared.uploads.finish
        await _kept(partial(finish, self._account(), self._visible(upload.path), content, "sftp"))
        self._shared.homes.leave_trace(upload.path, upload.shown)

    def _park(self, upload: OpenUpload) -> None:
        path = self._visible(upload.path)
        log.warning("%s of %s: connection broken; file not taken", path, self._name)
        if upload.untouched or upload.too_large:
            return
        # Shown, so that a client which resumes learns how much of it is here.
        if size := self._shared.uploads.cut(self._name, path, upload.content(), "sftp"):
            self._shared.homes.leave_trace(upload.path, size)

    def _account(self) -> Account:
        account = self._shared.account(self._name)
        if account is None:
            raise SFTPPermissionDenied("the account is no longer valid; file not taken")
        return account

    def _visible(self, path: Path) -> str:
        return f"/{path.relative_to(self._home).as_posix()}"

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise SFTPPermissionDenied("what was sent can be listed, and neither read, changed nor removed")

    read = rmdir = symlink = link = readlink = statvfs = fstatvfs = _refuse


def _upload(file_obj: object) -> OpenUpload:
    assert isinstance(file_obj, OpenUpload)  # noqa: S101  # open() returns nothing else
    return file_obj


async def _kept(offer: partial[Ticket]) -> None:
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
