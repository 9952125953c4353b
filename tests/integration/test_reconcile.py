"""A province against the ministry's API, two databases on the real engine; what is sent again arrives."""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import httpx
import pytest

from quantrac.domain.limits import LimitBook
from quantrac.domain.readings import Reject
from quantrac.domain.reconciliation.differences import Kind, Subject
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.reconciliation.comparison import Comparison, Question
from quantrac.reconciliation.reasons import Reason
from quantrac.reconciliation.report import Report
from quantrac.reconciliation.sources import MinistryApi, MinistryUnavailable
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import flagged_reading, flagged_set, station
from schemas.keys import new_key
from schemas.messages.redelivery import Redelivery
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context
from support.clickhouse import database
from support.stored_tier import NEW_YEAR, StoredTier, file_of

RULES = load()
TOKEN, KEY = new_key("province", provinces=["01"])
MINUTES = timedelta(minutes=1)
SPAN = Question(NEW_YEAR - timedelta(days=1), NEW_YEAR + timedelta(days=2))
EVER = Question(NEW_YEAR - timedelta(days=3000), NEW_YEAR + timedelta(days=2))


class Ministry(StoredTier):
    """Its API answers the province's key; what is sent again is taken in, or lost."""

    def clear(self) -> None:
        super().clear()
        self.is_taking, self.sent = True, list[Record]()

    @cached_property
    def client(self) -> TestClient:
        context = Context(
            self.database,
            self.registry,
            RuleBook(RULES, self.registry),
            LimitBook(()),
            lambda: True,
            lambda: self.now,
            tier="ministry",
        )
        self.registry.api_keys[KEY.id] = KEY.to_domain()
        return TestClient(create_app(context))

    def api(self, token: str = TOKEN) -> MinistryApi:
        def answer(request: httpx.Request) -> httpx.Response:
            response = self.client.get(request.url.raw_path.decode(), headers=dict(request.headers))
            return httpx.Response(response.status_code, headers=response.headers, content=response.content)

        transport = httpx.MockTransport(answer)
        return MinistryApi("http://ministry.invalid", token, transport=transport, sleep=lambda _: None)

    def produce(self, records: Sequence[Record]) -> None:
        for record in records:
            Redelivery.model_validate_json(record.value or b"")
        self.sent += records
        if self.is_taking:
            self.take_messages([record.value or b"" for record in records])

    def flush(self) -> None:
        pass


class Tiers:
    def __init__(self, province: StoredTier, ministry: Ministry) -> None:
        self.province, self.ministry = province, ministry
        self.clear()

    def clear(self) -> None:
        for tier in (self.province, self.ministry):
            tier.clear()
            for code in ("A", "B"):
                tier.registry.stations[code] = station(code)

    def take(self, *sets: Any) -> None:
        self.province.take(*sets)
        self.ministry.take(*sets)

    def compare(self, question: Question = SPAN, *, repair: bool = False, token: str = TOKEN) -> Report:
        return Comparison(
            self.province.database,
            self.ministry.api(token),
            "ministry",
            lambda: self.province.now,
            redelivery="redelivery",
            producer=self.ministry if repair else None,
            patience=3,
            wait=lambda _: False,
        ).run(question)


@pytest.fixture(scope="module")
def both(clickhouse_server: ClickHouseSettings) -> Tiers:
    databases = [database(clickhouse_server, f"t{uuid.uuid4().hex[:8]}") for _ in range(2)]
    return Tiers(StoredTier(databases[0]), Ministry(databases[1]))


@pytest.fixture
def tiers(both: Tiers) -> Tiers:
    both.clear()
    return both


def day_of_files(code: str, start: datetime = NEW_YEAR) -> list[Any]:
    """Return a day of hourly files with two parameters."""
    return [file_of(code, start + timedelta(hours=n), 1.5 + n, 20.25 - n) for n in range(24)]


def kinds(report: Report) -> list[tuple[str, Kind, Reason]]:
    return [(f.difference.station, f.difference.kind, f.reason) for f in report.findings]


def lose(tier: StoredTier, condition: str) -> None:
    tier.database.command(f"DELETE FROM readings WHERE {condition}")


def test_tiers_that_took_the_same_in_another_order_are_alike_to_the_last_bit(tiers: Tiers) -> None:
    files = [*day_of_files("A"), *day_of_files("B")]
    tiers.province.take(*files)
    for content in reversed(files[::6]):
        tiers.ministry.take(content)
    tiers.ministry.take(*files)
    for question in (SPAN, EVER):
        report = tiers.compare(question)
        assert (report.differences, report.is_alike, report.readings, report.findings) == (0, True, 96, [])
    assert report.fresh_from == EVER.end - timedelta(days=31)
    assert tiers.province.database.query("SELECT count() FROM averages FINAL").rows[0][0] > 100


@pytest.mark.parametrize("question", [SPAN, EVER], ids=["fresh", "kept"])
def test_a_file_that_never_came_is_found_sent_and_alike_with_its_averages(
    tiers: Tiers, question: Question
) -> None:
    files = day_of_files("A")
    lost = flagged_set(
        flagged_reading(7.25, text="7.250", parameter="P1", measured_at=NEW_YEAR + 30 * MINUTES, line=1),
        flagged_reading(3.0, parameter="P2", measured_at=NEW_YEAR + 30 * MINUTES, line=3, flag=4),
        station="A",
        rejects=[Reject(2, "P9 x", "value-not-a-number", "It is none.")],
    )
    tiers.take(*files)
    tiers.province.take(lost)
    report = tiers.compare(question)
    readings = [f for f in report.findings if f.difference.subject is Subject.READINGS]
    assert [(f.difference.kind, f.reason) for f in readings] == [
        (Kind.MISSING_AT_MINISTRY, Reason.NOT_DELIVERED)
    ] * 2
    assert report.counts["averages/other-content"] > 0
    assert not report.is_alike

    repaired = tiers.compare(question, repair=True)
    assert (repaired.differences, repaired.repaired, repaired.is_alike, repaired.sets) == (2, 2, True, 1)
    assert all(entry["repaired"] for entry in repaired.to_json()["differences"])
    assert tiers.compare(question).differences == 0
    for table in ("files", "rejects"):
        select = f"SELECT * FROM {table} FINAL ORDER BY ALL"
        assert tiers.ministry.database.query(select).rows == tiers.province.database.query(select).rows
    select = "SELECT * FROM readings FINAL ORDER BY ALL"
    assert tiers.ministry.database.query(select).rows == tiers.province.database.query(select).rows


def test_rows_that_vanished_from_the_ministrys_table_are_found_and_come_back(tiers: Tiers) -> None:
    tiers.take(*day_of_files("A"), *day_of_files("B"))
    lose(tiers.ministry, "station = 'A' AND parameter = 'P1' AND toHour(measured_at) IN (3, 17)")
    lose(tiers.ministry, "station = 'B' AND toHour(measured_at) = 20")
    report = tiers.compare(repair=True)
    assert (report.differences, report.repaired, report.is_alike) == (4, 4, True)
    # Twice: what is sent again is another delivery each time.
    lose(tiers.ministry, "station = 'B' AND toHour(measured_at) = 20")
    first, tiers.province.now = tiers.ministry.sent[-1].value, tiers.province.now + timedelta(days=1)
    assert tiers.compare(repair=True).is_alike
    assert tiers.ministry.sent[-1].value != first


def test_a_flag_that_was_revised_is_sent_as_its_revision_only(tiers: Tiers) -> None:
    tiers.take(*day_of_files("A"))
    at = NEW_YEAR + timedelta(hours=5)
    revised = flagged_reading(6.5, parameter="P1", measured_at=at, flag=3, tests={"spike": 3})
    tiers.province.take(flagged_set(revised, station="A", revision=1, cause="late", received_at=at + MINUTES))
    report = tiers.compare(repair=True)
    assert [(f.difference.kind, f.reason) for f in report.findings] == [
        (Kind.OTHER_VERSION, Reason.NOT_DELIVERED)
    ]
    (record,) = tiers.ministry.sent
    sent = json.loads(record.value or b"")
    assert (sent["revision"], sent["cause"], sent["readings"]["line"]) == (1, "late", [1])
    assert report.is_alike


def test_a_correction_comes_with_its_whole_file(tiers: Tiers) -> None:
    tiers.take(*day_of_files("A"))
    at = NEW_YEAR + timedelta(hours=5)
    tiers.province.take(file_of("A", at, 6.5, 99.0, received_at=at + timedelta(days=1)))
    report = tiers.compare(repair=True)
    assert {kind for _, kind, _ in kinds(report)} == {Kind.OTHER_VERSION}
    assert report.is_alike


def test_what_the_ministry_alone_has_is_told_and_never_sent(tiers: Tiers) -> None:
    tiers.take(*day_of_files("A"))
    lose(tiers.province, "toHour(measured_at) = 3 AND parameter = 'P2'")
    newer = file_of("A", NEW_YEAR, 8.0, received_at=NEW_YEAR + timedelta(days=1))
    tiers.ministry.take(newer)
    report = tiers.compare(repair=True)
    assert ("A", Kind.MISSING_AT_PROVINCE, Reason.NOT_STORED) in kinds(report)
    assert ("A", Kind.OTHER_VERSION, Reason.NEWER_AT_MINISTRY) in kinds(report)
    assert (report.repaired, report.sets, report.is_alike) == (0, 0, False)


def test_the_receipts_say_why_a_reading_is_missing(tiers: Tiers) -> None:
    files = day_of_files("A")
    tiers.province.take(*files)

    def receipt(content: Any, **fields: Any) -> None:
        row = {"station": "A", "file_id": content.file_id, "target": "ministry", "delivery_id": "d" * 64}
        row |= {"received_at": content.received_at, "confirmed_at": content.received_at, "readings": 2}
        row |= {"revision": 0, "account": "p", "waiting": 0} | fields
        tiers.province.database.insert("receipts", {name: [value] for name, value in row.items()})

    receipt(files[0])
    receipt(files[1], waiting=1)
    rejected = {"station": "A", "file_id": files[2].file_id, "target": "ministry", "account": "p", "line": 1}
    rejected |= {"delivery_id": "e" * 64, "received_at": files[2].received_at, "revision": 0}
    rejected |= {"rejected_at": files[2].received_at, "reason": "no such station"}
    tiers.province.database.insert("rejected_sets", {name: [value] for name, value in rejected.items()})

    report = tiers.compare(Question(NEW_YEAR, NEW_YEAR + timedelta(hours=4)))
    reasons = [f.reason for f in report.findings if f.difference.subject is Subject.READINGS]
    assert reasons == [
        *[Reason.CONFIRMED] * 2,
        *[Reason.WAITING] * 2,
        *[Reason.REJECTED] * 2,
        *[Reason.NOT_DELIVERED] * 2,
    ]
    details = {f.detail for f in report.findings}
    assert "no such station" in details
    tiers.ministry.is_taking = False
    tiers.compare(Question(NEW_YEAR, NEW_YEAR + timedelta(hours=4)), repair=True)
    assert {record.headers["file_id"].decode() for record in tiers.ministry.sent} == {
        files[0].file_id,
        files[2].file_id,
        files[3].file_id,
    }

    def release(at: datetime, *, takes_sets: int) -> list[Reason]:
        row = {"station": "A", "province": "01", "account": "p", "version": "v", "entry": "", "reason": ""}
        row |= {"state": "approved", "decided_by": "", "decided_at": None, "ministry_entry": ""}
        times = {"sent_at": at, "changed_at": at, "released_at": at}
        row |= {**times, "takes_sets": takes_sets}
        tiers.province.database.insert("registry_requests", {name: [value] for name, value in row.items()})
        report = tiers.compare(Question(NEW_YEAR, NEW_YEAR + timedelta(hours=4)))
        return [f.reason for f in report.findings if f.difference.subject is Subject.READINGS][2:4]

    # Released before the set came; after it; and withdrawn since, which takes nothing back.
    before, after = (files[1].received_at + timedelta(minutes=minutes) for minutes in (-1, 1))
    assert release(before, takes_sets=1) == [Reason.WAITING] * 2
    assert release(after, takes_sets=1) == [Reason.CONFIRMED] * 2
    assert release(after + timedelta(seconds=1), takes_sets=0) == [Reason.CONFIRMED] * 2


def test_what_does_not_arrive_counts_as_not_repaired(tiers: Tiers) -> None:
    tiers.province.take(*day_of_files("A"))
    tiers.ministry.is_taking = False
    report = tiers.compare(repair=True)
    assert (report.counts["readings/missing-at-ministry"], report.repaired, report.is_alike) == (48, 0, False)


def test_a_station_that_the_ministry_does_not_have_is_one_difference(tiers: Tiers) -> None:
    tiers.province.take(*day_of_files("C"))
    report = tiers.compare(repair=True)
    assert kinds(report) == [("C", Kind.MISSING_AT_MINISTRY, Reason.UNKNOWN_STATION)]
    assert (report.differences, report.sets) == (48, 0)
    assert report.requests <= 5


def test_another_interval_in_the_registry_shows_in_the_averages_alone(tiers: Tiers) -> None:
    tiers.ministry.registry.stations["A"] = station("A", interval_seconds=3600)
    tiers.take(*day_of_files("A"))
    report = tiers.compare()
    assert set(report.counts) == {"averages/other-content"}
    assert {f.reason for f in report.findings} == {Reason.COMPUTED_OTHERWISE}


def test_a_key_that_is_refused_and_an_answer_that_is_none_end_the_comparison(tiers: Tiers) -> None:
    with pytest.raises(MinistryUnavailable, match="refused the API key"):
        tiers.compare(token="qk_000000000000_" + "0" * 64)

    def garbage(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"<html>")

    api = MinistryApi("http://m.invalid", TOKEN, transport=httpx.MockTransport(garbage))
    comparison = Comparison(tiers.province.database, api, "ministry", lambda: NEW_YEAR)
    with pytest.raises(MinistryUnavailable, match="no digests"):
        comparison.run(SPAN)


def test_fifty_years_cost_two_questions_where_nothing_differs(tiers: Tiers) -> None:
    tiers.take(*day_of_files("A"))
    question = Question(NEW_YEAR - timedelta(days=50 * 365), NEW_YEAR + timedelta(days=2))
    comparison = Comparison(tiers.province.database, tiers.ministry.api(), "ministry", lambda: NEW_YEAR)
    report = comparison.run(question, [Subject.READINGS])
    assert (report.differences, report.requests, report.readings) == (0, 2, 48)


def test_a_report_is_a_row_of_its_table(tiers: Tiers) -> None:
    tiers.province.take(*day_of_files("A"))
    report = tiers.compare()
    tiers.province.database.insert("reconciliations", report.to_columns("nightly"))
    (row,) = tiers.province.database.query(
        "SELECT differences, kinds, first_differences FROM reconciliations WHERE started_by = 'nightly'"
    ).rows
    assert row[:2] == (report.differences, dict(report.counts))
    assert len(json.loads(row[2])) == 100
