"""Where digests are computed from readings, and where they go."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from quantrac.domain.reconciliation.differences import Sum
from quantrac.io.clickhouse_native import Array
from schemas.clickhouse.digests import StoredDigests
from services.aggregator.windows.scope import Database

StationHour = tuple[str, int]
"""Station, start of the hour in seconds since 1970."""

_PENDING = """
SELECT toString(station) AS station, toUnixTimestamp(hour) AS hour
FROM digests FINAL
WHERE is_pending = 1
SETTINGS do_not_merge_across_partitions_select_final = 1
"""


class DigestTables(Protocol):
    """Where readings are and digests go; every method raises ``ClickHouseError``."""

    def hours(self, hours: Iterable[StationHour]) -> Mapping[StationHour, Sum]:
        """Return the sums of hours of stations from their readings, those of 0 readings too."""
        ...

    def pending_hours(self) -> set[StationHour]:
        """Return the hours that are marked and have not been summed up since."""
        ...

    def insert(self, table: str, columns: Mapping[str, Array]) -> None:
        """Insert one block durably."""
        ...


class ClickHouseDigests:
    """Satisfies :class:`DigestTables`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.hours = StoredDigests(database).hours
        self.insert = database.insert

    def pending_hours(self) -> set[StationHour]:
        """Read the whole table: asked once, at a start."""
        columns = self._database.columns(_PENDING, {})
        return set(zip(columns.get("station", ()), columns.get("hour", ()), strict=True))
