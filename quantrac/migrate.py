"""Brings a broker and a ClickHouse database up to the contracts in ``schemas``; twice equals once."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from quantrac.domain.times import to_seconds
from quantrac.errors import UserError
from quantrac.io.clickhouse import ON_A_CLUSTER, ClickHouse, ClickHouseRefused
from quantrac.io.kafka.admin import KafkaAdmin, TopicSettings
from quantrac.io.migrations import (
    Migration,
    Rendering,
    Status,
    as_written,
    ledger,
    migrate,
    render_migrations,
    sort_migrations,
    status,
)
from quantrac.io.settings import ClickHouseSettings
from schemas.clickhouse import migration_files
from schemas.clickhouse.cluster import Cluster
from schemas.clickhouse.reference import Reference, reference_tables
from schemas.clickhouse.roles import analyst_role
from schemas.topics import topics_with_dead_letters


def missing_topics(
    admin: KafkaAdmin, *, prefix: str, size: Literal["local", "large"], replication: int
) -> list[TopicSettings]:
    """Return the topics of the contracts that the broker does not have.

    Raises ``UserError`` when one exists with another partition count: keys would move between partitions.
    """
    existing = admin.count_partitions()
    missing = []
    for name, topic in topics_with_dead_letters().items():
        partitions = getattr(topic.partitions, size)
        count = existing.get(prefix + name)
        if count is None:
            missing.append(TopicSettings(prefix + name, partitions, replication, topic.config()))
        elif count != partitions:
            raise UserError(f"topic {prefix + name} has {count} partitions, its contract says {partitions}")
    return missing


def table_status(settings: ClickHouseSettings) -> list[Status]:
    """Return every migration and whether the database has it, creating the database when missing."""
    return status(_database(settings), _migrations(), _rendering(settings))


def migrate_tables(settings: ClickHouseSettings) -> list[Migration]:
    """Apply the migrations that the database does not have; returns those applied."""
    return migrate(_database(settings), _migrations(), _rendering(settings))


def table_script(settings: ClickHouseSettings) -> list[str]:
    """Return all that :func:`migrate_tables` runs on a server without the database, entries included."""
    render, migrations = _rendering(settings), _migrations()
    script = [*_session(settings), _create_database(settings), f"USE `{settings.database}`", *ledger(render)]
    for migration, statements in zip(migrations, render_migrations(migrations, render), strict=True):
        entry = f"'{migration.name}', '{migration.sha256}'"
        script += [*statements, f"INSERT INTO schema_migrations (name, sha256) VALUES ({entry})"]  # noqa: S608
    return [statement.strip() for statement in script]


def write_reference(settings: ClickHouseSettings) -> list[str]:
    """Bring the tables of what the code knows up to it; returns those that differed. After the migrations."""
    client = ClickHouse(settings)
    return [table.table for table in reference_tables() if _write_reference(client, table)]


def write_roles(settings: ClickHouseSettings) -> None:
    """Make the analysts' role and give it the database; ``UserError`` where the server refuses."""
    client = ClickHouse(settings)
    render = _rendering(settings)
    try:
        for statement in analyst_role(settings.database):
            for run in render("roles", statement):
                client.command(run)
    except ClickHouseRefused as error:
        raise UserError(f"the server does not let {settings.user} make roles: {error}") from error


def _write_reference(client: ClickHouse, reference: Reference) -> bool:
    names = list(reference.rows[0])
    columns = ", ".join(f"`{name}`" for name in names)
    stored = client.query(f"SELECT {columns} FROM `{reference.table}` FINAL").dicts()  # noqa: S608
    stored_rows = {_plain(row.values()) for row in stored}
    keys = {_plain(row[name] for name in reference.key) for row in reference.rows}
    superfluous = [row for row in stored if _plain(row[name] for name in reference.key) not in keys]
    changed = [row for row in reference.rows if _plain(row.values()) not in stored_rows]
    rows = [*((row, 0) for row in changed), *((row, 1) for row in superfluous)]
    if rows:
        block: dict[str, list[Any]] = {name: [row[name] for row, _ in rows] for name in names}
        block["removed"] = [removed for _, removed in rows]
        block["version"] = [time.time_ns() // 1_000_000] * len(rows)
        client.insert(reference.table, block)
    return bool(rows)


def _plain(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return what can be compared with what was read back, and kept in a set."""
    return tuple(_comparable(value) for value in values)


def _comparable(value: Any) -> Any:
    match value:
        case Mapping():
            return _plain(sorted(value.items()))
        case list() | tuple():
            return _plain(value)
        case datetime():
            return to_seconds(value)
        case _:
            return value


def _migrations() -> Sequence[Migration]:
    return sort_migrations(migration_files())


def _database(settings: ClickHouseSettings) -> ClickHouse:
    ClickHouse(settings, database="default").command(_create_database(settings))
    return ClickHouse(settings)


def _create_database(settings: ClickHouseSettings) -> str:
    if settings.cluster:
        return Cluster(settings.cluster, settings.database).create_database()
    return f"CREATE DATABASE IF NOT EXISTS `{settings.database}`"


def _rendering(settings: ClickHouseSettings) -> Rendering:
    return Cluster(settings.cluster, settings.database).statements if settings.cluster else as_written


def _session(settings: ClickHouseSettings) -> list[str]:
    """What a client of ours has set itself, for any other that runs the script."""
    values = ", ".join(f"{name} = {value!r}" for name, value in ON_A_CLUSTER.items())
    return [f"SET {values}"] if settings.cluster else []
