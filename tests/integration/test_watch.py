"""Alerts over the real broker and the real ClickHouse, the sink and watch as processes."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import ReportingProducer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings, kafka_environment
from quantrac.migrate import missing_topics
from quantrac.testing.builders import flagged_reading, flagged_set
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.alerts import Alert
from schemas.messages.registry.stations import Station, StationParameter
from schemas.registry import record_key
from support.waiting import LIMIT, wait_until

pytestmark = pytest.mark.chaos  # each test goes on from the one before

STATIONS = [f"WATCH{number}" for number in range(8)]
"""Spread over several of the six partitions."""


class Watching:
    """The sink and watches over topics and a database of their own; a file is due every second."""

    def __init__(self, kafka: KafkaConnection, prefix: str, clickhouse: ClickHouseSettings) -> None:
        self.kafka, self.prefix = kafka, prefix
        self.database, self.producer = ClickHouse(clickhouse), ReportingProducer(kafka, linger_ms=0)
        self.told: list[Alert] = []
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = {
            **os.environ,
            **kafka_environment(kafka),
            "QUANTRAC_TOPIC_PREFIX": prefix,
            "QUANTRAC_CLICKHOUSE_PORT": str(clickhouse.port),
            "QUANTRAC_CLICKHOUSE_USER": clickhouse.user,
            "QUANTRAC_CLICKHOUSE_PASSWORD": clickhouse.password,
            "QUANTRAC_CLICKHOUSE_DATABASE": clickhouse.database,
            "QUANTRAC_WATCH_SECONDS": "1.5",
            "QUANTRAC_WATCH_GRACE_SECONDS": "1",
            "QUANTRAC_WATCH_GRACE_MINUTES": "0.1",
        }
        self.topic = TableReader(kafka, prefix + "alert", self._hear)

    def _hear(self, _: bytes, value: bytes | None) -> None:
        self.told.append(Alert.model_validate_json(value or b""))

    def start(self, role: str, instance: str = "0") -> subprocess.Popen[bytes]:
        environment = self.environment | {"QUANTRAC_INSTANCE": instance}
        process = subprocess.Popen([sys.executable, "-m", "services.aggregator", role], env=environment)
        self.processes.append(process)
        return process

    def register(self, code: str) -> None:
        record = Station(
            code=code,
            name=code,
            type="ambient-air",
            province="01",
            latitude=21.0,
            longitude=105.8,
            interval_minutes=1 / 60,
            parameters=(StationParameter(code="Temp", unit="°C"),),
        )
        value = record.model_dump_json().encode()
        self.producer.write(Record(self.prefix + "station-registry", record_key(record), value))

    def send(self, code: str) -> datetime:
        """Send a flagged set of one reading measured now; returns when that was, in whole seconds."""
        at = datetime.now(UTC).replace(microsecond=0)
        reading = flagged_reading(20.0, parameter="Temp", unit="°C", measured_at=at, tests={"flat_line": 1})
        flagged = flagged_set(reading, station=code, file_id=uuid.uuid4().hex * 2, received_at=at)
        self.producer.write(Record(self.prefix + "qa-flagged", code.encode(), encode_flagged_set(flagged)))
        return at

    def stored(self, code: str) -> list[tuple[str, str, int]]:
        """(Id, state, version) of a station's alerts, the oldest first."""
        found = self.database.query(
            "SELECT alert_id, state, version FROM alerts FINAL WHERE station = {s:String} ORDER BY opened_at",
            {"s": code},
        )
        return [tuple(row) for row in found.rows]

    def open(self) -> list[str]:
        found = self.database.query(
            "SELECT station FROM alerts FINAL WHERE state != 'closed' ORDER BY station"
        )
        return [row[0] for row in found.rows]

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=LIMIT)


@pytest.fixture(scope="module")
def watching(kafka: KafkaConnection, clickhouse: ClickHouseSettings) -> Iterator[Watching]:
    prefix = f"t{uuid.uuid4().hex[:8]}."
    admin = KafkaAdmin(kafka)
    admin.create(missing_topics(admin, prefix=prefix, size="local", replication=1))
    made = Watching(kafka, prefix, clickhouse)
    made.topic.start()
    made.start("sink")
    yield made
    for process in made.processes:
        process.terminate()
    for process in made.processes:
        process.wait(timeout=LIMIT)
    made.topic.close()
    del made.producer  # it would go on looking for the broker


def silent(code: str, at: datetime) -> str:
    """The id of the alert of a station whose last reading was measured at a time."""
    return f"station-silent/{code}/{at + timedelta(seconds=1 + 6):%Y-%m-%dT%H:%M:%SZ}"


def test_a_silent_station_opens_one_alert_through_a_kill_and_coming_back_closes_it(
    watching: Watching,
) -> None:
    code = STATIONS[0]
    watching.register(code)
    at = watching.send(code)
    watch = watching.start("watch")
    wait_until(
        lambda: watching.stored(code) == [(silent(code, at), "opened", 1)], lambda: watching.stored(code)
    )
    behind = KafkaAdmin(watching.kafka)
    group, topic = (watching.prefix + name for name in ("aggregator.watch", "qa-flagged"))
    wait_until(
        lambda: behind.lag(group, topic) == 0, lambda: behind.lag(group, topic)
    )  # it passed over a message
    watching.kill(watch)
    watch = watching.start("watch")
    # It has taken part again once another station's silence is told.
    other = STATIONS[1]
    watching.register(other)
    since = watching.send(other)
    wait_until(lambda: watching.stored(other) == [(silent(other, since), "opened", 1)], lambda: watching.told)
    assert watching.stored(code) == [(silent(code, at), "opened", 1)]
    assert {alert.alert_id for alert in watching.told if alert.station == code} == {silent(code, at)}

    # Killed before it can tell: what comes back is told by the next process, under the same id.
    watching.kill(watch)
    again = watching.send(code)
    watching.start("watch")
    closed = (silent(code, at), "closed", 2)
    wait_until(lambda: closed in watching.stored(code), lambda: watching.stored(code))
    # And silent again: another opening time, another alert.
    reopened = (silent(code, again), "opened", 1)
    wait_until(lambda: watching.stored(code) == [closed, reopened], lambda: watching.stored(code))


def test_two_instances_share_the_stations_and_tell_nothing_twice(watching: Watching) -> None:
    first = watching.processes[-1]
    second = watching.start("watch", "1")
    last: dict[str, datetime] = {}
    for code in STATIONS:
        watching.register(code)
    start = time.monotonic()

    def nobody_is_silent() -> bool:
        for code in STATIONS:
            watching.send(code)
        time.sleep(1)
        return time.monotonic() > start + 15 and watching.open() == []  # the group is shared out anew first

    wait_until(nobody_is_silent, watching.open)
    before = len(watching.told)
    last |= {code: watching.send(code) for code in STATIONS}
    wait_until(lambda: watching.open() == STATIONS, watching.open)
    opened = [alert.alert_id for alert in watching.told[before:] if alert.state == "opened"]
    assert sorted(opened) == sorted(silent(code, last[code]) for code in STATIONS)

    # The one that is left answers for all of them.
    watching.kill(first)
    last |= {code: watching.send(code) for code in STATIONS}
    wait_until(
        lambda: all(
            watching.stored(code)[-1] == (silent(code, last[code]), "opened", 1) for code in STATIONS
        ),
        lambda: [watching.stored(code)[-2:] for code in STATIONS],
    )
    assert second.poll() is None
    ids = {code: [row[0] for row in watching.stored(code) if row[1] != "closed"] for code in STATIONS}
    assert ids == {code: [silent(code, last[code])] for code in STATIONS}


def test_a_message_that_is_none_becomes_a_dead_letter_and_the_next_is_taken(watching: Watching) -> None:
    code = STATIONS[2]
    dead: list[Any] = []
    reader = TableReader(
        watching.kafka, watching.prefix + "aggregated.dlq", lambda _, value: dead.append(value)
    )
    reader.start()
    watching.producer.write(Record(watching.prefix + "aggregated", code.encode(), b"{"))
    wait_until(lambda: dead == [b"{"], lambda: dead)
    reader.close()
    at = watching.send(code)
    wait_until(
        lambda: watching.stored(code)[-1] == (silent(code, at), "opened", 1), lambda: watching.stored(code)
    )
