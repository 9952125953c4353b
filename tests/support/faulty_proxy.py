"""An HTTP proxy that misbehaves: between a province and a ministry it does what a bad network or server does.

It relays whole requests to one address. What happens to a request, a function of its method and path decides;
:func:`in_turn` takes faults from a list, :func:`at_random` draws them.
"""

import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

_TIMEOUT_S = 60.0
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}

GARBAGE = b"<html>\xff\x00 502 something went wrong"


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request."""

    kind: Literal["drop", "delay", "repeat", "cut", "answer", "slow"]
    """``drop``: the connection is closed, nothing is relayed. ``delay``: relayed after ``seconds``.
    ``repeat``: relayed twice. ``cut``: relayed, and the connection closed before the answer. ``answer``: not
    relayed, the proxy answers itself. ``slow``: relayed, the answer comes a byte each ``seconds``."""
    seconds: float = 0.0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


DROP, REPEAT, CUT = Fault("drop"), Fault("repeat"), Fault("cut")
NONSENSE = Fault("answer", body=GARBAGE)


def delay(seconds: float) -> Fault:
    return Fault("delay", seconds)


def slow(seconds: float) -> Fault:
    return Fault("slow", seconds)


def status(code: int, **headers: str) -> Fault:
    """Answer with a status; ``retry_after="5"`` is the header ``Retry-After: 5``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault("answer", status=code, headers=named)


Choose = Callable[[str, str], Fault | None]
"""Says by method and path what happens to a request; ``None`` = it is relayed."""


def never(_: str, __: str) -> Fault | None:
    return None


def in_turn(faults: Iterable[Fault | None], path: str = "/v1/deliveries") -> Choose:
    """Let the first requests to a path have these faults; what comes after them is relayed."""
    waiting, lock = iter(list(faults)), threading.Lock()

    def choose(_: str, requested: str) -> Fault | None:
        with lock:
            return next(waiting, None) if requested == path else None

    return choose


def at_random(faults: Sequence[Fault], share: float, seed: int) -> Choose:
    """Let a share of all requests have one of these faults."""
    source, lock = random.Random(seed), threading.Lock()

    def choose(_: str, __: str) -> Fault | None:
        with lock:
            return source.choice(faults) if source.random() < share else None

    return choose


class FaultyProxy:
    """Listens on a port of its own; counts what it was asked."""

    def __init__(self, upstream: str, choose: Choose = never, tls: ssl.SSLContext | None = None) -> None:
        """``upstream`` is an address such as ``http://127.0.0.1:8080``."""
        self.choose = choose
        self.requests = 0
        self.faults: Counter[str] = Counter()
        """How often each kind has happened."""
        self.observe: Callable[[str, bytes], None] = lambda _, __: None
        """Called with path and body of every request that has come whole."""
        self._upstream = urlsplit(upstream).netloc
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_TIMEOUT_S)

    def relay(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        """Return (status, headers, body) of the upstream's answer."""
        connection = HTTPConnection(self._upstream, timeout=_TIMEOUT_S)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(method, path, body or None, kept)
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def _receive(self, method: str, path: str, body: bytes) -> Fault | None:
        with self._lock:
            self.requests += 1
        self.observe(path, body)
        fault = self.choose(method, path)
        if fault is not None:
            with self._lock:
                self.faults[fault.kind] += 1
        return fault

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = _TIMEOUT_S
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with suppress(ConnectionError):  # the client was killed
                    super().handle()

            def do_GET(self) -> None:
                with suppress(OSError, HTTPException):
                    length = int(self.headers.get("Content-Length") or 0)
                    body = self.rfile.read(length)
                    if len(body) == length:
                        self._treat(proxy._receive(self.command, self.path, body), body)
                        return
                self.close_connection = True  # by the client or the upstream, or the client has died

            do_POST = do_GET

            def _treat(self, fault: Fault | None, body: bytes) -> None:
                kind = fault.kind if fault else ""
                seconds = fault.seconds if fault else 0.0
                if kind == "delay":
                    time.sleep(seconds)
                if fault is not None and kind == "answer":
                    self._answer(fault.status, fault.headers, fault.body)
                elif kind == "drop":
                    self.close_connection = True
                else:
                    request = (self.command, self.path, dict(self.headers.items()), body)
                    if kind == "repeat":
                        proxy.relay(*request)
                    answer = proxy.relay(*request)
                    if kind == "cut":
                        self.close_connection = True
                    else:
                        self._answer(*answer, seconds=seconds if kind == "slow" else 0.0)

            def _answer(
                self, code: int, headers: Mapping[str, str], body: bytes, seconds: float = 0.0
            ) -> None:
                self.send_response_only(code)
                for name, value in headers.items():
                    if name.lower() not in _HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                for part in (body[n : n + 1] for n in range(len(body))) if seconds else (body,):
                    time.sleep(seconds)
                    self.wfile.write(part)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@contextmanager
def faulty_proxy(
    upstream: str, choose: Choose = never, tls: ssl.SSLContext | None = None
) -> Iterator[FaultyProxy]:
    """A proxy for the time of a test."""
    proxy = FaultyProxy(upstream, choose, tls)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
