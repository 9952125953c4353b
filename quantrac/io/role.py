"""Runs one role of a service as a process: settings, logging, signals, private files, the health endpoint."""

import gc
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Protocol

from quantrac.io.logs import configure
from quantrac.io.private_files import keep_files_private
from quantrac.io.settings import ServiceSettings, load

log = logging.getLogger(__name__)


class Role(Protocol):
    """What a service's ``wiring`` builds for one role."""

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        ...

    def ready(self) -> bool:
        """Tell whether the real dependencies answer and work can be done."""
        ...


class Table(Protocol):
    """Something that is read before the work begins, and followed while it goes on."""

    def start(self) -> None:
        """Read what is there."""
        ...

    def close(self) -> None:
        """Stop following."""
        ...


class Work:
    """A role made of one loop, the tables it needs read first, and what is closed after it."""

    def __init__(
        self,
        loop: Callable[[threading.Event], None],
        *,
        ready: Callable[[], bool],
        tables: Sequence[Table] = (),
        closing: Sequence[Callable[[], None]] = (),
    ) -> None:
        self._loop, self._ready, self._tables, self._closing = loop, ready, tables, closing

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        for table in self._tables:
            table.start()
        try:
            self._loop(stop)
        finally:
            for close in (*(table.close for table in self._tables), *self._closing):
                close()

    def ready(self) -> bool:
        """See :class:`Role`."""
        return self._ready()


def main(service: str, roles: Mapping[str, Callable[[], Role]], argv: Sequence[str] | None = None) -> None:
    """Run the role named on the command line until SIGTERM or SIGINT."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    name = arguments[0] if len(arguments) == 1 else next(iter(roles)) if len(roles) == 1 else ""
    if name not in roles:
        sys.exit(f"usage: python -m services.{service} {{{'|'.join(roles)}}}")
    keep_files_private()
    settings = load(ServiceSettings)
    configure(settings.log_level, f"{settings.topic_prefix}{service}.{name}")
    stop = threading.Event()

    def on_signal(_: int, __: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    # A batch is some 100,000 small objects without cycles; looking for cycles took a fifth of its time.
    gc.set_threshold(100_000, 10, 10)
    role = roles[name]()
    if settings.health_port:
        serve_health(settings.health_host, settings.health_port, role.ready)
    log.info("started")
    role.run(stop)
    log.info("stopped")


def serve_health(host: str, port: int, ready: Callable[[], bool]) -> None:
    """Answer ``/health/live`` and ``/health/ready`` (200 or 503) from a daemon thread."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ok = self.path == "/health/live" or (self.path == "/health/ready" and ready())
            body = json.dumps({"status": "ok" if ok else "not ready"}).encode()
            self.send_response(HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass  # probes every few seconds would drown the log

    server = ThreadingHTTPServer((host, port), Health)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
