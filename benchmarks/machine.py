"""What the runs share: a real broker, the real local ClickHouse server, and processes that end with them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings, kafka_environment
from quantrac.local.broker import running_broker
from quantrac.local.ports import free_port, is_listening
from quantrac.local.waiting import wait_until

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Machine:
    """A broker and a database server, both running."""

    folder: Path
    kafka: KafkaConnection
    clickhouse: ClickHouseSettings
    engines: Mapping[str, psutil.Process]

    def write(self, records: Sequence[Record]) -> None:
        """Write messages; they are on the broker when this returns."""
        producer = KafkaProducer(self.kafka)
        producer.produce(records)
        producer.flush()

    def environment(self, database: str) -> dict[str, str]:
        """Return the settings of a run, whose topics are prefixed with the name of its database."""
        settings = {"TOPIC_PREFIX": f"{database}.", "LOG_LEVEL": "WARNING"}
        for name in ("host", "port", "user", "password"):
            settings[f"CLICKHOUSE_{name.upper()}"] = str(getattr(self.clickhouse, name))
        settings["CLICKHOUSE_DATABASE"] = database
        environment = {f"QUANTRAC_{name}": value for name, value in settings.items()}
        return environment | kafka_environment(self.kafka)


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """Run both engines in a folder."""
    (folder / "kafka").mkdir()
    settings = ClickHouseSettings(port=free_port(), user="quantrac", password="benchmark")
    command = ["-m", "quantrac.local.clickhouse_server"]
    options = ["--data", str(folder / "clickhouse"), "--port", str(settings.port)]
    environment = {"QUANTRAC_CLICKHOUSE_PASSWORD": settings.password}
    with (
        running_broker(folder / "kafka") as kafka,
        process([*command, *options], environment, folder / "clickhouse.log") as server,
    ):
        assert wait_until(lambda: is_listening(settings.port), 30), "the ClickHouse server does not answer"
        broker = next(child for child in psutil.Process().children() if child.pid != server.pid)
        yield Machine(folder, kafka, settings, {"broker": broker, "clickhouse": server})


@contextmanager
def process(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[psutil.Popen]:
    """Run Python with these arguments, and end it at the end."""
    with log.open("ab") as output:
        started = psutil.Popen(
            [sys.executable, *arguments],
            env=os.environ | environment,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield started
        assert started.poll() is None, log.read_text()
    finally:
        if started.poll() is None:
            started.resume()
            started.terminate()
            try:
                started.wait(60)
            except psutil.TimeoutExpired:
                started.kill()
                raise AssertionError(f"{arguments} did not stop: {log.read_text()}") from None
