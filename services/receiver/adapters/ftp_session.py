"""One FTP client: its control connection and the data connection of the file it sends.

A file is only answered 226 once the spool has it; a connection that breaks, or whose sender has gone, is not.
The bytes are kept as they came, in TYPE A too.
"""

import logging
import socket
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pyftpdlib.handlers import DTPHandler, FTPHandler

from quantrac.domain.stations import Account
from services.receiver.adapters.ftp_folders import AccountFolder, leave_trace
from services.receiver.adapters.ftp_loop import LoopCalls
from services.receiver.authentication import Authenticator
from services.receiver.handler import Upload
from services.receiver.intake import Intake, Ticket
from services.receiver.spool import SpoolFull

log = logging.getLogger(__name__)

# Change folder, list, make folder, store: nothing can be read back, changed, renamed or removed.
_PERMISSIONS = "elmw"
_UNSUPPORTED = {"APPE", "MFMT", "REST", "STOU"}


class Authorizer:
    """What pyftpdlib asks about an account after its login."""

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        """Tell whether an account may do this; pyftpdlib has checked that the path is its own."""
        return perm in _PERMISSIONS

    def get_perms(self, username: str) -> str:
        """Return all it may do."""
        return _PERMISSIONS

    def get_msg_quit(self, username: str) -> str:
        """Return the last words."""
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None:
        """Stay who we are: accounts are not users of the system."""

    def terminate_impersonation(self, username: str) -> None:
        """Nothing to undo."""


class Shared(Protocol):
    """What all sessions of a server share."""

    intake: Intake
    authenticator: Authenticator
    calls: LoopCalls
    home: Path
    max_file_bytes: int

    def account(self, name: str) -> Account | None:
        """Return an account valid now."""
        ...

    def submit_login(self, session: "Session", name: str, password: str) -> None:
        """Check a password in another thread and call ``session.checked`` in the loop."""
        ...


class DataChannel(DTPHandler):  # type: ignore[misc]  # pyftpdlib is untyped
    """Receives one file."""

    timeout = 60

    def __init__(self, sock: socket.socket, session: "Session") -> None:
        super().__init__(sock, session)
        if not self.connected:
            session.data_connection_lost()

    def handle_read(self) -> None:
        """Take what has come."""
        try:
            chunk = self.socket.recv(self.ac_in_buffer_size)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.answer("426 Connection broken; file not taken.")
            return
        if chunk:
            self.tot_bytes_received += len(chunk)
            self.file_obj.take(chunk)
        else:
            self._end()

    handle_read_event = handle_read

    def handle_close(self) -> None:
        """Refuse a file whose connection broke; listings end as usual."""
        if self.receive:
            self.answer("426 Connection broken; file not taken.")
        else:
            super().handle_close()

    def kept(self, ticket: Ticket) -> None:
        """Answer for a file that the spool has decided about."""
        if self._closed:
            return
        error = ticket.spooled.exception()
        if error is None:
            self.transfer_finished = True
            leave_trace(Path(self.file_obj.name), self.file_obj.size)
            self.answer(f"226 Transfer complete; file {ticket.file_id}.")
        elif isinstance(error, SpoolFull):
            self.answer("452 Insufficient storage; file not taken, try again later.")
        else:
            log.error("a file could not be kept: %s", error)
            self.answer("451 Local error; file not taken, try again later.")

    def answer(self, text: str) -> None:
        """Close the data connection, then answer on the control connection."""
        self._resp = (text, log.debug if text.startswith("226") else log.warning)
        self.close()

    def _end(self) -> None:
        # Out of the loop until there is an answer: at its end the socket would be readable for ever.
        self.del_channel()
        if self.cmd_channel.peer_is_gone():
            self.answer("426 Control connection closed; file not taken.")
        elif self.file_obj.too_large:
            self.answer(f"552 {self.file_obj.size} bytes are more than is accepted; file not taken.")
        else:
            self.cmd_channel.offer(self)


class Session(FTPHandler):  # type: ignore[misc]
    """One control connection; ``shared`` is set by the server."""

    shared: Shared
    _in_dtp_queue: Any  # the library's: the upload that waits for its data connection
    banner = "Quantrac receiver."
    timeout = 900  # some loggers keep the connection from one file to the next
    dtp_handler = DataChannel
    abstracted_fs = AccountFolder
    proto_cmds: ClassVar[dict[str, Any]] = {
        name: command for name, command in FTPHandler.proto_cmds.items() if name not in _UNSUPPORTED
    }

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """Refuse what no file system takes before a path is made of it."""
        if "\0" in line:
            self.respond("501 NUL is not allowed.")
        else:
            super().pre_process_command(line, cmd, arg)

    def ftp_PASS(self, line: str) -> None:  # noqa: N802
        """Check the password beside the loop; this connection waits meanwhile."""
        if self.authenticated or not self.username:
            super().ftp_PASS(line)
            return
        self.del_channel()
        if self.shared.authenticator.remembers(self.username, line):
            self.checked(line, self.shared.authenticator.authenticate(self.username, line))
        else:
            self.shared.submit_login(self, self.username, line)

    def checked(self, password: str, account: Account | None) -> None:
        """Let the client in, or not."""
        if self._closed:
            return
        self.add_channel()
        if account is None or account.role != "station":
            self.handle_auth_failed("", password)
            return
        home = self.shared.home / account.name
        home.mkdir(parents=True, exist_ok=True)
        self.handle_auth_success(str(home), "", "Login successful.")

    def data_connection_lost(self) -> None:
        """Answer a transfer whose connection was reset before it was accepted: the library says nothing."""
        if self._in_dtp_queue is not None:
            self._in_dtp_queue = None
            self.respond("426 Connection broken; file not taken.")

    def on_login_failed(self, username: str, password: str) -> None:
        """Leave a line about a guess, or about a logger with an old password."""
        log.warning("login of %r from %s failed", username, self.remote_ip)

    def offer(self, channel: DataChannel) -> None:
        """Hand a received file to the intake; the channel answers when the spool has decided."""
        account = self.shared.account(self.username)
        if account is None:
            channel.answer("532 The account is no longer valid; file not taken.")
            return
        file = channel.file_obj
        path, name = self.fs.split(file.name)
        try:
            ticket = self.shared.intake.offer(Upload(account, path, name, file.getvalue(), "ftp"))
        except ValueError as error:
            channel.answer(f"553 {error}.")
            return
        ticket.spooled.add_done_callback(lambda _: self.shared.calls.put(partial(channel.kept, ticket)))

    def peer_is_gone(self) -> bool:
        """Tell whether the client has closed this connection: a logger that died gets no 226."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK) == b"")
        except BlockingIOError:
            return False
        except OSError:
            return True
