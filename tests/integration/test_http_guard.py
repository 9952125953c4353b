"""Clients that hold connections of the real servers: half requests and bodies, answers not taken, floods."""

import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import httpx
import pytest

from quantrac.io.clickhouse import ClickHouse, ClickHouseAway
from quantrac.io.http_server import HttpServer
from quantrac.io.settings import ClickHouseSettings, HttpLimits
from quantrac.testing.builders import file_name, station_file
from support.waiting import LIMIT, wait_until

Receiver = Any
"""The class of the fixture, in conftest."""
Address = tuple[str, int]


def connect(address: Address, data: bytes = b"") -> socket.socket:
    opened = socket.create_connection(address, timeout=LIMIT)
    opened.sendall(data)
    return opened


def head(path: str, length: int, account: str = "bkhn:secret") -> bytes:
    login = b64encode(account.encode()).decode()
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: here",
        f"Authorization: Basic {login}",
        f"Content-Length: {length}",
    )
    return "\r\n".join((*lines, "", "")).encode()


def was_ended(connection: socket.socket) -> bool:
    """Read to the end, whatever comes; raises `TimeoutError` where there is none."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.fixture
def http_door(receiver: Receiver) -> Iterator[Callable[..., Address]]:
    """Open another HTTP door of the receiver, with limits of its own."""
    stop, threads = threading.Event(), []

    def open_door(**limits: Any) -> Address:
        door = HttpServer("127.0.0.1", 0, receiver.app, limits=HttpLimits(**limits), grace_seconds=1)
        threads.append(threading.Thread(target=door.run, args=(stop,)))
        threads[-1].start()
        return door.address

    yield open_door
    stop.set()
    for thread in threads:
        thread.join(timeout=LIMIT)
        assert not thread.is_alive()


def post(address: Address) -> httpx.Response:
    url = f"http://{address[0]}:{address[1]}/v1/files"
    return httpx.post(
        url, params={"name": file_name()}, content=station_file(), auth=("bkhn", "secret"), timeout=LIMIT
    )


def test_half_heads_and_mute_connections_are_ended_and_others_are_served_meanwhile(
    http_door: Callable[..., Address],
) -> None:
    door = http_door(head_seconds=1)
    with ExitStack() as stack:
        held = [
            stack.enter_context(closing(connect(door, data))) for data in (b"", b"POST /v1/files HTT") * 50
        ]
        assert post(door).status_code == 201
        assert all(was_ended(connection) for connection in held)


def test_an_account_whose_uploads_stall_gets_its_connections_back(
    receiver: Receiver, http_door: Callable[..., Address]
) -> None:
    limit = 3
    gate = receiver.logins.gate
    gate._defaults = replace(gate._defaults, connections=limit)
    door = http_door(body_idle_seconds=2)
    with ExitStack() as stack:
        stalled = [
            stack.enter_context(closing(connect(door, head("/v1/files?name=a.txt", 500) + b"half")))
            for _ in range(limit)
        ]
        wait_until(lambda: post(door).status_code == 429)
        assert all(was_ended(connection) for connection in stalled)
    wait_until(lambda: post(door).status_code in (200, 201))


def test_a_body_that_drips_is_ended_when_its_time_is_over(http_door: Callable[..., Address]) -> None:
    door = http_door(body_seconds=2)
    dripping = connect(door, head("/v1/files?name=a.txt", 10_000))
    until = time.monotonic() + LIMIT
    with closing(dripping), pytest.raises(ConnectionError):
        while time.monotonic() < until:
            dripping.sendall(b"x")
            time.sleep(0.05)


def test_an_upload_slowed_by_its_accounts_rate_is_not_ended(
    receiver: Receiver, http_door: Callable[..., Address]
) -> None:
    door = http_door(body_idle_seconds=1, body_seconds=1)
    pauses = iter((4.0,))
    receiver.logins.gate.pause = lambda _, size: next(pauses, 0.0) if size else 0.0
    content = b"x" * 19_000
    form = {"file": (file_name(), content)}
    padding = {"padding": "y" * 500_000}
    url = f"http://{door[0]}:{door[1]}/v1/files"
    answer = httpx.post(url, files=form, data=padding, auth=("bkhn", "secret"), timeout=LIMIT)
    assert answer.status_code == 201


def test_a_flood_of_one_address_without_login_keeps_no_station_out(http_door: Callable[..., Address]) -> None:
    door = http_door(max_connections=60, max_connections_without_login=50)
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(closing(connect(door, b"POST /v1")))
        assert post(door).status_code == 201


def test_nothing_behind_a_request_with_two_framings_is_answered(http_door: Callable[..., Address]) -> None:
    door = http_door()
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    request = b"GET /health/live HTTP/1.1\r\nHost: here\r\n"
    with closing(connect(door, request + both + request + b"\r\n")) as connection:
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in answer.lower()


@pytest.mark.chaos
def test_clients_that_never_read_their_answers_leave_clickhouse_working(
    clickhouse_server: ClickHouseSettings, analyst: ClickHouseSettings
) -> None:
    statement = "SELECT number, repeat('x',1000) FROM numbers(9000000) FORMAT CSV"
    login = b64encode(f"{analyst.user}:{analyst.password}".encode()).decode()
    request = "\r\n".join(
        (
            "POST / HTTP/1.1",
            "Host: here",
            f"Authorization: Basic {login}",
            f"Content-Length: {len(statement)}",
            "",
            statement,
        )
    ).encode()
    server, service = (analyst.host, analyst.port), ClickHouse(clickhouse_server, database="default")
    running = "SELECT count() FROM system.processes WHERE query LIKE 'SELECT number, repeat%'"

    def all_have_ended() -> bool:
        try:
            return bool(service.query(running).rows[0][0] == 0)
        except ClickHouseAway:  # every slot is taken still
            return False

    with ExitStack() as stack:
        silent = [stack.enter_context(closing(connect(server, request))) for _ in range(17)]
        # 30 s are the server's own limit; afterwards every slot is free although nobody has closed.
        wait_until(all_have_ended)
        assert all(was_ended(connection) for connection in silent)
