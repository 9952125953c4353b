"""What accounts use now, against their limits: connections, files of the day, bytes a second.

Limits come as arguments, because they change while the receiver runs; ``None`` = no limit. A restart starts
every count anew. Not safe to use from several threads.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from quantrac.domain.times import VIETNAM

_BURST_SECONDS = 2.0
"""What an account may send at once, in seconds of its rate."""


class Connections:
    """Open connections by account."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def enter(self, account: str, limit: int | None) -> bool:
        """Count one more connection, unless the limit is reached; tell whether it was counted."""
        if limit is not None and self._open[account] >= limit:
            return False
        self._open[account] += 1
        return True

    def leave(self, account: str) -> None:
        """Count one connection less."""
        self._open[account] -= 1
        if self._open[account] <= 0:
            del self._open[account]


class FilesOfTheDay:
    """Files by account since midnight in Vietnam."""

    def __init__(self) -> None:
        self._day = date.min
        self._files: Counter[str] = Counter()

    def count(self, account: str, limit: int | None, now: datetime) -> bool:
        """Count one more file at ``now`` (UTC), unless the limit is reached; tell whether it was counted."""
        day = now.astimezone(VIETNAM).date()
        if day != self._day:
            self._day = day
            self._files.clear()
        if limit is not None and self._files[account] >= limit:
            return False
        self._files[account] += 1
        return True


def until_midnight(now: datetime) -> float:
    """Return the seconds from ``now`` (UTC) to the next midnight in Vietnam."""
    tomorrow = now.astimezone(VIETNAM).date() + timedelta(days=1)
    return (datetime.combine(tomorrow, time(), VIETNAM) - now).total_seconds()


@dataclass(slots=True)
class _Bucket:
    tokens: float
    """Bytes that may still come at once; negative = owed."""
    filled_at: float


class Rates:
    """A token bucket of bytes for each account."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, account: str, size: int, rate: int | None, now: float) -> float:
        """Count bytes that came and return the seconds to wait before more are read; ``now`` is monotonic."""
        if rate is None:
            self._buckets.pop(account, None)
            return 0.0
        burst = rate * _BURST_SECONDS
        bucket = self._buckets.setdefault(account, _Bucket(burst, now))
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.filled_at) * rate) - size
        bucket.filled_at = now
        return max(0.0, -bucket.tokens / rate)
