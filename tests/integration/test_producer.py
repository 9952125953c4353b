"""What a producer promises against a real broker: nothing is taken for written that is not."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import shake_256

import pytest

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer, ReportingProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.records import DeliveryFailed, Record
from quantrac.local.ports import free_port
from services.receiver.deliveries.confirmed_writes import ConfirmedWrites
from support.waiting import LIMIT

Topics = Callable[..., str]
Clients = pytest.mark.parametrize("client", [KafkaProducer, ReportingProducer])


def stored(kafka: KafkaConnection, topic: str) -> list[Record]:
    return list(read_tail(kafka, topic, 0, 100_000))


@Clients
def test_flush_returns_once_the_broker_has_every_message(
    kafka: KafkaConnection, topics: Topics, client: type[KafkaProducer]
) -> None:
    topic = topics("many", partitions=1)
    producer = client(kafka)
    producer.produce([Record(topic, b"k", b"%d" % n, {"n": b"%d" % n}) for n in range(2_000)])
    producer.flush()

    assert sum(KafkaAdmin(kafka).end_offsets([topic]).values()) == 2_000
    assert [(r.value, dict(r.headers)) for r in stored(kafka, topic)] == [
        (b"%d" % n, {"n": b"%d" % n}) for n in range(2_000)
    ]


@Clients
def test_a_message_that_the_broker_refuses_fails_the_flush_and_the_next_one_is_free_of_it(
    kafka: KafkaConnection, topics: Topics, client: type[KafkaProducer]
) -> None:
    topic = topics(
        "small", partitions=1, config={"max.message.bytes": "2000", "compression.type": "producer"}
    )
    producer = client(kafka)
    large = shake_256(b"not to be compressed").digest(9_000)
    producer.produce([Record(topic, b"k", b"1"), Record(topic, b"k", large)])
    with pytest.raises(DeliveryFailed, match=topic):
        producer.flush()

    producer.produce([Record(topic, b"k", b"2")])
    producer.flush()
    assert stored(kafka, topic)[-1].value == b"2"


@Clients
def test_a_topic_that_is_not_there_fails_the_flush(
    kafka: KafkaConnection, prefix: str, client: type[KafkaProducer]
) -> None:
    producer = client(kafka, delivery_timeout=2)
    producer.produce([Record(f"{prefix}nowhere", b"k", b"1")])
    with pytest.raises(DeliveryFailed, match="nowhere"):
        producer.flush()


@Clients
def test_a_broker_that_is_away_fails_the_flush_after_the_timeout(client: type[KafkaProducer]) -> None:
    producer = client(KafkaConnection(f"127.0.0.1:{free_port()}"), delivery_timeout=1)
    producer.produce([Record("topic", b"k", b"1") for _ in range(10)])
    with pytest.raises(DeliveryFailed, match="timed out"):
        producer.flush()


def test_a_full_queue_makes_produce_wait_and_loses_nothing(
    kafka: KafkaConnection, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = topics("full", partitions=1)
    producer = KafkaProducer(kafka)
    queue, refusals = producer._queue, iter([True, False, True, True])

    def refuse_some(record: Record) -> None:
        if next(refusals, False):
            raise BufferError
        queue(record)

    monkeypatch.setattr(producer, "_queue", refuse_some)
    producer.produce([Record(topic, b"k", b"%d" % n) for n in range(5)])
    producer.flush()
    assert [r.value for r in stored(kafka, topic)] == [b"%d" % n for n in range(5)]


def test_each_message_sent_is_reported_once_with_none_or_the_reason(
    kafka: KafkaConnection, topics: Topics, prefix: str
) -> None:
    topic = topics("reported", partitions=1)
    producer = ReportingProducer(kafka, delivery_timeout=2)
    reports: list[tuple[str, str | None]] = []
    producer.send(Record(topic, b"k", b"1"), lambda reason: reports.append(("there", reason)))
    producer.send(Record(f"{prefix}nowhere", b"k", b"1"), lambda reason: reports.append(("nowhere", reason)))
    producer.flush()
    assert sorted(name for name, _ in reports) == ["nowhere", "there"]
    outcomes = dict(reports)
    assert outcomes["there"] is None
    assert outcomes["nowhere"]


def test_a_message_written_comes_back_with_its_partition_and_offset(
    kafka: KafkaConnection, topics: Topics
) -> None:
    topic = topics("written", partitions=1)
    producer = ReportingProducer(kafka)
    written = [producer.write(Record(topic, b"k", b"%d" % n)) for n in range(3)]
    assert [(r.partition, r.offset) for r in written] == [(0, 0), (0, 1), (0, 2)]


def test_several_requests_over_one_producer_learn_each_of_its_own_messages(
    kafka: KafkaConnection, topics: Topics
) -> None:
    settings = {"max.message.bytes": "2000", "compression.type": "producer"}
    topic, small = topics("wide", partitions=3), topics("narrow", partitions=1, config=settings)
    writes, stop = ConfirmedWrites(ReportingProducer(kafka, linger_ms=5), seconds=LIMIT), threading.Event()
    large = Record(small, b"k", shake_256(b"not to be compressed").digest(9_000))
    with ThreadPoolExecutor(6) as pool:
        loop = pool.submit(writes.run, stop)
        good = [
            pool.submit(writes.write, [Record(topic, b"%d" % n, b"%d" % i) for n in range(200)])
            for i in range(4)
        ]
        bad = pool.submit(writes.write, [Record(topic, b"k", b"1"), large])
        for request in good:
            request.result(LIMIT)
        with pytest.raises(DeliveryFailed, match="too large"):
            bad.result(LIMIT)
        stop.set()
        loop.result(LIMIT)
    assert sum(KafkaAdmin(kafka).end_offsets([topic]).values()) == 801
