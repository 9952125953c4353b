"""What the sink decides, with a database that is a list."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quantrac.domain.ids import reading_version
from quantrac.domain.readings import FlaggedReading, FlaggedReadings, FlaggedSet, Provisional
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseRefused, Result
from quantrac.io.clickhouse_native import Array
from quantrac.io.records import Done, NotNow, Record
from quantrac.testing.tables import list_columns
from schemas.codecs.sets import encode_flagged_set
from schemas.examples import example
from schemas.messages.registry.stations import Station
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic
from services.aggregator.sink.tables.readings import READING

HOUR = datetime(2026, 3, 25, 5, tzinfo=UTC)
CODE = "HN_BKHN_KHIKXQ"


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


class Tables:
    def __init__(self, error: Exception | None = None, stored: Sequence[Sequence[Any]] = ()) -> None:
        self.error, self.stored = error, stored
        self.asked: list[str] = []
        self.inserted: list[tuple[str, dict[str, list[Any]], str]] = []

    def insert(self, table: str, columns: Mapping[str, Array], *, token: str) -> None:
        if self.error is not None:
            raise self.error
        self.inserted.append((table, list_columns(columns), token))

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        self.asked.append(*parameters["stations"])
        return Result(READING, self.stored)

    def names(self) -> list[str]:
        return [table for table, _, _ in self.inserted]

    def columns(self, table: str) -> dict[str, list[Any]]:
        return next(columns for name, columns, _ in self.inserted if name == table)


def sink(tables: Tables, *, rejudges: bool = False) -> SinkHandler:
    return SinkHandler(tables, tables_by_topic(TOPICS.__getitem__, rejudges=rejudges))


def flagged(
    minutes: Sequence[int], *, value: float = 7.0, text: str = "7.00", station: str = CODE
) -> FlaggedSet:
    readings = FlaggedReadings.of(
        FlaggedReading(
            n, "PM2.5", value, text, "µg/m3", HOUR + timedelta(minutes=m), "00", 1, {"status": 1}, HOUR
        )
        for n, m in enumerate(minutes, start=1)
    )
    return FlaggedSet(
        station, "f" * 64, "name.txt", "account", "ftp", HOUR, "format", "rules", FlaggedReadings.of(readings)
    )


def late(
    minutes: Sequence[int], *, received: datetime = HOUR, causes: Sequence[str] = ("late",)
) -> FlaggedSet:
    found = flagged(minutes)
    found.received_at = received
    found.provisional = Provisional(HOUR, HOUR + timedelta(hours=30), list(causes))
    return found


def revised(minutes: Sequence[int], revision: int, cause: str = "late") -> FlaggedSet:
    found = flagged(minutes)
    found.revision, found.cause = revision, cause
    return found


def stored_row(minutes: int, received_at: datetime, *, flag: int = 1, revision: int = 0) -> tuple[Any, ...]:
    measured_at, version = HOUR + timedelta(minutes=minutes), reading_version(received_at, revision)
    return (
        CODE,
        "PM2.5",
        measured_at,
        6.0,
        "",
        "µg/m3",
        "00",
        "",
        flag,
        '{"status":1}',
        "older",
        0,
        1,
        version,
    )


def message(flagged_set: FlaggedSet, offset: int = 0) -> Record:
    return Record("flagged", flagged_set.station.encode(), encode_flagged_set(flagged_set), {}, 0, offset)


def dirty_hours(done: object) -> dict[str, list[str]]:
    assert isinstance(done, Done)
    messages = [json.loads(record.value or b"null") for record in done.records]
    return {m["station"]: [hour for w in m["windows"] for hour in w["hours"]] for m in messages}


def test_a_batch_makes_one_block_a_table_and_one_dirty_message_a_station() -> None:
    tables = Tables()
    done = sink(tables).handle([message(flagged([0, 5]), 0), message(flagged([55, 60]), 1)])
    assert dirty_hours(done) == {CODE: ["2026-03-25T05:00:00Z", "2026-03-25T06:00:00Z"]}
    assert tables.names() == ["files", "readings"]
    assert len(tables.columns("readings")["value"]) == 4


def test_the_text_is_kept_only_where_the_value_does_not_say_it() -> None:
    tables = Tables()
    cases = [(7.0, "7.00"), (7.0, "7"), (14.91, "14.91"), (-1.6, "-1.60"), (1e-7, "1e-7"), (7.85, "7,85")]
    for value, text in cases:
        sink(tables).handle([message(flagged([0], value=value, text=text))])
    texts = [columns["text"][0] for table, columns, _ in tables.inserted if table == "readings"]
    assert texts == ["7.00", "", "", "-1.60", "1e-7", "7,85"]


def test_a_value_below_a_limit_is_stored_with_its_qualifier_and_replaces_the_bare_number() -> None:
    tables = Tables(stored=[stored_row(0, HOUR)])
    limit = late([0])
    limit.readings.value, limit.readings.text, limit.readings.qualifier = [6.0], ["<6"], ["<"]
    sink(tables).handle([message(limit), message(flagged([5]))])
    columns = tables.columns("readings")
    assert (columns["qualifier"], columns["text"]) == (["<", ""], ["<6", "7.00"])
    assert columns["version"][0] == reading_version(HOUR, 1)
    assert [columns["qualifier"] for name, columns, _ in tables.inserted if name == "reading_revisions"] == [
        [""]
    ]


def test_a_later_received_file_has_the_higher_version() -> None:
    tables = Tables()
    early, late = flagged([0]), flagged([0])
    late.received_at = early.received_at + timedelta(milliseconds=1)
    sink(tables).handle([message(early, 0), message(late, 1)])
    versions = tables.columns("readings")["version"]
    assert versions[0] < versions[1]


@pytest.mark.parametrize("error", [ClickHouseAway("nobody answers"), ClickHouseRefused("no such table")])
def test_a_clickhouse_that_is_away_or_refuses_costs_lag_only(error: Exception) -> None:
    verdict = sink(Tables(error)).handle([message(flagged([0]))])
    assert isinstance(verdict, NotNow)
    assert str(error) in verdict.reason


def test_a_broken_message_is_dead_and_the_others_are_stored() -> None:
    tables = Tables()
    broken = Record("flagged", b"x", b"{", {}, 0, 0)
    headless = Record("raw", b"x", b"bytes", {}, 0, 0)
    done = sink(tables).handle([broken, message(flagged([0])), headless])
    assert isinstance(done, Done)
    assert [dead.record for dead in done.dead] == [broken, headless]
    assert len(tables.columns("readings")["value"]) == 1


def test_a_file_without_a_station_has_its_row_and_rejects_but_no_readings() -> None:
    tables = Tables()
    done = sink(tables).handle([message(flagged([], station=""))])
    assert dirty_hours(done) == {}
    assert [table for table, _, _ in tables.inserted] == ["files"]


def test_sets_in_order_ask_nothing_of_the_database() -> None:
    tables = Tables()
    sink(tables).handle([message(flagged([0, 5]))])
    assert tables.asked == []


def test_a_row_that_a_late_file_replaces_is_copied_before_it_is_replaced() -> None:
    before = stored_row(0, HOUR - timedelta(minutes=1), flag=3)
    tables = Tables(stored=[before, stored_row(5, HOUR - timedelta(minutes=1))])
    sink(tables).handle([message(late([0]))])
    assert tables.names() == ["files", "reading_revisions", "readings"]
    copied = tables.columns("reading_revisions")
    assert [list(copied[name]) for name in READING] == [[value] for value in before]
    assert (copied["superseded_by"], copied["cause"]) == ([reading_version(HOUR)], ["correction"])


def test_after_a_death_between_the_two_inserts_the_same_is_copied_and_after_both_nothing() -> None:
    before, batch = stored_row(0, HOUR - timedelta(minutes=1)), [message(late([0]))]
    died = Tables(stored=[before])
    sink(died).handle(batch)
    again = Tables(stored=[before])
    sink(again).handle(batch)
    assert again.columns("reading_revisions") == died.columns("reading_revisions")
    done = Tables(stored=list(zip(*died.columns("readings").values(), strict=True)))
    sink(done).handle(batch)
    assert done.names() == ["files", "readings"]


def test_a_revision_replaces_rows_and_reopens_hours_but_is_no_second_file() -> None:
    tables = Tables(stored=[stored_row(0, HOUR)])
    done = sink(tables, rejudges=True).handle([message(revised([0], 1, "decision"))])
    assert tables.names() == ["reading_revisions", "readings"]
    assert tables.columns("readings")["version"] == [reading_version(HOUR) + 1]
    assert tables.columns("reading_revisions")["cause"] == ["decision"]
    assert dirty_hours(done) == {CODE: ["2026-03-25T05:00:00Z"]}


def test_of_two_files_of_one_time_in_a_batch_the_earlier_is_kept_aside() -> None:
    tables = Tables()
    sink(tables).handle([message(late([0], received=HOUR + timedelta(seconds=n)), n) for n in (1, 0, 2)])
    copied = tables.columns("reading_revisions")
    versions = [reading_version(HOUR + timedelta(seconds=n)) for n in (0, 1, 2)]
    assert (copied["version"], copied["superseded_by"]) == (versions[:2], versions[1:])


def test_what_a_late_file_of_the_same_batch_corrects_is_kept_aside() -> None:
    first = late([0])
    first.provisional = None
    corrected = late([0], received=HOUR + timedelta(hours=1))
    corrected.readings.value[0] = 8.0
    tables = Tables()
    sink(tables).handle([message(first), message(corrected, 1)])
    copied = tables.columns("reading_revisions")
    assert (copied["value"], copied["version"]) == ([7.0], [reading_version(HOUR)])
    assert copied["superseded_by"] == [reading_version(HOUR + timedelta(hours=1))]


def test_a_reading_received_before_the_stored_one_is_kept_aside_too() -> None:
    tables = Tables(stored=[stored_row(0, HOUR + timedelta(minutes=1))])
    sink(tables).handle([message(late([0]))])
    copied = tables.columns("reading_revisions")
    assert (copied["value"], copied["version"]) == ([7.0], [reading_version(HOUR)])
    assert copied["cause"] == ["correction"]


def test_of_a_judgement_that_was_stored_before_no_cause_is_made_up() -> None:
    tables = Tables(stored=[stored_row(0, HOUR, revision=2)])
    sink(tables).handle([message(revised([0], 1, "late"))])
    copied = tables.columns("reading_revisions")
    assert copied["superseded_by"] == [reading_version(HOUR, 2)]
    assert copied["cause"] == [""]


def test_a_file_read_again_otherwise_wins_over_what_it_was_judged_as() -> None:
    tables = Tables(stored=[stored_row(0, HOUR, revision=3)])  # read as 6.0, now as 7.0
    sink(tables).handle([message(late([0]))])
    assert tables.columns("readings")["version"] == [reading_version(HOUR, 4)]
    copied = tables.columns("reading_revisions")
    assert (copied["value"], copied["superseded_by"]) == ([6.0], [reading_version(HOUR, 4)])
    assert copied["cause"] == ["reread"]


def test_of_a_time_that_a_file_says_twice_the_last_line_counts_when_it_comes_again() -> None:
    twice = late([0, 0])
    twice.readings.value[0] = 5.0
    again = Tables(
        stored=[
            (*stored_row(0, HOUR)[:3], 7.0, "7.00", "µg/m3", "00", "", 1, "", "", 0, 2, reading_version(HOUR))
        ]
    )
    sink(again).handle([message(twice)])
    assert again.columns("readings")["version"] == [reading_version(HOUR)] * 2


def test_a_file_read_again_alike_leaves_its_last_judgement() -> None:
    again = late([0])
    again.readings.value, again.readings.text = [6.0], ["6"]
    tables = Tables(stored=[stored_row(0, HOUR, revision=3)])
    sink(tables).handle([message(again)])
    assert tables.columns("readings")["version"] == [reading_version(HOUR)]


def test_a_revision_of_an_older_reading_of_the_file_does_not_come_back() -> None:
    tables = Tables(stored=[stored_row(0, HOUR, revision=3)])
    sink(tables).handle([message(revised([0], 1))])
    assert tables.columns("readings")["version"] == [reading_version(HOUR, 1)]


def test_provisional_spans_become_one_request_where_they_meet() -> None:
    early, after = late([0]), late([5], causes=("block", "memory"))
    apart = late([0])
    assert after.provisional is not None
    assert apart.provisional is not None
    after.provisional.start, after.provisional.end = HOUR + timedelta(hours=30), HOUR + timedelta(hours=31)
    apart.provisional.start, apart.provisional.end = HOUR + timedelta(days=9), HOUR + timedelta(days=10)
    done = sink(Tables(), rejudges=True).handle(
        [message(each, n) for n, each in enumerate([after, apart, early])]
    )
    assert isinstance(done, Done)
    asked = [json.loads(record.value or b"") for record in done.records if record.topic == "rejudge"]
    assert [(each["start"], each["end"], each["causes"]) for each in asked] == [
        ("2026-03-25T05:00:00Z", "2026-03-26T12:00:00Z", ["block", "late", "memory"]),
        ("2026-04-03T05:00:00Z", "2026-04-04T05:00:00Z", ["late"]),
    ]


def test_a_ministry_asks_for_no_second_judgement() -> None:
    done = sink(Tables(), rejudges=False).handle([message(late([0]))])
    assert isinstance(done, Done)
    assert [record.topic for record in done.records] == ["dirty"]


@pytest.mark.parametrize(("transport", "imported"), [("import", 1), ("ftp", 0)])
def test_what_was_imported_is_marked_beside_each_reading_and_beside_what_replaced_it(
    transport: str, imported: int
) -> None:
    flagged = late([0])
    flagged.transport = transport
    tables = Tables(stored=[stored_row(0, HOUR - timedelta(minutes=1))])
    sink(tables).handle([message(flagged)])
    assert tables.columns("readings")["imported"] == [imported]
    assert tables.columns("reading_revisions")["imported"] == [0]


def test_a_receipt_of_one_station_from_before_receipts_were_signed_is_stored_as_its_files() -> None:
    tables = Tables()
    older = {
        "station": "A",
        "delivery_id": "d" * 64,
        "target": "ministry",
        "confirmed_at": "2026-03-25T05:00:02.5Z",
        "files": [
            {"file_id": "f" * 64, "readings": 15, "received_at": "2026-03-25T05:00:00Z", "revision": 1}
        ],
    }
    verdict = sink(tables).handle([Record("receipts", b"A", json.dumps(older).encode(), {}, 0, 0)])
    assert verdict == Done([], [])
    assert tables.names() == ["receipts"], "it says nothing of the whole delivery"
    columns = tables.columns("receipts")
    assert (columns["station"], columns["readings"], columns["revision"]) == (["A"], [15], [1])
    assert (columns["account"], columns["waiting"]) == ([""], [False])


def test_a_registry_request_is_stored_in_its_present_state_with_its_entry() -> None:
    tables = Tables()
    record = Record("requests", b"station/HN_DEMO_KHI001", example("registry-request.json"))
    assert sink(tables).handle([record]) == Done([], [])
    columns = tables.columns("registry_requests")
    assert (columns["state"], columns["takes_sets"], columns["decided_by"]) == (["approved"], [True], ["lan"])
    assert Station.model_validate_json(columns["entry"][0]).code == "HN_DEMO_KHI001"
    assert columns["ministry_entry"] == [""]
