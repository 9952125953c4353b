"""The hours that indices are made of, and the indices that are stored: the SQL of the step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.columns import Records
from services.aggregator.windows.scope import SPAN, Database, Scope

IndexKey = tuple[str, str, str, int]
"""Station, kind, period, start in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class StoredIndex:
    """The last version of a stored index."""

    value: int | None
    level: str
    responsible: list[str]
    subindices: dict[str, float]
    formula: int | None
    version: int
    computed_at: int
    """Seconds since 1970, UTC."""


class IndexTables(Protocol):
    """Where hours are and indices go; every method raises ``ClickHouseError``."""

    def hours(self, scope: Scope) -> Records:
        """Return stored hours as :class:`services.aggregator.windows.averages.queries.AverageTables` does."""
        ...

    def indices(self, scope: Scope) -> Mapping[IndexKey, StoredIndex]:
        """Return the last version of each index of the scope's stations that starts in its span."""
        ...

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert one block of any types durably."""
        ...


_INDICES = f"""
SELECT station, kind, period, toUnixTimestamp(starts_at) AS start, value, level, responsible, subindices,
  formula, version, toUnixTimestamp(computed_at)
FROM indices
WHERE station IN {{stations:Array(String)}} {SPAN}
ORDER BY version DESC
LIMIT 1 BY station, kind, period, start
"""  # noqa: S608  # constants of our own


class ClickHouseIndices:
    """Satisfies :class:`IndexTables`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.hours = ClickHouseAverages(database).hours
        self.insert = database.insert

    def indices(self, scope: Scope) -> Mapping[IndexKey, StoredIndex]:
        """Read the last versions."""
        bound = {"stations": list(scope.stations), "start": scope.start, "end": scope.end}
        rows = self._database.query(_INDICES, bound).rows
        return {(row[0], row[1], row[2], row[3]): StoredIndex(*row[4:]) for row in rows}
