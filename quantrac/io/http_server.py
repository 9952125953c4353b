"""An HTTP server for an ASGI application, through uvicorn, in whatever thread runs it."""

import socket
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import uvicorn

from quantrac.io.http_guard import HttpGuard
from quantrac.io.settings import HttpLimits
from quantrac.io.tls import ServerTls


class HttpServer:
    """Listens from the moment it is made, so a taken port raises ``OSError`` there; :meth:`run` serves.

    Clients hold its connections within ``limits`` only; see :mod:`quantrac.io.http_guard`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        app: Callable[..., Any],
        *,
        limits: HttpLimits | None = None,
        tls: ServerTls | None = None,
        grace_seconds: int = 5,
        on_round: Callable[[], None] | None = None,
    ) -> None:
        """``on_round`` is called every second for as long as the event loop turns.

        Without ``tls`` it speaks plain HTTP. With it, a request's scope has the client's certificate, by the
        ASGI TLS extension.
        """
        self._listener = socket.create_server((host, port), backlog=1024)
        config = uvicorn.Config(
            app,
            http=HttpGuard(limits or HttpLimits(), tls).protocol,
            ws="none",
            log_config=None,  # the process has set up its logging
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=grace_seconds,
            callback_notify=None if on_round is None else _as_coroutine(on_round),
            timeout_notify=1,
        )
        self._server = uvicorn.Server(config)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        host, port = self._listener.getsockname()[:2]
        return host, port

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set; requests under way get ``grace_seconds``."""
        threading.Thread(target=self._exit_on, args=(stop,), name="http-stop", daemon=True).start()
        self._server.run(sockets=[self._listener])

    def _exit_on(self, stop: threading.Event) -> None:
        stop.wait()
        self._server.should_exit = True


def _as_coroutine(call: Callable[[], None]) -> Callable[[], Coroutine[Any, Any, None]]:
    async def called() -> None:
        call()

    return called
