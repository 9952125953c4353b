"""Reads spans of single partitions, outside any consumer group."""

import threading
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer as _Consumer
from confluent_kafka import KafkaException, TopicPartition

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.error_log import log_error
from quantrac.io.kafka.messages import to_record
from quantrac.io.records import Record

_ANSWER_SECONDS = 30.0


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


def table_consumer(connection: KafkaConnection, settings: Mapping[str, Any] | None = None) -> _Consumer:
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
            **(settings or {}),
        }
    )


class SpanReaders:
    """Reads spans of one topic's partitions, outside any group; for several threads.

    Consumers are kept: a span that begins where one of them stands needs no request of its own. There are no
    more of them than spans that are read at the same time.
    """

    def __init__(self, connection: KafkaConnection, topic: str) -> None:
        self._connection, self._topic = connection, topic
        self._idle: list[_SpanReader] = []
        self._lock = threading.Lock()

    def read(self, partition: int, first: int, end: int) -> Iterator[Record]:
        """Yield the messages of one partition from offset ``first`` up to ``end``, but those deleted by now.

        Raises ``TimeoutError`` where the broker does not answer.
        """
        if first >= end:
            return
        reader = self._take(partition, first)
        try:
            yield from reader.read(partition, first, end)
        except BaseException:  # left half way, too
            reader.close()
            raise
        with self._lock:
            self._idle.append(reader)

    def close(self) -> None:
        """Close the consumers."""
        with self._lock:
            for reader in self._idle:
                reader.close()
            self._idle.clear()

    def _take(self, partition: int, first: int) -> "_SpanReader":
        with self._lock:
            fitting = next((r for r in self._idle if r.position == (partition, first)), None)
            reader = fitting or next(iter(self._idle), None)
            if reader is None:
                return _SpanReader(self._connection, self._topic)
            self._idle.remove(reader)
            return reader


class _SpanReader:
    """One consumer of :class:`SpanReaders`."""

    def __init__(self, connection: KafkaConnection, topic: str) -> None:
        self._topic = topic
        self._consumer = table_consumer(
            connection,
            # Another span is only asked for once the broker has answered this one, which it puts off where
            # nothing follows.
            {"fetch.wait.max.ms": 100, "fetch.queue.backoff.ms": 20},
        )
        self.close = self._consumer.close
        self.position: tuple[int, int] | None = None
        """Partition and offset of what comes next."""

    def read(self, partition: int, first: int, end: int) -> Iterator[Record]:
        """See :meth:`SpanReaders.read`."""
        if self.position != (partition, first):
            self._consumer.assign([TopicPartition(self._topic, partition, first)])
        self.position, answered_at = None, time.monotonic()
        position = first
        while position < end:
            messages = self._consumer.consume(min(500, end - position), 0.5)
            for message in messages:
                if message.error() is None:
                    position = (message.offset() or 0) + 1
                    if position > end:  # what lay before it is deleted
                        return
                    yield to_record(message)
            if messages:
                answered_at = time.monotonic()
            elif time.monotonic() - answered_at > _ANSWER_SECONDS:
                raise TimeoutError(f"kafka: {self._topic}[{partition}]@{position} has not come")
            else:
                low, high = self._ask_range(partition)
                position = end if position >= high else max(position, low)
        self.position = (partition, end) if position == end else None
        if self._is_at_end(partition, end):
            self._consumer.unassign()  # nothing is fetched that could be of use, and nothing is asked for
            self.position = None

    def _is_at_end(self, partition: int, position: int) -> bool:
        """Tell whether nothing followed ``position`` when the broker last answered."""
        limits = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
        return limits is None or position >= limits[1]

    def _ask_range(self, partition: int) -> tuple[int, int]:
        """Return the offset of the first message that is there and the end offset."""
        try:
            limits = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=5)
        except KafkaException as error:
            raise TimeoutError(f"kafka: {self._topic}[{partition}]: {error.args[0].str()}") from error
        if limits is None:
            raise TimeoutError(f"kafka: {self._topic}[{partition}]: where it begins and ends is not known")
        return limits
