"""How long a source of failed logins must wait: longer with every failure, bounded in time and in memory."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

LONGEST_SECONDS = 900.0
"""The delay stops growing here: a logger whose password was mended is back within a quarter of an hour."""
FORGOTTEN_SECONDS = 86_400.0
"""A key that has not failed for a day starts anew."""

_DOUBLINGS = 10  # 2**10 s is more than the longest delay

Key = TypeVar("Key", bound=Hashable)


@dataclass(slots=True)
class _Failures:
    count: int
    last: float


class Lockout(Generic[Key]):
    """Counts failures in a row by key; ``free`` of them cost nothing, then 1 s, 2 s, 4 s … up to 15 minutes.

    Callers do not try while a key waits, so that waiting ends. At most ``limit`` keys are remembered;
    the one that has not failed for the longest time goes first. Times are of a monotonic clock, in seconds.
    Not safe to use from several threads.

    >>> lockout = Lockout[str](free=2, limit=10)
    >>> [lockout.fail("a", now=0.0), lockout.fail("a", now=0.0), lockout.fail("a", now=0.0)]
    [0.0, 1.0, 2.0]
    >>> lockout.remaining("a", now=1.5)
    0.5
    """

    def __init__(self, *, free: int, limit: int) -> None:
        self._free, self._limit = free, limit
        self._failures: OrderedDict[Key, _Failures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._failures)

    def remaining(self, key: Key, now: float) -> float:
        """Return the seconds a key still has to wait; 0 = it may try."""
        failures = self._failures.get(key)
        return 0.0 if failures is None else max(0.0, failures.last + self._delay(failures.count) - now)

    def fail(self, key: Key, now: float) -> float:
        """Count a failure and return the seconds the key has to wait."""
        failures = self._failures.setdefault(key, _Failures(0, now))
        if now - failures.last >= FORGOTTEN_SECONDS:
            failures.count = 0
        failures.count, failures.last = failures.count + 1, now
        self._failures.move_to_end(key)
        if len(self._failures) > self._limit:
            self._failures.popitem(last=False)
        return self._delay(failures.count)

    def forgive(self, key: Key) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    def _delay(self, count: int) -> float:
        if count < self._free:
            return 0.0
        return min(LONGEST_SECONDS, 2.0 ** min(count - self._free, _DOUBLINGS))
