"""The ASGI application: ClickHouse's HTTP interface over the embedded engine."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

from quantrac.io.http_guard import mark_authenticated
from quantrac.local.clickhouse import analyst as rules
from quantrac.local.clickhouse.analyst import Analyst
from quantrac.local.clickhouse.analyst_sql import AnalystSql, access_denied
from quantrac.local.clickhouse.engine import Answer, Engine, Handle
from quantrac.local.clickhouse.errors import EngineError, too_large
from quantrac.local.clickhouse.lanes import Lane
from quantrac.local.clickhouse.replies import Reply, Send
from quantrac.local.clickhouse.requests import Body, ClientGone, Receive, Request, Scope
from quantrac.local.clickhouse.sessions import Sessions
from quantrac.local.clickhouse.statements import (
    InsertHead,
    find_insert_head,
    is_streamed,
    result_format,
    verb,
)
from quantrac.local.clickhouse.zones import keep_zones

# A hop to a worker thread costs 0.05 ms; the network hands out 64 KiB at a time.
_INSERT_CHUNK_BYTES = 1 << 20

# What the engine reads of one statement, as its `max_query_size` says; the rows of an INSERT come on top.
_MAX_STATEMENT_BYTES = 256 << 10
_MAX_INSERT_BYTES = 64 << 20

_VIEWS = "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request with its body, and the answer to it."""

    request: Request
    body: Body
    reply: Reply

    @asynccontextmanager
    async def watch_disconnect(self) -> AsyncIterator[asyncio.Task[None]]:
        """Watch, once the body is read, for the end of the connection: the task is done then."""
        disconnect = asyncio.create_task(self.body.wait_until_gone())
        try:
            yield disconnect
        finally:
            disconnect.cancel()
            with suppress(asyncio.CancelledError):
                await disconnect


class ClickHouseApp:
    """Serves one user who may do all, the services', and the analysts, who each read one database.

    At most `max_concurrent` statements of the services run at once, and `analyst.SLOTS` of the analysts, each
    on a worker thread.
    """

    def __init__(
        self,
        engine: Engine,
        user: str,
        password: str,
        analysts: Sequence[Analyst] = (),
        max_concurrent: int = 16,
    ) -> None:
        """The engine must know the analysts' roles."""
        self._engine = engine
        self._login = _login(user, password)
        self._analysts = [(_login(analyst.user, analyst.password), analyst) for analyst in analysts]
        self._analyst_sql = AnalystSql(engine.vocabulary)
        self._sessions = Sessions(engine.handle)
        self._services = Lane("services", max_concurrent)
        self._analysts_lane = Lane("analysts", rules.SLOTS)
        # Ending a statement waits for no slot.
        self._kills = ThreadPoolExecutor(1, thread_name_prefix="kill")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request.from_scope(scope)
        reply = Reply(send, request)
        if request.path in ("/ping", "/replicas_status") or _is_probe(request):
            await reply.text(b"Ok.\n")
            return
        body = Body(receive)
        exchange = _Exchange(request, body, reply)
        with suppress(ClientGone):
            try:
                analyst = self._authenticate(request)
                mark_authenticated(scope)
                body.decode_as(request.headers.get("content-encoding", ""))
                if analyst:
                    await self._answer_analyst(exchange, analyst)
                else:
                    await self._answer_service(exchange)
            except EngineError as error:
                # Some clients read no answer before they have sent all.
                await body.discard()
                await reply.fail(error)

    def end_statements(self) -> None:
        """End what still runs; the clients are told."""
        self._engine.kill_all()

    def close(self) -> None:
        """Close all handles but the engine's own; no request may be under way."""
        for lane in (self._services, self._analysts_lane):
            lane.close()
        self._kills.shutdown()
        self._sessions.close()

    def _authenticate(self, request: Request) -> Analyst | None:
        """Return the analyst who asks, None for the services' user; raises `EngineError` for anybody else."""
        user, password = request.credentials
        digest = _login(user, password)
        if hmac.compare_digest(digest, self._login):
            return None
        for login, analyst in self._analysts:
            if hmac.compare_digest(digest, login):
                return analyst
        text = f"{user}: Authentication failed: password is incorrect, or there is no user with such name"
        raise EngineError.with_name(516, "AUTHENTICATION_FAILED", text)

    async def _answer_service(self, exchange: _Exchange) -> None:
        request, body, reply = exchange.request, exchange.body, exchange.reply
        text, head = await _statement(request, body)
        lane = self._services
        if head:
            async with lane.slot(), self._handle(request) as handle:
                answer = await self._insert(head, text[head.data_at :], body, handle, request.params)
            await reply.start(None, answer)
            last = b""
        else:
            async with (
                exchange.watch_disconnect() as disconnect,
                lane.slot(disconnect),
                self._handle(request) as handle,
            ):
                last = await self._query(exchange, text, handle, lane, disconnect)
        # Only now: with the end of the answer a client may send the next statement of its session.
        await reply.end(last)

    async def _answer_analyst(self, exchange: _Exchange, analyst: Analyst) -> None:
        """Answer a statement that only reads, on a handle of its own, without a session."""
        request = exchange.request
        text, head = await _statement(request, exchange.body, rules.MAX_STATEMENT_BYTES)
        if head:
            raise EngineError.with_name(164, "READONLY", "Cannot execute query in readonly mode")
        if request.tables:
            raise access_denied("analysts send no tables along")
        analyst.check_database(request.database)
        lane = self._analysts_lane
        try:
            async with (
                asyncio.timeout(rules.ANSWER_SECONDS),
                exchange.watch_disconnect() as disconnect,
                lane.slot(disconnect),
            ):
                handle = await lane.run(self._engine.handle)
                try:
                    canonical = await lane.run(partial(self._read_only, handle, text, request, analyst))
                    last = await self._query(exchange, canonical, handle, lane, disconnect)
                finally:
                    handle.close()
                await exchange.reply.end(last)
        except TimeoutError:
            # An answer that has begun stays without its end.
            if not exchange.reply.started:
                raise EngineError.with_name(159, "TIMEOUT_EXCEEDED", "The answer took too long") from None

    def _read_only(self, handle: Handle, text: bytes, request: Request, analyst: Analyst) -> bytes:
        """Take every right but reading from a handle, then check the statement; returns what may run."""
        handle.take_role(analyst.role)
        handle.use(analyst.database)
        handle.set(analyst.settings(request.settings))
        canonical = handle.canonical(text)
        views = self._analyst_sql.check(canonical)
        output = result_format(canonical, request.default_format) or ""
        rules.check_format(output)
        for name in views - set(handle.names(_VIEWS) if views else ()):
            raise access_denied(f"{name} is not among the functions that analysts may use")
        if output == "Native":
            canonical = keep_zones(
                canonical, lambda sql: handle.query(sql, "JSONCompactEachRow", request.params).data
            )
        streamed = is_streamed(canonical, output) and not request.flag("wait_end_of_query")
        handle.set(rules.last_settings(streamed=streamed))
        return canonical

    async def _insert(
        self, head: InsertHead, data: bytes, body: Body, handle: Handle, params: Mapping[str, str]
    ) -> Answer:
        run = self._services.run
        insert = await run(partial(handle.insert, head, params))
        try:
            data = data or await body.read(_INSERT_CHUNK_BYTES)
            while data:
                await run(partial(insert.append, data))
                data = await body.read(_INSERT_CHUNK_BYTES)
            return await run(insert.finish)
        finally:
            await run(insert.close)

    async def _query(
        self, exchange: _Exchange, text: bytes, handle: Handle, lane: Lane, disconnect: asyncio.Task[None]
    ) -> bytes:
        """Answer all but the last bytes, which are returned; without a client the statement ends."""
        request, reply = exchange.request, exchange.reply
        async with self._kill_on(disconnect, handle):
            output = result_format(text, request.default_format)
            if output and is_streamed(text, output) and not request.flag("wait_end_of_query"):
                return await self._stream(handle.stream(text, output, request.params), output, reply, lane)

            def run() -> tuple[Answer, bytes]:
                answer = handle.query(text, request.default_format, request.params)
                return answer, reply.encode(answer.data) + reply.encode_end()

            answer, encoded = await lane.run(run)
            await reply.start(output, answer)
            return encoded

    async def _stream(self, blocks: Generator[bytes], output: str, reply: Reply, lane: Lane) -> bytes:
        def next_block() -> bytes | None:
            block = next(blocks, None)
            return None if block is None else reply.encode(block)

        try:
            # The first block before the headers: most errors then have a status of their own.
            block = await lane.run(next_block)
            await reply.start(output)
            while block is not None:
                await reply.write(block)
                block = await lane.run(next_block)
            return reply.encode_end()
        finally:
            await lane.run(blocks.close)

    @asynccontextmanager
    async def _handle(self, request: Request) -> AsyncIterator[Handle]:
        """Open a handle for one statement of the services, or take the session's."""
        run, session = self._services.run, request.arguments.get("session_id")
        if not session:
            handle = await run(self._engine.handle)
            try:
                await run(partial(_prepare, handle, request))
                yield handle
            finally:
                handle.close()
            return
        timeout = request.arguments.get("session_timeout", "")
        handle = self._sessions.take(session, timeout, must_exist=request.flag("session_check"))
        usable = False
        try:
            await run(partial(_prepare, handle, request))
            yield handle
        finally:
            with suppress(EngineError):
                await run(partial(_reset, handle, request))
                usable = True
            self._sessions.give_back(session, usable)

    @asynccontextmanager
    async def _kill_on(self, disconnect: asyncio.Task[None], handle: Handle) -> AsyncIterator[None]:
        def kill(_: asyncio.Task[None]) -> None:
            loop.run_in_executor(self._kills, self._kill, handle.tag)

        loop = asyncio.get_running_loop()
        disconnect.add_done_callback(kill)
        try:
            yield
        finally:
            disconnect.remove_done_callback(kill)

    def _kill(self, tag: str) -> None:
        with suppress(EngineError):  # it has ended by itself
            self._engine.kill(tag)


async def _statement(
    request: Request, body: Body, limit: int | None = None
) -> tuple[bytes, InsertHead | None]:
    """Read a statement and, of an INSERT with data of its own, no more than the head and the first of them.

    Raises `EngineError` for one that is empty or has more than `limit` bytes, before it is looked at.
    """
    if request.flag("compress") or request.flag("decompress"):
        text = "Use Content-Encoding instead of compress and decompress"
        raise EngineError.with_name(48, "NOT_IMPLEMENTED", text)
    most = limit or _MAX_INSERT_BYTES
    if request.is_form:
        request.add_form(await body.read_whole(most))
    statement = b"\n".join(part for part in (request.sql, await body.read_prefix()) if part)
    head = find_insert_head(statement)
    if not head:
        most = limit or (_MAX_INSERT_BYTES if verb(statement) == "INSERT" else _MAX_STATEMENT_BYTES)
        statement += await body.read_whole(max(most - len(statement), 0))
        if len(statement) > most:
            raise too_large(most)
    if not statement.strip():
        raise EngineError.with_name(62, "SYNTAX_ERROR", "Syntax error: Empty query")
    return statement, head


def _is_probe(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and request.path == "/" and not request.sql


def _login(user: str, password: str) -> bytes:
    return f"{user}\0{password}".encode("utf-8", "surrogateescape")


def _prepare(handle: Handle, request: Request) -> None:
    if request.database:
        handle.use(request.database)
    for table in request.tables:
        handle.create_table(table.name, table.structure, table.format, table.data)
    handle.set(request.settings)


def _reset(handle: Handle, request: Request) -> None:
    handle.unset(request.settings)
    for table in request.tables:
        handle.drop_table(table.name)
