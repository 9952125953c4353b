"""Slots for statements and the threads that run them, so that one kind of user never takes another's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from quantrac.local.clickhouse.errors import EngineError
from quantrac.local.clickhouse.requests import ClientGone

T = TypeVar("T")

_SLOT_SECONDS = 30.0


class Lane:
    """At most `slots` statements at once. Used from the event loop only."""

    def __init__(self, name: str, slots: int) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix=name)

    @asynccontextmanager
    async def slot(self, disconnect: asyncio.Task[None] | None = None) -> AsyncIterator[None]:
        """Wait for a slot and keep it; raises `EngineError` where none comes free in 30 s.

        Raises `ClientGone` where the task `gone`, which waits for the end of the connection, is done before.
        """
        acquired = asyncio.create_task(self._slots.acquire())
        try:
            waiting = {acquired, disconnect} if disconnect else {acquired}
            await asyncio.wait(waiting, timeout=_SLOT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if disconnect and disconnect.done():
                raise ClientGone
            if not acquired.done():
                text = "Too many simultaneous queries"
                raise EngineError.with_name(202, "TOO_MANY_SIMULTANEOUS_QUERIES", text)
            yield
        finally:
            acquired.cancel()
            with suppress(asyncio.CancelledError):
                await acquired
                self._slots.release()

    async def run(self, call: Callable[[], T]) -> T:
        """Run `call` on a thread of this lane."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # The handle must not be closed under a call: it is waited for. It ends, since whoever cancels has
            # ended the statement, or it lies within the time limit of the statement.
            with suppress(EngineError):
                await future
            raise

    def close(self) -> None:
        """Wait for the threads."""
        self._threads.shutdown()
