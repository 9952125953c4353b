"""Bodies that a ministry's door refuses before it looks into them: too large, too slow, from anybody."""

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from typing import Any

import httpx
import pytest

from quantrac.domain.registry.accounts import AccountLimits
from quantrac.io.health import Health
from quantrac.io.http_server import HttpServer
from quantrac.io.settings import HttpLimits
from quantrac.testing.builders import NOON, account, registry
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import Gate
from services.receiver.access.logins import Logins
from services.receiver.adapters.http.app import create_app
from services.receiver.adapters.http.basic_auth import BasicAuth
from services.receiver.adapters.http.body_room import BodyRoom, RoomFull
from services.receiver.adapters.http.deliveries import deliveries_router
from services.receiver.adapters.http.refusal_log import RefusalLog
from support.waiting import LIMIT, wait_until

MEGABYTE, GIGABYTE = 1 << 20, 1 << 30


class RefusingHandler:
    """Must not be asked: no body of these tests is read to its end."""

    def accept(self, *_: Any) -> Any:
        raise AssertionError("a body was taken")


class Door:
    """The ministry's door for bodies of a megabyte at most; one that falls silent has two seconds."""

    def __init__(self) -> None:
        known = registry([], [account("hanoi", role="province", stations=(), provinces=("01",))])
        authenticator = Authenticator(known, lambda: NOON)
        self.logins = Logins(Gate(known, authenticator, AccountLimits(connections=4), clock=lambda: NOON))
        self.refusals = RefusalLog()
        app = create_app(health=lambda: Health(True), refusals=self.refusals)
        handler: Any = RefusingHandler()
        app.include_router(deliveries_router(handler, BasicAuth(self.logins, "province"), max_bytes=MEGABYTE))
        limits = HttpLimits(body_idle_seconds=2)
        self.server = HttpServer("127.0.0.1", 0, app, limits=limits, grace_seconds=1)

    def send_head(self, *lines: str, password: str = "secret") -> socket.socket:
        login = b64encode(f"hanoi:{password}".encode()).decode()
        head = ("POST /v1/deliveries HTTP/1.1", "Host: m", f"Authorization: Basic {login}", *lines)
        connection = socket.create_connection(self.server.address, timeout=LIMIT)
        connection.sendall("\r\n".join((*head, "Content-Type: application/x-ndjson", "", "")).encode())
        return connection

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.address[1]}"


@pytest.fixture
def door() -> Iterator[Door]:
    opened, stop = Door(), threading.Event()
    thread = threading.Thread(target=opened.server.run, args=(stop,))
    thread.start()
    yield opened
    stop.set()
    thread.join(timeout=LIMIT)
    opened.logins.close()


def test_a_body_of_a_gigabyte_is_refused_by_its_head(door: Door) -> None:
    with closing(door.send_head(f"Content-Length: {GIGABYTE}")) as connection:
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"application/problem+json" in answer


def test_a_body_of_no_length_is_refused_past_the_limit(door: Door) -> None:
    def pour() -> Iterator[bytes]:
        for _ in range(17):
            yield bytes(MEGABYTE // 16)

    headers = {"Content-Type": "application/x-ndjson"}
    answer = httpx.post(
        f"{door.url}/v1/deliveries", content=pour(), auth=("hanoi", "secret"), headers=headers, timeout=LIMIT
    )
    assert answer.status_code == 413


def test_bodies_that_stall_are_ended_and_the_account_has_its_connections_back(door: Door) -> None:
    stalled = [door.send_head("Content-Length: 1000") for _ in range(4)]
    wait_until(lambda: ask(door).status_code == 429)
    for connection in stalled:
        with closing(connection), suppress(ConnectionError):
            while connection.recv(65536):
                pass
    wait_until(lambda: ask(door).status_code == 415)


def test_an_account_that_fills_its_part_of_the_memory_is_told_to_come_later(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BodyRoom, "hold", lambda *_: nullcontext(refuse_bytes))
    headers = {"Content-Type": "application/x-ndjson"}
    answer = httpx.post(
        f"{door.url}/v1/deliveries", content=b"{}", auth=("hanoi", "secret"), headers=headers, timeout=LIMIT
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def refuse_bytes(_: int) -> None:
    raise RoomFull("too much is being received at the moment")


def ask(door: Door) -> httpx.Response:
    return httpx.post(f"{door.url}/v1/deliveries", content=b"", auth=("hanoi", "secret"), timeout=LIMIT)


def test_refusals_are_counted_and_logged_without_content(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Content-Type": "application/secret+json", "Content-Encoding": "secret"}
    for _ in range(2):
        assert ask(door).status_code == 415
        httpx.post(f"{door.url}/v1/deliveries", content=b"s3cret", headers=headers, timeout=LIMIT)
    httpx.post(f"{door.url}/v1/deliveries", auth=("hanoi", "s3cret"), timeout=LIMIT)
    caplog.clear()
    door.refusals.say()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == ("refused requests: 3 × 401 /v1/deliveries, 2 × 415 /v1/deliveries; the last of 127.0.0.1")
