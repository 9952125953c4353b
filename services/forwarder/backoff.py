"""How long to wait for a ministry that refuses or is away: exponential back-off with full jitter."""

import random
from collections.abc import Callable

FIRST_SECONDS = 1.0
CAP_SECONDS = 60.0

# 1 s doubled six times is past the cap.
_MAX_DOUBLINGS = 6


class Backoff:
    """Counts failures in a row; with jitter, thirty-four provinces do not come back in the same second."""

    def __init__(self, uniform: Callable[[float, float], float] = random.uniform) -> None:
        self._uniform = uniform
        self._failures = 0

    def next(self, at_least: float = 0.0) -> float:
        """Count a failure; returns the seconds to wait, never more than :data:`CAP_SECONDS`."""
        ceiling = min(CAP_SECONDS, FIRST_SECONDS * 2 ** min(self._failures, _MAX_DOUBLINGS))
        self._failures += 1
        return min(CAP_SECONDS, at_least + self._uniform(0.0, ceiling))

    def reset(self) -> None:
        """Forget the failures: the ministry answered."""
        self._failures = 0
