"""Rows of one test, so that the next one finds the tables as the module filled them."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.clickhouse_native import Array

KEYS = ("station", "parameter", "period", "measured_at", "starts_at")
"""Columns by which rows are told from those of the module, as far as a table has them."""


class TemporaryRows:
    """Inserts rows, and deletes them at the end."""

    def __init__(self, database: ClickHouse) -> None:
        self._database = database
        self._deletions: list[str] = []

    def insert(self, table: str, columns: Mapping[str, Array]) -> None:
        """Insert rows, even those that were inserted and deleted before."""
        keys = " AND ".join(_condition(key, columns[key]) for key in KEYS if key in columns)
        # A view keeps the newest readings in a table of their own.
        for name in (table, "latest_readings") if table == "readings" else (table,):
            self._deletions.append(f"DELETE FROM {name} WHERE {keys}")
        self._database.insert(table, columns, token=uuid.uuid4().hex)

    def delete(self) -> None:
        """Delete all that was inserted."""
        for deletion in dict.fromkeys(self._deletions):
            self._database.command(deletion)


def _condition(column: str, values: Array) -> str:
    """Write the condition that a column has one of some values: texts or times."""
    distinct = sorted(set(values))
    if isinstance(distinct[0], datetime):
        return f"toUnixTimestamp({column}) IN ({', '.join(str(int(at.timestamp())) for at in distinct)})"
    return f"{column} IN ({', '.join(map(repr, distinct))})"
