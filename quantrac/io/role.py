"""Runs one role of a service as a process: settings, logging, signals, private files, the health endpoint."""

import gc
import json
import logging
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from types import FrameType
from typing import Any, Protocol

from quantrac.io.health import Check, Health, Unavailable, WatchedHealth, first_problem, health_answer
from quantrac.io.http_server import HttpServer
from quantrac.io.logs import configure
from quantrac.io.private_files import keep_files_private
from quantrac.io.settings import HttpLimits, ServiceSettings, load

log = logging.getLogger(__name__)

# Few ask, and none of them logs in.
_HEALTH_LIMITS = HttpLimits(max_connections=50, max_connections_without_login=0)


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
        """Read what is there; raises :class:`Unavailable`."""
        ...

    def problem(self) -> str:
        """Say why it cannot be relied upon now; empty = it can."""
        ...

    def close(self) -> None:
        """Stop following."""
        ...


class Work:
    """A worker: a role made of one loop, the tables it needs read first, and what is closed after it."""

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
    collect_rarely()
    role = roles[name]()
    if settings.health_port:
        serve_health(settings.health_host, settings.health_port, role.health)
    log.info("started")
    try:
        role.run(stop)
    except Unavailable as error:  # no mistake of ours: a sentence says more than a trace
        log.error("%s", error)
        sys.exit(1)
    log.info("stopped")


def collect_rarely() -> None:
    """Let Python look for cycles seldom: a batch is some 100,000 objects without any, and it took a fifth.

    With the limit at 100,000 the whole pipeline took a sixth more.
    """
    gc.set_threshold(1_000_000, 10, 10)


def serve_health(host: str, port: int, health: Callable[[], Health]) -> None:
    """Answer ``/health/live`` and ``/health/ready`` (200 or 503, with the reason), in a thread."""
    watched = WatchedHealth(health)
    watched.start()

    async def app(scope: Mapping[str, Any], _: object, send: Callable[[Any], Awaitable[None]]) -> None:
        match scope["path"]:
            case "/health/live":
                status, answer = HTTPStatus.OK, {"status": "ok"}
            case "/health/ready":
                status, answer = health_answer(watched.health())
            case _:
                status, answer = HTTPStatus.NOT_FOUND, {"status": "not found"}
        body = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    server = HttpServer(host, port, app, limits=_HEALTH_LIMITS)
    threading.Thread(target=server.run, args=(threading.Event(),), name="health", daemon=True).start()
