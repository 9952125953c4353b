"""The migrations against the real engine."""

import dataclasses
import uuid
from datetime import UTC, datetime

import pytest

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.migrations import Migration, migrate, sort_migrations, status
from quantrac.io.settings import ClickHouseSettings
from quantrac.migrate import migrate_tables, table_status
from schemas.clickhouse import migration_files
from schemas.codecs.sets import decode_flagged_set
from schemas.examples import example
from services.aggregator.sink.tables.files import file_columns, reject_columns
from services.aggregator.sink.tables.readings import reading_columns, reading_rows
from services.aggregator.sink.tables.replaced_readings import revision_columns, versions_over


@pytest.fixture
def empty_database(clickhouse_server: ClickHouseSettings) -> ClickHouseSettings:
    """A database without tables."""
    settings = clickhouse_server.model_copy(update={"database": f"t{uuid.uuid4().hex[:8]}"})
    ClickHouse(settings, database="default").command(f"CREATE DATABASE {settings.database}")
    return settings


def test_an_empty_database_is_migrated_once(empty_database: ClickHouseSettings) -> None:
    assert not any(entry.applied for entry in table_status(empty_database))
    applied = migrate_tables(empty_database)
    assert [m.name for m in applied] == [name for name, _ in migration_files()]
    assert migrate_tables(empty_database) == []
    assert all(entry.applied for entry in table_status(empty_database))


def test_a_file_changed_after_it_was_applied_is_refused(empty_database: ClickHouseSettings) -> None:
    client = ClickHouse(empty_database)
    first = Migration("0001_a.sql", "CREATE TABLE a (x UInt8) ENGINE = MergeTree ORDER BY x;\n")
    assert migrate(client, [first]) == [first]
    with pytest.raises(ValueError, match=r"0001_a\.sql was applied with another text"):
        status(client, [Migration("0001_a.sql", "CREATE TABLE b (x UInt8) ENGINE = Memory;")])


def test_every_table_and_column_says_what_it_holds(empty_database: ClickHouseSettings) -> None:
    migrate_tables(empty_database)
    client = ClickHouse(empty_database)
    # ClickHouse takes no comment on a dictionary's attribute: it is a column of the view behind it.
    silent = client.query(
        "SELECT table, name FROM system.columns WHERE database = {db:String} AND comment = ''"
        " AND table NOT IN (SELECT name FROM system.dictionaries WHERE database = {db:String})"
        " UNION ALL SELECT name, '' FROM system.tables WHERE database = {db:String} AND comment = ''",
        {"db": empty_database.database},
    ).rows
    assert list(silent) == []


def test_the_sink_fills_every_column_of_its_tables(empty_database: ClickHouseSettings) -> None:
    migrate_tables(empty_database)
    client = ClickHouse(empty_database)
    declared = client.query(
        "SELECT table, groupArray(name) FROM system.columns"
        " WHERE database = {db:String} AND default_kind != 'ALIAS' GROUP BY table",
        {"db": empty_database.database},
    ).rows
    revised = dataclasses.replace(decode_flagged_set(example("qa-flagged.json")), revision=1)
    written = {
        "readings": reading_columns,
        "files": file_columns,
        "rejects": reject_columns,
        "reading_revisions": lambda sets: revision_columns(
            {0: revised}, versions_over({0: revised}, ()), reading_rows(sets[0])
        ),
    }
    flagged = [decode_flagged_set(example("qa-flagged.json"))]
    names = {table: sorted(columns) for table, columns in declared}
    names["reading_revisions"].remove("superseded_at")  # the server's own clock
    assert {table: sorted(columns(flagged)) for table, columns in written.items()} == {
        table: names[table] for table in written
    }


def test_files_must_be_numbered_without_gaps() -> None:
    with pytest.raises(ValueError, match=r"expected a file named 0002_"):
        sort_migrations([("0001_a.sql", ""), ("0003_b.sql", "")])


def test_rejects_stored_before_files_named_their_lines_stay_open(
    clickhouse_server: ClickHouseSettings,
) -> None:
    settings = clickhouse_server.model_copy(update={"database": "before_0005"})
    ClickHouse(settings, database="default").command("CREATE DATABASE before_0005")
    client, every = ClickHouse(settings), sort_migrations(migration_files())
    migrate(client, every[:4])
    at = datetime(2026, 3, 25, tzinfo=UTC)
    file = {"station": "A", "received_at": at, "file_id": "f" * 64, "name": "a.txt", "account": "a"}
    file |= {"transport": "ftp", "format": "f", "rules": "r", "readings": 3, "rejects": 2}
    client.insert("files", {name: [value] for name, value in file.items()})
    reject = {"station": "A", "received_at": at, "file_id": "f" * 64, "text": "", "reason": "x", "detail": ""}
    for line in (2, 7):
        client.insert("rejects", {name: [value] for name, value in (reject | {"line": line}).items()})
    migrate(client, every)
    found = client.query("SELECT readings, rejects, arraySort(rejected_lines) FROM files FINAL").rows
    assert [tuple(row) for row in found] == [(3, 2, [2, 7])]


def test_receipts_given_before_revisions_were_delivered_are_of_the_first_judgement(
    clickhouse_server: ClickHouseSettings,
) -> None:
    settings = clickhouse_server.model_copy(update={"database": "before_0006"})
    ClickHouse(settings, database="default").command("CREATE DATABASE before_0006")
    client, every = ClickHouse(settings), sort_migrations(migration_files())
    migrate(client, every[:5])
    at = datetime(2026, 3, 25, tzinfo=UTC)
    receipt = {"station": "A", "file_id": "f" * 64, "target": "t", "delivery_id": "d" * 64}
    receipt |= {"received_at": at, "confirmed_at": at, "readings": 15}
    client.insert("receipts", {name: [value] for name, value in receipt.items()})
    migrate(client, every)
    again = receipt | {"readings": 1, "revision": 1}
    client.insert("receipts", {name: [value] for name, value in again.items()})
    found = client.query("SELECT readings, revision FROM receipts FINAL ORDER BY revision").rows
    assert [tuple(row) for row in found] == [(15, 0), (1, 1)]
