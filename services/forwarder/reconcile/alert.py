"""What a night's checks tell the duty officer: an alert that is open as long as something is wrong."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from quantrac.domain.times import to_iso
from quantrac.io.records import Producer, Record
from quantrac.reconciliation.report import Report, describe
from schemas.messages.alerts import Alert

_OPEN = """
SELECT alert_id, version, opened_at, toString(facts[{count:String}]) AS count
FROM alerts FINAL
WHERE kind = {kind:String} AND state != 'closed'
ORDER BY opened_at DESC
LIMIT 1
"""

NightlyKind = Literal["reconciliation", "data-share-faulty"]
_COUNTS: Mapping[NightlyKind, str] = {"reconciliation": "differences", "data-share-faulty": "faults"}
"""Kind -> the fact that says how many."""


class Database(Protocol):
    """Where alerts are stored."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows."""


class NightlyAlert:
    """Opens, updates and closes alerts; what is open is what is stored, so that nothing is remembered."""

    def __init__(
        self, database: Database, producer: Producer, topic: str, *, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._producer, self._topic, self._clock = database, producer, topic, clock

    def follow_comparison(self, reports: Sequence[Report]) -> None:
        """Publish what the comparisons of one night change; raises what the stores raise."""
        differing = [report for report in reports if not report.is_alike]
        ministry = reports[0].ministry
        self.follow(
            "reconciliation",
            ministry,
            is_open=bool(differing),
            count=sum(report.differences - report.repaired for report in differing),
            detail=_sentence(differing),
            facts={"ministry": ministry},
        )

    def follow(
        self,
        kind: NightlyKind,
        subject: str,
        *,
        is_open: bool,
        count: int,
        detail: str,
        facts: Mapping[str, str],
    ) -> None:
        """Publish where the alert of a kind opens, changes its ``count`` or closes.

        Raises what the stores raise.
        """
        columns = self._database.columns(_OPEN, {"kind": kind, "count": _COUNTS[kind]})
        stored = next(iter(zip(*columns.values(), strict=True)), None)
        if stored is None and not is_open:
            return
        now = self._clock()
        alert = Alert(
            alert_id=f"{kind}/{subject}/{to_iso(now)}",
            kind=kind,
            severity="warning",
            state="opened",
            version=1,
            opened_at=now.replace(microsecond=0),
            changed_at=now,
            detail=detail,
            facts={**facts, _COUNTS[kind]: str(count)},
        )
        if stored is not None:
            alert_id, version, opened_at, stored_count = stored
            if is_open and stored_count == str(count):
                return
            changes = {"alert_id": alert_id, "version": version + 1, "opened_at": opened_at}
            alert = alert.model_copy(update=changes | {"state": "updated" if is_open else "closed"})
        value = alert.model_dump_json(exclude_none=True).encode()
        self._producer.produce([Record(self._topic, subject.encode(), value)])
        self._producer.flush()


def _sentence(differing: Sequence[Report]) -> str:
    if not differing:
        return "The ministry has what the province has."
    remaining = sum(report.differences - report.repaired for report in differing)
    more = "" if all(report.is_complete for report in differing) else "At least "
    first = next(
        (describe(f) for report in differing for f in report.findings if not f.is_repaired), "none is listed"
    )
    return f"{more}{remaining:,} rows are not alike at {differing[0].ministry}; the first: {first}."
