"""The smallest role, as a newcomer copies it, over a real broker."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.records import Record
from quantrac.io.settings import kafka_environment
from schemas.examples import example
from support.waiting import LIMIT, wait_until

STATION = b"HN_DEMO_KHI001"


def stored(kafka: KafkaConnection, topic: str, partitions: int) -> list[Record]:
    return [record for number in range(partitions) for record in read_tail(kafka, topic, number, 100)]


def test_the_example_counts_the_rejects_of_each_file_and_puts_aside_what_it_cannot_read(
    kafka: KafkaConnection, topics: Callable[..., str], prefix: str
) -> None:
    parsed, dead = topics("parsed-reading"), topics("parsed-reading.dlq")
    counts = topics("reject-count", partitions=6)
    producer = KafkaProducer(kafka)
    producer.produce([Record(parsed, STATION, example("parsed-reading.json")), Record(parsed, STATION, b"{")])
    producer.flush()
    environment = os.environ | kafka_environment(kafka) | {"QUANTRAC_TOPIC_PREFIX": prefix}
    process = subprocess.Popen([sys.executable, "-m", "examples.count_rejects"], env=environment)
    try:
        wait_until(lambda: len(stored(kafka, counts, 6)) == len(stored(kafka, dead, 3)) == 1)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
    (count,) = stored(kafka, counts, 6)
    assert (count.key, json.loads(count.value or b"")) == (STATION, {"value-not-a-number": 1})
    (letter,) = stored(kafka, dead, 3)
    assert (letter.value, letter.headers["service"]) == (b"{", b"examples.count-rejects")
