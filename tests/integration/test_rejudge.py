"""Rejudging over the real broker and the real ClickHouse: every role of the validator's round as a
process.
"""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from quantrac.domain.times import to_iso
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import ReportingProducer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings, kafka_environment
from quantrac.migrate import missing_topics
from quantrac.testing.builders import reading, reading_set
from schemas.codecs.sets import encode_reading_set
from schemas.messages.registry.decisions import Decision, Withdrawal
from schemas.messages.registry.stations import Station, StationParameter
from schemas.messages.rejudge import RejudgeRequest
from schemas.registry import record_key
from schemas.rules import load
from schemas.rules.book import activation
from support.waiting import LIMIT, wait_until

NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)
RULES = """
required: [status, unit]
national:
  tests:
    status: {{}}
    unit: {{}}
    rate_of_change: {{suspect: {suspect}}}
"""
STATIONS = LATE, DECIDED, SWITCHED, REPLAYED = ("LATE", "DECIDED", "SWITCHED", "REPLAYED")
ROLES = (
    ("validator", "validate"),
    ("validator", "rejudge"),
    ("aggregator", "sink"),
    ("aggregator", "windows"),
)


class Pipeline:
    """The four roles over topics and a database of their own, rules with one threshold, and its stations."""

    def __init__(
        self, kafka: KafkaConnection, prefix: str, clickhouse: ClickHouseSettings, folder: Path
    ) -> None:
        self.kafka, self.prefix, self.folder = kafka, prefix, folder
        self.database, self.producer = ClickHouse(clickhouse), ReportingProducer(kafka, linger_ms=0)
        self.environment = {
            **os.environ,
            **kafka_environment(kafka),
            "QUANTRAC_TOPIC_PREFIX": prefix,
            "QUANTRAC_RULES": str(self.rules("default", suspect=5)),
            "QUANTRAC_CLICKHOUSE_PORT": str(clickhouse.port),
            "QUANTRAC_CLICKHOUSE_USER": clickhouse.user,
            "QUANTRAC_CLICKHOUSE_PASSWORD": clickhouse.password,
            "QUANTRAC_CLICKHOUSE_DATABASE": clickhouse.database,
        }

    def rules(self, name: str, *, suspect: float) -> Path:
        path = self.folder / f"{name}.yaml"
        path.write_text(RULES.format(suspect=suspect))
        return path

    def register(self, record: Any) -> int:
        written = Record(
            self.prefix + "station-registry", record_key(record), record.model_dump_json().encode()
        )
        return self.producer.write(written).offset

    def station(self, code: str) -> str:
        """Register a station: PM2.5 every five minutes."""
        where = {"province": "01", "latitude": 21.0, "longitude": 105.8}
        self.register(
            Station(
                code=code,
                name=code,
                type="ambient-air",
                parameters=(StationParameter(code="PM2.5", unit="µg/m3"),),
                **where,
            )
        )
        return code

    def send(self, code: str, *readings: tuple[float, float], received: datetime | None = None) -> None:
        """Send files with one reading each, (minutes after noon, value), received a minute later."""
        for minutes, value in readings:
            at = NOON + timedelta(minutes=minutes)
            content = reading_set(
                reading(value, unit="µg/m3", measured_at=at),
                station=code,
                file_id=uuid.uuid4().hex * 2,
                received_at=received,
            )
            self.producer.produce(
                [Record(self.prefix + "parsed-reading", code.encode(), encode_reading_set(content))]
            )
        self.producer.flush()

    def rejudge(self, code: str, cause: str, offset: int) -> None:
        request = RejudgeRequest(
            station=code,
            start=NOON,
            end=NOON + timedelta(hours=1),
            causes=[cause],
            registry_offset=offset,
        )
        self.producer.write(
            Record(self.prefix + "rejudge", code.encode(), request.model_dump_json().encode())
        )

    def flags(self, code: str) -> dict[int, int]:
        """Minutes after noon -> flag."""
        found = self.database.query(
            "SELECT measured_at, flag FROM readings FINAL WHERE station = {s:String} ORDER BY measured_at",
            {"s": code},
        )
        return {round((at - NOON).total_seconds() / 60): flag for at, flag in found.rows}

    def mean(self, code: str) -> float | None:
        found = self.database.query(
            "SELECT mean FROM averages FINAL WHERE period = 'hour' AND station = {s:String}"
            " AND starts_at = {t:DateTime('UTC')}",
            {"s": code, "t": f"{NOON:%Y-%m-%d %H:%M:%S}"},
        )
        return found.rows[0][0] if found.rows else None

    def command(self, *arguments: str) -> str:
        """Type one command where the environment names the deployment."""
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


@pytest.fixture(scope="module")
def pipeline(
    kafka: KafkaConnection, clickhouse: ClickHouseSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    prefix = f"t{uuid.uuid4().hex[:8]}."
    admin = KafkaAdmin(kafka)
    admin.create(missing_topics(admin, prefix=prefix, size="local", replication=1))
    made = Pipeline(kafka, prefix, clickhouse, tmp_path_factory.mktemp("rejudge"))
    # The validator knows them from its start on; a change of the registry judges nothing again.
    for code in STATIONS:
        made.station(code)
    processes = [
        subprocess.Popen([sys.executable, "-m", f"services.{service}", role], env=made.environment)
        for service, role in ROLES
    ]
    yield made
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(timeout=LIMIT)
    del made.producer  # it would go on looking for the broker


def test_a_table_tells_which_records_it_holds(pipeline: Pipeline) -> None:
    topic, held = pipeline.prefix + "baseline", []
    written = pipeline.producer.write(Record(topic, b"A", None))
    table = TableReader(pipeline.kafka, topic, lambda key, _: held.append(key))
    table.start()
    assert table.position(written.partition) == written.offset + 1
    later = pipeline.producer.write(Record(topic, b"A", None))
    assert (later.partition, later.offset) == (written.partition, written.offset + 1)
    wait_until(
        lambda: table.position(later.partition) > later.offset, lambda: table.position(later.partition)
    )
    assert held == [b"A", b"A"], "a position is told only after the records before it were applied"
    elsewhere = (written.partition + 1) % 6
    assert table.position(elsewhere) == 0
    table.close()


def test_a_late_file_changes_its_neighbours_flag_and_the_hour(pipeline: Pipeline) -> None:
    code = LATE
    pipeline.send(code, (0, 10.0), (10, 18.0), (15, 18.0))
    wait_until(lambda: pipeline.flags(code) == {0: 1, 10: 3, 15: 1}, lambda: pipeline.flags(code))
    wait_until(lambda: pipeline.mean(code) == 14.0, lambda: pipeline.mean(code))

    pipeline.send(code, (5, 14.0), received=NOON + timedelta(minutes=20))
    wait_until(lambda: pipeline.flags(code) == {0: 1, 5: 1, 10: 1, 15: 1}, lambda: pipeline.flags(code))
    wait_until(lambda: pipeline.mean(code) == 15.0, lambda: pipeline.mean(code))
    revisions = pipeline.database.query(
        "SELECT measured_at, flag, cause, superseded_by - version, version % 1024, value"
        " FROM reading_revisions FINAL WHERE station = {s:String}",
        {"s": code},
    ).rows
    assert [tuple(row) for row in revisions] == [(NOON + timedelta(minutes=10), 3, "late", 1, 0, 18.0)]
    current = pipeline.database.query(
        "SELECT version % 1024 FROM readings FINAL WHERE station = {s:String} ORDER BY measured_at",
        {"s": code},
    ).rows
    assert [row[0] for row in current] == [0, 0, 1, 0]
    files = pipeline.database.query("SELECT count() FROM files WHERE station = {s:String}", {"s": code}).rows
    assert files[0][0] == 4, "a revision is no file"


def test_a_decision_and_its_withdrawal_change_flags_and_averages(pipeline: Pipeline) -> None:
    code = DECIDED
    pipeline.send(code, (0, 10.0), (5, 12.0))
    wait_until(lambda: pipeline.mean(code) == 11.0, lambda: pipeline.mean(code))
    decision = Decision(
        id=f"test-{uuid.uuid4().hex}",
        station=code,
        start=NOON + timedelta(minutes=5),
        end=NOON + timedelta(hours=1),
        flag="fail",
        by="duty officer",
        why="filter changed",
        decided_at=datetime.now(UTC),
    )
    pipeline.rejudge(code, "decision", pipeline.register(decision))
    wait_until(lambda: pipeline.flags(code) == {0: 1, 5: 4}, lambda: pipeline.flags(code))
    wait_until(lambda: pipeline.mean(code) == 10.0, lambda: pipeline.mean(code))
    withdrawal = Withdrawal(by="duty officer", why="wrong station", at=datetime.now(UTC))
    withdrawn = decision.model_copy(update={"withdrawn": withdrawal})
    pipeline.rejudge(code, "decision", pipeline.register(withdrawn))
    wait_until(lambda: pipeline.mean(code) == 11.0, lambda: (pipeline.mean(code), pipeline.flags(code)))
    assert pipeline.flags(code) == {0: 1, 5: 1}


def test_rules_switch_at_one_point_under_load(pipeline: Pipeline) -> None:
    code, start = SWITCHED, datetime.now(UTC)
    candidate = load(pipeline.rules("candidate", suspect=7))
    default = load(pipeline.rules("default", suspect=5))
    switch = activation(
        candidate, by="test", why="wider", now=start - timedelta(seconds=20), received_from=start
    )
    switch = switch.model_copy(update={"received_from": start + timedelta(seconds=3)})
    pipeline.register(switch)
    sent = 0
    while datetime.now(UTC) < start + timedelta(seconds=6):
        pipeline.send(code, (sent / 60, 10.0 + sent % 2), received=in_milliseconds(datetime.now(UTC)))
        sent += 1
        time.sleep(0.02)
    wait_until(lambda: len(_rules(pipeline, code)) == sent, lambda: len(_rules(pipeline, code)))
    found = _rules(pipeline, code)
    assert {rules for at, rules in found if at < switch.received_from} == {default.version}
    assert {rules for at, rules in found if at >= switch.received_from} == {candidate.version}


def in_milliseconds(at: datetime) -> datetime:
    """Times of receipt have no more."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _rules(pipeline: Pipeline, code: str) -> list[tuple[datetime, str]]:
    found = pipeline.database.query(
        "SELECT received_at, rules FROM files FINAL WHERE station = {s:String} ORDER BY received_at",
        {"s": code},
    )
    return [tuple(row) for row in found.rows]


def test_a_replay_shows_what_would_change_and_then_changes_it(pipeline: Pipeline) -> None:
    code = REPLAYED
    day = timedelta(days=10)
    minutes = day.total_seconds() / 60
    pipeline.send(code, (minutes, 10.0), (minutes + 5, 16.0), (minutes + 10, 20.0))
    before = {int(minutes): 1, int(minutes) + 5: 3, int(minutes) + 10: 1}
    wait_until(lambda: pipeline.flags(code) == before, lambda: pipeline.flags(code))
    start, end = NOON + day - timedelta(hours=1), NOON + day + timedelta(hours=1)
    span = ("--from", to_iso(start), "--to", to_iso(end))
    replay = ("replay", "--stage", "validator", *span, "--rules", str(pipeline.rules("wider", suspect=6.5)))

    shown = pipeline.command(*replay, "--dry-run").splitlines()
    assert shown == [
        f"rate_of_change {code} PM2.5: 1 reading suspect → good",
        "    2026-04-04T19:05:00+07:00 16 µg/m3: suspect → good (rate_of_change suspect → good)",
        "1 reading suspect → good",
        "1 of 3 readings of 1 station would get another flag",
    ]
    assert pipeline.flags(code) == before

    pipeline.command(*replay, "--publish", "--why", "too narrow")
    after = dict.fromkeys(before, 1)
    wait_until(lambda: pipeline.flags(code) == after, lambda: pipeline.flags(code))
    causes = pipeline.database.query(
        "SELECT cause FROM reading_revisions FINAL WHERE station = {s:String}", {"s": code}
    ).rows
    assert [row[0] for row in causes] == ["replay"]
