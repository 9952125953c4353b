"""SELECTs over the tables of ``schemas/clickhouse``.

Each statement is one constant text whose ``{name:Type}`` the server binds. A filter that is not used is bound
to its empty value, which the server removes before it looks at the index. ``FINAL`` stands in ``query.py`` of
the resources and nowhere else.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from quantrac.domain.times import to_sql_milliseconds
from quantrac.io.clickhouse import Result

# The partitions are made from a column of the key, so no two partitions hold versions of one row.
_SETTINGS = "SETTINGS do_not_merge_across_partitions_select_final = 1, max_execution_time = 30"

FIRST_TIME, LAST_TIME = datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, tzinfo=UTC)
"""What a ``DateTime`` column can hold."""


class Database(Protocol):
    """Where rows come from: ``quantrac.io.clickhouse.ClickHouse``, or a fake."""

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
        """Run one SELECT; raises ``ClickHouseError``."""
        ...

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows."""
        ...

    def answers(self) -> bool:
        """Tell whether the server answers a query."""
        ...


def select(
    database: Database, sql: str, parameters: Mapping[str, Any], *, threads: int | None = None
) -> list[dict[str, Any]]:
    """Run a SELECT and return its rows; raises ``ClickHouseError``, after 30 seconds at the latest.

    ``threads`` of the server at most; by default as many as it has cores.
    """
    settings = _SETTINGS if threads is None else f"{_SETTINGS}, max_threads = {threads}"
    return database.query(sql + settings, parameters).dicts()


def bind_stations(stations: Sequence[str] | None) -> dict[str, Any]:
    """Return the parameters ``all_stations`` and ``stations`` of a statement; ``None`` means all stations."""
    return {"all_stations": int(stations is None), "stations": list(stations or ())}


def format_seconds(time: datetime) -> str:
    """Write a bound for a ``DateTime`` column: rounded up, so that ``>=`` and ``<`` keep their meaning.

    >>> format_seconds(datetime(2026, 3, 25, 0, 4, 59, 1, tzinfo=UTC))
    '2026-03-25 00:05:00'
    """
    return f"{_round_up(time, 1_000_000):%Y-%m-%d %H:%M:%S}"


def format_milliseconds(time: datetime) -> str:
    """Write a bound for a ``DateTime64(3)`` column, rounded up.

    >>> format_milliseconds(datetime(2026, 3, 25, 0, 5, 0, 1, tzinfo=UTC))
    '2026-03-25 00:05:00.001'
    """
    return to_sql_milliseconds(_round_up(time, 1_000))


def _round_up(time: datetime, microseconds: int) -> datetime:
    time = min(max(time.astimezone(UTC), FIRST_TIME), LAST_TIME)
    return time + timedelta(microseconds=-time.microsecond % microseconds)
