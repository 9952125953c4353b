"""The backlog lane: delivers what the present lane has left, as long as ``qa-flagged`` has it."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pydantic import ValidationError

from quantrac.io.records import DeadLetter, Done, NotNow, Record
from quantrac.io.runner import DeadLetterLimit
from schemas.messages.late_ranges import LateRange
from services.forwarder.breaker import CircuitOpen
from services.forwarder.delivery import DeliveryItem, read_item
from services.forwarder.sender import Sender, Sent

log = logging.getLogger(__name__)

RANGES = 8
"""Of a batch, each with a batch of the present lane at most: what a crash repeats."""

# A handler must return in time for its member to be seen alive in the group, and for the process to end.
_ROUND_SECONDS = 10.0
# The other lane's probe may close the circuit at any time.
_LOOK_SECONDS = 5.0
_AFTER_FAILURE_SECONDS = 1.0
_AT_ONCE_SECONDS = 0.01

ReadSpan = Callable[[int, int, int], Iterable[Record]]
"""Reads the messages of a partition of ``qa-flagged`` from an offset up to another one, but deleted ones.

Raises ``TimeoutError`` where the broker does not answer.
"""


class BacklogHandler:
    """Delivers late ranges; a batch of them is done once all their sets are confirmed or dead."""

    def __init__(self, *, sender: Sender, read_span: ReadSpan, limit: DeadLetterLimit | None = None) -> None:
        self._sender, self._read_span = sender, read_span
        self._limit = limit or DeadLetterLimit()
        # After "not now" the same batch comes again: what of it has been sent, by partition of qa-flagged.
        self._batch: list[tuple[str, int, int]] = []
        self._sent: defaultdict[int, Sent] = defaultdict(Sent)
        self._deleted: set[tuple[int, int, int]] = set()

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Deliver a batch of ranges; see :class:`quantrac.io.records.Handler`."""
        if (origins := [record.origin for record in batch]) != self._batch:
            self._batch = origins
            self._sent.clear()
            self._deleted.clear()
        ranges, dead = _decode(batch)
        try:
            self._sender.breaker.check()
        except CircuitOpen as error:
            return NotNow(str(error), min(error.retry_after, _LOOK_SECONDS), is_usual=True)
        not_now = self._send(ranges)
        if not_now is not None:
            return not_now
        sent = list(self._sent.values())
        self._limit.count(is_dead for of_partition in sent for is_dead in of_partition.outcomes)
        self._sent.clear()
        self._sender.forget()
        confirmations = [record for of_partition in sent for record in of_partition.confirmations]
        return Done(confirmations, dead + [letter for of_partition in sent for letter in of_partition.dead])

    def _send(self, ranges: Mapping[int, Sequence[LateRange]]) -> NotNow | None:
        """Send what of the ranges is left; "not now" where they are not through after that."""
        spans = {
            partition: _Span(
                partition,
                of_partition,
                first=self._sent[partition].reached + 1,
                read_span=self._read_span,
                on_deleted=self._note_deleted,
            )
            for partition, of_partition in ranges.items()
            if not self._sent[partition].is_whole
        }
        items = {partition: span.read() for partition, span in spans.items()}
        sent = self._sender.send(items, _ROUND_SECONDS)
        for partition, of_partition in sent.items():
            spans[partition].bury_unreadable(of_partition)
            self._sent[partition].add(of_partition)
        failure = next((s.failure for s in sent.values() if s.failure is not None), None)
        if failure is not None:
            is_usual = isinstance(failure, CircuitOpen)
            return NotNow(str(failure), _AFTER_FAILURE_SECONDS, is_usual)
        if not all(of_partition.is_whole for of_partition in sent.values()):
            return NotNow("more of the batch is to be sent", _AT_ONCE_SECONDS, is_usual=True)
        return None

    def _note_deleted(self, partition: int, first: int, end: int) -> None:
        """Tell the log once of messages that the retention of ``qa-flagged`` has taken away."""
        if (partition, first, end) not in self._deleted:
            self._deleted.add((partition, first, end))
            log.error(
                "%d messages of qa-flagged[%d] from %d up to %d are deleted and were not delivered;"
                " `quantrac reconcile --repair` sends what the ministry lacks",
                *(end - first, partition, first, end),
            )


class _Span:
    """The late ranges of one partition, one after the other."""

    def __init__(
        self,
        partition: int,
        ranges: Iterable[LateRange],
        *,
        first: int,
        read_span: ReadSpan,
        on_deleted: Callable[[int, int, int], None],
    ) -> None:
        """What lies before offset ``first`` has been sent."""
        self._partition, self._first = partition, first
        self._ranges = sorted(ranges, key=lambda late_range: (late_range.first, late_range.end))
        self._read_span, self._on_deleted = read_span, on_deleted
        self._unreadable: list[DeadLetter] = []

    def read(self) -> Iterator[DeliveryItem]:
        """Yield the sets that the present lane left, in order of offset."""
        position = self._first
        for late_range in self._ranges:
            position = max(position, late_range.first)
            excluded = frozenset(late_range.excluded)
            for record in self._read_span(self._partition, position, late_range.end):
                self._note_gap(position, record.offset)
                position = record.offset + 1
                if record.offset not in excluded and (item := self._read_item(record)) is not None:
                    yield item
            self._note_gap(position, late_range.end)
            position = max(position, late_range.end)

    def bury_unreadable(self, sent: Sent) -> None:
        """Add what was no set, as far as it was sent; what was read ahead will be read again."""
        letters = [d for d in self._unreadable if sent.is_whole or d.record.offset < sent.reached]
        sent.dead += letters
        sent.outcomes += [True] * len(letters)

    def _read_item(self, record: Record) -> DeliveryItem | None:
        item = read_item(record)
        if isinstance(item, DeadLetter):
            self._unreadable.append(item)
            return None
        return item

    def _note_gap(self, position: int, next_position: int) -> None:
        if position < next_position:
            self._on_deleted(self._partition, position, next_position)


def _decode(batch: Sequence[Record]) -> tuple[Mapping[int, Sequence[LateRange]], list[DeadLetter]]:
    """Return the ranges by partition, and what is none."""
    ranges: defaultdict[int, list[LateRange]] = defaultdict(list)
    dead: list[DeadLetter] = []
    for record in batch:
        try:
            late_range = LateRange.model_validate_json(record.value or b"")
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            dead.append(DeadLetter(record, f"not a late range: {first['msg']}"))
            continue
        ranges[late_range.partition].append(late_range)
    return ranges, dead
