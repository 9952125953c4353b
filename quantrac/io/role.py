"""Runs one role of a service as a process: settings, logging, signals, private files, the health endpoint."""

import gc
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Protocol

from quantrac.io.logs import configure
from quantrac.io.private_files import keep_files_private
from quantrac.io.settings import ServiceSettings, load

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a role can do its work, and in one sentence what is wrong; empty = nothing."""

    ready: bool
    reason: str = ""
    """A role may be ready and still have something to say: what it has taken waits for somebody else."""


Check = Callable[[], str]
"""Says in one sentence why a role is not ready; empty = nothing speaks against it."""


def unless(holds: Callable[[], bool], sentence: str) -> Check:
    """Make a check that says ``sentence`` unless something holds."""
    return lambda: "" if holds() else sentence


def first_problem(checks: Iterable[Check]) -> str:
    """Return the first sentence that a check says; those after it are not asked."""
    return next((problem for check in checks if (problem := check())), "")


class Role(Protocol):
    """What a service's ``wiring`` builds for one role."""

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        ...

    def health(self) -> Health:
        """Tell whether the real dependencies answer, and work that waits is being done."""
        ...


class Table(Protocol):
    """Something that is read before the work begins, and followed while it goes on."""

    def start(self) -> None:
        """Read what is there."""
        ...

    def problem(self) -> str:
        """Say why it cannot be relied upon now; empty = it can."""
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
        checks: Sequence[Check],
        tables: Sequence[Table] = (),
        closing: Sequence[Callable[[], None]] = (),
    ) -> None:
        """Its health is that of its tables, then that of each of ``checks``."""
        self._loop, self._tables, self._closing = loop, tables, closing
        self._checks = (*(table.problem for table in tables), *checks)

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set."""
        for table in self._tables:
            table.start()
        try:
            self._loop(stop)
        finally:
            for close in (*(table.close for table in self._tables), *self._closing):
                close()

    def health(self) -> Health:
        """See :class:`Role`."""
        problem = first_problem(self._checks)
        return Health(not problem, problem)


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
        serve_health(settings.health_host, settings.health_port, role.health)
    log.info("started")
    role.run(stop)
    log.info("stopped")


def health_answer(health: Health) -> tuple[HTTPStatus, dict[str, str]]:
    """Return status and body of ``/health/ready``."""
    body = {"status": "ok" if health.ready else "not ready"}
    if health.reason:
        body["reason"] = health.reason
    return HTTPStatus.OK if health.ready else HTTPStatus.SERVICE_UNAVAILABLE, body


def serve_health(host: str, port: int, health: Callable[[], Health]) -> None:
    """Answer ``/health/live`` and ``/health/ready`` (200 or 503, with the reason) from a daemon thread."""

    class Probe(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, answer = health_answer(
                health() if self.path == "/health/ready" else Health(self.path == "/health/live")
            )
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass  # probes every few seconds would drown the log

    server = ThreadingHTTPServer((host, port), Probe)
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
