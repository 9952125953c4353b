"""How a role's process ends when its consumer can never get a message again."""

import subprocess
import sys

from support.waiting import LIMIT

# The consumer's client is played, its broker away; the producer still has a message that nobody takes.
ROLE = """
from unittest.mock import Mock
from confluent_kafka import KafkaError
from quantrac.io import role
from quantrac.io.kafka import consumer, producer
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.records import Record
from quantrac.io.runner import Runner

AWAY = KafkaConnection("127.0.0.1:9")
fenced = Mock(error=lambda: KafkaError(KafkaError._FATAL, "static consumer fenced"))

class Fenced(consumer._Consumer):
    def consume(self, limit, timeout):
        return [fenced]

class Parse:
    def __init__(self):
        consumer._Consumer = Fenced
        writer = producer.KafkaProducer(AWAY)
        writer.produce([Record("out", b"k", b"1")])
        self.runner = Runner(
            service="test.role",
            consumer=consumer.KafkaConsumer(AWAY, group="g", instance="0", topics=["in"]),
            producer=writer,
            handler=Mock(),
        )

    def run(self, stop):
        self.runner.run(stop)

    def health(self):
        return role.Health(True)

role.main("test", {"role": Parse}, [])
"""


def test_a_fenced_member_ends_its_process_at_once_and_says_why() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ROLE], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert ended.returncode == 1
    assert "static consumer fenced" in ended.stderr


# The table's broker is away; so is whoever would look at a trace.
WITH_TABLE = """
from quantrac.io import role
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.tables import TableReader

class Reads:
    def run(self, stop):
        TableReader(KafkaConnection("127.0.0.1:9"), "hn.registry", lambda *_: None).start(timeout=1)

    def health(self):
        return role.Health(True)

role.main("test", {"role": Reads}, [])
"""


def test_a_role_whose_table_cannot_be_read_ends_with_a_sentence_that_names_topic_and_broker() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITH_TABLE], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert ended.returncode == 1
    assert "nothing of the topic hn.registry could be read for 1 s from 127.0.0.1:9: " in ended.stderr
    assert "see whether it runs, and whether it is reached from here" in ended.stderr
    assert "Traceback" not in ended.stderr
