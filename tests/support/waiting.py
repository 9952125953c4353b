"""How tests wait: for a condition, and for as long as it takes.

A test that passes goes on as soon as its condition holds, so one generous limit costs nothing; it only says
when what never comes is given up. What must not happen has no condition to wait for: :func:`stays_false`.
"""

import time
from collections.abc import Callable

LIMIT = 180.0
"""Seconds, for everything that a test waits for: conditions, answers, ends of processes and threads."""


def wait_until(
    holds: Callable[[], object], what: str | Callable[[], object] = "the condition", every_s: float = 0.05
) -> None:
    """Return as soon as a condition holds; past :data:`LIMIT` the test fails and says what did not come.

    ``what``: that, or what shows how things stand instead. ``every_s``: seconds between two looks.
    """
    end = time.monotonic() + LIMIT
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"not within {LIMIT:.0f} s: {what() if callable(what) else what}")
        time.sleep(every_s)


def stays_false(holds: Callable[[], object], seconds: float) -> bool:
    """Tell whether a condition does not come to hold within a time, which load can only make longer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return False
        time.sleep(0.05)
    return True
