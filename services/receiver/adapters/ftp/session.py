"""One FTP client: who it is, whether it speaks TLS, and what it may do."""

import logging
import socket
from concurrent.futures import Future
from typing import Any, ClassVar

from OpenSSL import SSL

from quantrac.domain.plain_text import has_control
from quantrac.domain.registry.accounts import Account
from services.receiver.access.gate import Reason, Refusal
from services.receiver.access.logins import Answer
from services.receiver.adapters.ftp.data_channel import NO_DATA_YET, DataChannel, NoPassivePort, PassivePort
from services.receiver.adapters.ftp.file_commands import UploadSession
from services.receiver.adapters.ftp.filesystem import AccountFilesystem
from services.receiver.adapters.ftp.tls import may_go_plain

log = logging.getLogger(__name__)

# Change folder, list, make folder, store, append, rename: nothing can be read back, changed or removed.
_PERMISSIONS = "elmwaf"
_UNSUPPORTED = {"MFMT", "STOU"}

_OPENS_DATA = {"EPRT", "EPSV", "PASV", "PORT"}


class Authorizer:
    """Answers pyftpdlib's questions about an account that has logged in."""

    def has_perm(self, username: str, perm: str, path: str | None = None) -> bool:
        """Tell whether an account may do this; pyftpdlib has checked that the path is its own."""
        return perm in _PERMISSIONS

    def get_perms(self, username: str) -> str:
        """Return all it may do."""
        return _PERMISSIONS

    def get_msg_quit(self, username: str) -> str:
        """Return the text of the answer to QUIT."""
        return "Goodbye."

    def impersonate_user(self, username: str, password: str) -> None:
        """Do nothing: accounts are not users of the system."""

    def terminate_impersonation(self, username: str) -> None:
        """Nothing to undo."""


class Session(UploadSession):
    """One control connection; ``context`` is set by the server."""

    _counted_account = ""  # the account whose connections count this one
    _needs_private_data = False  # whether its data connections must be TLS
    _login_deadline: Any = None
    banner = "Quantrac receiver."
    timeout = 900  # some loggers keep the connection from one file to the next
    dtp_handler = DataChannel
    passive_dtp = PassivePort
    abstracted_fs = AccountFilesystem
    proto_cmds: ClassVar[dict[str, Any]] = {
        name: command for name, command in UploadSession.proto_cmds.items() if name not in _UNSUPPORTED
    }

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """Refuse control characters before a path is made of the line."""
        if "\0" in line:
            self.respond("501 NUL is not allowed.")
        elif cmd != "PASS" and has_control(line):
            self.respond("501 Control characters are not allowed.")
        else:
            super().pre_process_command(line, cmd, arg)

    def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        """Refuse what has to wait for TLS, in the codes of RFC 4217."""
        if cmd in {"USER", "PASS"} and self.context.plain == "never" and not self._ssl_established:
            self.respond("530 TLS is required here: send AUTH TLS first.")
        elif cmd in _OPENS_DATA and self._needs_private_data and not self._prot:
            self.respond("521 Data connections need TLS: send PBSZ 0 and PROT P first.")
        else:
            super().process_command(cmd, *args, **kwargs)

    @classmethod
    def get_ssl_context(cls) -> SSL.Context | None:
        """Return nothing yet: the certificate is taken at AUTH, when it may be a newer one."""
        return None

    def ftp_AUTH(self, line: str) -> None:  # noqa: N802
        """Begin TLS, logged out; commands sent ahead in clear are dropped."""
        if self.context.certificates is None:
            self.respond("502 TLS is not set up here.")
            return
        self.ssl_context, self.data_context = self.context.certificates.contexts()
        super().ftp_AUTH(line)
        if self._ssl_accepting:
            self.flush_account()
            self.ac_in_buffer = b""

    def _make_epasv(self, extmode: bool = False) -> None:
        try:
            super()._make_epasv(extmode)
        except NoPassivePort:
            self.respond("425 No port for a data connection is free, try again later.")

    def ftp_PASS(self, line: str) -> None:  # noqa: N802
        """Check the password in another thread; this connection waits meanwhile."""
        if self.authenticated or not self.username:
            super().ftp_PASS(line)
            return
        self.del_channel()
        answer = self.context.logins.submit(self.username, line, self.remote_ip)
        if answer.done():
            self.answer_login(answer)
        else:
            answer.add_done_callback(lambda _: self.context.calls.put(lambda: self.answer_login(answer)))

    def answer_login(self, login: Future[Answer]) -> None:
        """Answer a login whose password is checked: let the client in, or not."""
        if self._closed:
            return
        self.add_channel()
        account = login.result()
        if isinstance(account, Refusal):
            self._refuse(account)
        elif account.role != "station":
            self._refuse(Refusal(Reason.CREDENTIALS, detail="the account of a province"))
        elif not (self._ssl_established or may_go_plain(self.context.plain, account)):
            log.warning("login of %r from %s without TLS", account.name, self.remote_ip)
            self.handle_auth_failed("the account must log in over an encrypted connection.", "")
        elif refusal := self.context.gate.enter(account.name):
            self._refuse(refusal)
        else:
            self._counted_account = account.name
            self._welcome(account)

    def _welcome(self, account: Account) -> None:
        folder = self.context.folders.create(account.name)
        self._needs_private_data = not may_go_plain(self.context.plain, account)
        self._stop_waiting_for_login()
        self.handle_auth_success(str(folder), "", "Login successful.")

    def _refuse(self, refusal: Refusal) -> None:
        log.warning("login of %r from %s refused: %s", self.username, self.remote_ip, refusal)
        if refusal.reason is Reason.CREDENTIALS:
            self.handle_auth_failed("", "")
        else:
            self.respond(f"421 {refusal.reason.capitalize()}.")
            self.close_when_done()

    def on_connect(self) -> None:
        """Turn away an address that has failed too often; start the time to log in."""
        if self.context.certificates is None:
            self._extra_feats: list[str] = []
        self._wait_for_login()
        if refusal := self.context.gate.may_connect(self.remote_ip):
            self.respond(f"421 {refusal.reason.capitalize()}.")
            self.close_when_done()

    def on_disconnect(self) -> None:
        """Let another connection of the account in."""
        self._leave()
        self._stop_waiting_for_login()

    def flush_account(self) -> None:
        """Log out, before another login."""
        self._leave()
        self._wait_for_login()
        super().flush_account()

    def _wait_for_login(self) -> None:
        self._stop_waiting_for_login()
        self._login_deadline = self.ioloop.call_later(
            self.context.login_seconds, self._login_overdue, _errback=self.handle_error
        )

    def _stop_waiting_for_login(self) -> None:
        if self._login_deadline is not None and not self._login_deadline.cancelled:
            self._login_deadline.cancel()

    def _login_overdue(self) -> None:
        if not self._closed:
            log.warning("%s has not logged in in time", self.remote_ip)
        if self._ssl_accepting:
            self.close()
        elif not self._closed:
            self.respond("421 Login timed out.")
            self.close_when_done()

    def _leave(self) -> None:
        if self._counted_account:
            self.context.gate.leave(self._counted_account)
            self._counted_account = ""

    def peer_is_gone(self) -> bool:
        """Tell whether the client has closed this connection: a logger that died gets no 226."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK) == b"")
        except NO_DATA_YET:
            return False
        except (OSError, SSL.Error):
            return True
