"""A broker is killed and stays away for longer than a group's session: every client finds its way back."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from quantrac.io.kafka.admin import KafkaAdmin, TopicSettings
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.records import Record
from support.mortals import MortalBroker
from support.waiting import wait_until

AWAY_SECONDS = 12.0
MESSAGES = 600


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[MortalBroker]:
    broker = MortalBroker(tmp_path)
    yield broker
    broker.kill()


class Member:
    """A consumer in a thread; collects the values it has taken, and waits whenever it is told to."""

    def __init__(self, connection: KafkaConnection, group: str, *, waiting: bool = False) -> None:
        self.values: set[bytes] = set()
        self.waiting = threading.Event()
        if waiting:
            self.waiting.set()
        self._stop = threading.Event()
        self._consumer = KafkaConsumer(connection, group=group, instance="0", topics=["in"])
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self.waiting.is_set():
                self._consumer.wait(3.0, self._stop)
                continue
            batch = self._consumer.consume(500, 0.5)
            self.values |= {record.value or b"" for record in batch}
            if batch:
                self._consumer.commit(batch)
        self._consumer.close()

    def has(self, count: int) -> Callable[[], bool]:
        return lambda: len(self.values) == count

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


def messages(first: int) -> list[Record]:
    return [Record("in", b"%d" % n, b"%d" % n) for n in range(first, first + MESSAGES)]


def committed(admin: KafkaAdmin, group: str) -> int:
    """Messages a group has committed, -1 while the broker cannot say."""
    try:
        return sum(admin.committed_offsets(group, list(admin.end_offsets(["in"]))).values())
    except (KafkaException, TimeoutError):
        return -1


# One member only reads. One waits until shortly before the broker is back: its partitions are lost in that
# wait and come back after it. One waits from its first moment until the end: they come while it waits.
def test_clients_made_before_the_broker_went_away_work_again_when_it_is_back(broker: MortalBroker) -> None:
    admin, producer = KafkaAdmin(broker.connection), KafkaProducer(broker.connection)
    admin.create([TopicSettings("in", 6, 1, {}), TopicSettings("table", 1, 1, {"cleanup.policy": "compact"})])
    table: dict[bytes, bytes | None] = {}
    reader = TableReader(broker.connection, "table", table.__setitem__)
    reader.start()
    reading, pausing = Member(broker.connection, "reading"), Member(broker.connection, "pausing")
    waiting = Member(broker.connection, "waiting", waiting=True)
    try:
        producer.produce(messages(0))
        producer.flush()
        wait_until(reading.has(MESSAGES))
        wait_until(pausing.has(MESSAGES))
        wait_until(lambda: committed(admin, "reading") == MESSAGES)

        pausing.waiting.set()
        broker.kill()
        producer.produce(messages(MESSAGES))
        time.sleep(AWAY_SECONDS)
        pausing.waiting.clear()
        broker.start()

        producer.produce([Record("table", b"k", b"1")])
        producer.flush()
        wait_until(reading.has(2 * MESSAGES))
        wait_until(lambda: table == {b"k": b"1"})
        wait_until(lambda: committed(admin, "reading") == 2 * MESSAGES)
        wait_until(pausing.has(2 * MESSAGES))
        waiting.waiting.clear()
        wait_until(waiting.has(2 * MESSAGES))
    finally:
        for member in (reading, pausing, waiting):
            member.close()
        reader.close()
