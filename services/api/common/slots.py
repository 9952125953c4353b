"""How many requests of one API key run at once, so that no key takes every thread from the others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.api.common.problems import TooManyRequests


@dataclass(frozen=True, slots=True)
class SlotLimits:
    """What one key may have at the same time."""

    running_requests: int = 4
    """Requests that are worked on; fewer than the threads, so that another key always gets one."""
    waiting_requests: int = 32
    """Further requests that wait for one of these to end."""
    wait_seconds: float = 10.0
    """How long these wait, seconds."""


class KeySlots:
    """The requests of every key that are under way; all on one event loop."""

    def __init__(self, limits: SlotLimits | None = None) -> None:
        self._limits = limits or SlotLimits()
        self._keys: dict[str, _Requests] = {}

    @asynccontextmanager
    async def hold(self, key_id: str) -> AsyncIterator[None]:
        """Hold one of a key's slots; raises :class:`TooManyRequests` where too many wait, or for too long."""
        limits = self._limits
        requests = self._keys.setdefault(key_id, _Requests(asyncio.Semaphore(limits.running_requests)))
        if requests.count >= limits.running_requests + limits.waiting_requests:
            raise TooManyRequests(f"{requests.count} requests of this key are under way.")
        requests.count += 1
        try:
            await self._acquire(requests)
            try:
                yield
            finally:
                requests.slots.release()
        finally:
            requests.count -= 1
            if not requests.count:
                del self._keys[key_id]

    async def _acquire(self, requests: "_Requests") -> None:
        seconds = self._limits.wait_seconds
        try:
            async with asyncio.timeout(seconds):
                await requests.slots.acquire()
        except TimeoutError:
            raise TooManyRequests(f"Other requests of this key took more than {seconds:g} s.") from None


@dataclass(slots=True)
class _Requests:
    slots: asyncio.Semaphore
    count: int = 0
    """Running and waiting."""
