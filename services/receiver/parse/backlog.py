"""The lane of what is not urgent: late files, and files read again after a change of the registry.

It only moves while the live lane is short, so that 60 days of one station never wait before the live files of
another: at most one batch and the bound are ever ahead of a live file.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, islice

from quantrac.io.partitions import Offsets
from quantrac.io.progress import Progress
from quantrac.io.records import Consumer, Producer, Record
from schemas.codecs.raw_file import RawFileHead, decode_head
from schemas.messages.open_questions import OpenQuestion
from services.receiver.parse.handler import ParseHandler
from services.receiver.parse.open_questions import OpenQuestions, is_open, subject_of

log = logging.getLogger(__name__)

BATCH = 100
"""Files in a batch: under 50 ms of work for the validator."""
BATCH_BYTES = 100_000
"""And their bytes: parts of tables are five to ten times as long as a station's file, and so is the work."""
_PAUSE_SECONDS = 0.2
_LOOK_SECONDS = 2.0
_NEVER = threading.Event()


class LiveLane:
    """How many messages the groups on the live lane still have before them."""

    def __init__(self, lag: Callable[[str, str], int | None], groups: Mapping[str, str], bound: int) -> None:
        """``lag`` takes a group and a topic, ``None`` = unknown; ``groups`` maps each group to its topic."""
        self._lag, self._groups, self._bound = lag, groups, bound

    def is_short(self) -> bool:
        """Tell whether every group is at most the bound behind; an unknown lag counts as a long one."""
        lags = (self._lag(group, topic) for group, topic in self._groups.items())
        return all(lag is not None and lag <= self._bound for lag in lags)


class PacedConsumer:
    """A consumer that hands over nothing while the live lane is long.

    It asks about the live lane only when it has something to hand over: asking costs the broker work.
    """

    def __init__(self, consumer: Consumer, is_short: Callable[[], bool]) -> None:
        self._consumer, self._is_short = consumer, is_short
        self._batch: list[Record] = []

    def consume(self, limit: int, timeout: float) -> list[Record]:
        """Return messages, or none after a pause; see :class:`quantrac.io.records.Consumer`."""
        batch = self._consumer.filter_assigned(self._batch) or self._consumer.consume(limit, timeout)
        if not batch or self._is_short():
            count = _count_fitting(batch)
            self._batch = batch[count:]
            return batch[:count]
        self._batch = batch
        self._consumer.wait(_PAUSE_SECONDS, _NEVER)
        return []

    def commit(self, batch: Sequence[Record]) -> bool:
        """See :class:`quantrac.io.records.Consumer`."""
        return self._consumer.commit(batch)

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """See :class:`quantrac.io.records.Consumer`."""
        self._consumer.wait(seconds, stop)

    def filter_assigned(self, batch: Sequence[Record]) -> list[Record]:
        """See :class:`quantrac.io.records.Consumer`."""
        return self._consumer.filter_assigned(batch)

    def find_unread(self) -> Offsets | None:
        """See :class:`quantrac.io.records.Consumer`; to yield to the live lane is not to stand still."""
        return {} if self._batch else self._consumer.find_unread()

    def close(self) -> None:
        """See :class:`quantrac.io.records.Consumer`."""
        self._consumer.close()


def _count_fitting(batch: Sequence[Record]) -> int:
    """Return how many of the first messages are no more than :data:`BATCH_BYTES`; at least one."""
    sizes = accumulate(len(record.value or b"") for record in batch)
    return max(1, sum(1 for size in sizes if size <= BATCH_BYTES)) if batch else 0


class Rereader:
    """Reads the files of an open question again once the registry's entries about it have changed.

    1. read each file since the question was opened, as the role ``parse`` would now
    2. produce its reading sets, a batch at a time, and wait until all are confirmed
    3. close the question, or open it anew from the first file that still has one

    Dying in between repeats it: same ids, same versions. Where several processes run, each does this.
    """

    def __init__(
        self,
        *,
        questions: OpenQuestions,
        handler: ParseHandler,
        files: Callable[[OpenQuestion], Iterable[Record]],
        producer: Producer,
        is_short: Callable[[], bool],
        progress: Progress | None = None,
    ) -> None:
        """``files`` yields the raw files of a question's partition received since, and perhaps others."""
        self.progress = progress or Progress()
        self._questions, self._handler, self._files = questions, handler, files
        self._producer, self._is_short = producer, is_short

    def run(self, stop: threading.Event) -> None:
        """Look for questions to answer until ``stop`` is set."""
        while not stop.wait(_LOOK_SECONDS):
            self.progress.round()
            self.step(stop)

    def step(self, stop: threading.Event) -> None:
        """Read the files of every question whose entries in the registry have changed."""
        for subject, question in self._questions.list_answerable().items():
            if stop.is_set():
                return
            self._reread(subject, question, stop)

    def _reread(self, subject: str, question: OpenQuestion, stop: threading.Event) -> None:
        files = iter(self._files(question))
        count, first_open = 0, None
        while batch := list(islice(files, BATCH)):
            self.progress.round()
            while not self._is_short():
                self.progress.round()
                if stop.wait(_PAUSE_SECONDS):
                    return
            for record, headers in _select_files(batch, subject):
                reading_set = self._handler.read(record, headers)
                if is_open(reading_set):
                    first_open = min(first_open or headers.received_at, headers.received_at)
                if reading_set.station:
                    count += 1
                    self._producer.produce(self._handler.messages(record, headers, reading_set))
            self._producer.flush()
        closing = self._questions.close(subject)
        opening = first_open and self._questions.open(subject, question.partition, first_open)
        self._producer.produce([opening or closing])
        self._producer.flush()
        log.info("%s: read %d files again%s", subject, count, ", some are still open" if first_open else "")


def _select_files(batch: Sequence[Record], subject: str) -> Iterable[tuple[Record, RawFileHead]]:
    for record in batch:
        try:
            headers = decode_head(record.headers)
        except ValueError:
            continue  # a dead letter of the parse role
        if subject_of(headers) == subject:
            yield record, headers
