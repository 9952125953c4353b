"""The proof: kill -9 in mid-batch, a rebalance there and back, and new rules under load change no flag.

The same days of the same stations go twice through real processes over the real broker and the real
ClickHouse: once undisturbed, once with all of that. What is stored at the end is the same, and it is what the
batch form says of everything at once.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from quantrac.domain.ids import file_id
from quantrac.domain.qa.baseline.neighbour_hours import combine_hours, hour_medians, neighbours_of
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.span import judge_span
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import FlaggedSet, Readings, ReadingSet
from quantrac.domain.registry.stations import StationType
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.group_progress import GroupProgress
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.readers import read_tail
from quantrac.io.partitions import Offsets
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings, kafka_environment
from quantrac.local.ports import LOOPBACK, free_port
from quantrac.migrate import migrate_tables, missing_topics
from schemas.codecs.sets import decode_flagged_set, encode_reading_set
from schemas.messages.registry.activations import Activation
from schemas.messages.registry.stations import Station, StationParameter
from schemas.registry import record_key, to_registry
from schemas.rules import RuleBook, load
from schemas.rules.book import activation
from support.qa import EVERY_TEST, STRICTER, a_set, disordered, files, reading
from support.waiting import LIMIT, wait_until

pytestmark = pytest.mark.chaos

CODES = ("PM2.5", "PM10", "CO")
STEP = 20
"""Minutes: so the days that the baseline tests need are few files."""
HOURS = 4 * 24
STATIONS = [
    Station(
        code=f"HN_CHAOS_KHI{number:03d}",
        name="",
        type=StationType.AMBIENT_AIR,
        province="01",
        # Neighbours by twos: 3 km, and 50 km to the next.
        latitude=21 + 0.027 * (number % 2),
        longitude=105 + 0.5 * (number // 2),
        interval_minutes=STEP,
        parameters=tuple(
            StationParameter(code=code, unit="ug/m3", range_low=-50, range_high=6000) for code in CODES
        ),
    )
    for number in range(12)
]
PARTS = {"validate": "validator", "rejudge": "validator", "sink": "aggregator"}
READS = {"validate": "parsed-reading", "rejudge": "rejudge", "sink": "qa-flagged"}

Stored = dict[tuple[str, str, datetime], tuple[float, int, str]]
"""Station, parameter, time -> value, flag, rules."""


class Province:
    """Validator and sink over topics and a database of their own."""

    def __init__(self, kafka: KafkaConnection, server: ClickHouseSettings, rules: Path) -> None:
        name = f"t{uuid.uuid4().hex[:8]}"
        self.kafka, self.prefix, self.admin = kafka, f"{name}.", KafkaAdmin(kafka)
        self.admin.create(missing_topics(self.admin, prefix=self.prefix, size="local", replication=1))
        clickhouse = server.model_copy(update={"database": name})
        migrate_tables(clickhouse)
        self.database, self.producer = ClickHouse(clickhouse), KafkaProducer(kafka)
        self.environment = {
            **os.environ,
            **kafka_environment(kafka),
            "QUANTRAC_TOPIC_PREFIX": self.prefix,
            "QUANTRAC_RULES": str(rules),
            **{
                f"QUANTRAC_CLICKHOUSE_{key.upper()}": str(value)
                for key, value in clickhouse.model_dump().items()
                if key != "secure"
            },
        }
        self.progress = {
            role: GroupProgress(kafka, f"{self.prefix}{service}.{role}", self.prefix + READS[role])
            for role, service in PARTS.items()
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def register(self, *records: Station | Activation) -> None:
        topic = self.prefix + "station-registry"
        self.producer.produce(
            [Record(topic, record_key(each), each.model_dump_json().encode()) for each in records]
        )
        self.producer.flush()

    def send(self, sets: Iterable[ReadingSet]) -> None:
        topic = self.prefix + "parsed-reading"
        self.producer.produce(
            [Record(topic, each.station.encode(), encode_reading_set(each)) for each in sets]
        )
        self.producer.flush()

    def start(self, role: str, **settings: str) -> None:
        """Start a process, again under the name that it had if it was killed."""
        command = [sys.executable, "-m", f"services.{PARTS[role]}", role]
        self.processes[role + settings.get("QUANTRAC_INSTANCE", "")] = subprocess.Popen(
            command, env=self.environment | settings
        )

    def kill_under(self, role: str, load: Sequence[ReadingSet], *, slice_seconds: float) -> None:
        """Kill -9 a role's process while it works off what came with a load."""
        self.processes[role].send_signal(signal.SIGSTOP)
        done = self.done(role)
        self.send(load)
        self.kill_when(role, lambda: self.done(role) > done and self.lag(role) > 0, slice_seconds)

    def kill_when(self, name: str, holds: Callable[[], bool], slice_seconds: float) -> None:
        """Kill -9 where something holds; the process runs in slices looked at while it stands."""
        process, deadline = self.processes.pop(name), time.monotonic() + LIMIT
        while True:
            process.send_signal(signal.SIGSTOP)
            if holds():
                break
            process.send_signal(signal.SIGCONT)
            assert time.monotonic() < deadline, f"{name} never came where it was to be killed"
            time.sleep(slice_seconds)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
            process.send_signal(signal.SIGCONT)
        for process in self.processes.values():
            process.wait(timeout=LIMIT)
        del self.producer  # it would go on looking for the broker

    def ends(self, role: str) -> int:
        """How many messages there are of those that a role reads."""
        return total(self.progress[role].end_offsets)

    def done(self, role: str) -> int:
        return total(self.progress[role].committed_offsets)

    def lag(self, role: str) -> int:
        return self.ends(role) - self.done(role)

    def at_rest(self) -> bool:
        """Tell whether everything is judged, stored and rejudged: nobody has anything left or gives more."""
        before = [self.ends(role) for role in READS]
        return not any(self.lag(role) for role in READS) and before == [self.ends(role) for role in READS]

    def written(self) -> list[FlaggedSet]:
        topic = self.prefix + "qa-flagged"
        return [
            decode_flagged_set(record.value or b"")
            for partition in range(self.admin.count_partitions()[topic])
            for record in read_tail(self.kafka, topic, partition, 1_000_000)
        ]

    def stored(self) -> Stored:
        found = self.database.query(
            "SELECT station, parameter, measured_at, value, flag, rules FROM readings FINAL"
        )
        return {(code, name, at): (value, flag, rules) for code, name, at, value, flag, rules in found.rows}

    def dead_letters(self) -> int:
        dead = [
            name
            for name in self.admin.count_partitions()
            if name.startswith(self.prefix) and name[-4:] == ".dlq"
        ]
        assert dead
        return sum(self.admin.end_offsets(dead).values())


@pytest.fixture
def province(
    kafka: KafkaConnection, clickhouse_server: ClickHouseSettings, tmp_path: Path
) -> Iterator[Callable[[], Province]]:
    made: list[Province] = []
    rules = tmp_path / "rules.yaml"
    rules.write_text(EVERY_TEST)

    def make() -> Province:
        made.append(Province(kafka, clickhouse_server, rules))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def test_kills_a_rebalance_and_new_rules_under_load_change_no_flag(
    province: Callable[[], Province], tmp_path: Path
) -> None:
    sets = days()
    cuts = [len(sets) * part // 5 for part in range(6)]
    parts = [sets[start:end] for start, end in pairwise(cuts)]
    switch = switched(tmp_path, parts[3][len(parts[3]) // 2].received_at)
    closing = [closed(each.code) for each in STATIONS]

    calm, tried = province(), province()
    calm.register(*STATIONS, switch)
    tried.register(*STATIONS)
    for role in READS:
        calm.start(role)
    calm.send(sets)
    disturb(tried, parts, switch)
    for each in (calm, tried):
        wait_until(each.at_rest, "everything is rejudged")
        each.send(closing)
    for each in (calm, tried):
        wait_until(each.at_rest, "everything is rejudged")

    stored = tried.stored()
    assert differences(stored, calm.stored()) == {}
    assert differences(stored, at_once([*sets, *closing], switch, tmp_path)) == {}
    assert {flag for _, flag, _ in stored.values()} == {1, 3, 4}

    firsts = [each for each in tried.written() if not each.revision]
    assert len(firsts) > len(sets) + len(closing), "a batch was judged, lost before its commit, judged again"
    old = load(tmp_path / "rules.yaml").version
    assert {(each.received_at >= switch.received_from, each.rules) for each in firsts} == {
        (False, old),
        (True, switch.version),
    }
    assert (calm.dead_letters(), tried.dead_letters()) == (0, 0)


def days() -> list[ReadingSet]:
    """Four days of all stations in order of receipt: with faults, late, sent twice and corrected."""
    sent = [
        each
        for number, station in enumerate(STATIONS)
        for each in files(station.code, hours=HOURS, seed=50 + number, step=STEP, codes=CODES)
    ]
    random = np.random.default_rng(50)
    sets = disordered(sorted(sent, key=lambda each: each.received_at), random, furthest=1000)
    return [
        replace(
            each,
            file_id=file_id(each.file_id.encode()),
            readings=Readings.of(one for one in each.readings if np.isfinite(one.value)),  # as in files
        )
        for each in sets
    ]


def closed(station: str) -> ReadingSet:
    """A calibration more than a day later: the last block is over, and it is FAIL whatever its baseline."""
    readings = [reading(60 * (HOURS + 30), 50.0, code, "01", line=line) for line, code in enumerate(CODES, 1)]
    found = a_set(*readings, station=station)
    return replace(found, file_id=file_id(found.file_id.encode()))


def switched(folder: Path, at: datetime) -> Activation:
    """Stricter rules for what is received from ``at`` on."""
    path = folder / "stricter.yaml"
    path.write_text(STRICTER)
    at = at.replace(microsecond=0) + timedelta(seconds=1)
    return activation(load(path), by="test", why="trial", now=at - timedelta(minutes=1), received_from=at)


def disturb(tried: Province, parts: Sequence[Sequence[ReadingSet]], switch: Activation) -> None:
    """Send five parts; the rules switch within the fourth and are announced in the second."""
    # So little is read back that the memory is short after each start.
    short = {"QUANTRAC_MEMORY_TAIL": "60"}

    def half_way() -> bool:
        """What is written is not committed, and no commit is under way; nobody else writes yet."""
        if tried.ends("sink") <= tried.done("validate"):
            return False
        time.sleep(0.1)
        return tried.ends("sink") > tried.done("validate")

    tried.start("validate", **short)
    tried.send(parts[0])
    tried.kill_when("validate", half_way, 0.003)
    tried.start("validate", **short)
    tried.start("sink")
    tried.start("rejudge")

    port = free_port()
    tried.start("validate", **short, QUANTRAC_INSTANCE="1", QUANTRAC_HEALTH_PORT=str(port))
    flow = iter(parts[1])

    def joined() -> bool:
        tried.send(islice(flow, 20))
        return ready(port)

    wait_until(joined, "the second validator has partitions")
    tried.register(switch)
    announced = time.monotonic()
    tried.send(flow)
    tried.kill_under("sink", parts[2], slice_seconds=0.05)
    tried.start("sink")
    wait_until(lambda: time.monotonic() > announced + 2, "every validator knows of the switch")

    tried.kill_under("validate", parts[3], slice_seconds=0.01)
    tried.start("validate", **short)
    tried.processes["validate1"].terminate()
    tried.kill_under("rejudge", parts[4], slice_seconds=0.1)  # a batch takes it a second
    tried.start("rejudge")


def ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/health/ready", timeout=LIMIT):
            return True
    except OSError:
        return False


def at_once(sets: Sequence[ReadingSet], switch: Activation, folder: Path) -> Stored:
    """Return what the batch form says of everything."""
    registry = to_registry([*STATIONS, switch])
    expectations = Expectations(registry, RuleBook(load(folder / "rules.yaml"), registry))
    stored = {each.code: StationReadings.of_sets(each.code, sets) for each in STATIONS}
    medians = {code: hour_medians(readings, readings.newest) for code, readings in stored.items()}
    found: Stored = {}
    for code, readings in stored.items():
        hours = combine_hours(readings.newest, [medians[each] for each in neighbours_of(registry, code)])
        judged = judge_span(readings, expectations, neighbours=lambda _first, _last, hours=hours: hours)  # type: ignore[misc]
        for row, parameter in enumerate(readings.parameter.tolist()):
            found[code, parameter, datetime.fromtimestamp(readings.time[row], UTC)] = (
                float(readings.value[row]),
                int(judged.flag[row]),
                expectations.version(int(judged.profile[row])),
            )
    return found


def total(ask: Callable[[], Offsets | None]) -> int:
    """Return a sum of offsets; a broker whose group coordinator is starting is asked again."""
    answer: Offsets | None = None

    def is_answered() -> bool:
        nonlocal answer
        answer = ask()
        return answer is not None

    wait_until(is_answered, "an answer of the broker")
    return sum((answer or {}).values())


def differences(one: Stored, other: Stored) -> dict[object, object]:
    return {
        key: (one.get(key), other.get(key)) for key in one.keys() | other if one.get(key) != other.get(key)
    }
