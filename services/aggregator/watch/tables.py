"""What watch reads from ClickHouse when it is given stations: the SQL of ``aggregator.watch``."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from schemas.codec import ExceedanceMessage
from services.aggregator.watch.state import (
    DAY,
    HOUR,
    WINDOW_HOURS,
    CauseKey,
    Episode,
    OpenAlert,
    instant,
    packed_hour,
)

# A month more than late data reach back; a station silent for longer is known by its open alert.
_HEARD_DAYS = 60
_EPISODE_DAYS = 2
_CLOSED_DAYS = 60


class WatchTables(Protocol):
    """Where state comes from; every method raises ``ClickHouseError``. Times are seconds since 1970, UTC."""

    def heard(self, now: int) -> Iterable[tuple[str, str, int, int]]:
        """Return (station, parameter, first, last) time of the readings of the last 60 days."""
        ...

    def hours(self, now: int) -> Iterable[tuple[str, str, Sequence[int]]]:
        """Return (station, parameter, hours packed as ``watch_state.packed_hour`` does) of the last day."""
        ...

    def episodes(self, now: int) -> Iterable[tuple[str, Episode]]:
        """Return (station, episode) of exceedances that go on or were computed in the last two days."""
        ...

    def alerts(self, now: int) -> Iterable[tuple[str, CauseKey, OpenAlert, bool]]:
        """Return (station, cause, alert, whether it is open), the oldest first; closed ones for 60 days."""
        ...


class Database(Protocol):
    """What the statements run on: :class:`quantrac.io.clickhouse.ClickHouse`."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values."""


_HEARD = """
SELECT station, parameter, toUnixTimestamp(min(at)) AS first, toUnixTimestamp(max(at)) AS last
FROM
(
    SELECT station, parameter,
      least(measured_at, toDateTime(received_at, 'UTC'), toDateTime({now:UInt32}, 'UTC')) AS at
    FROM readings
    WHERE measured_at >= toDateTime({start:UInt32}, 'UTC')
)
GROUP BY station, parameter
"""

_HOURS = """
SELECT station, parameter, groupArray(toUnixTimestamp(starts_at)) AS starts, groupArray(count) AS counts
FROM averages FINAL
WHERE period = 'hour' AND starts_at >= toDateTime({start:UInt32}, 'UTC')
  AND starts_at <= toDateTime({now:UInt32}, 'UTC')
GROUP BY station, parameter
"""

_EPISODES = """
SELECT *
FROM
(
    SELECT * FROM exceedances
    ORDER BY version DESC
    LIMIT 1 BY station, parameter, period, standard, column, starts_at
)
WHERE (open = 1 AND periods > 0) OR computed_at >= toDateTime({start:UInt32}, 'UTC')
"""

_ALERTS = """
SELECT station, kind, parameter, alert_id, version, severity, state, opened_at, detail, facts
FROM alerts FINAL
WHERE state != 'closed' OR opened_at >= toDateTime({start:UInt32}, 'UTC')
ORDER BY opened_at
"""


class ClickHouseWatch:
    """Satisfies :class:`WatchTables`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def heard(self, now: int) -> Iterable[tuple[str, str, int, int]]:
        """Read between which times there are readings."""
        found = self._database.columns(_HEARD, {"start": now - _HEARD_DAYS * DAY, "now": now})
        names = ("station", "parameter", "first", "last")
        return zip(*(found[name] for name in names), strict=True) if found else ()

    def hours(self, now: int) -> Iterable[tuple[str, str, Sequence[int]]]:
        """Read how many readings count in each hour."""
        start = now - (WINDOW_HOURS + 2) * HOUR
        found = self._database.columns(_HOURS, {"start": start, "now": now})
        columns = (found[name] for name in ("station", "parameter", "starts", "counts")) if found else ()
        for station, parameter, starts, counts in zip(*columns, strict=True):
            yield station, parameter, [packed_hour(*hour) for hour in zip(starts, counts, strict=True)]

    def episodes(self, now: int) -> Iterable[tuple[str, Episode]]:
        """Read the last version of each episode."""
        for row in self._rows(_EPISODES, {"start": now - _EPISODE_DAYS * DAY}):
            fields = {name: row[name] for name in ExceedanceMessage.__struct_fields__}
            told = msgspec.convert(fields | {"open": bool(row["open"])}, ExceedanceMessage)
            yield row["station"], Episode(told, instant(row["computed_at"]))

    def alerts(self, now: int) -> Iterable[tuple[str, CauseKey, OpenAlert, bool]]:
        """Read the alerts' present states."""
        for row in self._rows(_ALERTS, {"start": now - _CLOSED_DAYS * DAY}):
            facts = dict(row["facts"])
            limit = ("period", "standard", "column") if row["kind"] == "limit-exceeded" else ()
            key = CauseKey(row["kind"], row["parameter"], tuple(facts.get(name, "") for name in limit))
            alert = OpenAlert(
                row["alert_id"],
                row["version"],
                instant(row["opened_at"]),
                row["severity"],
                row["detail"],
                facts,
            )
            yield row["station"], key, alert, row["state"] != "closed"

    def _rows(self, sql: str, parameters: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
        found = self._database.columns(sql, parameters)
        for values in zip(*found.values(), strict=True):
            yield dict(zip(found, values, strict=True))
