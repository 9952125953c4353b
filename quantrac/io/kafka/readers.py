"""Reads a span of one partition, outside any consumer group."""

from collections.abc import Iterator
from datetime import datetime

from confluent_kafka import Consumer as _Consumer
from confluent_kafka import TopicPartition

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.error_log import log_error
from quantrac.io.kafka.messages import to_record
from quantrac.io.records import Record


def read_tail(connection: KafkaConnection, topic: str, partition: int, limit: int) -> Iterator[Record]:
    """Yield the last ``limit`` messages of one partition, oldest first, up to its end when called."""
    consumer = table_consumer(connection)
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        yield from _read(consumer, topic, partition, max(low, high - limit), high)
    finally:
        consumer.close()


def read_since(connection: KafkaConnection, topic: str, partition: int, since: datetime) -> Iterator[Record]:
    """Yield the messages of one partition written at ``since`` or later, up to its end when called."""
    consumer = table_consumer(connection)
    try:
        _, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        query = TopicPartition(topic, partition, int(since.timestamp() * 1000))
        first = int(consumer.offsets_for_times([query], timeout=10)[0].offset)
        if first >= 0:  # negative: nothing is that young
            yield from _read(consumer, topic, partition, first, high)
    finally:
        consumer.close()


def read_span(
    connection: KafkaConnection, topic: str, partition: int, first: int, end: int
) -> Iterator[Record]:
    """Yield the messages of one partition from offset ``first`` to before offset ``end``, oldest first.

    Those that the topic no longer keeps are left out.
    """
    consumer = table_consumer(connection)
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        yield from _read(consumer, topic, partition, max(low, first), min(high, end))
    finally:
        consumer.close()


def _read(consumer: _Consumer, topic: str, partition: int, position: int, end: int) -> Iterator[Record]:
    consumer.assign([TopicPartition(topic, partition, position)])
    while position < end:
        for message in consumer.consume(500, 0.1):  # the last, short batch waits so long
            if message.error() is None and (offset := message.offset() or 0) < end:
                yield to_record(message)
                position = offset + 1
        position = max(position, min(end, read_position(consumer, topic, partition)))


def read_position(consumer: _Consumer, topic: str, partition: int) -> int:
    """Return how far a reader has come: the offset before which it has handed over everything.

    Control records and compaction leave gaps, which the position passes over.
    """
    return int(consumer.position([TopicPartition(topic, partition)])[0].offset)


def table_consumer(connection: KafkaConnection) -> _Consumer:
    """Return a consumer outside any group, for reading a topic as a table."""
    return _Consumer(
        {
            **connection.librdkafka(),
            "group.id": "none",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": 4_096,
            # A table changes seldom; a change is still answered at once.
            "fetch.wait.max.ms": 2_000,
            # Its reader may start beside the broker, and then waits for nothing else.
            "reconnect.backoff.max.ms": 1_000,
            "error_cb": log_error,
        }
    )
