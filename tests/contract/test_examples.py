"""Each example goes through its consumer's handler, twice, and gives the next topic's example."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from quantrac.domain.ids import file_id, traceparent
from quantrac.domain.qa.evaluate import raise_crash
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse_native import Array
from quantrac.io.records import Done, Record
from quantrac.testing.history import HistoryInMemory
from quantrac.testing.tables import list_columns
from schemas import rules
from schemas.codecs import sets
from schemas.codecs.baseline import decode_baseline
from schemas.examples import example
from schemas.messages.deliveries import Receipt
from schemas.registry import apply_record
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic
from services.forwarder.breaker import CircuitBreaker
from services.forwarder.delivery import Delivery
from services.forwarder.present import PresentHandler
from services.forwarder.sender import Sender
from services.receiver.parse.handler import ParseHandler
from services.validator.rejudge.handler import RejudgeHandler
from services.validator.rejudge.in_flight import InFlight
from services.validator.validate.handler import ValidateHandler
from support.averages import AveragesInMemory, windows_handler
from support.receipts import receipt_of

STATION = b"HN_DEMO_KHI001"
HEADERS = {
    "file_id": file_id(example("raw-file.txt")).encode(),
    "name": b"HN_DEMO_KHI001_20260325000500.txt",
    "path": b"2026/03/25",
    "account": b"hn-demo-khi001",
    "transport": b"ftp",
    "received_at": b"2026-03-24T17:05:12.345Z",
    "traceparent": traceparent(file_id(example("raw-file.txt"))).encode(),
    "station": STATION,
}


@pytest.fixture
def registry() -> Registry:
    found = Registry()
    apply_record(found, b"station/HN_DEMO_KHI001", example("station-registry.station.json"))
    apply_record(found, b"account/hn-demo-khi001", example("station-registry.account.json"))
    apply_record(found, b"api-key/0f1e2d3c4b5a", example("station-registry.api-key.json"))
    return found


def record(topic: str, name: str, headers: Mapping[str, bytes] | None = None) -> Record:
    return Record(topic, STATION, example(name), headers or {}, partition=0, offset=0)


def only(done: object) -> Record:
    assert isinstance(done, Done)
    assert done.dead == []
    assert len(done.records) == 1
    return done.records[0]


def same(left: bytes | None, name: str) -> bool:
    return bool(json.loads(left or b"null") == json.loads(example(name)))


def test_the_registry_takes_each_kind_of_record(registry: Registry) -> None:
    at = datetime(2026, 3, 25, tzinfo=UTC)
    assert [p.code for p in registry.stations["HN_DEMO_KHI001"].parameters][:2] == ["NO2", "O3"]
    account = registry.account("hn-demo-khi001", at)
    assert account is not None
    assert [s.code for s in registry.stations_of(account, at)] == ["HN_DEMO_KHI001"]
    assert registry.api_key("0f1e2d3c4b5a", at) is not None
    assert registry.api_key("0f1e2d3c4b5a", datetime(2027, 6, 1, tzinfo=UTC)) is None


def test_a_raw_file_becomes_the_parsed_reading(registry: Registry) -> None:
    handler = ParseHandler(registry, "parsed-reading")
    for _ in range(2):
        parsed = only(handler.handle([record("raw-file", "raw-file.txt", HEADERS)]))
        assert same(parsed.value, "parsed-reading.json")
        assert (parsed.key, parsed.headers["file_id"]) == (STATION, HEADERS["file_id"])


def test_a_parsed_reading_becomes_the_flagged_set(registry: Registry) -> None:
    for _ in range(2):
        handler = ValidateHandler(registry, rules.RuleBook(rules.load()), topic="qa-flagged")
        flagged = only(handler.handle([record("parsed-reading", "parsed-reading.json")]))
        assert same(flagged.value, "qa-flagged.json"), "after a change of rules, renew the example"


class Tables:
    def __init__(self) -> None:
        self.inserted: list[tuple[str, dict[str, list[Any]], str]] = []

    def insert(self, table: str, columns: Mapping[str, Array], *, token: str = "") -> None:
        self.inserted.append((table, list_columns(columns), token))


def sink(tables: Tables) -> SinkHandler:
    return SinkHandler(tables, tables_by_topic(str, rejudges=False))


def test_a_flagged_set_becomes_rows_and_dirty_hours() -> None:
    tables = Tables()
    for _ in range(2):
        dirty = only(sink(tables).handle([record("qa-flagged", "qa-flagged.json")]))
        assert same(dirty.value, "window-dirty.json")
    rows = {table: columns for table, columns, _ in tables.inserted}
    assert list(rows) == ["files", "rejects", "readings"]
    assert rows["readings"]["parameter"] == ["NO2", "O3", "PM2.5", "Temp"]
    assert rows["readings"]["value"] == [14.91, 45.14, 27.81, 23.9]
    assert rows["readings"]["text"] == ["", "", "", "23.90"]
    assert rows["rejects"]["text"] == ["CO\t12,4x\tug/m3\t20260325000500\t00"]
    assert (rows["files"]["readings"], rows["files"]["rejects"]) == ([4], [1])
    half = len(tables.inserted) // 2
    assert tables.inserted[:half] == tables.inserted[half:], "the same message gives the same rows and token"


def test_raw_files_receipts_and_alerts_become_rows() -> None:
    tables = Tables()
    batch = [
        record("raw-file", "raw-file.txt", HEADERS),
        record("delivery-receipt", "delivery-receipt.json"),
        record("alert", "alert.json"),
    ]
    assert sink(tables).handle(batch) == Done([], [])
    rows = {table: columns for table, columns, _ in tables.inserted}
    assert rows["raw_files"]["content"] == [example("raw-file.txt")]
    assert rows["raw_files"]["file_id"] == rows["receipts"]["file_id"]
    assert rows["receipts"]["readings"] == [4]
    assert rows["deliveries"]["delivery_id"] == rows["receipts"]["delivery_id"]
    assert (rows["deliveries"]["sets"], rows["deliveries"]["readings"]) == ([1], [4])
    assert rows["alerts"]["alert_id"] == ["station-silent/HN_DEMO_KHI001/2026-03-25T00:25:00Z"]
    assert (rows["alerts"]["parameter"], rows["alerts"]["version"]) == ([""], [1])
    assert rows["alerts"]["facts"][0]["interval_minutes"] == "5"


def test_a_request_to_judge_again_is_answered_from_what_is_stored(registry: Registry) -> None:
    history = HistoryInMemory()
    stored = sets.decode_flagged_set(example("qa-flagged.json"))
    stored.readings.flag[0] = 3
    history.insert(stored)
    handler = RejudgeHandler(
        lambda: history,
        Tables(),
        registry,
        Expectations(registry, rules.RuleBook(rules.load())),
        InFlight(dict, dict),
        flagged="qa-flagged",
        baseline="baseline",
        rejudge="rejudge",
        registry_position=lambda: 1,
        generation=lambda: 0,
        clock=lambda: datetime(2026, 3, 25, tzinfo=UTC),
        on_crash=raise_crash,
    )
    revision = sets.decode_flagged_set(only(handler.handle([record("rejudge", "rejudge.json")])).value or b"")
    assert (revision.file_id, revision.revision, revision.cause) == (stored.file_id, 1, "companion,late")
    assert [(r.parameter, r.flag) for r in revision.readings] == [("NO2", 1)]


def test_bounds_of_a_baseline_are_read_as_the_judge_holds_them() -> None:
    station, blocks = decode_baseline(example("baseline.json"))
    assert station == "HN_DEMO_KHI001"
    (first, at_noon), (second, in_the_evening) = blocks.items()
    assert second == first + 1
    assert at_noon["NO2"] == [6.2, 48.9, 9.4, 3.1, 61.5]
    assert in_the_evening["NO2"][:3] == [6.2, 48.9, 9.4]
    assert all(math.isnan(limit) for limit in in_the_evening["NO2"][3:])


def test_dirty_hours_become_averages_once(registry: Registry) -> None:
    tables = AveragesInMemory()
    tables.put("HN_DEMO_KHI001", "PM2.5", datetime(2026, 3, 24, 17, 5, tzinfo=UTC), 27.81)
    now = datetime(2026, 3, 24, 17, 5, 14, 120_000, tzinfo=UTC)
    handler = windows_handler(tables, tables, registry, clock=lambda: now)
    batch = [record("window-dirty", "window-dirty.json")]
    assert same(only(handler.handle(batch)).value, "aggregated.json")
    assert handler.handle(batch) == Done([], []), "the same readings give no new version"


class Ministry:
    def deliver(self, delivery: Delivery) -> Receipt:
        return receipt_of(
            delivery,
            ministry="ministry",
            account="province-hn",
            received_at=datetime(2026, 3, 24, 17, 5, 15, 2000, tzinfo=UTC),
            signed=json.loads(example("delivery-receipt.json"))["receipt"],
        )


def test_a_flagged_set_is_delivered_and_gives_a_receipt() -> None:
    now = datetime(2026, 3, 24, 17, 5, 14, 900_000, tzinfo=UTC)
    sender = Sender(
        ministry=Ministry(),
        breaker=CircuitBreaker(),
        target="ministry",
        account="province-hn",
        receipt_topic="delivery-receipt",
        clock=lambda: now,
    )
    handler = PresentHandler(sender=sender, late_topic="late-range", clock=lambda: now)
    for _ in range(2):
        kept = only(handler.handle([record("qa-flagged", "qa-flagged.json")]))
        assert same(kept.value, "delivery-receipt.json")
