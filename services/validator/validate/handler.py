"""Decides the flags of a batch: reading sets in, flagged sets out. No sockets."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
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
    """Judges all its partitions together, and remembers which stations came in which.

    So a test runs once for a batch, not once for each partition in it, and a partition comes and goes whole.
    """

    def __init__(
        self, registry: Registry, book: RuleBook, *, topic: str, baseline: Baselines | None = None
    ) -> None:
        """``baseline`` is followed while its messages come; without it baseline tests are left
        provisional.
        """
        self._topic = topic
        self._memory = Memory(registry)
        self._judge = Judge(registry, book, self._memory, baseline=baseline, on_crash=log_crash)
        self._partition_of: dict[str, int] = {}
        """By station, as its last message came."""

    def restore(self, partition: int, tail: Iterable[Record]) -> None:
        """Begin a partition anew with the memory that the tail of its own output gives, oldest first."""
        stations = [station for station, number in self._partition_of.items() if number == partition]
        self._memory.forget(stations)
        for station in stations:
            del self._partition_of[station]
        for part in _cut(tail, _RESTORED_TOGETHER):
            sets = list(_decode_tail(part))
            self._partition_of |= dict.fromkeys((flagged.station for flagged in sets), partition)
            self._memory.remember(sets)
            self._memory.is_complete = False  # a tail of nothing but revisions shows that there were readings

    def handle(self, batch: Sequence[Record]) -> Done:
        """Judge the batch in its order."""
        records: list[Record] = []
        sets: list[ReadingSet] = []
        dead: list[DeadLetter] = []
        for record in batch:
            try:
                reading_set = decode_reading_set(record.value or b"")
            except BadMessage as error:
                dead.append(DeadLetter(record, str(error)))
            else:
                records.append(record)
                sets.append(reading_set)
                self._partition_of[reading_set.station] = record.partition
        flagged_sets = self._judge.judge(sets)
        return Done(list(map(self._message, records, flagged_sets)), dead)

    def _message(self, record: Record, flagged: FlaggedSet) -> Record:
        """Return the message of a flagged set, with the headers that go on with a file."""
        headers = {name: record.headers[name] for name in _CARRIED_HEADERS if name in record.headers}
        return Record(self._topic, record.key, encode_flagged_set(flagged), headers)


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
