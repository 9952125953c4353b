"""Alerts that a target was not sent yet, and the ledger of what it was sent: the SQL of the notifier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from quantrac.domain.times import to_sql_milliseconds
from quantrac.io.clickhouse import Result
from schemas.messages.alerts import Alert
from services.aggregator.notify.config import SEVERITIES, Severity, Target

Outcome = Literal["sent", "digest", "skipped", "refused"]


@dataclass(frozen=True, slots=True)
class Pending:
    """An alert whose current version a target was not sent."""

    alert: Alert
    severity_rank: int = 0
    """The highest severity that was sent, as its index in ``SEVERITIES`` from 1; 0 = nothing was sent."""
    first_version: int = 0
    """The first version sent in a message of its own; 0 = none."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the ledger; see ``notifications`` in ``schemas/clickhouse``."""

    alert_id: str
    version: int
    severity: Severity
    outcome: Outcome
    detail: str
    sent_at: datetime
    """UTC, in ms; rows with the same one were one message."""


class NotifyTables(Protocol):
    """Where alerts and the ledger are; every method raises ``ClickHouseError``."""

    def pending(self, target: Target, stations: Sequence[str] | None, since: datetime) -> Sequence[Pending]:
        """Return what a target was not sent yet of what changed at or after ``since`` (UTC).

        ``stations``: of these only; ``None`` = of all.
        """
        ...

    def count_sent(self, target: str, after: datetime) -> int:
        """Count the messages that a target got after ``after`` (UTC)."""
        ...

    def note(self, target: str, entries: Sequence[Entry]) -> None:
        """Add rows to the ledger, durable when this returns."""
        ...


class Database(Protocol):
    """What the statements run on: :class:`quantrac.io.clickhouse.ClickHouse`."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        """Run one SELECT."""

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert one block durably."""


# GLOBAL: in a cluster alerts and ledger are sharded by different keys.
# What closes is sent to whom its opening was sent, even when it has become less severe.
_PENDING = """
SELECT alert_id, kind, severity, state, version, station, parameter, opened_at, changed_at, detail, facts,
  severity_rank, first_version
FROM
(
  SELECT * FROM alerts FINAL
  WHERE changed_at >= {since:DateTime64(3, 'UTC')}
    AND (empty({kinds:Array(String)}) OR kind IN {kinds:Array(String)})
    AND ({everywhere:UInt8} OR station IN {stations:Array(String)})
) AS changed
GLOBAL LEFT JOIN
(
  SELECT alert_id, max(version) AS last_version,
    maxIf(indexOf({ranks:Array(String)}, severity), outcome IN ('sent', 'digest')) AS severity_rank,
    minIf(version, outcome = 'sent') AS first_version
  FROM notifications
  WHERE target = {target:String} AND alert_id GLOBAL IN
    (SELECT alert_id FROM alerts WHERE changed_at >= {since:DateTime64(3, 'UTC')})
  GROUP BY alert_id
) AS ledger USING alert_id
WHERE version > last_version AND (severity_rank > 0 OR severity IN {severities:Array(String)})
SETTINGS do_not_merge_across_partitions_select_final = 1
"""

_SENT = """
SELECT uniqExact(sent_at) FROM notifications
WHERE target = {target:String} AND sent_at > {after:DateTime64(3, 'UTC')} AND outcome != 'skipped'
"""


class ClickHouseNotifications:
    """Satisfies :class:`NotifyTables`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pending(self, target: Target, stations: Sequence[str] | None, since: datetime) -> list[Pending]:
        """See :meth:`NotifyTables.pending`."""
        result = self._database.query(
            _PENDING,
            {
                "target": target.name,
                "since": _write_time(since),
                "kinds": list(target.kinds),
                "ranks": list(SEVERITIES),
                "severities": list(target.severities),
                "everywhere": int(stations is None),
                "stations": list(stations or ()),
            },
        )
        return [_pending(row) for row in result.dicts()]

    def count_sent(self, target: str, after: datetime) -> int:
        """See :meth:`NotifyTables.count_sent`."""
        return int(self._database.query(_SENT, {"target": target, "after": _write_time(after)}).rows[0][0])

    def note(self, target: str, entries: Sequence[Entry]) -> None:
        """See :meth:`NotifyTables.note`."""
        self._database.insert(
            "notifications",
            {
                "target": [target] * len(entries),
                "alert_id": [entry.alert_id for entry in entries],
                "version": [entry.version for entry in entries],
                "severity": [entry.severity for entry in entries],
                "outcome": [entry.outcome for entry in entries],
                "detail": [entry.detail for entry in entries],
                "sent_at": [entry.sent_at for entry in entries],
            },
        )


def _pending(row: dict[str, Any]) -> Pending:
    rank, first = int(row.pop("severity_rank")), int(row.pop("first_version"))
    optional = {name: row[name] or None for name in ("station", "parameter")}
    return Pending(Alert.model_validate(row | optional), rank, first)


def _write_time(time: datetime) -> str:
    return to_sql_milliseconds(time.astimezone(UTC))  # the driver would leave out the fraction
