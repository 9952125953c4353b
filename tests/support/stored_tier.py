"""A tier's sink and windows over one database, without a broker."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from quantrac.domain.readings import FlaggedSet
from quantrac.domain.reconciliation.differences import Subject
from quantrac.domain.reconciliation.levels import Level
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.records import Done, Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.builders import flagged_reading, flagged_set
from schemas.clickhouse.digests import StoredDigests
from schemas.codecs.sets import encode_flagged_set
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic
from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.averages.step import AverageStep
from services.aggregator.windows.digests.queries import ClickHouseDigests
from services.aggregator.windows.digests.step import DigestStep
from services.aggregator.windows.handler import WindowsHandler

NEW_YEAR = datetime(2025, 12, 31, 17, tzinfo=UTC)
"""In Vietnam."""
ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


class StoredTier:
    """Stores what it is given and computes averages and digests at once; its clock is ``now``."""

    def __init__(self, settings: ClickHouseSettings) -> None:
        self.database, self.registry = ClickHouse(settings), Registry()
        self._sink = SinkHandler(self.database, tables_by_topic(str, rejudges=False))
        self._offset = 0
        self.clear()

    def clear(self) -> None:
        self.now = NEW_YEAR + timedelta(days=30)
        for table in ("readings", "reading_revisions", "files", "rejects", "digests", "averages", "receipts"):
            self.database.command(f"TRUNCATE TABLE {table}")
        self.restart()

    def restart(self) -> None:
        def clock() -> datetime:
            return self.now

        averages = ClickHouseAverages(self.database)
        steps = [
            AverageStep(averages, self.registry, aggregated="aggregated", clock=clock),
            DigestStep(ClickHouseDigests(self.database), clock=clock),
        ]
        self._windows = WindowsHandler(steps, self.registry)

    def take(self, *sets: FlaggedSet) -> None:
        self.take_messages([encode_flagged_set(content) for content in sets])

    def take_messages(self, values: Sequence[bytes]) -> None:
        batch = []
        for value in values:
            self._offset += 1
            batch.append(Record("qa-flagged", b"", value, {}, 0, self._offset))
        stored = self._sink.handle(batch)
        assert isinstance(stored, Done) and stored.dead == []
        self.wake([record for record in stored.records if record.topic == "window-dirty"])

    def wake(self, dirty: Sequence[Record] = ()) -> None:
        """Process what is dirty, or a batch that touches nothing."""
        done = self._windows.handle(dirty)
        assert isinstance(done, Done) and done.dead == []

    def sums(self, level: Level, *, is_fresh: bool, stations: Sequence[str] | None = None) -> Any:
        tables = StoredDigests(self.database)
        return tables.sums(Subject.READINGS, level, *ALWAYS, stations=stations, is_fresh=is_fresh)

    def rows(self) -> list[dict[str, Any]]:
        return self.database.query(
            "SELECT * REPLACE (toUnixTimestamp(measured_at) AS measured_at) FROM readings FINAL"
        ).dicts()

    def marks(self) -> list[int]:
        return [row[0] for row in self.database.query("SELECT is_pending FROM digests FINAL").rows]


def file_of(station: str, at: datetime, *values: float, **fields: Any) -> FlaggedSet:
    """Return a file of the parameters P1, P2 and so on, all measured at one time."""
    readings = [
        flagged_reading(value, parameter=f"P{number}", measured_at=at, line=number)
        for number, value in enumerate(values, start=1)
    ]
    return flagged_set(*readings, station=station, **fields)
