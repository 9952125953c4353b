"""Sink and windows over the real broker and the real engine: killed, doubled, asked to do it again."""

import json
import os
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import ReportingProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings, kafka_environment
from quantrac.migrate import migrate_tables, missing_topics
from quantrac.testing.builders import flagged_reading, flagged_set
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.registry.stations import Station, StationParameter
from schemas.registry import record_key
from support.averages import Key, Readings, brute_force
from support.stored_averages import assert_equal, dirty, store, stored
from support.waiting import LIMIT, wait_until

NEW_YEAR = datetime(2025, 12, 31, 17, tzinfo=UTC)
"""Midnight in Vietnam."""
CODES = ("A_AIR", "B_AIR", "C_AIR", "D_AIR")


class Deployment:
    """Topics and a database of its own."""

    def __init__(self, kafka: KafkaConnection, clickhouse: ClickHouseSettings, folder: Path) -> None:
        self.kafka, self.prefix, self._folder = kafka, f"t{uuid.uuid4().hex[:8]}.", folder
        self.settings = clickhouse.model_copy(update={"database": self.prefix[:-1]})
        migrate_tables(self.settings)
        self.database, self.producer = ClickHouse(self.settings), ReportingProducer(kafka, linger_ms=0)
        self.admin = KafkaAdmin(kafka)
        self.admin.create(missing_topics(self.admin, prefix=self.prefix, size="local", replication=1))
        self.environment = {
            **os.environ,
            **kafka_environment(kafka),
            "QUANTRAC_TOPIC_PREFIX": self.prefix,
            "QUANTRAC_WINDOWS_FLUSH_SECONDS": "0.5",
            "QUANTRAC_CLICKHOUSE_PORT": str(clickhouse.port),
            "QUANTRAC_CLICKHOUSE_USER": clickhouse.user,
            "QUANTRAC_CLICKHOUSE_PASSWORD": clickhouse.password,
            "QUANTRAC_CLICKHOUSE_DATABASE": self.settings.database,
        }

    def register(self, code: str, minutes: int) -> None:
        entry = Station(
            code=code,
            name=code,
            type="ambient-air",
            province="01",
            latitude=21.0,
            longitude=105.8,
            interval_minutes=minutes,
            parameters=(StationParameter(code="PM2.5", unit="µg/m3"),),
        )
        topic = self.prefix + "station-registry"
        self.producer.write(Record(topic, record_key(entry), entry.model_dump_json().encode()))

    def call_dirty(self, readings: Readings) -> None:
        self.producer.produce(dirty(readings, self.prefix + "window-dirty"))
        self.producer.flush()

    def start(self, role: str, instance: str = "0") -> subprocess.Popen[bytes]:
        environment = self.environment | {"QUANTRAC_INSTANCE": instance}
        return subprocess.Popen([sys.executable, "-m", "services.aggregator", role], env=environment)

    @contextmanager
    def running(self, *roles: tuple[str, str]) -> Iterator[None]:
        processes = [self.start(role, instance) for role, instance in roles]
        try:
            yield
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(timeout=LIMIT)

    def command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "quantrac.cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def averages(self) -> dict[Key, Any]:
        return dict(stored(self.database, "averages"))

    def one(self, sql: str) -> Any:
        return self.database.query(sql).rows[0][0]

    def told(self) -> set[tuple[Any, ...]]:
        """Return (station, parameter, period, start, version) of every average that was told."""
        found = set()
        for topic, partition in self.admin.end_offsets([self.prefix + "aggregated"]):
            for record in read_tail(self.kafka, topic, partition, 10_000):
                for each in json.loads(record.value or b"{}")["averages"]:
                    start = int(datetime.fromisoformat(each["starts_at"]).timestamp())
                    found.add(
                        (
                            record.key.decode(),
                            each["parameter"],
                            each["period"],
                            start,
                            each["version"],
                        )
                    )
        return found

    def at_rest(self) -> bool:
        return self.admin.lag(self.prefix + "aggregator.windows", self.prefix + "window-dirty") == 0


@pytest.fixture
def deployment(
    kafka: KafkaConnection, clickhouse_server: ClickHouseSettings, tmp_path: Path
) -> Iterator[Deployment]:
    made = Deployment(kafka, clickhouse_server, tmp_path)
    yield made
    del made.producer  # it would go on looking for the broker


def file_of(topic: str, code: str, at: datetime, value: float) -> Record:
    """Return the message of a judged file with one reading."""
    reading = flagged_reading(value, unit="µg/m3", measured_at=at)
    judged = flagged_set(reading, station=code, received_at=at)
    return Record(topic, code.encode(), encode_flagged_set(judged))


@pytest.mark.chaos
def test_windows_killed_in_the_middle_of_a_flush_lose_no_hour_and_no_message(deployment: Deployment) -> None:
    chance = random.Random(3)
    times = [NEW_YEAR + timedelta(hours=n) for n in range(-4 * 24, 8 * 24)]
    final: Readings = {}
    for code in CODES:
        deployment.register(code, 60)
    in_the_middle = 0
    for number in range(4):
        for code in CODES:
            for at in times:
                value = round(chance.uniform(0, 90), 2), chance.choice([1, 1, 1, 4]), "00"
                final[code, "PM2.5", int(at.timestamp())] = value
        store(deployment.database, final, NEW_YEAR + timedelta(days=20, minutes=number))
        began = deployment.one("SELECT now64(3)")
        deployment.call_dirty(final)
        process = deployment.start("windows")
        fresh = f"SELECT count() FROM average_versions WHERE computed_at >= '{began:%Y-%m-%d %H:%M:%S.%f}'"
        try:
            wait_until(lambda fresh=fresh: deployment.one(fresh) > 0, f"the first insert of round {number}")  # type: ignore[misc]
            time.sleep(chance.uniform(0, 0.4))
        finally:
            process.kill()
            process.wait(timeout=LIMIT)
        # The versions are written first, then the averages, then the messages, and then it is acknowledged.
        in_the_middle += not deployment.at_rest()
    assert in_the_middle > 0, "a kill after the flush shows nothing"
    wanted = brute_force(final, lambda code, hour: 1)
    with deployment.running(("windows", "0")):
        wait_until(deployment.at_rest, "all messages acknowledged")
    found = deployment.averages()
    assert_equal(found, wanted)
    now = datetime.now(UTC)
    over = {(*key, row["version"]) for key, row in found.items() if row["ends_at"] <= now}
    assert over <= deployment.told()


@pytest.mark.chaos
def test_two_instances_of_sink_and_windows_store_everything_once(deployment: Deployment) -> None:
    final: Readings = {}
    stations = [f"S{n:02}_AIR" for n in range(12)]
    for code in stations:
        deployment.register(code, 20)
    roles = [(role, instance) for role in ("sink", "windows") for instance in ("0", "1")]
    with deployment.running(*roles):
        files = []
        for number in range(60):
            for place, code in enumerate(stations):
                at = NEW_YEAR + timedelta(minutes=20 * (number - 30))
                files.append(file_of(deployment.prefix + "qa-flagged", code, at, float(number + place)))
                final[code, "PM2.5", int(at.timestamp())] = float(number + place), 1, "00"
        random.Random(1).shuffle(files)
        for start in range(0, len(files), 144):
            some = files[start : start + 144]
            deployment.producer.produce([*some, *some[:40]])
            deployment.producer.flush()
            time.sleep(1)
        wanted = brute_force(final, lambda code, hour: 3)
        rows = "SELECT count() FROM readings FINAL"
        wait_until(lambda: deployment.one(rows) == len(final), "all readings")
        hours = "SELECT sum(received) FROM averages FINAL WHERE period = 'hour'"
        wait_until(lambda: deployment.one(hours) == len(final) and deployment.at_rest(), "all hours")
    assert_equal(deployment.averages(), wanted)
    assert deployment.one("SELECT count() FROM readings FINAL") == len(final)
    files_stored = "SELECT count() FROM (SELECT DISTINCT station, file_id FROM files FINAL)"
    assert deployment.one("SELECT count() FROM files FINAL") == deployment.one(files_stored) == len(final)


def test_a_period_computed_again_follows_the_registry_and_leaves_the_rest(deployment: Deployment) -> None:
    times = [NEW_YEAR + timedelta(minutes=20 * n) for n in range(3 * 72)]
    final: Readings = {(code, "PM2.5", int(at.timestamp())): (5.0, 1, "00") for code in CODES for at in times}
    store(deployment.database, final, NEW_YEAR)
    for code in CODES:
        deployment.register(code, 5)
    deployment.call_dirty(final)
    with deployment.running(("windows", "0")):
        wait_until(deployment.at_rest, "the first computation")
        assert_equal(deployment.averages(), brute_force(final, lambda code, hour: 12))
        for code in CODES:
            deployment.register(code, 20)
        second, third = NEW_YEAR + timedelta(days=1), NEW_YEAR + timedelta(days=2)
        windows = ("replay", "--stage", "windows", "--from", f"{second:%FT%TZ}", "--to", f"{third:%FT%TZ}")
        assert deployment.command(*windows, "--dry-run") == "96 hours would be computed again\n"

        def one_station() -> bool:  # until the process has read the registry
            again = deployment.command(*windows, "--station", "A_AIR")
            assert again == "24 hours are being computed again\n"
            wait_until(deployment.at_rest, "one station")
            return bool(deployment.one("SELECT count() FROM averages WHERE version > 1"))

        wait_until(one_station, "another interval")
        assert {key[0] for key, row in deployment.averages().items() if row["version"] > 1} == {"A_AIR"}
        assert deployment.command(*windows) == "96 hours are being computed again\n"
        wait_until(deployment.at_rest, "the second computation")
    begin, end = int(second.timestamp()), int(second.timestamp()) + 86400
    wanted = brute_force(final, lambda code, hour: 3 if begin <= hour < end else 12)
    found = deployment.averages()
    assert_equal(found, wanted)
    redone = {key[0::3] for key, row in found.items() if key[2] == "hour" and row["version"] == 2}
    assert redone == {(code, at) for code in CODES for at in range(begin, end, 3600)}
