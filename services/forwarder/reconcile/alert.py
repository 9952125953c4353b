"""The alert ``reconciliation``: open while the ministry does not have what the province has."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from quantrac.domain.times import to_iso
from quantrac.io.records import Producer, Record
from quantrac.reconciliation.report import Report, describe
from schemas.messages.alerts import Alert

_KIND = "reconciliation"

_OPEN = """
SELECT alert_id, version, opened_at, toString(facts['differences']) AS differences
FROM alerts FINAL
WHERE kind = 'reconciliation' AND state != 'closed'
ORDER BY opened_at DESC
LIMIT 1
"""


class Database(Protocol):
    """Where alerts are stored."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows."""


class ReconciliationAlert:
    """Opens, updates and closes the alert; what is open is what is stored, so that nothing is remembered."""

    def __init__(
        self, database: Database, producer: Producer, topic: str, *, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._producer, self._topic, self._clock = database, producer, topic, clock

    def follow(self, reports: Sequence[Report]) -> None:
        """Publish what the comparisons of one night change; raises what the stores raise."""
        columns = self._database.columns(_OPEN, {})
        stored = next(iter(zip(*columns.values(), strict=True)), None)
        differing = [report for report in reports if not report.is_alike]
        remaining = sum(report.differences - report.repaired for report in differing)
        if stored is None and not differing:
            return
        now = self._clock()
        facts: dict[str, str | float] = {"ministry": reports[0].ministry, "differences": str(remaining)}
        alert = Alert(
            alert_id=f"{_KIND}/{reports[0].ministry}/{to_iso(now)}",
            kind="reconciliation",
            severity="warning",
            state="opened",
            version=1,
            opened_at=now.replace(microsecond=0),
            changed_at=now,
            detail=_sentence(differing, remaining),
            facts=facts,
        )
        if stored is not None:
            alert_id, version, opened_at, differences = stored
            if differing and differences == str(remaining):
                return
            changes = {"alert_id": alert_id, "version": version + 1, "opened_at": opened_at}
            alert = alert.model_copy(update=changes | {"state": "updated" if differing else "closed"})
        value = alert.model_dump_json(exclude_none=True).encode()
        self._producer.produce([Record(self._topic, reports[0].ministry.encode(), value)])
        self._producer.flush()


def _sentence(differing: Sequence[Report], remaining: int) -> str:
    if not differing:
        return "The ministry has what the province has."
    more = "" if all(report.is_complete for report in differing) else "At least "
    first = next(
        (describe(f) for report in differing for f in report.findings if not f.is_repaired), "none is listed"
    )
    return f"{more}{remaining:,} rows are not alike at {differing[0].ministry}; the first: {first}."
