"""The FTP server, through pyftpdlib: one event loop that nothing may block.

What takes time (checking a password, flushing a file to the disk) happens in other threads, which put the
answer into the loop.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from services.receiver.access.logins import Logins
from services.receiver.adapters.account_folders import AccountFolders
from services.receiver.adapters.ftp.loop_calls import LoopCalls
from services.receiver.adapters.ftp.session import Authorizer, Session
from services.receiver.adapters.ftp.tls import Certificates, PlainFtp
from services.receiver.intake.uploads import Uploads


class _Listener(FTPServer):  # type: ignore[misc]  # pyftpdlib is untyped
    max_clients = 0

    def _accept_new_cons(self) -> bool:
        # The library counts all sockets, data connections too; the limit is meant for clients.
        return len(self.ip_map) <= self.max_clients


class FtpServer:
    """Listens from the moment it is made; :meth:`run` serves.

    ``folders`` gets one for each account; ``failed_login_delay`` (s) slows down guessing. Without
    ``certificates`` there is no TLS; whoever has not logged in within ``login_seconds`` is disconnected.
    ``on_round`` is called in every round of the loop.
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
        max_connections: int = 2100,
        max_connections_per_ip: int = 0,
        passive_ports: range | None = None,
        public_address: str = "",
        certificates: Certificates | None = None,
        plain: PlainFtp = "allowed",
        login_seconds: float = 60.0,
        failed_login_delay: float = 3.0,
        on_round: Callable[[], None] = lambda: None,
    ) -> None:
        self.uploads, self.logins, self.gate, self.folders = uploads, logins, logins.gate, folders
        self.certificates, self.plain, self.login_seconds = certificates, plain, login_seconds
        self._registry, self._clock, self._on_round = registry, clock, on_round
        self._ioloop = IOLoop()
        self.calls = LoopCalls(self._ioloop)
        settings = {
            "context": self,
            "authorizer": Authorizer(),
            "passive_ports": passive_ports,
            "masquerade_address": public_address or None,
            "auth_failed_timeout": failed_login_delay,
        }
        # A thousand waiting connections: the country's loggers connect within the same seconds.
        self._listener = _Listener(address, type("Session", (Session,), settings), self._ioloop, backlog=1024)
        self._listener.max_clients = max_connections
        self._listener.max_cons_per_ip = max_connections_per_ip
        # One line a login and one a file would drown the log; refusals come as warnings.
        logging.getLogger("pyftpdlib").setLevel(logging.WARNING)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        host, port = self._listener.address
        return host, port

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set; transfers under way are then cut, and their senders send again."""
        try:
            while not stop.is_set():
                self._on_round()
                self._ioloop.loop(timeout=0.2, blocking=False)
        finally:
            self._listener.close_all()

    def account(self, name: str) -> Account | None:
        """Return an account valid now."""
        return self._registry.account(name, self._clock())
