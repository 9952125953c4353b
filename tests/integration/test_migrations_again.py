"""Migrations that fail or are interrupted, and are run again."""

import uuid

import pytest

from quantrac.io.clickhouse import ClickHouse, ClickHouseRefused
from quantrac.io.migrations import Migration, migrate, sort_migrations, status
from quantrac.io.settings import ClickHouseSettings
from schemas.clickhouse import migration_files
from support.migrations import migrate_interrupted


@pytest.fixture
def empty(clickhouse_server: ClickHouseSettings) -> ClickHouseSettings:
    """A database without tables."""
    settings = clickhouse_server.model_copy(update={"database": f"t{uuid.uuid4().hex[:8]}"})
    ClickHouse(settings, database="default").command(f"CREATE DATABASE {settings.database}")
    return settings


def schema(settings: ClickHouseSettings) -> dict[str, str]:
    """Name -> definition of all that the database holds."""
    look = (
        "SELECT name, replaceAll(create_table_query, {db:String} || '.', '') FROM system.tables"
        " WHERE database = {db:String}"
    )
    return dict(ClickHouse(settings).query(look, {"db": settings.database}).rows)


def test_a_file_that_failed_halfway_is_mended_and_run_again(empty: ClickHouseSettings) -> None:
    client = ClickHouse(empty)
    made = "CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = MergeTree ORDER BY x;\n"
    failing = Migration("0001_a.sql", made + "ALTER TABLE a ADD COLUMN IF NOT EXISTS y Nonsense;\n")
    with pytest.raises(ClickHouseRefused):
        migrate(client, [failing])
    assert [entry.applied for entry in status(client, [failing])] == [False]
    mended = Migration("0001_a.sql", made + "ALTER TABLE a ADD COLUMN IF NOT EXISTS y UInt8;\n")
    assert migrate(client, [mended]) == [mended]
    assert [row[0] for row in client.query("DESCRIBE TABLE a").rows] == ["x", "y"]
    assert migrate(client, [mended]) == []


def test_nothing_is_run_before_every_file_is_rendered(empty: ClickHouseSettings) -> None:
    client, every = ClickHouse(empty), sort_migrations(migration_files())

    def only_the_first(file: str, statement: str) -> list[str]:
        if file != every[0].name:
            raise ValueError(file)
        return [statement]

    with pytest.raises(ValueError, match=every[1].name):
        migrate(client, every, only_the_first)
    assert schema(empty) == {}


def test_a_migration_interrupted_after_any_statement_leaves_the_schema_whole_when_run_again(
    empty: ClickHouseSettings, clickhouse: ClickHouseSettings
) -> None:
    client = ClickHouse(empty)
    migrate_interrupted(client)
    assert schema(empty) == schema(clickhouse)
    for table in ("averages", "average_versions"):
        found = client.query(f"SELECT mean, version, good FROM {table} FINAL").rows
        assert [tuple(row) for row in found] == [(5.0, 3, 12)]
