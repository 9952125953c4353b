"""The roles parse and backlog over a real broker, and the replay of stored files."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from quantrac.cli.replay import _pages, raw_file
from quantrac.domain.ids import file_id, traceparent
from quantrac.domain.readings import ReadingSet
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.readers import read_since, read_tail
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings, kafka_environment
from quantrac.testing.builders import NOON, file_name, station_file
from schemas.codecs.sets import decode_reading_set
from schemas.messages.raw_file import RawFileHeaders
from schemas.messages.registry.stations import Station
from schemas.registry import record_key
from services.aggregator.sink.tables.raw_file import raw_file_columns
from services.receiver.wiring import backlog, parse
from support.waiting import wait_until

CODE = "HN_BKHN_KHIKXQ"
FLOW = station_file([("PM2.5", "12.40", "ug/m3", "00"), ("Flow_Out", "3.1", "m3/h", "00")])


def headers_of(content: bytes, name: str = "", **more: object) -> RawFileHeaders:
    fields = {
        "file_id": file_id(content),
        "name": name or file_name(),
        "path": "/2026/03/25",
        "account": "bkhn",
        "transport": "ftp",
        "received_at": NOON,
        "traceparent": traceparent(file_id(content)),
        "station": CODE,
    }
    return RawFileHeaders.model_validate({**fields, **more})


def registry_entry(*parameters: dict[str, object]) -> Station:
    fields = {"code": CODE, "name": "Bách khoa", "type": "ambient-air", "province": "01"}
    position = {"latitude": 21.0, "longitude": 105.8}
    entries = [{"code": "PM2.5", "unit": "µg/m3"}, *parameters]
    return Station.model_validate({**fields, **position, "parameters": entries})


@pytest.fixture
def lanes(
    kafka: KafkaConnection, prefix: str, topics: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Record], None]]:
    """Both roles at work; gives a way to write to the deployment's topics."""
    for name in ("raw-file", "raw-file-backlog", "parsed-reading"):
        topics(name)
    for name in ("open-question", "station-registry", "raw-file.dlq", "raw-file-backlog.dlq"):
        topics(name, partitions=1)
    producer = KafkaProducer(kafka)

    def write(record: Record) -> None:
        producer.produce([Record(prefix + record.topic, record.key, record.value, record.headers)])
        producer.flush()

    for name, value in kafka_environment(kafka).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QUANTRAC_TOPIC_PREFIX", prefix)
    stop = threading.Event()
    threads = [threading.Thread(target=role.run, args=(stop,)) for role in (parse(), backlog())]
    station = registry_entry()
    write(Record("station-registry", record_key(station), station.model_dump_json().encode()))
    for thread in threads:
        thread.start()
    yield write
    stop.set()
    for thread in threads:
        thread.join()


def wait_for(kafka: KafkaConnection, topic: str, count: int) -> list[ReadingSet]:
    def records() -> list[Record]:
        return [record for partition in range(3) for record in read_tail(kafka, topic, partition, 100)]

    wait_until(lambda: len(records()) >= count, f"{count} messages in {topic}", every_s=0.2)
    return [decode_reading_set(record.value or b"") for record in records()]


def test_files_are_read_again_by_themselves_when_the_registry_learns_their_parameter(
    kafka: KafkaConnection, prefix: str, lanes: Callable[[Record], None]
) -> None:
    late = station_file([("PM2.5", "9.1", "ug/m3", "00")], at=NOON - timedelta(days=3))
    lanes(Record("raw-file", CODE.encode(), FLOW, headers_of(FLOW).to_headers()))
    lanes(Record("raw-file-backlog", CODE.encode(), late, headers_of(late).to_headers()))
    first = wait_for(kafka, prefix + "parsed-reading", 2)
    assert sorted(len(s.rejects) for s in first) == [0, 1]

    station = registry_entry({"code": "FLOW", "unit": "m3/h", "file_names": ["Flow_Out"]})
    lanes(Record("station-registry", record_key(station), station.model_dump_json().encode()))
    sets = wait_for(kafka, prefix + "parsed-reading", 4)
    (reread,) = (s for s in sets if s.file_id == file_id(FLOW) and not s.rejects)
    assert reread.received_at == NOON
    assert [(r.parameter, r.value) for r in reread.readings] == [("PM2.5", 12.4), ("FLOW", 3.1)]


def test_a_partition_is_read_from_a_time_on(kafka: KafkaConnection, topics: Callable[..., str]) -> None:
    topic = topics("raw-file", partitions=1)
    producer = KafkaProducer(kafka)
    producer.produce([Record(topic, b"k", b"old")])
    producer.flush()
    since = datetime.now(UTC) + timedelta(milliseconds=1)
    while datetime.now(UTC) <= since:
        time.sleep(0.001)
    assert list(read_since(kafka, topic, 0, since)) == []
    producer.produce([Record(topic, b"k", b"new")])
    producer.flush()
    assert [r.value for r in read_since(kafka, topic, 0, since)] == [b"new"]


def test_stored_files_go_out_again_as_they_came(clickhouse: ClickHouseSettings) -> None:
    database = ClickHouse(clickhouse)
    first = headers_of(FLOW, marks="truncated")
    foreign = headers_of(b"\xff\0x", name="a.lsi", station=None, received_at=NOON + timedelta(seconds=1))
    stored = [(CODE, first, FLOW), ("bkhn", foreign, b"\xff\0x")]
    database.insert("raw_files", raw_file_columns(stored))

    def replay(**filters: object) -> list[Record]:
        span = {"start": "2026-03-25 00:00:00.000", "end": "2026-03-26 00:00:00.000"}
        pages = _pages(database, {"stations": [], "reason": "", **span, **filters})
        return [raw_file("raw-file-backlog", row) for page in pages for row in page]

    assert replay() == [
        Record("raw-file-backlog", key.encode(), content, headers.to_headers())
        for key, headers, content in stored
    ]
    assert [r.key for r in replay(stations=[CODE])] == [CODE.encode()]
    assert replay(reason="unknown-parameter") == []
    reject = {"station": CODE, "received_at": NOON, "file_id": file_id(FLOW), "line": 2, "text": "Flow_Out"}
    reject |= {"reason": "unknown-parameter", "detail": ""}
    database.insert("rejects", {name: [value] for name, value in reject.items()})
    assert [r.key for r in replay(reason="unknown-parameter")] == [CODE.encode()]
    assert replay(end="2026-03-25 05:00:00.000") == []
