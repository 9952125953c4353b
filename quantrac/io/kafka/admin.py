"""Topics and offsets, asked of the broker."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer as _Consumer
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.error_log import log_error
from quantrac.io.partitions import Partition

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """What a topic needs to exist."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


class KafkaAdmin:
    """Creates topics and reads offsets."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        settings: dict[str, Any] = {**connection.librdkafka(), "error_cb": log_error}
        self._admin = AdminClient(settings)

    def count_partitions(self, timeout: float = 10.0) -> dict[str, int]:
        """Return topic name -> partition count."""
        topics = self._admin.list_topics(timeout=timeout).topics
        return {name: len(topic.partitions) for name, topic in topics.items()}

    def create(self, topics: Sequence[TopicSettings]) -> None:
        """Create topics that do not exist yet; raises ``KafkaException`` if one is refused."""
        if not topics:
            return
        new_topics = [
            NewTopic(
                t.name, num_partitions=t.partitions, replication_factor=t.replication, config=dict(t.config)
            )
            for t in topics
        ]
        for future in self._admin.create_topics(new_topics).values():
            try:
                future.result(timeout=30)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise

    def set_retention(self, days: Mapping[str, int]) -> None:
        """Say how many days messages of each topic are kept; raises ``KafkaException`` where refused."""
        resources = []
        for topic, number in days.items():
            milliseconds = str(number * 86_400_000)
            entry = ConfigEntry("retention.ms", milliseconds, incremental_operation=AlterConfigOpType.SET)
            resources.append(ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry]))
        for future in self._admin.incremental_alter_configs(resources).values() if resources else ():
            future.result(timeout=30)

    def end_offsets(self, topics: Sequence[str]) -> dict[Partition, int]:
        """Return the end offsets of the partitions of the topics that exist."""
        counts = self.count_partitions()
        queries = {
            TopicPartition(name, number): OffsetSpec.latest()  # type: ignore[no-untyped-call]
            for name in topics
            for number in range(counts.get(name, 0))
        }
        if not queries:
            return {}
        answers = self._admin.list_offsets(queries)
        return {
            Partition(p.topic, p.partition): future.result(timeout=10).offset for p, future in answers.items()
        }

    def committed_offsets(self, group: str, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return the committed offsets of a group; 0 where it has committed nothing."""
        if not partitions:
            return {}
        # Not by the admin client: told that the group's coordinator has moved or is starting, librdkafka 2.16
        # looks for the consumer group of a client that has none, and the process dies.
        consumer = _Consumer({**self._connection.librdkafka(), "group.id": group, "error_cb": log_error})
        try:
            answers = consumer.committed([TopicPartition(t, p) for t, p in partitions], timeout=10)
        finally:
            consumer.close()
        return {Partition(p.topic, p.partition): max(int(p.offset), 0) for p in answers}

    def lag(self, group: str, topic: str) -> int | None:
        """Return how many messages a group has yet to read; ``None`` while the broker does not answer."""
        try:
            return self.measure_lag(group, [topic])
        except (KafkaException, TimeoutError) as error:
            log.warning("kafka: the lag of %s is not known: %s", group, error)
            return None

    def measure_lag(self, group: str, topics: Sequence[str]) -> int:
        """Return how many messages of some topics a group has yet to read; never negative.

        Raises ``KafkaException`` or ``TimeoutError`` while the broker does not answer.
        """
        counts = self.count_partitions()
        partitions = [Partition(name, number) for name in topics for number in range(counts.get(name, 0))]
        # In this order: a group that goes on between the questions would be ahead of an end asked for first.
        committed = self.committed_offsets(group, partitions)
        ends = self.end_offsets(topics)
        return sum(max(0, end - committed.get(partition, 0)) for partition, end in ends.items())
