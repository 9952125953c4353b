"""The HTTP server, through uvicorn, in whatever thread runs it."""

import socket
import threading

import uvicorn
from fastapi import FastAPI


class HttpServer:
    """Listens from the moment it is made; :meth:`run` serves."""

    def __init__(self, host: str, port: int, app: FastAPI) -> None:
        self._listener = socket.create_server((host, port), backlog=1024)
        # log_config: the process has set up its logging; lifespan: the app opens nothing of its own.
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5
        )
        self._server = uvicorn.Server(config)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        host, port = self._listener.getsockname()[:2]
        return host, port

    def run(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set; requests under way get five seconds."""
        threading.Thread(target=self._exit_on, args=(stop,), name="http-stop", daemon=True).start()
        self._server.run(sockets=[self._listener])

    def _exit_on(self, stop: threading.Event) -> None:
        stop.wait()
        self._server.should_exit = True
