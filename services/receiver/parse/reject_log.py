"""Says in the log how many lines were rejected, by reason, at a bounded pace."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from quantrac.domain.readings import ReadingSet

log = logging.getLogger(__name__)

_PAUSE_SECONDS = 60.0


class RejectLog:
    """Counts rejects, and says at most once a minute what has come since the last time."""

    def __init__(
        self, *, monotonic: Callable[[], float] = time.monotonic, pause: float = _PAUSE_SECONDS
    ) -> None:
        self._monotonic, self._pause = monotonic, pause
        self._counts: Counter[str] = Counter()
        self._files = 0
        self._example = ""
        self._next_at = 0.0

    def note(self, sets: Sequence[ReadingSet]) -> None:
        """Count the rejects of files; what is not said yet is said with a later batch, which may be empty."""
        for reading_set in sets:
            if reading_set.rejects:
                self._files += 1
                self._counts.update(reject.reason for reject in reading_set.rejects)
                first = reading_set.rejects[0]
                sender = reading_set.station or f"account {reading_set.account}"
                self._example = f"{sender}, {reading_set.file_name}, line {first.line}: {first.detail}"
        if self._counts and (now := self._monotonic()) >= self._next_at:
            counts = ", ".join(f"{count} {reason}" for reason, count in self._counts.most_common())
            log.warning("rejected lines of %d files: %s; such as %s", self._files, counts, self._example)
            self._counts.clear()
            self._files, self._next_at = 0, now + self._pause
