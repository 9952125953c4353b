"""What watch reads from ClickHouse for all causes: the times of readings, and alerts.

Read whenever partitions are assigned. What a single cause needs beside is read by its module. Times are
seconds since 1970, UTC; every function raises ``ClickHouseError``.
"""

from collections.abc import Iterator

from quantrac.domain.times import DAY, to_whole_seconds
from services.aggregator.watch.causes import BY_KIND
from services.aggregator.watch.state import WATCHED, CauseKey, Database, OpenAlert, iterate_rows

_CLOSED_DAYS = 60

SERIES_SQL = """
SELECT station, parameter, toUnixTimestamp(min(at)) AS first, toUnixTimestamp(max(at)) AS last,
  toUnixTimestamp(maxIf(at, late < {grace:UInt32})) AS prompt
FROM
(
    SELECT station, parameter, dateDiff('second', measured_at, toDateTime(received_at, 'UTC')) AS late,
      least(measured_at, toDateTime(received_at, 'UTC'), toDateTime({now:UInt32}, 'UTC')) AS at
    FROM readings
    WHERE measured_at >= toDateTime({start:UInt32}, 'UTC')
)
GROUP BY station, parameter
"""

ALERTS_SQL = """
SELECT station, kind, parameter, alert_id, version, severity, state, opened_at, detail, facts
FROM alerts FINAL
WHERE state != 'closed' OR opened_at >= toDateTime({start:UInt32}, 'UTC')
ORDER BY opened_at
"""


def read_series(database: Database, now: int, grace: int) -> Iterator[tuple[str, str, int, int, int]]:
    """Yield (station, parameter, first, last, last prompt) time of the readings of the last 60 days.

    Prompt is what came within ``grace`` seconds; 0 where nothing did.
    """
    columns = database.columns(SERIES_SQL, {"start": now - WATCHED, "now": now, "grace": grace})
    for row in iterate_rows(columns):
        yield row["station"], row["parameter"], row["first"], row["last"], row["prompt"]


def read_alerts(database: Database, now: int) -> Iterator[tuple[str, CauseKey, OpenAlert, bool]]:
    """Yield (station, key, alert, whether it is open), the oldest first; closed ones for 60 days."""
    columns = database.columns(ALERTS_SQL, {"start": now - _CLOSED_DAYS * DAY})
    for row in iterate_rows(columns):
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
        yield row["station"], CauseKey(kind, row["parameter"], limit), alert, row["state"] != "closed"
