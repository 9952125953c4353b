"""A broker in memory, behind the same protocols as the real one (``quantrac.io.records``)."""

import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from quantrac.io.partitions import Offsets, Partition
from quantrac.io.records import DeliveryFailed, Record


@dataclass
class _Topic:
    partitions: int
    largest: int
    logs: list[list[Record]] = field(init=False)

    def __post_init__(self) -> None:
        self.logs = [[] for _ in range(self.partitions)]

    def append(self, record: Record) -> str | None:
        if len(record.value or b"") > self.largest:
            return "message larger than the topic allows"
        index = record.partition if record.partition >= 0 else zlib.crc32(record.key) % self.partitions
        log = self.logs[index]
        log.append(replace(record, partition=index, offset=len(log)))
        return None


class FakeBroker:
    """Topics, committed offsets and two switches; safe to use from several threads.

    Topics come into being on first use, with ``partitions`` partitions.
    """

    def __init__(self, partitions: int = 3) -> None:
        self.failing: str | None = None
        """Reason with which every delivery fails; ``None`` = none does."""
        self.away = False
        """Whether the broker does not answer: messages sent wait, and none of them has failed yet."""
        self._partitions = partitions
        self._topics: dict[str, _Topic] = {}
        self._committed: dict[tuple[str, str, int], int] = defaultdict(int)
        self._changed = threading.Condition()

    def create(self, topic: str, *, partitions: int | None = None, largest: int = 1 << 20) -> None:
        """Make a topic; ``largest`` is the largest value it takes, in bytes."""
        self._topics[topic] = _Topic(partitions or self._partitions, largest)

    def producer(self) -> "FakeProducer":
        """Return a producer of its own."""
        return FakeProducer(self)

    def consumer(
        self,
        group: str,
        topics: Sequence[str],
        on_assign: Callable[[Sequence[int]], None] | None = None,
    ) -> "FakeConsumer":
        """Return the group's only member, reading on from what the group has committed."""
        return FakeConsumer(self, group, topics, on_assign)

    def records(self, topic: str) -> list[Record]:
        """Return what a topic holds, by partition and offset."""
        with self._changed:
            return [record for log in self._topic(topic).logs for record in log]

    def committed(self, group: str, topic: str) -> int:
        """Return how many messages of a topic a group has committed."""
        with self._changed:
            return sum(n for (g, t, _), n in self._committed.items() if (g, t) == (group, topic))

    def _topic(self, name: str) -> _Topic:
        return self._topics.setdefault(name, _Topic(self._partitions, 1 << 20))

    def _append(self, record: Record) -> str | None:
        with self._changed:
            reason = self.failing or self._topic(record.topic).append(record)
            self._changed.notify_all()
            return reason


class FakeProducer:
    """Writes to a :class:`FakeBroker` in the order handed over."""

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self._queue: list[tuple[Record, Callable[[str | None], None]]] = []
        self._sent = threading.Condition()
        self._failed: str | None = None

    def produce(self, records: Sequence[Record]) -> None:
        """See :class:`quantrac.io.records.Producer`."""
        for record in records:
            self.send(record, self._remember)

    def flush(self) -> None:
        """See :class:`quantrac.io.records.Producer`; a broker that is away counts as a failure."""
        self.poll(0)
        failed, self._failed = self._failed, None
        if self._queue:
            failed = "the broker is away"
            self._queue.clear()
        if failed is not None:
            raise DeliveryFailed(failed)

    def send(self, record: Record, on_delivery: Callable[[str | None], None]) -> None:
        """Queue one message; ``on_delivery(None | reason)`` is called from :meth:`poll`."""
        with self._sent:
            self._queue.append((record, on_delivery))
            self._sent.notify_all()

    def poll(self, seconds: float) -> None:
        """Deliver what waits; with the broker away, or nothing to do, wait up to ``seconds``."""
        with self._sent:
            if self._broker.away or not self._queue:
                self._sent.wait(seconds)
        while self._queue and not self._broker.away:
            record, on_delivery = self._queue.pop(0)
            on_delivery(self._broker._append(record))

    def _remember(self, reason: str | None) -> None:
        self._failed = reason or self._failed


class FakeConsumer:
    """Reads from a :class:`FakeBroker`, partition by partition."""

    def __init__(
        self,
        broker: FakeBroker,
        group: str,
        topics: Sequence[str],
        on_assign: Callable[[Sequence[int]], None] | None,
    ) -> None:
        self._broker, self._group = broker, group
        self.waited: list[float] = []
        """Seconds of every :meth:`wait`, 0 for one that is to stop; none of them is really waited."""
        self._positions = {
            Partition(topic, index): broker._committed[group, topic, index]
            for topic in topics
            for index in range(broker._topic(topic).partitions)
        }
        self._assignment = set(self._positions)
        if on_assign is not None:
            on_assign(sorted({partition.number for partition in self._positions}))

    def consume(self, limit: int, timeout: float) -> list[Record]:
        """See :class:`quantrac.io.records.Consumer`."""
        with self._broker._changed:
            self._broker._changed.wait_for(lambda: self._next(1), timeout)
            batch = self._next(limit)
        for record in batch:
            self._positions[Partition(record.topic, record.partition)] = record.offset + 1
        return batch

    def commit(self, batch: Sequence[Record]) -> bool:
        """See :class:`quantrac.io.records.Consumer`."""
        for record in batch:
            self._broker._committed[self._group, record.topic, record.partition] = record.offset + 1
        return True

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Note the pause and return at once."""
        self.waited.append(0.0 if stop.is_set() else seconds)

    def filter_assigned(self, batch: Sequence[Record]) -> list[Record]:
        """See :class:`quantrac.io.records.Consumer`."""
        return [record for record in batch if (record.topic, record.partition) in self._assignment]

    def find_unread(self) -> Offsets:
        """See :class:`quantrac.io.records.Consumer`."""
        with self._broker._changed:
            return {
                partition: position
                for partition, position in self._positions.items()
                if len(self._broker._topic(partition.topic).logs[partition.number]) > position
            }

    def revoke(self, topic: str, partition: int) -> None:
        """Take a partition away, as a rebalance would."""
        self._assignment.discard(Partition(topic, partition))
        self._positions.pop(Partition(topic, partition), None)

    def close(self) -> None:
        """Leave the group."""
        self._positions.clear()
        self._assignment.clear()

    def _next(self, limit: int) -> list[Record]:
        batch: list[Record] = []
        for (topic, partition), position in self._positions.items():
            log = self._broker._topic(topic).logs[partition]
            batch += log[position : position + limit - len(batch)]
        return batch
