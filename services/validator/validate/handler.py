"""Decides the flags of a batch: reading sets in, flagged sets out. No sockets."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.rule_book import RuleBook
from quantrac.domain.readings import FlaggedSet, ReadingSet
from quantrac.domain.registry.registry import Registry
from quantrac.io.records import DeadLetter, Done, Record
from schemas.codecs.decoding import BadMessage
from schemas.codecs.sets import decode_flagged_set, decode_reading_set, encode_flagged_set

log = logging.getLogger(__name__)

_CARRIED_HEADERS = ("file_id", "traceparent")
_RESTORED_TOGETHER = 2_000
"""Messages of the tail taken into the memory at once: 30,000 readings, some MB."""


def log_crash(test: str, error: Exception) -> None:
    """Report a test that raised; its readings are NOT_EVALUATED, and the batch goes on."""
    log.error("quality test %s raised", test, exc_info=error)


class ValidateHandler:
    """Keeps one judge with its memory for each partition, so that a partition can come and go whole."""

    def __init__(
        self, registry: Registry, book: RuleBook, *, topic: str, baseline: Baselines | None = None
    ) -> None:
        """``baseline`` is followed while its messages come; without it baseline tests are left
        provisional.
        """
        self._registry, self._book, self._topic = registry, book, topic
        self._baseline = baseline if baseline is not None else Baselines()
        self._expectations = Expectations(registry, book)
        self._judges: dict[int, Judge] = {}

    def restore(self, partition: int, tail: Iterable[Record]) -> None:
        """Begin a partition anew with the memory that the tail of its own output gives, oldest first."""
        memory = Memory(self._registry)
        for part in _cut(tail, _RESTORED_TOGETHER):
            memory.remember(_decode_tail(part))
            memory.is_complete = False  # even a tail of nothing but revisions shows that there were readings
        self._judges[partition] = self._new_judge(memory)

    def handle(self, batch: Sequence[Record]) -> Done:
        """Judge the batch partition by partition, each in its order."""
        by_partition: dict[int, list[tuple[Record, ReadingSet]]] = {}
        dead: list[DeadLetter] = []
        for record in batch:
            try:
                reading_set = decode_reading_set(record.value or b"")
            except BadMessage as error:
                dead.append(DeadLetter(record, str(error)))
            else:
                by_partition.setdefault(record.partition, []).append((record, reading_set))
        records = [
            record
            for partition, pairs in by_partition.items()
            for record in self._judge_partition(partition, pairs)
        ]
        return Done(records, dead)

    def _judge_partition(
        self, partition: int, pairs: Sequence[tuple[Record, ReadingSet]]
    ) -> Iterator[Record]:
        """Yield the flagged set of each reading set, with the headers that go on with a file."""
        if partition not in self._judges:
            self._judges[partition] = self._new_judge(Memory(self._registry))
        judge = self._judges[partition]
        flagged_sets = judge.judge([reading_set for _, reading_set in pairs])
        for (record, _), flagged in zip(pairs, flagged_sets, strict=True):
            headers = {name: record.headers[name] for name in _CARRIED_HEADERS if name in record.headers}
            yield Record(self._topic, record.key, encode_flagged_set(flagged), headers)

    def _new_judge(self, memory: Memory) -> Judge:
        return Judge(
            self._registry,
            self._book,
            memory,
            baseline=self._baseline,
            expectations=self._expectations,
            on_crash=log_crash,
        )


def _decode_tail(tail: Iterable[Record]) -> Iterator[FlaggedSet]:
    for record in tail:
        try:
            yield decode_flagged_set(record.value or b"")
        except BadMessage as error:
            log.error("%s[%d]@%d left out of the memory: %s", *record.origin, error)


def _cut(tail: Iterable[Record], size: int) -> Iterator[list[Record]]:
    records = iter(tail)
    while part := list(islice(records, size)):
        yield part
