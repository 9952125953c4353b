"""What watch reads from ClickHouse for all causes: the times of readings, and alerts.

Read whenever partitions are assigned, and from time to time to compare. What a single cause needs beside is
read by its module. Times are seconds since 1970, UTC; every function raises ``ClickHouseError``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from quantrac.domain.times import to_whole_seconds
from services.aggregator.watch.causes import BY_KIND
from services.aggregator.watch.state import CauseKey, Database, OpenAlert, iterate_rows

SERIES_SQL = """
SELECT station, parameter, toUnixTimestamp(min(at)) AS first, toUnixTimestamp(max(at)) AS last,
  toUnixTimestamp(maxIf(at, late < {grace:UInt32})) AS prompt
FROM
(
    SELECT station, parameter, dateDiff('second', measured_at, toDateTime(received_at, 'UTC')) AS late,
      least(measured_at, toDateTime(received_at, 'UTC'), toDateTime({now:UInt32}, 'UTC')) AS at
    FROM readings
    WHERE measured_at >= toDateTime({start:UInt32}, 'UTC') AND imported = 0
)
GROUP BY station, parameter
"""

# The column is 0 but for history, so that little is read of what came by a door.
HISTORY_SQL = """
SELECT station, toUnixTimestamp(max(measured_at)) AS last
FROM readings
PREWHERE imported = 1
GROUP BY station
"""

# Of each cause the alerts that are open, and the last ones that were closed.
ALERTS_SQL = """
SELECT station, kind, parameter, alert_id, version, severity, state, opened_at, detail, facts
FROM alerts FINAL
WHERE kind IN {kinds:Array(String)}
ORDER BY changed_at DESC, opened_at DESC
LIMIT 16 BY station, kind, parameter, state = 'closed', facts['period'], facts['standard'], facts['column'],
  facts['reason'], facts['account']
"""


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as it is stored."""

    station: str
    """Empty where it is about an account."""
    account: str
    key: CauseKey
    alert: OpenAlert
    is_open: bool


def read_series(
    database: Database, start: int, now: int, grace: int
) -> Iterator[tuple[str, str, int, int, int]]:
    """Yield (station, parameter, first, last, last prompt) time of the readings since ``start``.

    Prompt is what came within ``grace`` seconds; 0 where nothing did. History is left out.
    """
    columns = database.columns(SERIES_SQL, {"start": start, "now": now, "grace": grace})
    for row in iterate_rows(columns):
        yield row["station"], row["parameter"], row["first"], row["last"], row["prompt"]


def read_history(database: Database) -> Iterator[tuple[str, int]]:
    """Yield (station, time of the newest reading) of what was imported."""
    for row in iterate_rows(database.columns(HISTORY_SQL, {})):
        yield row["station"], row["last"]


def read_alerts(database: Database) -> list[StoredAlert]:
    """Return the open alerts and the last closed ones of each cause, the one changed last at the end."""
    rows = iterate_rows(database.columns(ALERTS_SQL, {"kinds": list(BY_KIND)}))
    return [_read_alert(row) for row in reversed(list(rows))]


def _read_alert(row: Mapping[str, Any]) -> StoredAlert:
    kind, facts = row["kind"], dict(row["facts"])
    limit = tuple(facts.get(name, "") for name in BY_KIND[kind].limit_facts)
    alert = OpenAlert(
        row["alert_id"],
        row["version"],
        to_whole_seconds(row["opened_at"]),
        row["severity"],
        row["detail"],
        facts,
    )
    account = facts.get("account", "") if BY_KIND[kind].is_of_accounts else ""
    key = CauseKey(kind, row["parameter"], limit)
    return StoredAlert(row["station"], account, key, alert, row["state"] != "closed")
