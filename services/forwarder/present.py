"""The present lane: what has just been measured goes to the ministry at once, the rest is left for later."""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.messages.late_ranges import LateRange
from services.forwarder.breaker import CircuitOpen
from services.forwarder.delivery import DeliveryItem, read_item
from services.forwarder.late_ranges import Origin, build_late_ranges
from services.forwarder.sender import Sender, Sent

log = logging.getLogger(__name__)

NEWEST_READING = timedelta(hours=1)
"""A set whose newest reading is older is history: late files, revisions, imports."""
NEWEST_MESSAGE = timedelta(seconds=60)
"""A message that has waited longer is a backlog: what came after it goes first."""

# The other lane's probe may close the circuit at any time.
_LOOK_SECONDS = 1.0


class PresentHandler:
    """Delivers fresh sets, and leaves ranges of offsets to the backlog lane.

    It waits only while the ministry is away, and no longer than its messages are fresh; a delivery that fails
    otherwise is left to the backlog lane at once.
    """

    def __init__(self, *, sender: Sender, late_topic: str, clock: Callable[[], datetime]) -> None:
        self._sender, self._late_topic, self._clock = sender, late_topic, clock

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Deliver a batch; see :class:`quantrac.io.records.Handler`."""
        fresh, late, dead = self._sort(batch)
        try:
            sent = self._send(fresh)
        except CircuitOpen as error:
            return NotNow(str(error), min(error.retry_after, _LOOK_SECONDS), is_usual=True)
        late |= {
            item.record.origin
            for partition, of_partition in sent.items()
            for item in fresh[partition]
            if item.record.offset > of_partition.reached
        }
        self._sender.forget()
        return Done(
            [
                *(record for of_partition in sent.values() for record in of_partition.confirmations),
                *map(self._to_record, build_late_ranges(batch, late)),
            ],
            dead + [letter for of_partition in sent.values() for letter in of_partition.dead],
        )

    def _sort(
        self, batch: Sequence[Record]
    ) -> tuple[Mapping[int, Sequence[DeliveryItem]], set[Origin], list[DeadLetter]]:
        """Return what is sent now by partition, what is left, and what is no set."""
        now = self._clock()
        oldest = (now - NEWEST_MESSAGE).timestamp()
        fresh: defaultdict[int, list[DeliveryItem]] = defaultdict(list)
        late: set[Origin] = set()
        dead: list[DeadLetter] = []
        for record in batch:
            if record.produced_at is not None and record.produced_at < oldest:
                late.add(record.origin)
                continue
            item = read_item(record)
            if isinstance(item, DeadLetter):
                dead.append(item)
            elif item is not None and item.flagged.newest_time > now - NEWEST_READING:
                fresh[record.partition].append(item)
            elif item is not None:
                late.add(record.origin)
        return fresh, late, dead

    def _send(self, fresh: Mapping[int, Sequence[DeliveryItem]]) -> Mapping[int, Sent]:
        """Send what is fresh; raises :class:`CircuitOpen` where all failed and the ministry is away."""
        if not fresh:
            return {}
        self._sender.breaker.check()
        sent = self._sender.send(fresh)
        failure = next((s.failure for s in sent.values() if s.failure is not None), None)
        if failure is not None:
            if all(of_partition.reached < 0 for of_partition in sent.values()):
                self._sender.breaker.check()
            log.warning("some fresh sets are left to the backlog: %s", failure)
        return sent

    def _to_record(self, late_range: LateRange) -> Record:
        key = str(late_range.partition).encode()
        return Record(self._late_topic, key, late_range.model_dump_json().encode())
