"""Brings the requests up to the ministry's registry, and releases the sets of approved stations."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from quantrac.domain.registry.registry import Registry
from quantrac.io.progress import Progress
from quantrac.io.records import DeliveryFailed, Record
from schemas.messages.registry_requests import RegistryRequest
from schemas.registry_requests import encode_request, mark_changed, request_key
from services.receiver.requests.handler import Writes
from services.receiver.requests.kept_sets import KeptSets, KeptSpan
from services.receiver.requests.table import RequestTable

log = logging.getLogger(__name__)

ReadSpan = Callable[[int, int, int], Iterator[Record]]
"""Partition, first offset, end offset → the messages of ``unapproved-set`` there."""

UNDER_WAY = timedelta(seconds=30)
"""How long a delivery may be under way at the door: what it kept by what the registry said before is released
with the next round, and its receipt is no later than this."""

_ROUND_SECONDS = 2.0
_BATCH = 500
_BATCH_BYTES = 8 << 20


class RequestKeeper:
    """One loop; what it writes, it writes again after a crash, which changes nothing."""

    def __init__(
        self,
        *,
        table: RequestTable,
        registry: Registry,
        sets: KeptSets,
        read_span: ReadSpan,
        writes: Writes,
        clock: Callable[[], datetime],
        request_topic: str,
        flagged_topic: str,
        progress: Progress | None = None,
    ) -> None:
        self._table, self._registry, self._sets, self._read_span = table, registry, sets, read_span
        self._writes, self._clock = writes, clock
        self._request_topic, self._flagged_topic = request_topic, flagged_topic
        self.progress = progress or Progress(name="registry requests")
        self._unfollowed: set[str] = set()

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; a broker that does not answer is asked again."""
        while not stop.is_set():
            self.progress.round()
            self.progress.begin(1)
            try:
                self.step()
            except DeliveryFailed as error:
                log.warning("the registry requests wait: %s", error)
                self.progress.postpone(str(error))
            else:
                self.progress.end()
            stop.wait(_ROUND_SECONDS)

    def step(self) -> None:
        """Bring the requests up to the registry, then release; raises ``DeliveryFailed``."""
        self._follow_registry()
        by_partition: defaultdict[int, list[KeptSpan]] = defaultdict(list)
        for span in self._sets.list_spans(self._registry.takes_sets):
            by_partition[span.partition].append(span)
        for partition, spans in by_partition.items():
            self._release(partition, spans)

    def _follow_registry(self) -> None:
        self._unfollowed |= self._table.take_changed()
        codes = sorted(self._unfollowed)
        for first in range(0, len(codes), _BATCH):
            batch = codes[first : first + _BATCH]
            with self._table.writing:
                requests = [request for code in batch if (request := self._table.get(code)) is not None]
                pairs = [(self._table.follow(request), request) for request in requests]
                self._write([pair for pair in pairs if pair[0] != pair[1]])
            self._unfollowed.difference_update(batch)

    def _release(self, partition: int, spans: Sequence[KeptSpan]) -> None:
        """Copy the sets of some stations to ``qa-flagged`` in their order, then note that."""
        by_key: Mapping[bytes, KeptSpan] = {span.station.encode(): span for span in spans}
        first, end = min(span.first for span in spans), max(span.last for span in spans) + 1
        records = (
            Record(self._flagged_topic, record.key, record.value, record.headers)
            for record in self._read_span(partition, first, end)
            if (span := by_key.get(record.key)) is not None and span.first <= record.offset <= span.last
        )
        count = 0
        for batch in _cut(records):
            self._writes.write(batch)
            count += len(batch)
            # A release of days takes minutes.
            self.progress.end()
            self.progress.begin(len(batch))
        log.info("released %d sets of %d stations", count, len(spans))
        self._note_release(spans)
        for span in spans:
            self._sets.drop(span)

    def _note_release(self, spans: Sequence[KeptSpan]) -> None:
        released_at = self._clock() + UNDER_WAY
        with self._table.writing:
            pairs = []
            for span in spans:
                if (request := self._table.get(span.station)) is not None:
                    release = {"released_offset": span.last + 1, "released_at": released_at}
                    pairs.append((request.model_copy(update=release), request))
            self._write(pairs)

    def _write(self, pairs: Sequence[tuple[RegistryRequest, RegistryRequest]]) -> None:
        """Write requests that stand otherwise, each with how it stood before."""
        now = self._clock()
        changed = [mark_changed(request, before, now) for request, before in pairs]
        self._writes.write(
            [Record(self._request_topic, request_key(r.station), encode_request(r)) for r in changed]
        )
        for request in changed:
            self._table.put(request)


def _cut(records: Iterable[Record]) -> Iterator[Sequence[Record]]:
    """Cut messages into batches, bounded in number and bytes; a larger one is a batch of its own."""
    batch: list[Record] = []
    size = 0
    for record in records:
        length = len(record.value or b"")
        if batch and (len(batch) == _BATCH or size + length > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch
