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
