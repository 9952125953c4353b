"""Times of receipt: with the station, one names a file, and it is the version of the file's readings."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime


class RisingClock:
    """Times of receipt: UTC in whole milliseconds, each one later than the one before in this process."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock, self._last = clock, 0
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """Return the next time of receipt."""
        with self._lock:
            self._last = max(int(self._clock().timestamp() * 1000), self._last + 1)
            return datetime.fromtimestamp(self._last / 1000, UTC)
