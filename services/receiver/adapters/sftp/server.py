"""The SFTP server, through asyncssh: an event loop in whatever thread runs it.

Only the subsystem ``sftp`` is there: no shell, no command, no forwarding.
"""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

import asyncssh
from asyncssh.channel import SSHChannel
from asyncssh.stream import SSHServerStreamSession

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from services.receiver.access.gate import Reason, Refusal
from services.receiver.access.logins import Answer, Logins
from services.receiver.adapters.account_folders import AccountFolders
from services.receiver.adapters.sftp.files import AccountFiles, SftpContext
from services.receiver.adapters.sftp.keys import host_keys, is_listed
from services.receiver.intake.uploads import Uploads

log = logging.getLogger(__name__)

# What OpenSSH speaks, and so every client.
_SFTP_VERSION = 3
_LOGIN_SECONDS = 60
_PASSWORDS_PER_CONNECTION = 3
_KEEPALIVE_SECONDS = 300
_ROUND_SECONDS = 0.2


class ServerContext(SftpContext, Protocol):
    """What all connections of a server share: the server, as its connections see it."""

    connections: "set[Connection]"
    max_connections: int

    async def login(self, name: str, password: str, address: str) -> Answer:
        """Check a password beside the loop; a wrong one is answered late."""
        ...


class Session(SSHServerStreamSession):  # type: ignore[type-arg]
    """One ``sftp`` subsystem; knows when its client has gone."""

    def __init__(self, context: ServerContext, name: str) -> None:
        self._context, self._name = context, name
        self._files: AccountFiles | None = None
        super().__init__(None, self._start, _SFTP_VERSION)

    def eof_received(self) -> bool:
        """Note that the client has ended the session: its open files were cut, not closed."""
        if self._files is not None:
            self._files.is_client_gone = True
        return super().eof_received()

    def _start(self, channel: SSHChannel[bytes]) -> AccountFiles:
        server_channel = cast("asyncssh.SSHServerChannel[bytes]", channel)
        self._files = AccountFiles(server_channel, self._context, self._name)
        return self._files


class Connection(asyncssh.SSHServer):
    """One client."""

    def __init__(self, context: ServerContext) -> None:
        self._context = context
        self._name = self._address = ""
        self._failures = 0
        self._is_counted = False

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Count the client, or turn it away."""
        self._conn = conn
        self._address = (conn.get_extra_info("peername") or [""])[0]
        self._context.connections.add(self)
        is_full = len(self._context.connections) > self._context.max_connections
        if is_full or self._context.gate.may_connect(self._address):
            conn.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._context.connections.discard(self)
        if self._is_counted:
            self._context.gate.leave(self._name)

    def abort(self) -> None:
        """Break the connection."""
        self._conn.abort()

    def begin_auth(self, username: str) -> bool:
        """Require a login of everybody."""
        self._name = username
        return True

    def password_auth_supported(self) -> bool:
        """Yes."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Check a password."""
        if self._failures >= _PASSWORDS_PER_CONNECTION:
            raise asyncssh.PermissionDenied("too many wrong passwords")
        answer = await self._context.login(username, password, self._address)
        if isinstance(answer, Refusal):
            self._failures += 1
            log.warning("login of %r from %s failed: %s", username, self._address, answer)
            if answer.reason is Reason.BUSY:
                raise asyncssh.DisconnectError(asyncssh.DISC_TOO_MANY_CONNECTIONS, answer.reason)
            return False
        return answer.role == "station"

    def public_key_auth_supported(self) -> bool:
        """Yes."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Tell whether a key is the account's; asyncssh checks that the client has its private half."""
        answer = self._context.gate.login_with_key(username, self._address)
        if isinstance(answer, Refusal):
            return False
        return answer.role == "station" and is_listed(key, answer.public_keys)

    def auth_completed(self) -> None:
        """Count the account's connection, or turn it away."""
        refusal = self._context.gate.enter(self._name)
        self._is_counted = refusal is None
        if refusal is not None:
            self._conn.disconnect(asyncssh.DISC_TOO_MANY_CONNECTIONS, refusal.reason)

    def session_requested(self) -> Session:
        """Open a session; all it can start is ``sftp``."""
        return Session(self._context, self._name)


class SftpServer:
    """Listens from the moment it is made; :meth:`run` serves.

    ``folders`` gets one for each account; ``keys`` is the folder of the server's own keys;
    ``failed_login_delay`` (s) slows down guessing; ``on_round`` is called in every round of the loop. Raises
    ``ValueError`` for a bad host key.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        uploads: Uploads,
        logins: Logins,
        registry: Registry,
        clock: Callable[[], datetime],
        folders: AccountFolders,
        keys: Path,
        max_connections: int = 2100,
        failed_login_delay: float = 3.0,
        on_round: Callable[[], None] = lambda: None,
    ) -> None:
        self.uploads, self.gate, self.folders = uploads, logins.gate, folders
        self.max_connections = max_connections
        self.connections: set[Connection] = set()
        self._logins, self._registry, self._clock = logins, registry, clock
        self._failed_login_delay, self._on_round = failed_login_delay, on_round
        self._host_keys = host_keys(keys)
        self._listener = socket.create_server(address, backlog=1024)
        # One line a login and one a file would drown the log; refusals come as warnings.
        asyncssh.set_log_level(logging.WARNING)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        host, port = self._listener.getsockname()[:2]
        return host, port

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set; transfers under way are then cut, and their senders send again."""
        asyncio.run(self._serve(stop))

    def account(self, name: str) -> Account | None:
        """Return an account valid now."""
        return self._registry.account(name, self._clock())

    async def login(self, name: str, password: str, address: str) -> Answer:
        """Check a password beside the loop; a wrong one is answered late."""
        answer = await asyncio.wrap_future(self._logins.submit(name, password, address))
        if isinstance(answer, Refusal):
            await asyncio.sleep(self._failed_login_delay)
        return answer

    async def _serve(self, stop: threading.Event) -> None:
        acceptor = await asyncssh.listen(
            sock=self._listener,
            server_factory=lambda: Connection(self),
            server_host_keys=self._host_keys,
            server_version="Quantrac",
            # Files are small; a compressor's tables would cost more memory than a connection.
            compression_algs=["none"],
            login_timeout=_LOGIN_SECONDS,
            keepalive_interval=_KEEPALIVE_SECONDS,
            agent_forwarding=False,
            allow_pty=False,
        )
        try:
            while not stop.is_set():
                self._on_round()
                await asyncio.sleep(_ROUND_SECONDS)
        finally:
            acceptor.close()
            for connection in tuple(self.connections):
                connection.abort()
            await acceptor.wait_closed()
