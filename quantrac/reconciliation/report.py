"""What a comparison has found: as JSON, as lines for a person, as a row of ``reconciliations``."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from quantrac.domain.ids import received_of, revision_of
from quantrac.domain.reconciliation.differences import RowDigest, Subject
from quantrac.domain.times import from_milliseconds, to_iso, to_whole_seconds
from quantrac.reconciliation.reasons import Finding

MOST_LISTED = 10_000
"""Differences that a report lists; all are counted."""
_MOST_STORED = 100
"""Of those that remain, in the table."""


@dataclass(slots=True)
class Report:
    """What one comparison of ``[start, end)`` (UTC) has found."""

    ministry: str
    """Its name."""
    start: datetime
    end: datetime
    station: str | None
    """``None`` = all."""
    fresh_from: datetime
    """From here on the readings themselves were summed up; before, what is kept of each hour."""
    readings: int = 0
    """Of the province in the span."""
    findings: list[Finding] = field(default_factory=list)
    """The first :data:`MOST_LISTED`."""
    counts: Counter[str] = field(default_factory=Counter)
    """Rows by what was compared and how they differ."""
    is_complete: bool = True
    """Whether all that differs was looked at; else there is more."""
    outdated_hours: int = 0
    """Whose kept digests differ while their readings are alike."""
    sets: int = 0
    """Sent again."""
    repaired: int = 0
    """Readings that are alike since."""
    requests: int = 0
    """To the ministry."""
    seconds: float = 0.0
    finished_at: datetime | None = None

    def add(self, findings: list[Finding]) -> None:
        """Take in findings; they may still be repaired."""
        self.findings += findings[: MOST_LISTED - len(self.findings)]
        for finding in findings:
            difference = finding.difference
            self.counts[f"{difference.subject}/{difference.kind}"] += difference.rows

    @property
    def differences(self) -> int:
        """How many rows differed."""
        return self.counts.total()

    @property
    def is_alike(self) -> bool:
        """Whether nothing differs, or nothing any more."""
        return self.is_complete and self.repaired == self.differences

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        return {
            "ministry": self.ministry,
            "from": to_iso(self.start),
            "to": to_iso(self.end),
            "station": self.station,
            "fresh_from": to_iso(self.fresh_from),
            "readings": self.readings,
            "differences": [_to_json(finding) for finding in self.findings],
            "counts": dict(self.counts),
            "differing": self.differences,
            "repaired": self.repaired,
            "complete": self.is_complete,
            "outdated_hours": self.outdated_hours,
            "sets_sent_again": self.sets,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
        }

    def to_columns(self, started_by: str) -> dict[str, list[Any]]:
        """Return it as one row of ``reconciliations``."""
        remaining = [_to_json(finding) for finding in self.findings if not finding.is_repaired]
        row = {
            "reconciled_at": self.finished_at,
            "ministry": self.ministry,
            "started_by": started_by,
            "from_at": to_whole_seconds(self.start),
            "to_at": to_whole_seconds(self.end),
            "station": self.station or "",
            "readings": self.readings,
            "differences": self.differences,
            "repaired": self.repaired,
            "kinds": dict(self.counts),
            "requests": self.requests,
            "seconds": self.seconds,
            "first_differences": json.dumps(remaining[:_MOST_STORED], ensure_ascii=False),
        }
        return {name: [value] for name, value in row.items()}


def describe(finding: Finding) -> str:
    """Say a difference in one line, without its time.

    >>> from quantrac.domain.reconciliation.differences import Difference, Kind
    >>> from quantrac.reconciliation.reasons import Reason
    >>> lost = Difference(Subject.READINGS, Kind.MISSING_AT_MINISTRY, "A", rows=12)
    >>> describe(Finding(lost, Reason.UNKNOWN_STATION))
    'A: 12 readings missing-at-ministry (unknown-station)'
    """
    difference, key = finding.difference, finding.difference.key
    rows = (
        f"{difference.rows:,} {difference.subject}"
        if key is None
        else " ".join(filter(None, (key.name, key.period)))
    )
    why = ", ".join(filter(None, (finding.reason, finding.detail, _delivery(finding))))
    repaired = ", repaired" if finding.is_repaired else ""
    return f"{difference.station}: {rows} {difference.kind} ({why}){repaired}"


def _delivery(finding: Finding) -> str:
    return f"delivery {finding.delivery_id[:12]}" if finding.delivery_id else ""


def _to_json(finding: Finding) -> dict[str, Any]:
    difference, key = finding.difference, finding.difference.key
    is_reading = difference.subject is Subject.READINGS
    return {
        "of": difference.subject,
        "kind": difference.kind,
        "reason": finding.reason,
        "detail": finding.detail,
        "station": difference.station,
        "name": key.name if key else None,
        "period": key.period or None if key else None,
        "time": to_iso(key.time) if key else None,
        "rows": difference.rows,
        "province": _row(difference.province, is_reading),
        "ministry": _row(difference.ministry, is_reading),
        "file_id": finding.file_id or None,
        "delivery_id": finding.delivery_id or None,
        "repaired": finding.is_repaired,
    }


def _row(row: RowDigest | None, is_reading: bool) -> dict[str, Any] | None:
    if row is None:
        return None
    described: dict[str, Any] = {"version": row.version, "digest": f"{row.digest:016x}"}
    if is_reading:
        described["received_at"] = to_iso(from_milliseconds(received_of(row.version)))
        described["revision"] = revision_of(row.version)
    return described
