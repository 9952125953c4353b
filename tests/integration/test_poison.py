"""One message that cannot be stored stops nothing: extremes of every field, the real engine behind it."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from typing import Any

import msgspec
import pytest

from quantrac.domain.ids import file_id, reading_version
from quantrac.domain.readings import FlaggedReading, FlaggedReadings, FlaggedSet, Provisional, Reject
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse, ClickHouseAway, ClickHouseBadData, ClickHouseRefused
from quantrac.io.clickhouse_codes import BUSY, STATE
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.records import Handler, Record
from quantrac.io.runner import BatchProcessor, Runner
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import NOON, flagged_reading, flagged_set, station
from schemas.codecs.sets import decode_flagged_set, encode_flagged_set
from schemas.examples import example
from schemas.limits import load_national
from schemas.messages.raw_file import RawFileHeaders
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import qa_flagged, tables_by_topic
from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.exceedances.queries import ClickHouseExceedances
from services.aggregator.windows.exceedances.step import ExceedanceStep
from services.aggregator.windows.indices.queries import ClickHouseIndices
from support.averages import windows_handler
from support.extremes import (
    ALERT,
    DELIVERY,
    RAW,
    RECEIPT,
    REJECTED,
    REJECTED_FILE,
    SET,
    Case,
    cases,
    column_types,
    extremes,
    replaced,
)
from support.waiting import LIMIT, wait_until

TOPICS = {
    "qa-flagged": "flagged",
    "raw-file": "raw",
    "raw-file-backlog": "backlog",
    "delivery-receipt": "receipts",
    "registry-request": "requests",
    "alert": "alerts",
    "window-dirty": "dirty",
    "rejudge": "rejudge",
}

TABLES = ("readings", "reading_revisions", "files", "rejects", "raw_files", "alerts")
TABLES += ("deliveries", "receipts", "rejected_sets")


def flagged_file(code: str, *readings: FlaggedReading, at: datetime = NOON, **fields: Any) -> FlaggedSet:
    """Return a set with these readings, or one measured at a time, and with a reject."""
    return flagged_set(
        *(readings or [flagged_reading(35.2, text="35.20", measured_at=at)]),
        station=code,
        file_name=f"{code}.txt",
        received_at=NOON,
        rejects=[Reject(2, "NO2\tx", "value-not-a-number", "No number.")],
        **fields,
    )


def good(number: int) -> Record:
    code = f"GOOD_{number}"
    return Record("flagged", code.encode(), encode_flagged_set(flagged_file(code)))


def among_good_ones(bad: Sequence[Record]) -> list[Record]:
    """Put a good set before and after every bad record, all of one partition."""
    records = list(chain.from_iterable((good(n), record) for n, record in enumerate(bad)))
    records.append(good(len(bad)))
    return [Record(r.topic, r.key, r.value, r.headers, 0, n) for n, r in enumerate(records)]


class Stage:
    """A handler behind the step that every loop shares; keeps what it wrote."""

    def __init__(self, handler: Handler) -> None:
        self.broker = FakeBroker(partitions=1)
        self._processor = BatchProcessor(service="test", producer=self.broker.producer(), handler=handler)

    def process(self, batch: Sequence[Record], *, topic: str = "flagged") -> list[Record]:
        """Process a batch, which must not have to wait; returns the dead letters."""
        before = len(self.broker.records(f"{topic}.dlq"))
        assert self._processor.process(batch) is None
        return self.broker.records(f"{topic}.dlq")[before:]


@pytest.fixture
def store(clickhouse: ClickHouseSettings) -> Iterator[ClickHouse]:
    client = ClickHouse(clickhouse)
    yield client
    for table in TABLES:
        client.command(f"TRUNCATE TABLE {table}")


@pytest.fixture
def sink(store: ClickHouse) -> Stage:
    return Stage(SinkHandler(store, tables_by_topic(TOPICS.__getitem__, rejudges=True)))


def stored_stations(store: ClickHouse) -> set[str]:
    return {row[0] for row in store.query("SELECT DISTINCT station FROM readings").rows}


def all_good(count: int) -> set[str]:
    return {f"GOOD_{n}" for n in range(count)}


STRANGE_TESTS = ("[1]", "7", '{"range": "good"}', '{"range": 1e400}', '{"\\ud800": 1}', "null", "[" * 20_000)


def set_cases() -> list[Case]:
    """Every extreme of a flagged set; each of a station of its own, or one that finds it by its field."""
    extreme_sets = []
    columns = {field: column for field, column in SET.items() if field != "station"}
    for number, case in enumerate(cases(json.loads(encode_flagged_set(flagged_file("CASE"))), columns)):
        extreme_sets.append(
            Case(case.field, case.literal, case.message.replace(b'"CASE"', b'"CASE_%d"' % number))
        )
    for number, literal in enumerate(STRANGE_TESTS):
        message = replaced(
            json.loads(encode_flagged_set(flagged_file(f"TESTS_{number}"))), "outcomes.0", literal
        )
        extreme_sets.append(Case("outcomes.0", literal, message))
    return extreme_sets


def test_the_columns_of_the_migrations_are_those_of_the_engine(store: ClickHouse) -> None:
    look = "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
    engine = {(table, name): column_type for table, name, column_type in store.query(look).rows}
    assert {column: engine[column] for column in engine if column[0] in TABLES} == {
        column: column_type for column, column_type in column_types().items() if column[0] in TABLES
    }


def test_the_codes_have_the_names_that_the_engine_gives_them(store: ClickHouse) -> None:
    codes = BUSY | STATE
    names = store.query(
        "SELECT arrayMap(code -> errorCodeToName(code), {codes:Array(UInt32)})", {"codes": [*codes.values()]}
    )
    assert list(names.rows[0][0]) == list(codes)
    assert BUSY.keys().isdisjoint(STATE)


def test_each_set_is_stored_exactly_or_a_dead_letter_and_its_neighbours_are_stored(
    store: ClickHouse, sink: Stage
) -> None:
    bad_cases = set_cases()
    letters = sink.process(among_good_ones([Record("flagged", b"k", case.message) for case in bad_cases]))
    assert stored_stations(store) >= all_good(len(bad_cases) + 1)
    dead = {letter.value: letter.headers["reason"].decode() for letter in letters}
    assert not any("Traceback" in reason for reason in dead.values())
    kept = [case for case in bad_cases if case.message not in dead]
    assert len(kept) > 60
    assert len(dead) > 80
    readings = {row[0]: row[1:] for row in store.query(_READINGS).rows}
    files = {row[0]: row[1:] for row in store.query(_FILES).rows}
    for case in kept:
        s = decode_flagged_set(case.message)
        (r,), (reject,) = s.readings, s.rejects
        version, text = reading_version(s.received_at, s.revision), "" if r.text == str(r.value) else r.text
        wanted = (r.parameter, r.measured_at, r.value, text, r.unit, r.status, r.flag, r.line, version)
        assert readings[s.station] == wanted, case
        if not s.revision:
            head = (s.file_id, s.file_name, s.account, s.transport, s.format, s.rules, s.received_at)
            rejected = (reject.line, reject.text, reject.reason, reject.detail)
            assert files[s.station] == (*head, *rejected), case


_READINGS = """
SELECT station, parameter, measured_at, value, text, unit, status, flag, line, version FROM readings FINAL
"""
_FILES = """
SELECT f.station, f.file_id, f.name, f.account, f.transport, f.format, f.rules, f.received_at,
  r.line, r.text, r.reason, r.detail
FROM files AS f FINAL
LEFT JOIN rejects AS r FINAL ON r.station = f.station
"""


class LooseReadings(msgspec.Struct):
    """One reading: what all rows have in common is said once."""

    line: list[int]
    parameter: str
    value: list[float]
    text: list[str]
    unit: str
    measured_at: datetime
    status: str
    flag: int
    outcome: int


class LooseReject(msgspec.Struct):
    line: int
    text: str
    reason: str
    detail: str = ""


class LooseSet(msgspec.Struct):
    """A set that is held to no bounds: as if the description had forgotten them."""

    station: str
    file_id: str
    file_name: str
    account: str
    transport: str
    received_at: datetime
    format: str
    rules: str
    readings: LooseReadings
    tests: list[str]
    outcomes: list[str]
    rejects: list[LooseReject] = []
    revision: int = 0
    cause: str = ""
    provisional: Provisional | None = None


LOOSE_SETS = msgspec.json.Decoder(LooseSet)


def decode_loosely(value: bytes) -> FlaggedSet:
    s = LOOSE_SETS.decode(value)
    r = s.readings
    constant = [[r.unit], [r.measured_at], [r.status], [""], [r.flag], [r.outcome], [None]]
    readings = FlaggedReadings(*[r.line, [r.parameter], r.value, r.text, *constant, s.tests, s.outcomes])
    fields = {
        name: getattr(s, name) for name in LooseSet.__struct_fields__ if name not in {"tests", "outcomes"}
    }
    return FlaggedSet(**(fields | {"readings": readings}))


def test_what_no_description_foresaw_is_isolated_by_what_the_engine_says(
    store: ClickHouse, sink: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qa_flagged, "decode_flagged_set", decode_loosely)
    bad_cases = [case for case in set_cases() if "line" in case.field or "_at" in case.field]
    letters = sink.process(among_good_ones([Record("flagged", b"k", case.message) for case in bad_cases]))
    assert stored_stations(store) >= all_good(len(bad_cases) + 1)
    reasons = {letter.value: letter.headers["reason"].decode() for letter in letters}
    said = {
        (case.field, case.literal): reasons[case.message] for case in bad_cases if case.message in reasons
    }
    sentence = "the table {} cannot hold a value of the message: {}: "
    for field, literal, table, column in (
        ("readings.line.0", str(2**32), "readings", "line"),
        ("rejects.0.line", str(2**32), "files", "rejected_lines"),
        ("readings.measured_at.0", '"1969-12-31T23:59:59Z"', "readings", "measured_at"),
        ("readings.measured_at.0", '"2106-02-07T06:28:16Z"', "readings", "measured_at"),
        ("readings.measured_at.0", '"9999-12-31T23:59:59Z"', "readings", "measured_at"),
        ("received_at", '"1969-12-31T23:59:59.999Z"', "readings", "version"),
    ):
        assert said[field, literal].startswith(sentence.format(table, column)), said[field, literal]


@pytest.mark.parametrize(
    ("topic", "message", "columns"),
    [
        ("receipts", json.loads(example("delivery-receipt.json")), DELIVERY | RECEIPT),
        (
            "receipts",
            json.loads(example("delivery-receipt.json")) | {"rejected": [REJECTED_FILE]},
            REJECTED,
        ),
        ("alerts", json.loads(example("alert.json")), ALERT),
    ],
    ids=["receipts", "rejected sets", "alerts"],
)
def test_receipts_and_alerts_are_stored_or_dead_letters_and_their_neighbours_are_stored(
    store: ClickHouse,
    sink: Stage,
    topic: str,
    message: Mapping[str, Any],
    columns: Mapping[str, tuple[str, str]],
) -> None:
    bad_cases = list(cases(message, columns))
    batch = among_good_ones([Record(topic, b"k", case.message) for case in bad_cases])
    letters = sink.process(batch, topic=topic)
    assert stored_stations(store) == all_good(len(bad_cases) + 1)
    assert 0 < len(letters) < len(bad_cases)
    assert not any(b"Traceback" in letter.headers["reason"] for letter in letters)


def test_raw_files_are_stored_or_dead_letters_and_their_neighbours_are_stored(
    store: ClickHouse, sink: Stage
) -> None:
    head = {"file_id": file_id(b""), "name": "a.txt", "path": "", "account": "a", "transport": "ftp"}
    headers = RawFileHeaders(**head, received_at=NOON, traceparent="t").to_headers()
    types = column_types()
    bad = [
        Record("raw", b"k", b"\x00\xff", {**headers, name: literal.strip('"').encode("latin-1")})
        for name, column in RAW.items()
        for literal in extremes(types[column])
    ]
    bad += [
        Record("raw", b"\xff", b"", headers),
        Record("raw", b"", None, headers),
        Record("raw", b"", b"", {}),
    ]
    letters = sink.process(among_good_ones(bad), topic="raw")
    assert stored_stations(store) == all_good(len(bad) + 1)
    assert 0 < len(letters) < len(bad)
    assert not any(b"Traceback" in letter.headers["reason"] for letter in letters)


def test_a_set_with_readings_of_more_months_than_the_engine_takes_by_default_is_stored(
    store: ClickHouse, sink: Stage
) -> None:
    months = [datetime(1998 + n // 12, 1 + n % 12, 1, tzinfo=UTC) for n in range(120)]
    long = flagged_file("LONG", *(flagged_file("LONG", at=at).readings[0] for at in months))
    late = flagged_file("LONG", *long.readings, revision=1, cause="late")
    for each in (long, late):
        assert (
            sink.process([Record("flagged", b"LONG", encode_flagged_set(each), {}, 0, each.revision)]) == []
        )
    count = "SELECT count() FROM {} WHERE station = 'LONG'"
    assert store.query(count.format("readings FINAL")).rows == [(120,)]
    assert store.query(count.format("reading_revisions")).rows == [(120,)]


def test_an_error_says_whose_fault_it_is(store: ClickHouse, clickhouse: ClickHouseSettings) -> None:
    with pytest.raises(ClickHouseRefused, match="code: 60"):
        store.query("SELECT * FROM nothing")
    with pytest.raises(ClickHouseRefused, match="the table readings has no column nothing"):
        store.insert("readings", {"nothing": [1]})
    with pytest.raises(ClickHouseRefused):
        ClickHouse(clickhouse.model_copy(update={"password": "wrong"})).query("SELECT 1")
    with pytest.raises(ClickHouseAway):
        ClickHouse(clickhouse.model_copy(update={"port": 1})).query("SELECT 1")
    with pytest.raises(ClickHouseAway):
        store.query("SELECT sleep(2) SETTINGS max_execution_time = 1")
    with pytest.raises(ClickHouseBadData):
        store.query("SELECT {at:UInt32}", {"at": -1})
    with pytest.raises(ClickHouseBadData, match="a statement would be bound to"):
        store.query("SELECT {names:Array(String)}", {"names": ["x" * 64] * 10_000})
    store.command(
        "CREATE TABLE IF NOT EXISTS checked (x UInt8, CONSTRAINT small CHECK x < 5) ENGINE = Memory"
    )
    with pytest.raises(ClickHouseBadData, match="the table checked cannot hold a value of the message"):
        store.insert("checked", {"x": [7]})


HOURS = (
    *("1970-01-01T00:00:00Z", "1989-12-31T23:00:00Z", "1990-01-01T00:00:00Z", "2105-12-31T16:00:00Z"),
    *("2105-12-31T17:00:00Z", "2106-02-07T06:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:00:00Z"),
    *("2026-03-25T05:00:00+07:00", "2026-03-25T05:00:00"),
)


def test_the_windows_compute_every_hour_that_can_be_stored_and_go_on_past_all_others(
    store: ClickHouse, sink: Stage
) -> None:
    edges = [datetime(1990, 1, 1, tzinfo=UTC), datetime(2105, 12, 31, 16, 59, 59, tzinfo=UTC)]
    reading = flagged_file("MANY").readings[0]
    many = [replace(reading, parameter=f"P{n}{'é' * 40}", unit=f"u{n}") for n in range(6_000)]
    sets = [*(flagged_file("EDGE", at=at) for at in edges), flagged_file("MANY", *many[:1_000])]
    sets += [flagged_file("TOO_MANY", *many), flagged_file("GOOD")]
    sink.process(
        [Record("flagged", s.station.encode(), encode_flagged_set(s), {}, 0, n) for n, s in enumerate(sets)]
    )
    message = '{"station": "FORCED", "windows": [{"parameters": ["%s"], "hours": ["%s"]}]}'
    forced = [message % ("PM2.5", hour) for hour in HOURS]
    forced += ["", "{}", message % ("x" * 9_999, "2026-03-25T05:00:00Z")]
    records = [*sink.broker.records("dirty"), *(Record("dirty", b"FORCED", m.encode()) for m in forced)]
    registry = Registry(stations={code: station(code) for code in ("EDGE", "MANY", "TOO_MANY", "GOOD")})
    outcome: dict[str, Any] = {"aggregated": "aggregated", "clock": lambda: NOON + timedelta(days=1)}
    exceedances = ExceedanceStep(ClickHouseExceedances(store), registry, load_national(), **outcome)
    averages, indices = ClickHouseAverages(store), ClickHouseIndices(store)
    windows = Stage(windows_handler(averages, indices, registry, **outcome, exceedances=exceedances))
    batch = [Record(r.topic, r.key, r.value, {}, 0, n) for n, r in enumerate(records)]
    letters = windows.process(batch, topic="dirty")
    look = """
        SELECT station, countIf(period = 'hour'), uniq(period), uniq(parameter), uniq(unit) < 300
        FROM averages FINAL GROUP BY station ORDER BY station
    """
    computed = [("EDGE", 2, 5, 1, 1), ("GOOD", 1, 5, 1, 1), ("MANY", 1_000, 5, 1_000, 1)]
    assert store.query(look).rows == computed
    reasons = {letter.key: letter.headers["reason"].decode() for letter in letters}
    assert reasons.keys() == {b"FORCED", b"TOO_MANY"}
    assert "a statement would be bound to" in reasons[b"TOO_MANY"]
    assert not any("Traceback" in reason for reason in reasons.values())


def test_the_sink_goes_on_past_sets_of_the_topic_that_no_table_can_hold(
    clickhouse: ClickHouseSettings, kafka: str, topics: Callable[..., str], prefix: str
) -> None:
    names = ("qa-flagged", "raw-file", "delivery-receipt", "alert", "window-dirty", "qa-flagged.dlq")
    topic = {name: topics(name, partitions=2) for name in names}
    store, stop = ClickHouse(clickhouse), threading.Event()
    runner = Runner(
        service="aggregator.sink",
        consumer=KafkaConsumer(kafka, group=prefix + "sink", instance="0", topics=[topic["qa-flagged"]]),
        producer=KafkaProducer(kafka),
        handler=SinkHandler(store, tables_by_topic({**TOPICS, **topic}.__getitem__, rejudges=False)),
        batch_size=2_000,
    )
    loop = threading.Thread(target=runner.run, args=(stop,))
    loop.start()
    producer = KafkaProducer(kafka)

    def send(partition: int, value: bytes) -> None:
        producer.produce([Record(topic["qa-flagged"], b"k", value, partition=partition)])
        producer.flush()

    def stored(code: str) -> bool:
        sql = "SELECT count() FROM readings WHERE station = {code:String}"
        return bool(store.query(sql, {"code": code}).rows[0][0])

    try:
        poison = [
            *(("readings.measured_at.0", f'"{at}"') for at in HOURS[:1] + HOURS[5:]),
            *(("readings.line.0", str(2**40)), ("rejects.0.line", str(2**40))),
            ("received_at", '"1969-01-01T00:00:00Z"'),
        ]
        for number, (field, literal) in enumerate(poison):
            send(0, replaced(json.loads(encode_flagged_set(flagged_file(f"BAD_{number}"))), field, literal))
            for partition in (0, 1):
                code = f"AFTER_{number}_{partition}"
                send(partition, encode_flagged_set(flagged_file(code)))
                wait_until(partial(stored, code), f"{code} in the table")
    finally:
        stop.set()
        loop.join(timeout=LIMIT)
    letters = KafkaConsumer(kafka, group=prefix + "look", instance="0", topics=[topic["qa-flagged.dlq"]])
    dead: list[Record] = []

    def are_all_there() -> bool:
        dead.extend(letters.consume(100, 0.5))
        return len(dead) >= len(poison)

    wait_until(are_all_there, lambda: f"{len(dead)} dead letters")
    letters.close()
    assert len(dead) == len(poison)


def test_a_record_that_makes_its_table_raise_leaves_the_table_with_all_others(
    kafka: str, topics: Callable[..., str]
) -> None:
    topic, applied = topics("table", partitions=1), []

    def apply(key: bytes, value: bytes | None) -> None:
        if value == b"bad":
            raise OverflowError("date value out of range")
        applied.append(key)

    producer = KafkaProducer(kafka)
    producer.produce([Record(topic, b"a", b"1"), Record(topic, b"b", b"bad"), Record(topic, b"c", b"1")])
    producer.flush()
    reader = TableReader(kafka, topic, apply)
    reader.start()
    producer.produce([Record(topic, b"d", b"bad"), Record(topic, b"e", b"1")])
    producer.flush()
    wait_until(lambda: applied == [b"a", b"c", b"e"], lambda: applied)
    assert reader.position() == 5
    reader.close()
