"""How long to wait for a ministry that refuses or is away: exponential back-off with full jitter."""

import random
from collections.abc import Callable

FIRST_SECONDS = 1.0
CAP_SECONDS = 60.0
LONGEST_RETRY_AFTER = 600.0
"""The most that is waited of what the ministry asks for: a slip must not silence a province for a day."""

# 1 s doubled six times is past the cap.
_MAX_DOUBLINGS = 6


class Backoff:
    """Counts failures in a row; with jitter, thirty-four provinces do not come back in the same second."""

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._failures = 0

    def next(self, retry_after: float = 0.0) -> float:
        """Count a failure; returns the seconds to wait.

        They are up to :data:`CAP_SECONDS` beyond what the ministry asked for.
        """
        ceiling = min(CAP_SECONDS, FIRST_SECONDS * 2 ** min(self._failures, _MAX_DOUBLINGS))
        self._failures += 1
        return min(LONGEST_RETRY_AFTER, retry_after) + self._uniform(0.0, ceiling)

    def reset(self) -> None:
        """Forget the failures: the ministry answered."""
        self._failures = 0
