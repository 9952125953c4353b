"""Data shares, read from the view of that name."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from quantrac.domain.data_share import COLUMNS, DataShare

DATA_SHARE = f"""
SELECT {", ".join(COLUMNS)}
FROM data_share(stations = {{stations:Array(String)}}, start = {{start:String}}, end = {{end:String}})
ORDER BY station
"""  # noqa: S608  # names of our own

_SETTINGS = "SETTINGS do_not_merge_across_partitions_select_final = 1"


class Rows(Protocol):
    """The rows of an answer."""

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as column name -> value."""
        ...


class Database(Protocol):
    """Where the view is."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Rows:
        """Run one SELECT; raises ``ClickHouseError``."""
        ...


def bind_span(start: datetime, end: datetime) -> dict[str, str]:
    """Return the parameters ``start`` and ``end`` of :data:`DATA_SHARE`; parts of a second are left out."""
    return {name: f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for name, at in (("start", start), ("end", end))}


def read_shares(
    database: Database, stations: Sequence[str], start: datetime, end: datetime
) -> list[DataShare]:
    """Return the shares of ``[start, end)`` by station; those of all, and of files of none, without a code.

    A station of which nothing was expected and nothing came has none. Raises ``ClickHouseError``.
    """
    bound = {"stations": list(stations), **bind_span(start, end)}
    return [DataShare(**row) for row in database.query(DATA_SHARE + _SETTINGS, bound).dicts()]
