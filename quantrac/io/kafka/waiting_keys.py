"""Which keys of topics have messages that wait for their group."""

import logging
import math
import time
from collections.abc import Mapping

from aiokafka.partitioner import murmur2  # type: ignore[import-untyped]
from confluent_kafka import Consumer, KafkaException, TopicPartition

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.partitions import Offsets, Partition

log = logging.getLogger(__name__)

_ANSWER_SECONDS = 5.0
# A look longer ago than this says nothing of what has waited since.
_LOOKS_APART_SECONDS = 60.0


class WaitingKeys:
    """What several consumer groups have not done of what was there a look ago.

    Of a stream of messages the last one is never done at a glance. So where the look before was not long ago,
    a message waits if that one met it too. All messages of a key are in one partition.
    """

    def __init__(self, connection: KafkaConnection, groups: Mapping[str, str]) -> None:
        """``groups`` maps each group to the topic it reads; in one that does not exist nothing waits."""
        self._connection, self._groups = connection, groups
        self._admin = KafkaAdmin(connection)
        self._consumers: dict[str, Consumer] = {}
        self._ends: Offsets = {}
        self._looked_at = -math.inf
        # Waiting partitions by topic and the topic's number of partitions; ``None`` = not known.
        self._waiting: Mapping[Partition, int] | None = None

    def look(self) -> None:
        """Ask what waits; where the broker does not answer, everything may."""
        now = time.monotonic()
        before = self._ends if now - self._looked_at < _LOOKS_APART_SECONDS else {}
        try:
            ends = self._admin.end_offsets(list(self._groups.values()))
            counts: dict[str, int] = {}
            for topic, _ in ends:
                counts[topic] = counts.get(topic, 0) + 1
            self._waiting = {
                partition: counts[partition.topic]
                for group, topic in self._groups.items()
                for partition, offset in self._read_committed(group, topic, ends).items()
                if offset < min(ends[partition], before.get(partition, ends[partition]))
            }
            self._ends, self._looked_at = ends, now
        except (KafkaException, TimeoutError) as error:
            log.warning("kafka: what waits is not known: %s", error)
            self._waiting = None

    def is_waiting(self, key: bytes) -> bool:
        """Tell whether messages with a key waited at the last look, or may have."""
        if self._waiting is None:
            return True
        number = murmur2(key) & 0x7FFFFFFF
        return any(number % count == partition.number for partition, count in self._waiting.items())

    def _read_committed(self, group: str, topic: str, ends: Offsets) -> Offsets:
        """Return the committed offset of each partition that has had messages."""
        partitions = [TopicPartition(*p) for p, end in ends.items() if p.topic == topic and end]
        if not partitions:
            return {}
        if group not in self._consumers:
            self._consumers[group] = Consumer({**self._connection.librdkafka(), "group.id": group})
        answers = self._consumers[group].committed(partitions, timeout=_ANSWER_SECONDS)
        return {Partition(p.topic, p.partition): max(int(p.offset), 0) for p in answers}
