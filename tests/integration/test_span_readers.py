"""Reading spans of partitions, against a real broker."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.readers import SpanReaders
from quantrac.io.records import Record
from quantrac.local.ports import free_port
from support.waiting import wait_until

MESSAGES = 1_200


@pytest.fixture
def topic(kafka: KafkaConnection, topics: Callable[..., str]) -> str:
    """A topic of two partitions with :data:`MESSAGES` messages each, keyed so that one key is in each."""
    name = topics("qa-flagged", partitions=2)
    producer = KafkaProducer(kafka)
    producer.produce(
        [Record(name, key, str(number).encode()) for number in range(MESSAGES) for key in (b"a", b"d")]
    )
    producer.flush()
    return name


@pytest.fixture
def readers(kafka: KafkaConnection, topic: str) -> Iterator[SpanReaders]:
    opened = SpanReaders(kafka, topic)
    yield opened
    opened.close()


def offsets(records: Iterator[Record]) -> list[int]:
    return [record.offset for record in records]


def test_a_span_is_read_whole_and_so_is_the_next_one(readers: SpanReaders) -> None:
    assert offsets(readers.read(0, 100, 700)) == list(range(100, 700))
    assert offsets(readers.read(0, 700, 701)) == [700]
    assert offsets(readers.read(0, 5, 6)) == [5]
    assert offsets(readers.read(0, 5, 5)) == []


def test_what_was_left_half_way_is_read_from_its_beginning(readers: SpanReaders) -> None:
    assert next(iter(readers.read(0, 3, 900))).offset == 3
    assert offsets(readers.read(0, 3, 900)) == list(range(3, 900))


def test_spans_are_read_by_several_threads_at_once(readers: SpanReaders) -> None:
    spans = [(number % 2, first, first + 50) for number, first in enumerate(range(0, 1_000, 50))]
    with ThreadPoolExecutor(4) as threads:
        read = list(threads.map(lambda span: offsets(readers.read(*span)), spans))
    assert read == [list(range(first, end)) for _, first, end in spans]


def test_messages_that_are_deleted_are_left_out(
    readers: SpanReaders, kafka: KafkaConnection, topic: str
) -> None:
    admin = AdminClient(dict(kafka.librdkafka()))
    for future in admin.delete_records([TopicPartition(topic, 0, 500)]).values():
        future.result()
    assert offsets(readers.read(0, 400, 600)) == list(range(500, 600))
    assert offsets(readers.read(0, 100, 400)) == []
    for future in admin.delete_records([TopicPartition(topic, 0, MESSAGES)]).values():
        future.result()
    assert offsets(readers.read(0, 700, MESSAGES)) == []


def test_a_span_past_the_end_of_a_partition_ends_there(readers: SpanReaders) -> None:
    assert offsets(readers.read(1, MESSAGES - 2, MESSAGES + 5)) == [MESSAGES - 2, MESSAGES - 1]


def test_a_broker_that_is_away_is_a_timeout(kafka: KafkaConnection) -> None:
    away = SpanReaders(replace(kafka, bootstrap=f"127.0.0.1:{free_port()}"), "qa-flagged")
    with pytest.raises(TimeoutError, match=r"qa-flagged\[0\]"):
        list(away.read(0, 0, 10))


def test_a_consumed_message_says_when_it_was_produced(kafka: KafkaConnection, topic: str) -> None:
    consumer = KafkaConsumer(kafka, group=f"{topic}.group", instance="0", topics=[topic])
    batch: list[Record] = []
    wait_until(lambda: batch or batch.extend(consumer.consume(1, 1.0)))
    consumer.close()
    assert abs(time.time() - (batch[0].produced_at or 0.0)) < 3_600


def test_few_bytes_a_fetch_mix_the_partitions_in_a_batch(
    kafka: KafkaConnection, topics: Callable[..., str]
) -> None:
    topic, producer, batch = topics("late-range", partitions=2), KafkaProducer(kafka, linger_ms=0), []
    for _ in range(20):
        producer.produce([Record(topic, key, b"1") for key in (b"a", b"d")])
        producer.flush()
    consumer = KafkaConsumer(
        kafka, group=f"{topic}.mixed", instance="0", topics=[topic], gather_seconds=1.0, fetch_bytes=300
    )
    wait_until(lambda: batch or batch.extend(consumer.consume(10, 1.0)))
    consumer.close()
    assert {record.partition for record in batch} == {0, 1}
