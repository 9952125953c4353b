"""What a loop has last done, and whether it stands still while there is work.

A process that runs and a group that is complete say nothing about work being done: from outside, a batch that
is put off for ever, a call that never returns and a thread that has died look like a quiet night. Every loop
notes its steps here, and the health of its role is read from it.
"""

import threading
import time
from collections.abc import Callable

from quantrac.io.partitions import Offsets, Partition

STALLED_SECONDS = 60.0

NO_PARTITIONS = "the consumer group has assigned no partition to this member"
"""Why a member of a group is not ready before it can take anything."""


class Progress:
    """The steps of one loop, noted by its thread and read by another."""

    def __init__(
        self,
        limit: float = STALLED_SECONDS,
        *,
        name: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Past ``limit`` seconds without a step it is stalled; ``name`` tells the loops of one role apart."""
        self._limit, self._name, self._monotonic = limit, name, monotonic
        self._lock = threading.Lock()
        self._round_at: float | None = None
        self._batch: tuple[int, float] | None = None
        self._reason = ""
        self._refused: tuple[float, float] | None = None
        self._counted_at = -limit
        self._unanswered_since: float | None = None
        self._unread: dict[Partition, tuple[int, float]] = {}

    def round(self) -> None:
        """Note that the loop has come round."""
        with self._lock:
            self._round_at = self._monotonic()

    def begin(self, messages: int) -> None:
        """Note a batch under way; one that was put off goes on from its first beginning."""
        with self._lock:
            self._batch = (messages, self._batch[1] if self._batch else self._monotonic())

    def advance(self) -> None:
        """Note that a part of the batch under way is dealt with, so that a long one is no standstill."""
        with self._lock:
            if self._batch is not None:
                self._batch = (self._batch[0], self._monotonic())

    def postpone(self, reason: str) -> None:
        """Note why the batch under way is put off; no message can come meanwhile."""
        with self._lock:
            self._reason = reason
            self._unread.clear()

    def end(self) -> None:
        """Note that the batch is dealt with, or another member's by now."""
        with self._lock:
            self._batch, self._reason = None, ""

    def commit(self, *, accepted: bool) -> None:
        """Note a commit; one refusal is a rebalance, a row of them is no progress."""
        with self._lock:
            now = self._monotonic()
            self._refused = None if accepted else (self._refused[0] if self._refused else now, now)

    def is_count_due(self) -> bool:
        """Tell whether an idle loop should ask the broker again what waits: six times within the limit."""
        with self._lock:
            return self._monotonic() - self._counted_at >= self._limit / 6

    def idle(self, unread: Offsets | None) -> None:
        """Note that nothing came, and what is unread all the same; ``None``: the broker did not say."""
        with self._lock:
            self._counted_at = now = self._monotonic()
            if unread is None:
                self._unanswered_since = self._unanswered_since or now
                return
            self._unanswered_since = None
            before = self._unread
            self._unread = {
                partition: before[partition]
                if before.get(partition, (None,))[0] == position
                else (position, now)
                for partition, position in unread.items()
            }

    def problem(self) -> str:
        """Say in one sentence why this counts as stalled; empty = it does not."""
        with self._lock:
            sentence = self._problem(self._monotonic())
        return f"{self._name}: {sentence}" if sentence and self._name else sentence

    def _problem(self, now: float) -> str:
        if self._batch is not None:
            messages, since = self._batch
            if now - since > self._limit:
                reason = f": {self._reason}" if self._reason else ""
                return f"no progress for {now - since:.0f} s on a batch of {messages}{reason}"
        elif self._round_at is not None and now - self._round_at > self._limit:
            return f"the loop has stood still for {now - self._round_at:.0f} s"
        if self._refused is not None and self._refused[1] - self._refused[0] > self._limit:
            return f"the broker has refused every commit for {self._refused[1] - self._refused[0]:.0f} s"
        if self._unanswered_since is not None and now - self._unanswered_since > self._limit:
            return f"the broker has not answered for {now - self._unanswered_since:.0f} s"
        for (topic, number), (_, since) in self._unread.items():
            if now - since > self._limit:
                return f"messages wait in {topic}[{number}] and none has come for {now - since:.0f} s"
        return ""
