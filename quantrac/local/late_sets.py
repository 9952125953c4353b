"""How many flagged sets the forwarder's backlog lane has before it."""

from collections import defaultdict

from pydantic import ValidationError

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.readers import SpanReaders
from quantrac.io.partitions import Partition
from schemas.messages.late_ranges import LateRange


class LateSets:
    """Counts the sets of late ranges that are not delivered; reads only what is new since the last count."""

    def __init__(self, connection: KafkaConnection, prefix: str) -> None:
        """``prefix`` is that of the tier's topics and groups."""
        self._admin = KafkaAdmin(connection)
        self._topic, self._group = f"{prefix}late-range", f"{prefix}forwarder.backlog"
        self._readers = SpanReaders(connection, self._topic)
        self._ends: dict[Partition, int] = {}
        # By partition: offset of a range -> its number of sets.
        self._waiting: defaultdict[Partition, dict[int, int]] = defaultdict(dict)

    @property
    def group(self) -> str:
        """The consumer group of the backlog lane."""
        return self._group

    def count(self) -> int:
        """Return the number of sets; raises ``KafkaException`` or ``TimeoutError`` without a broker."""
        partitions = [
            Partition(self._topic, n) for n in range(self._admin.count_partitions().get(self._topic, 0))
        ]
        committed = self._admin.committed_offsets(self._group, partitions)
        for partition, end in self._admin.end_offsets([self._topic]).items():
            self._read(partition, committed.get(partition, 0), end)
        return sum(sum(sets.values()) for sets in self._waiting.values())

    def _read(self, partition: Partition, first: int, end: int) -> None:
        waiting = self._waiting[partition]
        for offset in [offset for offset in waiting if offset < first]:
            del waiting[offset]
        for record in self._readers.read(partition.number, max(first, self._ends.get(partition, 0)), end):
            waiting[record.offset] = _count_sets(record.value or b"")
        self._ends[partition] = end


def _count_sets(value: bytes) -> int:
    try:
        return LateRange.model_validate_json(value).messages
    except ValidationError:  # the lane makes a dead letter of it
        return 0
