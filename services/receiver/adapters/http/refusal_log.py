"""Says in the log how many requests were refused, by status and address, at a bounded pace."""

import logging
import time
from collections import Counter
from collections.abc import Callable

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 60.0
_MOST_COUNTS = 50
"""Statuses and paths counted apart: a stranger may ask for any."""
_LONGEST_PATH = 60


class RefusalLog:
    """Counts refusals on the event loop; of a request no content is kept, only who sent it, and where to."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, pause: float = _PAUSE_SECONDS
    ) -> None:
        self._monotonic, self._pause = monotonic, pause
        self._counts: Counter[tuple[int, str]] = Counter()
        self._sender = ""
        self._next_at = 0.0

    def note(self, status: int, path: str, sender: str) -> None:
        """Count one refusal; ``sender`` is the account, or the address of who has not logged in."""
        key = status, path[:_LONGEST_PATH]
        has_room = key in self._counts or len(self._counts) < _MOST_COUNTS
        self._counts[key if has_room else (status, "elsewhere")] += 1
        self._sender = sender

    def say(self) -> None:
        """Write what has been counted since the last time, at most once a minute; called every second."""
        if self._counts and (now := self._monotonic()) >= self._next_at:
            counts = ", ".join(
                f"{count} × {status} {path}" for (status, path), count in self._counts.most_common()
            )
            log.warning("refused requests: %s; the last of %s", counts, self._sender)
            self._counts.clear()
            self._next_at = now + self._pause
