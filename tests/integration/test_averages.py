"""The windows over the real engine: every average, version and index as computed from the final readings."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from quantrac.cli.replay_windows import Period, pages
from quantrac.domain.averaging import AverageRules
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StampMeaning, StationParameter
from quantrac.domain.stamps import Stamps, middles
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.migrations import migrate, sort_migrations
from quantrac.io.records import Done, Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.builders import station
from schemas.clickhouse import migration_files
from schemas.codecs.window_dirty import encode_window_dirty
from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.indices.queries import ClickHouseIndices
from services.api.averages import query as queries
from support.averages import AveragesInMemory, Readings, brute_force, windows_handler
from support.stored_averages import assert_equal, dirty, store, stored

CODES = ("A_AIR", "B_AIR")
PARAMETERS = ("PM2.5", "O3")
NEW_YEAR = datetime(2025, 12, 31, 17, tzinfo=UTC)
"""Midnight in Vietnam."""
NOW = NEW_YEAR + timedelta(days=400)


def batches(random: random.Random) -> list[Readings]:
    """Two stations around the boundaries of day, month and year, in random order, some readings twice."""
    every: Readings = {}
    for code in CODES:
        for parameter in PARAMETERS:
            for hour in (*range(-26, 26), *range(31 * 24 - 10, 31 * 24 + 20)):
                for minute in range(0, 60, 20):
                    at = NEW_YEAR + timedelta(hours=hour, minutes=minute)
                    flag = random.choice([1] * 9 + [3, 4])
                    every[code, parameter, int(at.timestamp())] = (
                        round(random.uniform(0, 90), 2),
                        flag,
                        random.choice(["00"] * 9 + ["01"]),
                    )
    keys = random.sample(sorted(every), len(every))
    found = [{key: every[key] for key in keys[part::4]} for part in range(4)]
    revised = {key: (every[key][0] + 1, 1, "00") for key in keys[:100]}
    return [*found, found[0], revised]


def test_the_tables_equal_a_recomputation_of_the_final_readings(clickhouse: ClickHouseSettings) -> None:
    database = ClickHouse(clickhouse)
    entry = station(interval_seconds=1200, publish_index=True)
    registry = Registry(stations={code: replace(entry, code=code) for code in CODES})
    final: Readings = {}
    moments = []
    for number, readings in enumerate(batches(random.Random(5))):
        now = NOW + timedelta(hours=number)
        moments.append(now)
        final |= readings
        store(database, readings, now)
        averages, indices = ClickHouseAverages(database), ClickHouseIndices(database)
        handler = windows_handler(averages, indices, registry, clock=lambda now=now: now)
        assert isinstance(handler.handle(dirty(readings)), Done)
        if number == 3:
            before = stored(database, "averages")
    wanted = brute_force(final, lambda code, hour: 3)
    found = stored(database, "averages")
    assert_equal(found, wanted)
    assert {row["unit"] for row in found.values()} == {"µg/m3"}

    assert handler.handle(dirty(final)) == Done([], []), "the same readings write nothing"

    year = ("A_AIR", "PM2.5", "year", int(NEW_YEAR.timestamp()))
    assert found[year]["version"] > before[year]["version"]

    def as_of(moment: datetime | None) -> dict[str, Any]:
        (row,) = queries.select_averages(
            database,
            station="A_AIR",
            parameter="PM2.5",
            period="year",
            after_key=(NEW_YEAR, ""),
            end=NEW_YEAR + timedelta(hours=1),
            limit=2,
            as_of=moment,
        )
        return row

    assert as_of(None)["version"] == as_of(moments[-1])["version"] == found[year]["version"]
    assert as_of(moments[3])["version"] == before[year]["version"]
    assert as_of(moments[3])["mean"] == before[year]["mean"]

    kinds = database.query(
        "SELECT period, count(), countIf(value > 0 AND level != '' AND notEmpty(responsible)) FROM"
        " (SELECT * FROM indices FINAL ORDER BY version DESC LIMIT 1 BY station, kind, period, starts_at)"
        " GROUP BY period ORDER BY period"
    ).rows
    assert [row[0] for row in kinds] == ["day", "hour"]
    assert kinds[1][2] > 0, "hours with an index"
    assert database.query("SELECT max(starts_at), min(computed_at) FROM indices").rows[0] == (
        NEW_YEAR + timedelta(hours=31 * 24 + 19),
        NOW,
    )


def test_readings_count_where_the_stamps_of_their_station_say_and_move_when_that_changes(
    clickhouse_server: ClickHouseSettings,
) -> None:
    settings = clickhouse_server.model_copy(update={"database": "stamped"})
    ClickHouse(settings, database="default").command("CREATE DATABASE stamped")
    database = ClickHouse(settings)
    migrate(database, sort_migrations(migration_files()))
    readings = {key: value for readings in batches(random.Random(7))[:4] for key, value in readings.items()}
    store(database, readings, NOW)
    entry = station(interval_seconds=1200)
    at_end = (
        StampMeaning(Stamps.END, valid_to=NEW_YEAR - timedelta(hours=3)),
        StampMeaning(Stamps.START, 7200, valid_from=NEW_YEAR),
    )
    # A dated change in one station, and none in the other; then the other way round.
    for number, meanings in enumerate([(at_end, ()), ((), at_end)]):
        entries = {
            code: replace(entry, code=code, stamps=stamps)
            for code, stamps in zip(CODES, meanings, strict=True)
        }
        tables = ClickHouseAverages(database)
        now = NOW + timedelta(hours=number)
        handler = windows_handler(
            tables, ClickHouseIndices(database), Registry(stations=entries), clock=lambda now=now: now
        )
        # As `quantrac replay --stage windows` says them.
        period = Period(NEW_YEAR - timedelta(days=3), NEW_YEAR + timedelta(days=40), ())
        dirty_hours = [
            Record("dirty", code.encode(), encode_window_dirty(code, hours))
            for page in pages(database, period)
            for code, hours in page.hours.items()
        ]
        assert isinstance(handler.handle(dirty_hours), Done)
        moved = {
            (code, parameter, middles(stamp, entries[code].middle_offsets())): reading
            for (code, parameter, stamp), reading in readings.items()
        }
        found = {key: row for key, row in stored(database, "averages").items() if row["received"]}
        assert_equal(found, brute_force(moved, lambda code, hour: 3))
    assert handler.handle(dirty_hours) == Done([], []), "the same again writes nothing"


def test_counters_add_up_the_same_in_the_engine_and_in_memory(
    clickhouse_server: ClickHouseSettings,
) -> None:
    settings = clickhouse_server.model_copy(update={"database": "counters"})
    ClickHouse(settings, database="default").command("CREATE DATABASE counters")
    database = ClickHouse(settings)
    migrate(database, sort_migrations(migration_files()))
    generator, memory = random.Random(9), AveragesInMemory()
    start, rain = int(NEW_YEAR.timestamp()), StationParameter("Rain", "mm", counter=True)
    entry = station("A_AIR", interval_seconds=600, parameters=[rain])
    # Two days, each with its own sum; some values are missing, some bad.
    times = [start + 600 * n for n in range(288) if generator.random() < 0.95]
    readings: Readings = {
        ("A_AIR", "Rain", at): (
            round((at - start) % 86400 / 600 * 0.2, 1),
            4 if generator.random() < 0.03 else 1,
            "00",
        )
        for at in times
    }
    for stamps in ((), (StampMeaning(Stamps.END),)):
        registry = Registry(stations={"A_AIR": replace(entry, stamps=stamps)})
        memory.readings_by_time = readings
        store(database, readings, NOW)
        tables = ClickHouseAverages(database)
        handlers = [
            windows_handler(tables, ClickHouseIndices(database), registry, clock=lambda: NOW),
            windows_handler(memory, memory, registry, clock=lambda: NOW),
        ]
        assert all(isinstance(handler.handle(dirty(readings)), Done) for handler in handlers)
        names = ("total", "mean", "count", "complete")
        in_engine, in_memory = (
            {key: tuple(row[name] for name in names) for key, row in rows.items()}
            for rows in (stored(database, "averages"), memory.averages)
        )
        assert in_engine == in_memory
        days = [total for (_, _, period, _), (total, *_) in in_memory.items() if period == "day" and total]
        assert 20 < days[0] < 30, "of the 28.8 mm of a day"


def test_hourly_averages_of_an_older_release_keep_their_values_and_are_members(
    clickhouse_server: ClickHouseSettings,
) -> None:
    settings = clickhouse_server.model_copy(update={"database": "before_0007"})
    ClickHouse(settings, database="default").command("CREATE DATABASE before_0007")
    database, every = ClickHouse(settings), sort_migrations(migration_files())
    migrate(database, every[:6])
    hours = [NEW_YEAR + timedelta(hours=n) for n in range(18)]
    same = {"station": "A_AIR", "parameter": "PM2.5", "period": "hour", "unit": "µg/m3", "mean": 5.0}
    same |= {"minimum": 4.0, "maximum": 6.0, "count": 3, "received": 3, "expected": 3, "completeness": 1.0}
    same |= {"computed_at": NEW_YEAR, "version": 2}
    columns = {name: [value] * len(hours) for name, value in same.items()}
    database.insert(
        "averages", columns | {"starts_at": hours, "ends_at": [hour + timedelta(hours=1) for hour in hours]}
    )
    migrate(database, every)
    readings: Readings = {
        ("A_AIR", "PM2.5", int(hours[-1].timestamp()) + 3600 + n): (5.0, 1, "00") for n in range(9)
    }
    store(database, readings, NOW)
    averages, indices = ClickHouseAverages(database), ClickHouseIndices(database)
    handler = windows_handler(averages, indices, Registry(), clock=lambda: NOW)
    assert isinstance(handler.handle(dirty(readings)), Done)
    found = stored(database, "averages")
    day = found["A_AIR", "PM2.5", "day", int(NEW_YEAR.timestamp())]
    assert (day["mean"], day["count"], day["received"]) == (5.0, 19, 63)
    assert len(stored(database, "average_versions")) == 18 + 12


def test_averages_get_their_other_key_however_often_that_was_begun(
    clickhouse_server: ClickHouseSettings,
) -> None:
    settings = clickhouse_server.model_copy(update={"database": "before_0010"})
    ClickHouse(settings, database="default").command("CREATE DATABASE before_0010")
    database, every = ClickHouse(settings), sort_migrations(migration_files())
    migrate(database, every[:9])
    # Today's windows read and write columns that came later.
    tables = ("readings", "averages", "average_versions")
    for migration in every[13:]:
        for statement in migration.statements():
            if statement.startswith(tuple(f"ALTER TABLE {table}\n" for table in tables)):
                database.command(statement)
    readings: Readings = {
        ("A_AIR", "PM2.5", int(NEW_YEAR.timestamp()) + 300 * n): (float(n), 1, "00") for n in range(400)
    }
    store(database, readings, NOW)
    averages, indices = ClickHouseAverages(database), ClickHouseIndices(database)
    windows = windows_handler(averages, indices, Registry(), clock=lambda: NOW)
    assert isinstance(windows.handle(dirty(readings)), Done)
    before = stored(database, "averages")
    statements = every[9].statements()
    for count in range(1, len(statements) + 1):
        for statement in statements[:count]:
            database.command(statement)
        if count < len(statements):
            assert stored(database, "averages") == before
    migrate(database, every)
    assert stored(database, "averages") == before
    key = database.query(
        "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name LIKE 'averages%'"
        " AND engine LIKE '%MergeTree'"
    ).rows
    assert list(key) == [("period, station, parameter, starts_at",)]


def test_a_value_below_a_limit_counts_as_a_share_of_it_and_is_counted_beside_the_mean(
    clickhouse: ClickHouseSettings,
) -> None:
    database = ClickHouse(clickhouse)
    entry = station("LIMITS", interval_seconds=1200)
    readings: Readings = {
        ("LIMITS", "PM2.5", int(NEW_YEAR.timestamp()) + 1200 * n): (8.0, 1, "00") for n in range(3)
    }
    store(database, readings, NOW, qualifiers=["", "<", ">"])
    averages, indices = ClickHouseAverages(database), ClickHouseIndices(database)
    registry = Registry(stations={"LIMITS": entry})

    def hour(rules: AverageRules) -> tuple[float, float, int, int]:
        handler = windows_handler(averages, indices, registry, clock=lambda: NOW, rules=rules)
        assert isinstance(handler.handle(dirty(readings)), Done)
        row = stored(database, "averages")["LIMITS", "PM2.5", "hour", int(NEW_YEAR.timestamp())]
        return row["mean"], row["minimum"], row["count"], row["qualified"]

    assert hour(AverageRules()) == (20 / 3, 4.0, 3, 2)
    assert hour(AverageRules(below_limit=1.0)) == (8.0, 8.0, 3, 2)
    (shown,) = database.query("SELECT mean, qualified FROM hourly_current WHERE station = 'LIMITS'").dicts()
    assert shown == {"mean": 8.0, "qualified": 2}
