"""How many bytes of bodies are in memory at a time, over all requests and of one account."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class RoomFull(Exception):
    """There is no room for more bytes; it comes back as other requests end."""


class BodyRoom:
    """Safe to use from several threads; one account never has more than its part of the room."""

    def __init__(self, limit: int, account_limit: int) -> None:
        self._limit, self._account_limit = limit, account_limit
        self._lock = threading.Lock()
        self._held_bytes: Counter[str] = Counter()

    @contextmanager
    def hold(self, account: str) -> Iterator[Callable[[int], None]]:
        """Give a function that counts bytes of one request and raises :class:`RoomFull`.

        All that it counted is free again at the end.
        """
        request_bytes = 0

        def count(size: int) -> None:
            nonlocal request_bytes
            with self._lock:
                is_full = self._held_bytes.total() + size > self._limit
                if is_full or self._held_bytes[account] + size > self._account_limit:
                    raise RoomFull("too much is being received at the moment")
                self._held_bytes[account] += size
            request_bytes += size

        try:
            yield count
        finally:
            with self._lock:
                self._held_bytes[account] -= request_bytes
                if not self._held_bytes[account]:
                    del self._held_bytes[account]
