"""SQL over the tables of ``schemas/clickhouse``; ``FINAL`` stands here and nowhere else.

Each statement is one constant text whose ``{name:Type}`` the server binds. A filter that is not asked for is
bound to its empty value, which the server folds away before it looks at the index.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.api.common.context import Database

# The partitions are made from a column of the key, so a row never has its like in another partition.
_SETTINGS = "SETTINGS do_not_merge_across_partitions_select_final = 1, max_execution_time = 30"

FIRST_TIME, LAST_TIME = datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, tzinfo=UTC)
"""What a ``DateTime`` column can hold."""


def select(database: Database, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Run a SELECT and return its rows; raises ``ClickHouseError``, after 30 seconds at the latest."""
    return database.query(sql + _SETTINGS, parameters).dicts()


def bind_stations(stations: Sequence[str] | None) -> dict[str, Any]:
    """Return the parameters that say whose rows are asked for; ``None`` means all."""
    return {"everywhere": int(stations is None), "stations": list(stations or ())}


def format_seconds(moment: datetime) -> str:
    """Write a bound for a ``DateTime`` column: rounded up, so that ``>=`` and ``<`` keep their meaning.

    >>> format_seconds(datetime(2026, 3, 25, 0, 4, 59, 1, tzinfo=UTC))
    '2026-03-25 00:05:00'
    """
    return f"{_rounded_up(moment, 1_000_000):%Y-%m-%d %H:%M:%S}"


def format_milliseconds(moment: datetime) -> str:
    """Write a bound for a ``DateTime64(3)`` column, rounded up.

    >>> format_milliseconds(datetime(2026, 3, 25, 0, 5, 0, 1, tzinfo=UTC))
    '2026-03-25 00:05:00.001'
    """
    return f"{_rounded_up(moment, 1_000):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def _rounded_up(moment: datetime, microseconds: int) -> datetime:
    moment = min(max(moment.astimezone(UTC), FIRST_TIME), LAST_TIME)
    return moment + timedelta(microseconds=-moment.microsecond % microseconds)
