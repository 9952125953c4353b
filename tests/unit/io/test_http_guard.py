"""The guard's rules, a second at each look, over a transport in memory."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from quantrac.io.http_guard import GuardedProtocol, HttpGuard, mark_authenticated
from quantrac.io.settings import HttpLimits

HEAD = b"POST / HTTP/1.1\r\nHost: here\r\n"
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
LIMITS = HttpLimits(head_seconds=10, body_idle_seconds=20, body_seconds=50, answer_idle_seconds=30)


class Transport(asyncio.Transport):
    """A connection whose client takes only what a test says."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        super().__init__({"peername": (address, 4711), "sockname": ("192.0.2.9", 80)})
        self.protocol: Any = None
        self.answer = b""
        self.waiting = 0
        """Bytes written that the client has not taken."""
        self.client_takes = True
        self.aborted = self.closed = False

    def write(self, data: Any) -> None:
        self.answer += data
        if not self.client_takes:
            self.waiting += len(data)
            if self.waiting > 64 << 10:
                self.protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def close(self) -> None:
        if not self.closed and not self.waiting:
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)
        self.closed = True

    def abort(self) -> None:
        if not self.aborted:
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)
        self.aborted = True


class Server:
    """A guarded server without a socket; its application reads the body, notes it, and answers."""

    def __init__(self, limits: HttpLimits = LIMITS) -> None:
        self.guard = HttpGuard(limits)
        self.received: list[bytes] = []
        self.left = 0
        """Requests that ended because the client was gone."""
        self.answer = b"Ok"
        self.open = asyncio.Event()
        """Cleared, the application neither reads nor answers."""
        self.open.set()
        self._config = uvicorn.Config(
            self._app, http=self.guard.protocol, ws="none", lifespan="off", log_config=None, interface="asgi3"
        )
        self._config.load()
        self._state = ServerState()

    def connect(self, address: str = "192.0.2.1") -> "tuple[GuardedProtocol, Transport]":
        transport = Transport(address)
        transport.protocol = self.guard.protocol(self._config, self._state, {})
        transport.protocol.connection_made(transport)
        return transport.protocol, transport

    async def log_in(self, address: str = "192.0.2.1") -> "tuple[GuardedProtocol, Transport]":
        protocol, transport = self.connect(address)
        await send(protocol, GET.replace(b"GET /", b"GET /login"))
        return protocol, transport

    async def _app(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Any) -> None:
        if scope["path"] == "/login":
            mark_authenticated(scope)
        await self.open.wait()
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left += 1
                return
            body, more = body + message["body"], message["more_body"]
        self.received.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.answer})


async def send(protocol: GuardedProtocol, data: bytes) -> None:
    protocol.data_received(data)
    await run_pending_tasks()


async def run_pending_tasks() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def in_loop(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run an async test; it is named like itself."""

    def run() -> None:
        asyncio.run(test())  # type: ignore[arg-type]

    run.__name__ = test.__name__
    return run


def look(server: Server, seconds: int) -> None:
    for _ in range(seconds):
        server.guard.look()


@in_loop
async def test_a_connection_without_a_whole_head_is_aborted_after_the_heads_time() -> None:
    server = Server()
    _, mute = server.connect()
    slow, half = server.connect()
    for _ in range(10):
        await send(slow, b"G")
        look(server, 1)
    assert not mute.aborted and not half.aborted
    look(server, 1)
    assert mute.aborted and half.aborted


@in_loop
async def test_a_second_head_has_its_own_time_from_its_first_byte() -> None:
    server = Server()
    protocol, transport = server.connect()
    await send(protocol, GET)
    look(server, 30)  # idle: uvicorn's own deadline, which this loop does not live to see
    await send(protocol, b"GET /")
    look(server, 10)
    assert not transport.aborted
    look(server, 1)
    assert transport.aborted


@in_loop
async def test_a_body_that_falls_silent_is_aborted_and_its_application_ends() -> None:
    server = Server()
    protocol, transport = server.connect()
    await send(protocol, HEAD + b"Content-Length: 10\r\n\r\n12345")
    look(server, 21)  # in the first second a byte came
    assert not transport.aborted
    look(server, 1)
    await run_pending_tasks()
    assert (transport.aborted, server.left) == (True, 1)


@in_loop
async def test_a_body_that_drips_is_aborted_when_its_whole_time_is_over() -> None:
    server = Server()
    protocol, transport = server.connect()
    await send(protocol, HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(50):
        await send(protocol, b"x")
        look(server, 1)
    assert not transport.aborted
    look(server, 1)
    assert transport.aborted


@in_loop
async def test_time_in_which_the_server_does_not_read_is_not_the_clients() -> None:
    server = Server()
    server.open.clear()
    protocol, transport = server.connect()
    await send(protocol, HEAD + b"Content-Length: 100000\r\n\r\n" + b"x" * 70_000)
    look(server, 1_000)
    assert not transport.aborted
    server.open.set()
    await run_pending_tasks()
    look(server, 22)
    assert transport.aborted


@in_loop
async def test_a_client_that_waits_to_be_told_to_continue_has_time() -> None:
    server = Server()
    server.open.clear()
    protocol, transport = server.connect()
    await send(protocol, HEAD + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
    look(server, 1_000)
    assert not transport.aborted
    server.open.set()
    await run_pending_tasks()
    assert transport.answer.startswith(b"HTTP/1.1 100 ")
    await send(protocol, b"body")
    assert server.received == [b"body"]


@in_loop
async def test_a_server_that_takes_long_to_answer_blames_nobody() -> None:
    server = Server()
    server.open.clear()
    protocol, transport = server.connect()
    await send(protocol, GET)
    look(server, 1_000)
    assert not transport.aborted


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
def test_an_answer_that_nobody_takes_is_aborted_also_when_the_application_is_done(connection: str) -> None:
    asyncio.run(take_nothing(connection))


async def take_nothing(connection: str) -> None:
    server = Server()
    protocol, transport = server.connect()
    transport.client_takes = False
    await send(protocol, GET.replace(b"\r\n\r\n", f"\r\nConnection: {connection}\r\n\r\n".encode()))
    assert transport.closed == (connection == "close")
    assert server.received == [b""]
    look(server, 30)
    assert not transport.aborted
    look(server, 1)
    assert transport.aborted


@in_loop
async def test_a_byte_now_and_then_is_no_progress_but_a_slow_line_is() -> None:
    server = Server()
    server.answer = b"x" * 1_000_000
    dripping, slow = server.connect(), server.connect()
    for protocol, transport in (dripping, slow):
        transport.client_takes = False
        await send(protocol, GET)
    for _ in range(300):
        dripping[1].waiting -= 1
        slow[1].waiting -= 300
        look(server, 1)
    assert dripping[1].aborted
    assert not slow[1].aborted


@in_loop
async def test_a_body_that_goes_on_after_its_answer_has_the_time_of_a_silence_in_all() -> None:
    server = Server()

    async def refuse(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    server._config.loaded_app = refuse
    protocol, transport = server.connect()
    await send(protocol, HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(21):
        assert not transport.aborted
        await send(protocol, b"x")
        look(server, 1)
    assert transport.aborted


@in_loop
async def test_a_textwith_two_framings_closes_its_connection_and_nothing_behind_it_is_answered() -> None:
    server = Server()
    protocol, transport = server.connect()
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    await send(protocol, HEAD + both + GET)
    assert server.received == [b"abc"]
    assert transport.closed
    assert transport.answer.lower().count(b"http/1.1 200") == 1
    assert b"connection: close" in transport.answer.lower()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"GET / HTTP/1.1\nHost: here\n\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: here\r\nX-Long: a\r\n b\r\n\r\n", b"200"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", b"200"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", b"400"),
        (HEAD + b"Content-Length: -1\r\n\r\n", b"400"),
        (HEAD + b"Content-Length : 1\r\n\r\nx", b"400"),
        (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n", b"400"),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", b"400"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\n\n", b""),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: here\r\nX: " + b"x" * 70_000, b"400"),
    ],
    ids=lambda value: value[:70] if value else "no answer",
)
def test_framing_is_read_as_h11_reads_it(text: bytes, status: bytes) -> None:
    async def ask() -> bytes:
        protocol, transport = Server().connect()
        await send(protocol, text)
        return transport.answer

    assert asyncio.run(ask())[9:12] == status


def test_a_flood_of_what_is_no_request_makes_one_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def flood() -> None:
        server = Server()
        for _ in range(100):
            protocol, _ = server.connect()
            await send(protocol, b"\x16\x03\x01 is TLS")
        look(server, 1)

    asyncio.run(flood())
    assert [record.getMessage() for record in caplog.records] == ["connections ended: 100 × no HTTP request"]


@in_loop
async def test_pipelined_requests_are_answered_where_their_framing_is_plain() -> None:
    server = Server()
    protocol, transport = server.connect()
    await send(protocol, GET + GET)
    assert len(server.received) == 2
    assert not transport.closed


@in_loop
async def test_past_the_limit_without_login_the_oldest_such_connection_makes_room() -> None:
    server = Server(HttpLimits(max_connections_without_login=2))
    _, regular = await server.log_in()
    strangers = [server.connect()[1] for _ in range(3)]
    assert [transport.aborted for transport in strangers] == [True, False, False]
    assert not regular.aborted


@in_loop
async def test_a_textwhose_login_is_being_checked_is_spared_for_a_connection_that_asks_nothing() -> None:
    server = Server(HttpLimits(max_connections_without_login=2))
    server.open.clear()
    protocol, checked = server.connect()
    await send(protocol, GET)
    _, mute = server.connect()
    server.connect()
    assert (checked.aborted, mute.aborted) == (False, True)


@in_loop
async def test_a_flood_without_login_keeps_nobody_out() -> None:
    server = Server(HttpLimits(max_connections=10, max_connections_without_login=8))
    for _ in range(100):
        server.connect()
    _, honest = await server.log_in()
    for _ in range(100):
        server.connect()
    assert honest.answer.startswith(b"HTTP/1.1 200")
    assert not honest.aborted


@in_loop
async def test_past_the_limit_of_all_an_idle_connection_goes_and_a_textunder_way_stays() -> None:
    server = Server(HttpLimits(max_connections=2))
    _, idle = await server.log_in()
    server.open.clear()
    _, busy = await server.log_in()
    _, third = await server.log_in()
    assert (idle.aborted, busy.aborted, third.aborted) == (True, False, False)
    _, fourth = server.connect()
    assert fourth.aborted
    assert not busy.aborted and not third.aborted


@in_loop
async def test_an_address_has_a_limit_of_its_own_where_one_is_set() -> None:
    server = Server(HttpLimits(max_connections_per_ip=1))
    _, first = server.connect("192.0.2.1")
    _, neighbour = server.connect("192.0.2.2")
    _, second = server.connect("192.0.2.1")
    assert (first.aborted, neighbour.aborted, second.aborted) == (True, False, False)


@in_loop
async def test_connections_that_have_ended_count_no_more() -> None:
    server = Server(HttpLimits(max_connections=1))
    server.open.clear()
    _, transport = await server.log_in()
    transport.abort()
    await run_pending_tasks()
    assert not server.connect()[1].aborted


@in_loop
async def test_without_a_limit_everybody_has_room() -> None:
    server = Server(HttpLimits(max_connections=0, max_connections_without_login=0))
    assert not any(server.connect()[1].aborted for _ in range(50))
