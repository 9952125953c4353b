"""The loop of every consuming role: consume, handle, produce, flush, commit.

The order is the guarantee. A crash between any two steps repeats the batch; since every id is a function of
content, a repeated batch changes nothing downstream.
"""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence

from quantrac.io.progress import Progress
from quantrac.io.records import BadData, Consumer, DeadLetter, Done, Handler, NotNow, Producer, Record

log = logging.getLogger(__name__)

# Topics of dead letters have room for 64 KiB beyond the largest message; a character may become ten bytes.
_LONGEST_REASON = 4_000

# What is usual takes up to 10 s (the notice of a switch of rules); health calls 60 s a standstill. What lasts
# is told once in that time, not at each try.
_USUAL_SECONDS = 30.0


class DeadLetterLimitReached(Exception):
    """Too many dead letters: a broken release must not empty a topic into its dead-letter topic."""


class DeadLetterLimit:
    """Counts dead letters against messages; a long run of them or a high share is past the limit.

    The share is only looked at after ``warm_up`` messages, so that one bad first message is no incident.
    """

    def __init__(self, consecutive: int = 100, share: float = 0.5, warm_up: int = 1000) -> None:
        self._consecutive, self._share, self._warm_up = consecutive, share, warm_up
        self._messages = self._dead = self._run = 0

    def count(self, outcomes: Iterable[bool]) -> None:
        """Count one batch in its order, true = dead; raises :class:`DeadLetterLimitReached`."""
        for is_dead in outcomes:
            self._messages += 1
            self._dead += is_dead
            self._run = self._run + 1 if is_dead else 0
            if self._run >= self._consecutive:
                raise DeadLetterLimitReached(f"{self._run} dead letters in a row")
        if self._messages >= self._warm_up and self._dead > self._share * self._messages:
            raise DeadLetterLimitReached(f"{self._dead} of {self._messages} messages were dead letters")


class BatchProcessor:
    """Steps 2 to 4, the same for every loop: handle a batch, produce what it gave, flush."""

    def __init__(
        self,
        *,
        service: str,
        producer: Producer,
        handler: Handler,
        limit: DeadLetterLimit | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service, self._producer, self._handler = service, producer, handler
        self._limit = limit or DeadLetterLimit()
        self._monotonic = monotonic
        self._put_off_at: float | None = None

    def process(self, batch: Sequence[Record]) -> NotNow | None:
        """Process a batch whole; returns ``NotNow`` when it must come again, else everything is written.

        A message that makes the handler raise is isolated and becomes a dead letter; the rest goes on.
        """
        not_now = self._process(batch)
        self._tell(not_now)
        return not_now

    def _tell(self, not_now: NotNow | None) -> None:
        """Tell the log why a batch is put off: a warning, but for what is usual and does not last."""
        if not_now is None:
            self._put_off_at = None
            return
        now = self._monotonic()
        self._put_off_at = now if self._put_off_at is None else self._put_off_at
        level = logging.WARNING
        if not_now.is_usual and now - self._put_off_at < _USUAL_SECONDS:
            level = logging.DEBUG
        elif not_now.is_usual:
            self._put_off_at = now
        log.log(level, "not now: %s", not_now.reason)

    def _process(self, batch: Sequence[Record]) -> NotNow | None:
        # 2. handle
        verdict = self._decide(batch)
        if isinstance(verdict, NotNow):
            return verdict
        dead = {id(letter.record) for letter in verdict.dead}
        self._limit.count(id(record) in dead for record in batch)
        # 3. produce
        self._producer.produce(verdict.records)
        self._producer.produce([self._to_record(letter) for letter in verdict.dead])
        # 4. flush: every message is confirmed
        self._producer.flush()
        return next((not_now for step in verdict.after if (not_now := step()) is not None), None)

    def _decide(self, batch: Sequence[Record]) -> Done | NotNow:
        try:
            return self._handler.handle(batch)
        except DeadLetterLimitReached:
            raise
        except Exception as error:
            if not batch:  # a tick of the clock: no message is to blame
                raise
            if len(batch) == 1:
                return Done(dead=[self._to_dead_letter(batch[0], error)])
            log.warning("a batch of %d raised, it is halved: %r", len(batch), error)
        return self._decide_halves(batch)

    def _decide_halves(self, batch: Sequence[Record]) -> Done | NotNow:
        """Handle two halves: one bad message of 500 stands alone after nine steps, its neighbours go on."""
        middle = len(batch) // 2
        first = self._decide(batch[:middle])
        if isinstance(first, NotNow):
            return first
        second = self._decide(batch[middle:])
        if isinstance(second, NotNow):
            return second  # what the first half gave is decided again: deciding is idempotent
        return Done(
            [*first.records, *second.records],
            [*first.dead, *second.dead],
            [*first.after, *second.after],
        )

    def _to_dead_letter(self, record: Record, error: Exception) -> DeadLetter:
        if isinstance(error, BadData):
            return DeadLetter(record, str(error))
        log.exception("%s[%d]@%d raised", *record.origin)
        return DeadLetter(record, traceback.format_exc(limit=-3))

    def _to_record(self, letter: DeadLetter) -> Record:
        source, reason = letter.record, letter.reason[:_LONGEST_REASON]
        log.error("dead letter: %s[%d]@%d: %s", *source.origin, " ".join(reason.split()))
        headers = dict(source.headers) | {
            "reason": reason.encode(errors="backslashreplace"),
            "service": self._service.encode(),
            "source_topic": source.topic.encode(),
            "source_partition": str(source.partition).encode(),
            "source_offset": str(source.offset).encode(),
        }
        return Record(f"{source.topic}.dlq", source.key, source.value, headers)


class Runner:
    """Drives one handler over one consumer group."""

    def __init__(
        self,
        *,
        service: str,
        consumer: Consumer,
        producer: Producer,
        handler: Handler,
        batch_size: int = 2_000,
        poll_timeout: float = 1.0,
        limit: DeadLetterLimit | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._consumer, self._batch_size, self._poll_timeout = consumer, batch_size, poll_timeout
        self.progress = progress or Progress()
        self._processor = BatchProcessor(service=service, producer=producer, handler=handler, limit=limit)

    def run(self, stop: threading.Event) -> None:
        """Loop until ``stop`` is set; leaves the group on the way out."""
        try:
            while not stop.is_set():
                self.step(stop)
        finally:
            self._consumer.close()

    def step(self, stop: threading.Event | None = None) -> int:
        """Take one batch through the five steps; returns the number of messages committed."""
        stop = stop or threading.Event()
        self.progress.round()
        # 1. consume
        batch = self._consumer.consume(self._batch_size, self._poll_timeout)
        if not batch:
            if self.progress.is_count_due():
                self.progress.idle(self._consumer.find_unread())
            return 0
        self.progress.begin(len(batch))
        # 2.-4. handle, produce, flush; "not now" keeps the batch and the membership
        while batch and (not_now := self._processor.process(batch)):
            self.progress.postpone(not_now.reason)
            self._consumer.wait(not_now.retry_after, stop)
            if stop.is_set():
                return 0
            batch = self._consumer.filter_assigned(batch)
        self.progress.end()
        # 5. commit
        if batch:
            self.progress.commit(accepted=self._consumer.commit(batch))
        return len(batch)
