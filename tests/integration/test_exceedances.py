"""Exceedances over the real engine: each scenario, and any history against a plain loop."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from quantrac.domain.ids import reading_version
from quantrac.domain.periods import Period
from quantrac.io.clickhouse import ClickHouse, ClickHouseAway
from quantrac.io.clickhouse_native import Array
from quantrac.io.settings import ClickHouseSettings
from services.aggregator.windows.averages.queries import AverageTables, ClickHouseAverages
from services.aggregator.windows.exceedances.episode import Episode
from services.aggregator.windows.exceedances.queries import END, ClickHouseExceedances, ExceedanceTables
from services.aggregator.windows.indices.queries import ClickHouseIndices, IndexTables
from support.averages import Readings
from support.effort import examples
from support.exceedance_suite import ExceedanceSuite
from support.exceedances import AIR, NEW_YEAR, UNITS, World, any_history, equals_a_recomputation, order

TABLES = ("readings", "averages", "average_versions", "exceedances")


class Failing(ClickHouse):
    """Gone after some inserts."""

    fail_after: int | None = None

    def insert(self, table: str, columns: Mapping[str, Array], *, token: str = "") -> None:
        self._count()
        super().insert(table, columns, token=token)

    def _count(self) -> None:
        if self.fail_after == 0:
            raise ClickHouseAway("gone in the middle")
        if self.fail_after is not None:
            self.fail_after -= 1


class WorldInClickHouse(World):
    """Tables of the real engine, emptied."""

    def __init__(self, clickhouse: ClickHouseSettings) -> None:
        super().__init__()
        self.database, self.failing = ClickHouse(clickhouse), Failing(clickhouse)
        self.puts = 0
        for table in TABLES:
            self.database.command(f"TRUNCATE TABLE {table}")

    def store(self, readings: Readings) -> None:
        self.puts += 1
        names = ("station", "parameter", "measured_at", "value", "flag", "status")
        rows = [(*key, *reading) for key, reading in readings.items()]
        columns: dict[str, list[Any]] = {
            name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
        }
        columns["unit"] = [UNITS.get(parameter, "µg/m3") for _, parameter, _ in readings]
        same = {"text": "", "tests": "", "rules": "r", "line": 1}
        same |= {"version": reading_version(NEW_YEAR + timedelta(seconds=self.puts))}
        columns |= {name: [value] * len(rows) for name, value in same.items()}
        self.database.insert("readings", columns)

    def tables(self) -> tuple[AverageTables, IndexTables, ExceedanceTables]:
        return (
            ClickHouseAverages(self.failing),
            ClickHouseIndices(self.failing),
            ClickHouseExceedances(self.failing),
        )

    def fail_after(self, inserts: int | None) -> None:
        self.failing.fail_after = inserts

    def live(self, *, station: str = AIR) -> list[Episode]:
        begun = dict.fromkeys(Period, 0)
        parameters = ["O3", "PM2.5", "PM10", "DO", "CO", "SO2", "PM"]
        found = ClickHouseExceedances(self.database).episodes([station], parameters, begun, END)
        return sorted((each for _, each, *_ in found if each.periods), key=order)

    def versions(self) -> int:
        (row,) = self.database.query("SELECT count() FROM exceedances FINAL").rows
        return int(row[0])


@pytest.fixture
def world(clickhouse: ClickHouseSettings) -> WorldInClickHouse:
    return WorldInClickHouse(clickhouse)


class TestInClickHouse(ExceedanceSuite):
    """Each scenario over the real engine."""


def test_every_version_is_kept(world: WorldInClickHouse) -> None:
    for value in (210, 220, 100):
        world.put("O3", 0, [value])
        world.flush()
    rows = world.database.query("SELECT version, periods, peak, open FROM exceedances FINAL ORDER BY version")
    assert [tuple(row) for row in rows.rows] == [(1, 1, 210.0, 1), (2, 1, 220.0, 1), (3, 0, 220.0, 0)]


def test_of_two_episodes_that_are_open_the_newest_alone_is_present(world: WorldInClickHouse) -> None:
    world.put("O3", 0, [210, None, 220, None, 230, 100])
    world.put("O3", 8, [210, None, 220])
    world.flush()
    rows = world.database.query(
        "SELECT open FROM exceedances_current WHERE period = 'hour' ORDER BY starts_at"
    )
    assert [row[0] for row in rows.rows] == [0, 0, 0, 0, 1]
    raw = world.database.query("SELECT open FROM exceedances FINAL WHERE period = 'hour' ORDER BY starts_at")
    assert [row[0] for row in raw.rows] == [0, 0, 0, 1, 1]


def test_only_what_may_have_changed_is_read_back(world: WorldInClickHouse) -> None:
    world.put("O3", 0, [210, 100, 100, 220, 100, 100, 230, None, 240, 100])
    world.flush()
    tables = ClickHouseExceedances(world.database)

    def asked(hour: int) -> list[int]:
        begun = {Period.HOUR: int((NEW_YEAR + timedelta(hours=hour)).timestamp())}
        rows = tables.episodes([AIR], ["O3", "PM10"], begun, END)
        return sorted(int(each.starts_at - NEW_YEAR.timestamp()) // 3600 for _, each, *_ in rows)

    assert asked(100) == [8], "the last before"
    assert asked(7) == [3, 6, 8], "what ends there, what begins later, and the last before"
    assert asked(2) == [0, 3, 6, 8]
    assert tables.episodes(["B_AIR"], ["O3"], {Period.HOUR: 0}, END) == []


@settings(
    max_examples=examples(10),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@any_history
def test_any_history_leaves_what_the_final_readings_make(
    clickhouse: ClickHouseSettings, history: Any
) -> None:
    world = WorldInClickHouse(clickhouse)
    world.now = NEW_YEAR
    equals_a_recomputation(world, history)
