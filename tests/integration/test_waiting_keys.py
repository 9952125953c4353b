"""What waits for a consumer group, by key, asked of the real broker."""

import uuid

from confluent_kafka import Consumer, TopicPartition

from quantrac.io.kafka.admin import KafkaAdmin, TopicSettings
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import ReportingProducer
from quantrac.io.kafka.waiting_keys import WaitingKeys
from quantrac.io.records import Record
from support.waiting import wait_until


def commit(kafka: KafkaConnection, group: str, record: Record, offset: int) -> None:
    consumer = Consumer({**kafka.librdkafka(), "group.id": group})
    consumer.commit(offsets=[TopicPartition(record.topic, record.partition, offset)], asynchronous=False)
    consumer.close()


def test_a_key_waits_while_its_partition_has_what_the_group_has_not_committed(kafka: KafkaConnection) -> None:
    topic, group = f"t{uuid.uuid4().hex[:8]}", f"g{uuid.uuid4().hex[:8]}"
    KafkaAdmin(kafka).create([TopicSettings(topic, 6, 1, {})])
    waiting = WaitingKeys(kafka, {group: topic, "other": f"{topic}.missing"})
    assert waiting.is_waiting(b"HN_A"), "before the first look nothing is known"

    def is_at_rest() -> bool:
        waiting.look()
        return not waiting.is_waiting(b"HN_A")

    producer = ReportingProducer(kafka, linger_ms=0)
    wait_until(is_at_rest, "the new topic has its leaders")
    first = producer.write(Record(topic, b"HN_A", b"x"))
    commit(kafka, group, first, first.offset + 1)
    wait_until(is_at_rest, "the new group has its coordinator")
    record = producer.write(Record(topic, b"HN_A", b"x"))
    waiting.look()  # since the look before: the last of a stream
    assert not waiting.is_waiting(b"HN_A")
    waiting.look()
    assert waiting.is_waiting(b"HN_A")
    elsewhere = next(k for n in range(100) if not waiting.is_waiting(k := f"HN_{n}".encode()))
    assert not waiting.is_waiting(elsewhere)
    commit(kafka, group, record, record.offset + 1)
    waiting.look()
    assert not waiting.is_waiting(b"HN_A")
    producer.write(Record(topic, b"HN_A", b"x"))
    fresh = WaitingKeys(kafka, {group: topic})
    fresh.look()
    assert fresh.is_waiting(b"HN_A"), "at the first look everything that is not committed waits"


def test_while_the_broker_does_not_answer_everything_may_wait() -> None:
    waiting = WaitingKeys(KafkaConnection("127.0.0.1:9"), {"group": "topic"})
    waiting.look()
    assert waiting.is_waiting(b"HN_A")
