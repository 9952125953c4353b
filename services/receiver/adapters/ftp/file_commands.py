"""The commands of an FTP session that send and rename files: STOR, APPE, REST, RNFR, RNTO."""

import logging
from functools import partial
from pathlib import Path
from typing import Any

from services.receiver.adapters.ftp.data_channel import storage_refusal
from services.receiver.adapters.ftp.filesystem import UploadBuffer
from services.receiver.adapters.ftp.lenient_handler import LenientHandler
from services.receiver.adapters.ftp.protocols import DataConnection, FtpContext
from services.receiver.intake.intake import UploadOutcome
from services.receiver.intake.uploads import BadOffset, NotWaiting

log = logging.getLogger(__name__)

_ACCOUNT_ENDED = "532 The account is no longer valid; file not taken."


class UploadSession(LenientHandler):
    """Hands every upload to :class:`~services.receiver.intake.uploads.Uploads`, which decides about it."""

    context: FtpContext
    _rnfr: str | None
    _in_dtp_queue: Any  # the upload that waits for its data connection
    _restart_position: int
    prefix = b""
    """Bytes received earlier that stand before those of the next upload."""
    shown_size = 0
    """Size in bytes of the accepted file that the next upload adds to."""

    def ftp_STOR(self, file: str, mode: str = "w") -> str | None:  # noqa: N802
        """Receive a file, or the rest of one."""
        offset = None if mode == "a" else self._restart_position
        self._restart_position = 0
        size = Path(file).stat().st_size if self.fs.isfile(file) else 0
        try:
            path = self.fs.fs2ftp(file)
            self.prefix = self.context.uploads.resume(self.username, path, offset, shown_size=size)
        except BadOffset as error:
            self.respond(f"554 {error}.")
            return None
        except OSError as error:
            self.respond(storage_refusal(error, "nothing taken"))
            return None
        self.shown_size = size if offset != 0 and not self.prefix else 0
        path_or_none: str | None = super().ftp_STOR(file, mode)
        return path_or_none

    def ftp_RNFR(self, path: str) -> None:  # noqa: N802
        """Name what is to be renamed: a finished upload under a temporary name, and nothing else."""
        if self.context.uploads.is_waiting(self.username, self.fs.fs2ftp(path)):
            self._rnfr = path
            self.respond("350 Ready for destination name.")
        else:
            self.respond("550 No upload of this name waits to be renamed.")

    def ftp_RNTO(self, path: str) -> None:  # noqa: N802
        """Take an upload under its final name; this connection waits until it is safe."""
        source, self._rnfr = self._rnfr, None
        account = self.context.account(self.username)
        if source is None:
            self.respond("503 Bad sequence of commands: use RNFR first.")
        elif account is None:
            self.respond(_ACCOUNT_ENDED)
        elif self.fs.isdir(path):
            self.respond("550 Is a folder.")
        else:
            old, new = self.fs.fs2ftp(source), self.fs.fs2ftp(path)
            try:
                outcome = self.context.uploads.rename(account, old, new)
            except NotWaiting:
                self.respond("550 No upload of this name waits to be renamed.")
            except ValueError as error:
                self.respond(f"553 {error}.")
            except OSError as error:
                self.respond(storage_refusal(error, "not renamed"))
            else:
                self.del_channel()
                answer = partial(self._answer_rename, outcome, Path(source), Path(path))
                outcome.spooled.add_done_callback(lambda _: self.context.calls.put(answer))

    def offer(self, channel: DataConnection, file: UploadBuffer) -> None:
        """Hand a received file on; the channel answers when it is on disk."""
        account = self.context.account(file.account)
        if account is None:
            channel.answer(_ACCOUNT_ENDED)
            return
        if refusal := self.context.gate.count_file(account.name):
            channel.answer(f"452 {refusal.reason.capitalize()}; file not taken, try again tomorrow.")
            return
        try:
            outcome = self.context.uploads.finish(account, file.path, file.getvalue(), "ftp")
        except ValueError as error:
            channel.answer(f"553 {error}.")
            return
        outcome.spooled.add_done_callback(
            lambda _: self.context.calls.put(partial(channel.answer_spooled, file, outcome))
        )

    def park(self, file: UploadBuffer) -> None:
        """Park what came of a file whose transfer was cut, and show its size for a resume."""
        if file.is_too_large:
            return
        size = self.context.uploads.park(file.account, file.path, file.getvalue(), "ftp")
        if size:
            self.context.folders.leave_trace(Path(file.name), size)

    def data_connection_lost(self) -> None:
        """Answer a transfer whose connection was reset before it was accepted: the library says nothing."""
        if self._in_dtp_queue is not None:
            self._in_dtp_queue = None
            self.respond("426 Connection broken; file not taken.")

    def _answer_rename(self, outcome: UploadOutcome, source: Path, path: Path) -> None:
        if self._closed:
            return
        self.add_channel()
        error = outcome.spooled.exception()
        if error is not None:
            self.respond(storage_refusal(error, "not renamed"))
            return
        size = source.stat().st_size if source.is_file() else 0
        source.unlink(missing_ok=True)
        self.context.folders.leave_trace(path, size)
        self.respond(f"250 Renamed; file {outcome.file_id}.")
