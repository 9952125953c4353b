"""The FTP server, through pyftpdlib: one event loop that nothing may hold up.

What takes time (checking a password, flushing a file to the disk) happens in other threads, which hand the
answer back to the loop.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from quantrac.domain.stations import Account, Registry
from services.receiver.adapters.ftp_loop import LoopCalls
from services.receiver.adapters.ftp_session import Authorizer, Session
from services.receiver.authentication import Authenticator
from services.receiver.intake import Intake


class _Listener(FTPServer):  # type: ignore[misc]  # pyftpdlib is untyped
    max_clients = 0

    def _accept_new_cons(self) -> bool:
        # The library counts all sockets, data connections too; the limit is meant for clients.
        return len(self.ip_map) <= self.max_clients


class FtpServer:
    """Listens from the moment it is made; :meth:`run` serves.

    ``home`` gets a folder for each account; ``failed_login_delay`` (s) slows down guessing.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        intake: Intake,
        authenticator: Authenticator,
        registry: Registry,
        clock: Callable[[], datetime],
        home: Path,
        max_file_bytes: int,
        max_connections: int = 2100,
        max_connections_per_ip: int = 0,
        passive_ports: range | None = None,
        public_address: str = "",
        failed_login_delay: float = 3.0,
    ) -> None:
        self.intake, self.authenticator = intake, authenticator
        self.home, self.max_file_bytes = home, max_file_bytes
        self._registry, self._clock = registry, clock
        self._ioloop = IOLoop()
        self.calls = LoopCalls(self._ioloop)
        self._logins = ThreadPoolExecutor(2, thread_name_prefix="login")
        settings = {
            "shared": self,
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
                self._ioloop.loop(timeout=0.2, blocking=False)
        finally:
            self._listener.close_all()
            self._logins.shutdown()

    def account(self, name: str) -> Account | None:
        """Return an account valid now."""
        return self._registry.account(name, self._clock())

    def submit_login(self, session: Session, name: str, password: str) -> None:
        """Check a password in another thread and call ``session.checked`` in the loop."""

        def hand_back(done: Future[Account | None]) -> None:
            self.calls.put(lambda: session.checked(password, done.result()))

        self._logins.submit(self.authenticator.authenticate, name, password).add_done_callback(hand_back)
