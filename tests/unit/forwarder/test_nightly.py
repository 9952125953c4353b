"""When the role compares, and what its alert says."""

import json
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from quantrac.domain.data_share import DataShare
from quantrac.domain.reconciliation.differences import Difference, Kind, Subject
from quantrac.io.clickhouse import ClickHouseAway
from quantrac.reconciliation.comparison import Question
from quantrac.reconciliation.reasons import Finding, Reason
from quantrac.reconciliation.report import Report
from quantrac.reconciliation.sources import MinistryUnavailable
from quantrac.testing.broker import FakeBroker, FakeProducer
from schemas.messages.alerts import Alert
from services.forwarder.reconcile.alert import NightlyAlert
from services.forwarder.reconcile.nightly import NightlyComparison
from services.forwarder.reconcile.shares import ShareCheck

EVENING = datetime(2026, 3, 25, 12, tzinfo=UTC)
"""19:00 in Vietnam."""
NIGHT = datetime(2026, 3, 25, 19, 30, tzinfo=UTC)
"""02:30 in Vietnam."""


class Tables:
    """Stores results and alerts."""

    def __init__(self) -> None:
        self.reports: list[Mapping[str, Any]] = []
        self.alerts: list[Alert] = []
        self.is_away = False

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.is_away:
            raise ClickHouseAway("connection refused")
        if "reconciliations" in sql:
            return {"last": [self.reports[-1]["reconciled_at"][0]]} if self.reports else {}
        alert = next((alert for alert in reversed(self.alerts) if alert.kind == parameters["kind"]), None)
        if alert is None or alert.state == "closed":
            return {}
        names = ("alert_id", "version", "opened_at", "count")
        values = (alert.alert_id, alert.version, alert.opened_at, str(alert.facts[parameters["count"]]))
        return {name: [value] for name, value in zip(names, values, strict=True)}

    def insert(self, table: str, columns: Mapping[str, Any]) -> None:
        assert table == "reconciliations"
        self.reports.append(columns)


class Night:
    """The role's loop over a clock of the test."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.now, self.tables, self.broker = EVENING, tables or Tables(), FakeBroker()
        self.questions: list[Question] = []
        self.differences = 0
        self.error: Exception | None = None
        self.shares: list[DataShare] = []
        self.spans: list[tuple[datetime, datetime]] = []
        alert = NightlyAlert(self.tables, FakeProducer(self.broker), "alert", clock=lambda: self.now)
        self.loop = NightlyComparison(
            lambda _: self,  # type: ignore[arg-type,return-value]
            self.tables,
            alert,
            check_shares=ShareCheck(self.read_shares, alert).check,
            at=time(2, 30),
            jitter=timedelta(minutes=7),
            clock=lambda: self.now,
        )

    def run(self, question: Question, _subjects: object = ()) -> Report:
        if self.error:
            raise self.error
        self.questions.append(question)
        report = Report("ministry", question.start, question.end, None, question.start, finished_at=self.now)
        if self.differences and len(self.questions) % 2:
            lost = Difference(Subject.READINGS, Kind.MISSING_AT_MINISTRY, "A", rows=self.differences)
            report.findings = [Finding(lost, Reason.UNKNOWN_STATION)]
            report.counts = Counter({"readings/missing-at-ministry": self.differences})
        return report

    def read_shares(self, start: datetime, end: datetime) -> list[DataShare]:
        self.spans.append((start, end))
        return self.shares

    def step(self, now: datetime) -> None:
        self.now = now
        self.loop.step(threading.Event())
        messages = self.broker.records("alert")
        self.tables.alerts = [Alert.model_validate_json(record.value or b"") for record in messages]

    def states(self) -> list[tuple[str, int]]:
        return [(alert.state, alert.version) for alert in self.tables.alerts]


def test_it_compares_once_a_night_at_its_own_minute() -> None:
    night = Night()
    night.step(EVENING)
    night.step(NIGHT + timedelta(minutes=6))
    assert night.questions == []
    night.step(NIGHT + timedelta(minutes=8))
    everything, last_days = night.questions
    assert everything.start.year == 1990
    assert last_days.end - last_days.start == timedelta(days=30)
    assert everything.end == last_days.end == datetime(2026, 3, 25, 18, tzinfo=UTC)
    night.step(NIGHT + timedelta(hours=5))
    assert len(night.questions) == 2
    night.step(NIGHT + timedelta(days=1, minutes=8))
    assert len(night.questions) == 4


def test_a_night_that_was_missed_is_made_up_for_at_the_next_start() -> None:
    tables = Tables()
    tables.reports.append({"reconciled_at": [EVENING - timedelta(days=2)]})
    night = Night(tables)
    night.step(EVENING)
    assert len(night.questions) == 2


def test_what_is_away_is_asked_again_after_ten_minutes() -> None:
    night = Night()
    night.error = MinistryUnavailable("the ministry's API is away")
    begin = NIGHT + timedelta(minutes=8)
    night.step(begin)
    night.error = None
    night.step(begin + timedelta(minutes=9))
    assert night.questions == []
    night.tables.is_away = True
    night.step(begin + timedelta(minutes=11))
    night.tables.is_away = False
    night.step(begin + timedelta(minutes=22))
    assert len(night.questions) == 2


def test_the_alert_opens_changes_and_closes_with_what_differs() -> None:
    night = Night()
    for day, differences in enumerate([0, 12, 12, 5, 0, 0, 3]):
        night.differences = differences
        night.step(NIGHT + timedelta(days=day, minutes=8))
    assert night.states() == [("opened", 1), ("updated", 2), ("closed", 3), ("opened", 1)]
    ids = [alert.alert_id for alert in night.tables.alerts]
    assert len(set(ids[:3])) == 1 and ids[3] != ids[0]
    assert night.tables.alerts[0].detail == (
        "12 rows are not alike at ministry; the first: A: 12 readings missing-at-ministry (unknown-station)."
    )
    assert json.loads(night.tables.reports[2]["first_differences"][0])[0]["station"] == "A"


def test_the_sums_of_yesterday_are_checked_every_night_and_told_until_they_close() -> None:
    night = Night()
    sound = DataShare("A", expected=288, present=280, absent=8, stored=280, good=280, confirmed=280)
    lost = DataShare("A", read=2, received=2, lost=2)
    for day, shares in enumerate([[sound], [sound, lost], [lost], [lost, DataShare("", unread_files=1)], []]):
        night.shares = shares
        night.step(NIGHT + timedelta(days=day, minutes=8))
    assert night.spans[0] == (datetime(2026, 3, 24, 17, tzinfo=UTC), datetime(2026, 3, 25, 17, tzinfo=UTC))
    assert night.states() == [("opened", 1), ("updated", 2), ("closed", 3)]
    first, changed, closed = night.tables.alerts
    assert first.kind == "data-share-faulty"
    assert first.detail == "2026-03-26: A: 2 readings that files gave are neither stored nor replaced."
    assert (changed.facts["faults"], closed.facts["faults"]) == ("2", "0")
