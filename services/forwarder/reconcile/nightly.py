"""When to compare, and what becomes of the result."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Protocol

from quantrac.domain.reconciliation.differences import Subject
from quantrac.domain.times import DAY_DELTA, VIETNAM, hour_start
from quantrac.io.clickhouse import ClickHouseError
from quantrac.io.progress import Progress
from quantrac.io.records import DeliveryFailed
from quantrac.reconciliation.comparison import FIRST_DAY, Comparison, Question
from quantrac.reconciliation.report import Report
from quantrac.reconciliation.sources import MinistryUnavailable
from services.forwarder.reconcile.alert import NightlyAlert

log = logging.getLogger(__name__)

NIGHTLY = "nightly"
"""Who has started a comparison, in ``reconciliations``."""

_LOOK_SECONDS = 5.0
_LONGEST_SECONDS = 3_600.0
"""After which a comparison counts as stalled."""
_RETRY = timedelta(minutes=10)
_UNDER_WAY = timedelta(hours=1)
"""What came since may be on its way; the next night compares it."""
_DETAILED = timedelta(days=30)
"""Of these days averages and indices are compared."""

_LAST = """
SELECT reconciled_at AS last FROM reconciliations WHERE started_by = {started_by:String}
ORDER BY reconciled_at DESC LIMIT 1
"""


class Database(Protocol):
    """Where results are stored."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows."""

    def insert(self, table: str, columns: Mapping[str, Any]) -> None:
        """Insert one block durably."""


class NightlyComparison:
    """Compares once a night; a night that was missed is made up for at the next start."""

    def __init__(
        self,
        compare: Callable[[Callable[[float], bool]], Comparison],
        database: Database,
        alert: NightlyAlert,
        *,
        check_shares: Callable[[datetime], None],
        at: time,
        jitter: timedelta,
        clock: Callable[[], datetime],
        progress: Progress | None = None,
    ) -> None:
        """``compare`` makes a comparison that waits by what it is given.

        ``check_shares`` looks at the day before. ``at`` is Vietnam's; ``jitter`` later this province begins,
        so that not all ask in one minute.
        """
        self._compare, self._database, self._alert = compare, database, alert
        self._check_shares = check_shares
        self._at, self._jitter, self._clock = at, jitter, clock
        self.progress = progress or Progress(_LONGEST_SECONDS, name=NIGHTLY)
        self._look_at = self._began_at = clock()

    def run(self, stop: threading.Event) -> None:
        """Compare whenever it is due, until ``stop`` is set."""
        while not stop.wait(_LOOK_SECONDS):
            self.progress.round()
            self.step(stop)

    def step(self, stop: threading.Event) -> None:
        """Compare where it is due; a store or a ministry that is away is asked again later."""
        now = self._clock()
        if now < self._look_at:
            return
        try:
            if (begins := self._next_after(self._last())) <= now:
                for report in self._compare_all(now, stop):
                    log.info(
                        "%d differences to %s, %d repaired, %d requests",
                        *(report.differences, report.ministry, report.repaired, report.requests),
                    )
                begins = now + _RETRY
            self._look_at = begins
        except (ClickHouseError, DeliveryFailed, MinistryUnavailable) as error:
            log.warning("not compared: %s; again in %d minutes", error, _RETRY.total_seconds() // 60)
            self._look_at = now + _RETRY

    def _compare_all(self, now: datetime, stop: threading.Event) -> list[Report]:
        """Compare all readings, then the averages and indices of the last days, and store the results."""

        comparison, end = self._compare(stop.wait), hour_start(now - _UNDER_WAY)
        reports = [
            comparison.run(Question(FIRST_DAY, end), [Subject.READINGS]),
            comparison.run(Question(end - _DETAILED, end), [Subject.AVERAGES, Subject.INDICES]),
        ]
        if not stop.is_set():
            self._alert.follow_comparison(reports)
            self._check_shares(now)
            # Last: a night without it is repeated.
            for report in reports:
                self._database.insert("reconciliations", report.to_columns(NIGHTLY))
        return reports

    def _last(self) -> datetime:
        """Return when the last one of a night ended; where there was none, when this process began."""
        columns = self._database.columns(_LAST, {"started_by": NIGHTLY})
        return columns["last"][0] if columns else self._began_at

    def _next_after(self, moment: datetime) -> datetime:
        """Return the first beginning of a night's comparison after a moment (UTC)."""
        local = moment.astimezone(VIETNAM)
        begins = datetime.combine(local.date() - DAY_DELTA, self._at, VIETNAM) + self._jitter
        while begins <= moment:
            begins += DAY_DELTA
        return begins
