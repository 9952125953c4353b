"""The least a pipeline can do: split at TAB, six tests on arrays, insert. No faults, no lineage, no memory.

``python bare.py {parse|check|store}`` runs one of its three processes until it is ended; it reads the
same raw files, and the broker, the database and the settings are those of the real one.
"""

import sys
import threading
from collections.abc import Callable
from datetime import datetime

import numpy as np
import orjson
from confluent_kafka import Consumer, Message, Producer

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.health import Health
from quantrac.io.role import serve_health
from quantrac.io.settings import ClickHouseSettings, ServiceSettings

TABLE = """
CREATE TABLE bare
(
    station LowCardinality(String), parameter LowCardinality(String), measured_at DateTime('UTC'),
    value Float64, unit LowCardinality(String), status LowCardinality(String), flag UInt8
)
ENGINE = MergeTree ORDER BY (station, parameter, measured_at)
"""


def parse(message: Message) -> bytes:
    """Split a file into columns."""
    columns = zip(*(line.split("\t") for line in message.value().decode().splitlines()), strict=True)
    names, values, units, times, statuses = columns
    measured_at = datetime.strptime(times[0] + "+0700", "%Y%m%d%H%M%S%z").timestamp()
    return orjson.dumps([measured_at, names, [float(value) for value in values], units, statuses])


class Check:
    """Six tests against the five values before; a series is a station's place in the file."""

    def __init__(self) -> None:
        self.past: dict[bytes, np.ndarray] = {}

    def __call__(self, messages: list[Message]) -> list[bytes]:
        sets = [orjson.loads(message.value()) for message in messages]
        value = np.array([values for _, _, values, *_ in sets])
        past = np.stack([self.past.get(m.key(), np.full((5, value.shape[1]), np.nan)) for m in messages])
        middle = np.median(past, axis=1)
        bad = (value < -50) | (value > 50_000) | (value == -9999) | ~np.isfinite(value)
        bad |= np.abs(value - middle) > 1000
        bad |= np.all(past == value[:, None], axis=1)
        newest = np.concatenate([past[:, 1:], value[:, None]], axis=1)
        self.past |= {message.key(): rows for message, rows in zip(messages, newest, strict=True)}
        flags = np.where(bad, 4, 1).tolist()
        return [orjson.dumps([*s, flag]) for s, flag in zip(sets, flags, strict=True)]


def store(database: ClickHouse, messages: list[Message]) -> None:
    """Insert one block."""
    sets = [orjson.loads(message.value()) for message in messages]
    width = len(sets[0][1])
    columns = {
        "station": [m.key().decode() for m in messages for _ in range(width)],
        "measured_at": [int(s[0]) for s in sets for _ in range(width)],
    }
    for position, name in enumerate(("parameter", "value", "unit", "status", "flag"), start=1):
        columns[name] = [each for s in sets for each in s[position]]
    database.insert("bare", columns)


def run(
    source: str, target: str, group: str, size: int, handle: Callable[[list[Message]], list[bytes]]
) -> None:
    """Consume, handle, produce, flush, commit."""
    settings = ServiceSettings()
    broker = settings.kafka_connection.librdkafka()
    consumer = Consumer(
        broker | {"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    )
    reliable = {"acks": "all", "enable.idempotence": True, "partitioner": "murmur2_random"}
    compressed = {"compression.type": "zstd", "compression.level": 1, "linger.ms": 20}
    producer = Producer(broker | reliable | compressed)
    assigned = threading.Event()
    consumer.subscribe([source], on_assign=lambda *_: assigned.set())
    serve_health("127.0.0.1", settings.health_port, lambda: Health(assigned.is_set()))
    while True:
        messages = consumer.consume(size, 0.2)
        if not messages:
            continue
        for message, value in zip(messages, handle(messages), strict=False):
            producer.produce(target, value, message.key())
        producer.flush()
        consumer.commit(asynchronous=False)


def main(role: str) -> None:
    prefix = ServiceSettings().topic_prefix
    database = ClickHouse(ClickHouseSettings())
    roles = {
        "parse": ("raw-file", "parsed-reading", 500, lambda messages: [parse(m) for m in messages]),
        "check": ("parsed-reading", "qa-flagged", 500, Check()),
        "store": ("qa-flagged", "", 2_000, lambda messages: store(database, messages) or []),
    }
    source, target, size, handle = roles[role]
    run(prefix + source, prefix + target, f"{prefix}bare-{role}", size, handle)


if __name__ == "__main__":
    main(sys.argv[1])
