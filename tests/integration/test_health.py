"""Health is answered while everything else is busy, or held by clients."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing

import httpx

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.health import Health
from quantrac.io.role import serve_health
from quantrac.io.settings import ClickHouseSettings
from quantrac.local.ports import free_port
from support.waiting import LIMIT, wait_until

MORE_THAN_SLOTS = 20
SLEEPING = "SELECT count() FROM numbers(600) WHERE sleepEachRow(1) SETTINGS max_block_size = 1"


def health(ready: Callable[[], bool]) -> Callable[[str], httpx.Response]:
    port = free_port()
    serve_health("127.0.0.1", port, lambda: Health(ready(), "busy"))
    return lambda path: httpx.get(f"http://127.0.0.1:{port}/health/{path}", timeout=LIMIT)


def test_a_roles_health_says_whether_it_lives_and_whether_it_is_ready() -> None:
    ready = threading.Event()
    ask = health(ready.is_set)
    assert ask("live").json() == {"status": "ok"}
    assert ask("ready").status_code == 503
    assert ask("other").status_code == 404
    ready.set()
    wait_until(lambda: ask("ready").status_code == 200)


def test_a_roles_health_is_answered_while_its_look_up_hangs() -> None:
    never = threading.Event()
    ask = health(never.wait)
    assert ask("live").status_code == 200
    assert ask("ready").status_code == 503
    never.set()


def test_half_requests_do_not_hold_a_roles_health() -> None:
    port = free_port()
    serve_health("127.0.0.1", port, lambda: Health(True))
    with ExitStack() as stack:
        for _ in range(200):
            held = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
            stack.enter_context(closing(held)).sendall(b"GET /health/li")
        assert httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=LIMIT).status_code == 200


def test_clickhouse_answers_although_every_statement_slot_is_taken(
    clickhouse_server: ClickHouseSettings,
) -> None:
    service = ClickHouse(clickhouse_server, database="default")
    assert service.answers()
    address = (clickhouse_server.host, clickhouse_server.port)
    user, password = clickhouse_server.user, clickhouse_server.password
    lines = ("POST / HTTP/1.1", "Host: here", f"X-ClickHouse-User: {user}", f"X-ClickHouse-Key: {password}")
    head = "\r\n".join((*lines, f"Content-Length: {len(SLEEPING)}", "", "")).encode()

    def takes_a_statement() -> bool:
        url = f"http://{address[0]}:{address[1]}/"
        try:
            return httpx.post(url, content="SELECT 1", auth=(user, password), timeout=5).status_code == 200
        except httpx.TimeoutException:
            return False

    with ExitStack() as stack:
        for _ in range(MORE_THAN_SLOTS):
            busy = stack.enter_context(closing(socket.create_connection(address, timeout=LIMIT)))
            busy.sendall(head + SLEEPING.encode())
        wait_until(lambda: not takes_a_statement())
        assert service.answers()
        assert not takes_a_statement()
    wait_until(takes_a_statement)


def test_a_login_that_clickhouse_refuses_is_not_ready(clickhouse_server: ClickHouseSettings) -> None:
    stranger = clickhouse_server.model_copy(update={"password": "wrong"})
    assert not ClickHouse(stranger, database="default").answers()
    assert not ClickHouse(clickhouse_server, database="no_such_database").answers()
