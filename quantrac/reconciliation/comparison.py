"""One comparison from beginning to end: readings, their repair, then averages and indices."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, islice

from quantrac.domain.reconciliation.differences import Difference, Subject
from quantrac.domain.reconciliation.walk import Walk
from quantrac.domain.times import hour_start
from quantrac.io.records import Producer
from quantrac.reconciliation.reasons import explain
from quantrac.reconciliation.repair import Repair, look_again
from quantrac.reconciliation.report import MOST_LISTED, Report
from quantrac.reconciliation.sources import (
    MinistryApi,
    MinistryDigests,
    ProvinceDigests,
    TooMuchToCompute,
)
from schemas.clickhouse.digests import Database, StoredDigests

FIRST_DAY = datetime.fromisoformat("1990-01-01T00:00:00+00:00")
"""Before which nothing was measured (:data:`quantrac.domain.bounds.MEASURED`)."""
_FRESH = timedelta(days=31)
_MOST_FRESH_READINGS = 20_000_000
# The ministry sums up no more averages of all its stations at a time.
_PIECE = timedelta(days=366)
_LOOK_AGAIN_SECONDS = 2.0
# From the province's tables to the ministry's a reading takes a second or two.
_UNDER_WAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Question:
    """What to compare: what was measured in ``[start, end)``, UTC, whole hours."""

    start: datetime
    end: datetime
    station: str | None = None
    """``None`` = all."""

    @classmethod
    def until(
        cls, now: datetime, start: datetime | None, end: datetime | None, station: str | None
    ) -> "Question":
        """Return the question of whole hours; without a start from ever, without an end until ``now``."""
        last = hour_start((end or now) + timedelta(hours=1, microseconds=-1))
        return cls(hour_start(start or FIRST_DAY), last, station)


@dataclass(slots=True)
class Comparison:
    """Compares a province with its ministry, and sends again what differs where a producer is given."""

    database: Database
    api: MinistryApi
    ministry: str
    """Its name."""
    clock: Callable[[], datetime]
    redelivery: str = ""
    """The topic of what is sent again."""
    producer: Producer | None = None
    """``None`` = nothing is sent."""
    patience: float = 60.0
    """Seconds without progress after which what was sent counts as not repaired."""
    wait: Callable[[float], bool] = field(default_factory=lambda: _sleep)
    """Waits some seconds; tells whether to give up."""

    def run(self, question: Question, subjects: Sequence[Subject] = tuple(Subject)) -> Report:
        """Compare; raises ``ClickHouseError``, ``DeliveryFailed`` or ``MinistryUnavailable``."""
        began, before = time.monotonic(), self.api.requests
        recent = max(question.start, question.end - _FRESH)
        if self._count(Question(recent, question.end, question.station)) > _MOST_FRESH_READINGS:
            recent = question.end
        report = Report(self.ministry, question.start, question.end, question.station, recent)
        if question.start < question.end:
            try:
                self._compare(report, question, subjects)
            except TooMuchToCompute:
                report = Report(self.ministry, question.start, question.end, question.station, question.end)
                self._compare(report, question, subjects)
        report.finished_at = self.clock()
        report.requests, report.seconds = self.api.requests - before, time.monotonic() - began
        return report

    def _compare(self, report: Report, question: Question, subjects: Sequence[Subject]) -> None:
        if Subject.READINGS in subjects:
            first_year = self._compare_readings(report, question)
            if first_year is not None:
                question = replace(question, start=max(question.start, first_year))
        for subject in subjects:
            if subject is not Subject.READINGS:
                self._compare_computed(report, question, subject)

    def _compare_readings(self, report: Report, question: Question) -> datetime | None:
        """Compare readings and send again what can be; returns the start of the province's first year."""
        walks = self._walks(question, report.fresh_from)
        if self.producer is None:
            parts = [explain(self.database, part) for part in _first_parts(walks, report)]
            # What was on its way has come by now.
            if parts and not self.wait(_UNDER_WAY_SECONDS):
                parts = [look_again(walks[0].province, walks[0].ministry, part) for part in parts]
            for part in parts:
                report.add(part)
        else:
            repair = self._repair(self.producer)
            for differences in chain.from_iterable(walk.find() for walk in walks):
                findings = explain(self.database, differences)
                report.add(findings)
                repair.send(findings)
            repair.await_arrival()
            report.sets, report.repaired = repair.sets, repair.repaired
        report.readings = sum(walk.rows for walk in walks)
        report.outdated_hours = sum(walk.unequal_sums for walk in walks if walk.start < report.fresh_from)
        return min((walk.first_year for walk in walks if walk.first_year is not None), default=None)

    def _walks(self, question: Question, fresh_from: datetime) -> list[Walk]:
        """Return the walks through readings: what the ministry may refuse comes first."""
        recent = Question(fresh_from, question.end, question.station)
        older = Question(question.start, fresh_from, question.station)
        return [
            self._walk(Subject.READINGS, part, is_fresh=part is recent)
            for part in (recent, older)
            if part.start < part.end
        ]

    def _compare_computed(self, report: Report, question: Question, subject: Subject) -> None:
        """Compare averages or indices; where readings were sent, once both tiers have computed theirs."""
        waited = 0.0
        while True:
            differences = list(islice(self._find_computed(question, subject), MOST_LISTED))
            # Looked at again while what was sent may still be on its way through the windows.
            is_last = not differences or not report.repaired or waited >= self.patience
            if is_last or self.wait(_LOOK_AGAIN_SECONDS):
                break
            waited += _LOOK_AGAIN_SECONDS
        report.is_complete &= len(differences) < MOST_LISTED
        report.add(explain(self.database, differences))

    def _find_computed(self, question: Question, subject: Subject) -> Iterator[Difference]:
        for start in _piece_starts(question):
            piece = Question(start, min(start + _PIECE, question.end), question.station)
            for differences in self._walk(subject, piece, is_fresh=True, ended=question.end).find():
                # That a station is not known was said of its readings.
                yield from (difference for difference in differences if difference.key is not None)

    def _walk(
        self, subject: Subject, question: Question, is_fresh: bool, ended: datetime | None = None
    ) -> Walk:
        ended_before = ended or question.end
        return Walk(
            ProvinceDigests(self.database, ended_before=ended_before, is_fresh=is_fresh),
            MinistryDigests(self.api, ended_before=ended_before, is_fresh=is_fresh),
            subject,
            question.start,
            question.end,
            question.station,
        )

    def _repair(self, producer: Producer) -> Repair:
        return Repair(
            self.database,
            producer,
            self.redelivery,
            ProvinceDigests(self.database, ended_before=self.clock(), is_fresh=True),
            MinistryDigests(self.api, ended_before=self.clock(), is_fresh=True),
            self.clock,
            self.wait,
            self.patience,
        )

    def _count(self, question: Question) -> int:
        stations = None if question.station is None else [question.station]
        return StoredDigests(self.database).count_readings(question.start, question.end, stations)


def _first_parts(walks: Sequence[Walk], report: Report) -> Iterator[list[Difference]]:
    """Yield the differences of walks until as many are there as a report lists."""
    count = 0
    for differences in chain.from_iterable(walk.find() for walk in walks):
        yield differences
        count += len(differences)
        if count >= MOST_LISTED:
            report.is_complete = False
            return


def _piece_starts(question: Question) -> Iterator[datetime]:
    start = question.start
    while start < question.end:
        yield start
        start += _PIECE


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False
