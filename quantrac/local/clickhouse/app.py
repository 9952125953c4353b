"""The ASGI application: ClickHouse's HTTP interface over the embedded engine."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from quantrac.local.clickhouse.engine import Answer, Engine, Handle
from quantrac.local.clickhouse.errors import EngineError
from quantrac.local.clickhouse.replies import Reply, Send
from quantrac.local.clickhouse.requests import Body, ClientGone, Receive, Request, Scope
from quantrac.local.clickhouse.sessions import Sessions
from quantrac.local.clickhouse.statements import (
    InsertHead,
    find_insert_head,
    is_streamed,
    only_reads,
    result_format,
)

T = TypeVar("T")

_SLOT_SECONDS = 30.0
# A hop to a worker thread costs 0.05 ms; the network hands out 64 KiB at a time.
_INSERT_CHUNK_BYTES = 1 << 20
# What the reader's statements are held to. The engine lets nobody change a setting once readonly is 1, and
# lets no table function read files or addresses then.
_READER_SETTINGS = {
    "max_execution_time": "60",
    "max_memory_usage": "1073741824",
    "max_rows_to_read": "500000000",
    "max_result_rows": "10000000",
    "readonly": "1",
}


class ClickHouseApp:
    """Serves a user who may do all and, where `reader` names one, a user who only reads.

    At most `max_concurrent` statements run at once, each on a worker thread.
    """

    def __init__(
        self,
        engine: Engine,
        user: str,
        password: str,
        reader: tuple[str, str] | None = None,
        max_concurrent: int = 16,
    ) -> None:
        """`reader` is the second user's name and password."""
        self._engine = engine
        self._login = _login(user, password)
        self._reader = _login(*reader) if reader else None
        self._sessions = Sessions(engine.handle)
        self._slots = asyncio.Semaphore(max_concurrent)
        self._threads = ThreadPoolExecutor(max_concurrent, thread_name_prefix="query")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request.from_scope(scope)
        reply = Reply(send, request)
        if request.path in ("/ping", "/replicas_status") or _is_probe(request):
            await reply.text(b"Ok.\n")
            return
        body = Body(receive)
        with suppress(ClientGone):
            try:
                only_reading = self._authenticate(request)
                body.decode_as(request.headers.get("content-encoding", ""))
                await self._execute(request, body, reply, only_reading)
            except EngineError as error:
                # Some clients read no answer before they have sent all.
                await body.discard()
                await reply.fail(error)

    def end_statements(self) -> None:
        """End what still runs; the clients are told."""
        self._engine.kill_all()

    def close(self) -> None:
        """Close all handles but the engine's own; no request may be under way."""
        self._threads.shutdown()
        self._sessions.close()

    def _authenticate(self, request: Request) -> bool:
        """Tell whether this user only reads."""
        user, password = request.credentials
        given = _login(user, password)
        if hmac.compare_digest(given, self._login):
            return False
        if self._reader and hmac.compare_digest(given, self._reader):
            return True
        text = f"{user}: Authentication failed: password is incorrect, or there is no user with such name"
        raise EngineError.named(516, "AUTHENTICATION_FAILED", text)

    async def _execute(self, request: Request, body: Body, reply: Reply, only_reading: bool) -> None:
        if request.flag("compress") or request.flag("decompress"):
            raise EngineError.named(
                48, "NOT_IMPLEMENTED", "Use Content-Encoding instead of compress and decompress"
            )
        if request.is_form:
            request.add_form(await body.read_rest())
        text = b"\n".join(part for part in (request.sql, await body.read_prefix()) if part)
        head = find_insert_head(text)
        if not head:
            text += await body.read_rest()
        if not text.strip():
            raise EngineError.named(62, "SYNTAX_ERROR", "Syntax error: Empty query")
        if only_reading and not only_reads(text):
            raise EngineError.named(164, "READONLY", "Cannot execute query in readonly mode")
        async with self._slot(), self._handle(request, only_reading) as handle:
            if head:
                answer = await self._insert(head, text[head.data_at :], body, handle, request.params)
                await reply.start(None, answer)
                last = b""
            else:
                async with self._ended_when_gone(body, handle):
                    last = await self._query(request, text, handle, reply)
        # Only now: with the end of the answer a client may send the next statement of its session.
        await reply.end(last)

    async def _insert(
        self, head: InsertHead, data: bytes, body: Body, handle: Handle, params: Mapping[str, str]
    ) -> Answer:
        insert = await self._work(partial(handle.insert, head, params))
        try:
            data = data or await body.read(_INSERT_CHUNK_BYTES)
            while data:
                await self._work(partial(insert.append, data))
                data = await body.read(_INSERT_CHUNK_BYTES)
            return await self._work(insert.finish)
        finally:
            await self._work(insert.close)

    async def _query(self, request: Request, text: bytes, handle: Handle, reply: Reply) -> bytes:
        """Answer all but the last bytes, which are returned."""
        output = result_format(text, request.default_format)
        if output and is_streamed(text, output) and not request.flag("wait_end_of_query"):
            return await self._stream(handle.stream(text, output, request.params), output, reply)

        def run() -> tuple[Answer, bytes]:
            answer = handle.query(text, request.default_format, request.params)
            return answer, reply.encode(answer.data) + reply.encode_end()

        answer, encoded = await self._work(run)
        await reply.start(output, answer)
        return encoded

    async def _stream(self, blocks: Generator[bytes], output: str, reply: Reply) -> bytes:
        def next_block() -> bytes | None:
            block = next(blocks, None)
            return None if block is None else reply.encode(block)

        try:
            # The first block before the headers: most errors then have a status of their own.
            block = await self._work(next_block)
            await reply.start(output)
            while block is not None:
                await reply.write(block)
                block = await self._work(next_block)
            return reply.encode_end()
        finally:
            await self._work(blocks.close)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_SLOT_SECONDS):
                await self._slots.acquire()
        except TimeoutError:
            text = "Too many simultaneous queries"
            raise EngineError.named(202, "TOO_MANY_SIMULTANEOUS_QUERIES", text) from None
        try:
            yield
        finally:
            self._slots.release()

    @asynccontextmanager
    async def _handle(self, request: Request, only_reading: bool) -> AsyncIterator[Handle]:
        """Open a handle for one statement, or take the session's; who only reads has no session."""
        session = request.arguments.get("session_id")
        if not session or only_reading:
            handle = await self._work(self._engine.handle)
            try:
                limits = _READER_SETTINGS if only_reading else {}
                await self._work(partial(_prepare, handle, request, limits))
                yield handle
            finally:
                handle.close()
            return
        timeout = request.arguments.get("session_timeout", "")
        handle = self._sessions.take(session, timeout, must_exist=request.flag("session_check"))
        usable = False
        try:
            await self._work(partial(_prepare, handle, request))
            yield handle
        finally:
            with suppress(EngineError):
                await self._work(partial(_reset, handle, request))
                usable = True
            self._sessions.give_back(session, usable)

    @asynccontextmanager
    async def _ended_when_gone(self, body: Body, handle: Handle) -> AsyncIterator[None]:
        async def watch() -> None:
            await body.wait_until_gone()
            self._engine.kill(handle.tag)

        watcher = asyncio.create_task(watch())
        try:
            yield
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError, EngineError):
                await watcher

    async def _work(self, call: Callable[[], T]) -> T:
        """Run `call` on a worker thread."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # Only a stopping server cancels, and it has ended all statements before. The call is waited for
            # because its handle must not be closed under it.
            with suppress(EngineError):
                await future
            raise


def _is_probe(request: Request) -> bool:
    return request.method in ("GET", "HEAD") and request.path == "/" and not request.sql


def _login(user: str, password: str) -> bytes:
    return f"{user}\0{password}".encode("utf-8", "surrogateescape")


def _prepare(handle: Handle, request: Request, limits: Mapping[str, str] | None = None) -> None:
    if request.database:
        handle.use(request.database)
    for table in request.tables:
        handle.create_table(table.name, table.structure, table.format, table.data)
    handle.set({**request.settings, **(limits or {})})


def _reset(handle: Handle, request: Request) -> None:
    handle.unset(request.settings)
    for table in request.tables:
        handle.drop_table(table.name)
