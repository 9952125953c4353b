"""Keeps both lanes from asking a ministry that is away, and lets single requests find out when it is back."""

import logging
import threading
import time
from collections.abc import Callable

from services.forwarder.backoff import Backoff
from services.forwarder.ministry import MinistryAway

log = logging.getLogger(__name__)

FAILURES = 3
"""In a row, after which the ministry counts as away: one or two may be a connection that broke."""

# How soon to come again while the probe of another thread is under way.
_PROBE_SECONDS = 1.0


class CircuitOpen(MinistryAway):
    """Nothing was sent: the ministry was away a moment ago."""


class CircuitBreaker:
    """Closed while the ministry answers; open after :data:`FAILURES` in a row, or where it says "later".

    While it is open nothing is sent until the back-off is over. Then one request goes through, the probe: an
    answer closes the circuit, a failure begins a longer back-off. For several threads.
    """

    def __init__(
        self, backoff: Backoff | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._backoff, self._monotonic = backoff or Backoff(), monotonic
        self._lock = threading.Lock()
        self._failures, self._reason = 0, ""
        self._opened_at: float | None = None
        self._probe_at = 0.0
        self._is_probing = False
        self._answers = 0

    @property
    def is_open(self) -> bool:
        """Whether the ministry counts as away."""
        return self._opened_at is not None

    @property
    def answers(self) -> int:
        """How many deliveries the ministry has answered so far."""
        return self._answers

    def check(self) -> None:
        """Raise :class:`CircuitOpen` where it is of no use to prepare a request now."""
        with self._lock:
            self._check()

    def admit(self) -> None:
        """Let a request through, or raise :class:`CircuitOpen`; one let through ends in `close` or `fail`."""
        with self._lock:
            self._check()
            self._is_probing = self.is_open

    def _check(self) -> None:
        remaining = self._probe_at - self._monotonic()
        if self.is_open and (remaining > 0 or self._is_probing):
            raise CircuitOpen(self._reason, max(remaining, _PROBE_SECONDS))

    def close(self) -> None:
        """Note an answer, be it a refusal of what was sent."""
        with self._lock:
            if self._opened_at is not None:
                log.info("the ministry answers again, after %.0f s", self._monotonic() - self._opened_at)
            self._opened_at, self._is_probing, self._failures = None, False, 0
            self._answers += 1
            self._backoff.reset()

    def fail(self, reason: str, retry_after: float = 0.0) -> None:
        """Note that there was no answer; ``retry_after``: seconds that the ministry asked to wait."""
        with self._lock:
            self._failures += 1
            self._reason = reason
            if self._opened_at is None and self._failures < FAILURES and not retry_after:
                return
            if self._opened_at is not None and not self._is_probing:
                return  # sent before the circuit opened
            now = self._monotonic()
            wait = self._backoff.next(retry_after)
            self._opened_at = now if self._opened_at is None else self._opened_at
            self._probe_at, self._is_probing = now + wait, False
            log.warning("the ministry is away: %s; the next try is in %.0f s", reason, wait)
