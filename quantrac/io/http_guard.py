"""Ends HTTP connections that clients hold and do not use: late heads, stalled bodies, answers not taken.

uvicorn has a deadline for idle connections only. A guarded server looks at its connections once a second and
aborts what breaks a rule: with a reset, because a close would wait for a buffer that the client never reads.
Time is counted in these looks, so a server that was stopped or overloaded itself blames no client for it.

Framing is h11's: a head may end its lines with a bare LF and fold them, as RFC 9112 (2.2, 5.2) allows; chunk
sizes need CRLF; two different lengths, or a transfer coding other than ``chunked``, are answered 400.

A server of TLS takes connections as they are and begins the handshake itself, so that one which never ends
counts like a head that never comes, and so that each connection gets the certificate of its moment.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection, MutableMapping
from enum import Enum, auto
from typing import Any, ClassVar

import h11
from uvicorn import Config
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from quantrac.io.settings import HttpLimits
from quantrac.io.tls import ServerTls, tls_extension

log = logging.getLogger(__name__)
# uvicorn warns of every bad request of anybody; the guard counts them instead.
_errors = logging.getLogger(f"{__name__}.errors")
_errors.setLevel(logging.ERROR)

_SCOPE_KEY = "quantrac.mark_authenticated"
_LOOK_SECONDS = 1.0
_LOG_SECONDS = 60
# A modem of 9,600 baud takes four times as much in 30 s; a byte now and then is no progress.
_LEAST_TAKEN_BYTES = 8 << 10
# How long the end of a connection waits for the client's own; many clients never send it.
_TLS_END_SECONDS = 5.0


def mark_authenticated(scope: MutableMapping[str, Any]) -> None:
    """Tell the server's guard, where there is one, that the request of this ASGI scope has a login."""
    mark: Callable[[], None] | None = scope.get(_SCOPE_KEY)
    if mark is not None:
        mark()


class HttpGuard:
    """The connections of one server; everything happens on its event loop.

    Past a limit of connections the oldest makes room that has no request under way, first of those without a
    login; only where every connection is at work for an authenticated client is the new one refused.
    """

    def __init__(self, limits: HttpLimits, tls: ServerTls | None = None) -> None:
        """Without ``tls`` the server speaks plain HTTP."""
        self.limits, self.tls = limits, tls
        # Both in the order in which the connections were opened.
        self._connections: dict[GuardedProtocol, None] = {}
        self._without_login: dict[GuardedProtocol, None] = {}
        self._looking = False
        self._ended: Counter[str] = Counter()
        self._seconds_to_log = 0

    @property
    def protocol(self) -> type["GuardedProtocol"]:
        """The class of this guard's connections, for ``uvicorn.Config(http=…)``."""
        return type("GuardedProtocol", (GuardedProtocol,), {"guard": self})

    def admit(self, connection: "GuardedProtocol") -> bool:
        """Count a new connection; returns whether there is room for it."""
        limits = self.limits
        room = self._make_room(self._neighbours(connection), limits.max_connections_per_ip)
        room = room and self._make_room(self._without_login, limits.max_connections_without_login)
        room = room and self._make_room(self._connections, limits.max_connections)
        if not room:
            self.count_end("no room")
            return False
        self._connections[connection] = self._without_login[connection] = None
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look_again)
        return True

    def count_end(self, why: str) -> None:
        """Count the end of a connection for the log, which gets one line a minute."""
        self._ended[why] += 1

    def mark_authenticated(self, connection: "GuardedProtocol") -> None:
        """Count a connection as one with a login from now on."""
        self._without_login.pop(connection, None)

    def forget(self, connection: "GuardedProtocol") -> None:
        """Count a connection no more."""
        self._connections.pop(connection, None)
        self._without_login.pop(connection, None)

    def abort(self, connection: "GuardedProtocol", why: str) -> None:
        """End a connection with a reset, where that has not been done yet."""
        if connection in self._connections:
            self.count_end(why)
            self.forget(connection)
        connection.reset()

    def look(self) -> None:
        """Count one second for every connection, and abort those that break a rule."""
        for connection in list(self._connections):
            if broken_rule := connection.count_second():
                self.abort(connection, broken_rule)
        self._seconds_to_log -= 1
        if self._ended and self._seconds_to_log <= 0:
            log.warning("connections ended: %s", "; ".join(f"{n} × {why}" for why, n in self._ended.items()))
            self._ended.clear()
            self._seconds_to_log = _LOG_SECONDS

    def _look_again(self) -> None:
        self.look()
        self._looking = bool(self._connections)
        if self._looking:
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look_again)

    def _neighbours(self, connection: "GuardedProtocol") -> list["GuardedProtocol"]:
        if not self.limits.max_connections_per_ip:
            return []
        return [neighbour for neighbour in self._connections if neighbour.address == connection.address]

    def _make_room(self, connections: Collection["GuardedProtocol"], limit: int) -> bool:
        if not limit or len(connections) < limit:
            return True
        preferences: tuple[Callable[[GuardedProtocol], bool], ...] = (
            lambda c: c in self._without_login and c.is_idle,
            lambda c: c in self._without_login,
            lambda c: c.is_idle,
        )
        for preferred in preferences:
            if victim := next(filter(preferred, connections), None):
                self.abort(victim, "room for others")
                return True
        return False


class _CountingConnection(h11.Connection):
    """Counts the bytes it gives out to be sent."""

    sent_bytes = 0

    def send_with_data_passthrough(self, event: h11.Event) -> list[bytes] | None:
        parts = super().send_with_data_passthrough(event)
        self.sent_bytes += sum(map(len, parts or ()))
        return parts


class _Phase(Enum):
    """Whose turn it is on a connection, and to do what."""

    HEAD = auto()
    BODY = auto()
    WORK = auto()
    """The server's turn."""
    REST = auto()
    """The answer has been given; the body goes on."""
    IDLE = auto()
    """uvicorn's own deadline holds."""


class GuardedProtocol(H11Protocol):
    """One connection of a guarded server."""

    guard: ClassVar[HttpGuard]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _errors
        longest_head = config.h11_max_incomplete_event_size
        self.conn: _CountingConnection = (
            _CountingConnection(h11.SERVER, longest_head) if longest_head else _CountingConnection(h11.SERVER)
        )
        self._socket: asyncio.Transport
        """The transport below TLS, or the only one."""
        self._handshake: asyncio.Task[None] | None = None
        """Under way; the event loop holds no task alive."""
        self._early_data: list[bytes] = []
        self._extensions: dict[str, Any] = {}
        self._latest_cycle: object = None
        self._phase: tuple[_Phase, object] = (_Phase.HEAD, None)
        self._phase_seconds = 0
        self._received, self._silent_seconds = False, 0
        self._taken_bytes, self._untaken_seconds = 0, 0

    @property
    def address(self) -> str:
        """The client's address."""
        return self.client[0] if self.client else ""

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way: a head may have begun, no answer waits."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self._untaken_bytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Count the connection, or refuse it; where the server speaks TLS, begin the handshake."""
        super().connection_made(transport)
        self._socket = transport
        if not self.guard.admit(self):
            self.reset()
        elif self.guard.tls is not None:
            transport.pause_reading()  # start_tls goes on once it can read
            handshake = self._shake_hands(transport, self.guard.tls)
            self._handshake = asyncio.get_running_loop().create_task(handshake)

    def reset(self) -> None:
        """End the connection with a reset."""
        self._socket.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count the connection no more; the application is told that its client is gone."""
        if self._handshake is not None:
            self._handshake.cancel()  # one that has not begun would wait for ever
        self.guard.forget(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes of the client."""
        self._received = True
        if self._handshake is None:
            super().data_received(data)
        else:
            # A request that came with the end of the handshake: the transport for its answer comes next.
            self._early_data.append(data)

    def handle_events(self) -> None:
        """Begin a request where its head is complete."""
        super().handle_events()
        if self.cycle is self._latest_cycle:
            return
        # The application's task has been made and has not run yet.
        self._latest_cycle = self.cycle
        self.scope.setdefault("extensions", {}).update(self._extensions)
        self.scope[_SCOPE_KEY] = self._mark_authenticated  # type: ignore[literal-required]
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in self.headers}:
            # RFC 9112, 6.3: who sends both may smuggle a request past a proxy, so nothing behind is read.
            self.headers.append(CLOSE_HEADER)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, and close."""
        self.guard.count_end("no HTTP request")
        super().send_400_response(msg)

    def count_second(self) -> str:
        """Count one second; returns the rule that the client breaks, or nothing."""
        limits = self.guard.limits
        phase = self._current_phase()
        if self._phase != (phase, self.cycle):
            self._phase = (phase, self.cycle)
            self._phase_seconds = self._silent_seconds = 0
        if not self._server_pauses():
            self._phase_seconds += 1
            self._silent_seconds = 0 if self._received else self._silent_seconds + 1
        self._received = False
        if phase is _Phase.HEAD and self._phase_seconds > limits.head_seconds:
            return f"no whole head within {limits.head_seconds:g} s"
        if phase is _Phase.BODY and self._silent_seconds > limits.body_idle_seconds:
            return f"no byte of the body for {limits.body_idle_seconds:g} s"
        if phase is _Phase.BODY and self._phase_seconds > limits.body_seconds:
            return f"no whole body within {limits.body_seconds:g} s"
        if phase is _Phase.REST and self._phase_seconds > limits.body_idle_seconds:
            return f"a body that goes on {limits.body_idle_seconds:g} s after its answer"
        if self._count_untaken() > limits.answer_idle_seconds:
            return f"an answer not taken for {limits.answer_idle_seconds:g} s"
        return ""

    async def _shake_hands(self, transport: asyncio.Transport, tls: ServerTls) -> None:
        """Go on by TLS; a client that cannot is counted, and one that is slow ends by the rule for heads."""
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                self,
                tls.context(),
                server_side=True,
                ssl_shutdown_timeout=_TLS_END_SECONDS,
            )
        except OSError:  # TimeoutError and ssl.SSLError among them
            secured = None
        if secured is None:
            # Nobody tells a protocol of a connection that ends within its handshake.
            self.connections.discard(self)
            self.guard.abort(self, "no TLS handshake")
            return
        super().connection_made(secured)
        self._extensions = {"tls": tls_extension(secured.get_extra_info("ssl_object"))}
        self._handshake = None
        for data in self._early_data:
            super().data_received(data)
        self._early_data.clear()

    def _mark_authenticated(self) -> None:
        self.guard.mark_authenticated(self)

    def _current_phase(self) -> _Phase:
        has_body = self.conn.their_state is h11.SEND_BODY
        if self.cycle is not None and not self.cycle.response_complete:
            return _Phase.BODY if has_body else _Phase.WORK
        if has_body:
            return _Phase.REST
        begun = self.cycle is None or self.conn.trailing_data[0]
        return _Phase.HEAD if begun else _Phase.IDLE

    def _server_pauses(self) -> bool:
        """Tell whether the client cannot send: nobody reads, or it waits to be told to continue."""
        return self.flow.read_paused or (self.cycle is not None and self.cycle.waiting_for_100_continue)

    @property
    def _untaken_bytes(self) -> int:
        """Bytes of answers that the client has not taken, those that TLS holds back among them."""
        waiting = self._socket.get_write_buffer_size()
        return waiting if self.transport is self._socket else waiting + self.transport.get_write_buffer_size()

    def _count_untaken(self) -> int:
        """Return the seconds in which the client has taken too little of what waits for it."""
        waiting = self._untaken_bytes
        delivered = self.conn.sent_bytes - waiting
        if waiting and delivered - self._taken_bytes < _LEAST_TAKEN_BYTES:
            self._untaken_seconds += 1
        else:
            self._taken_bytes, self._untaken_seconds = delivered, 0
        return self._untaken_seconds
