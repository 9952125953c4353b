"""Forgets the files that an outbox has held long enough."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from quantrac.io.outbox import Outbox, OutboxUnavailable
from quantrac.io.outbox_files import State

log = logging.getLogger(__name__)

_ROUND_SECONDS = 3600.0
_DONE = (State.SENT, State.EMPTY)


class Housekeeping:
    """Prunes an outbox every hour; what was never sent is named in the log when it goes."""

    def __init__(self, outbox: Outbox, *, days: float, clock: Callable[[], datetime]) -> None:
        self._outbox, self._retention, self._clock = outbox, timedelta(days=days), clock

    def run(self, stop: threading.Event) -> None:
        """Prune until ``stop`` is set."""
        while not stop.is_set():
            self.prune()
            stop.wait(_ROUND_SECONDS)

    def prune(self) -> None:
        """Prune once; an outbox that cannot be written is pruned in the next round."""
        try:
            counts = self._outbox.prune(self._clock() - self._retention)
        except OutboxUnavailable as error:
            log.warning("the outbox cannot be pruned: %s", error)
            return
        lost = {state.value: count for state, count in counts.items() if state not in _DONE}
        if lost:
            log.error("given up after %.0f days without being sent: %s files", self._retention.days, lost)
