"""Brings a broker and a ClickHouse database up to the contracts in ``schemas``; twice equals once."""

from collections.abc import Sequence
from typing import Literal

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka import KafkaAdmin, TopicSettings
from quantrac.io.migrations import Migration, Status, migrate, ordered, status
from quantrac.io.settings import ClickHouseSettings
from schemas.clickhouse import migration_files
from schemas.topics import topics_with_dead_letters


def missing_topics(
    admin: KafkaAdmin, *, prefix: str, size: Literal["local", "large"], replication: int
) -> list[TopicSettings]:
    """Return the topics of the contracts that the broker does not have.

    Raises ``ValueError`` when one exists with another partition count: keys would move between partitions.
    """
    existing = admin.existing()
    missing = []
    for name, topic in topics_with_dead_letters().items():
        partitions = getattr(topic.partitions, size)
        found = existing.get(prefix + name)
        if found is None:
            missing.append(TopicSettings(prefix + name, partitions, replication, topic.config()))
        elif found != partitions:
            raise ValueError(f"topic {prefix + name} has {found} partitions, its contract says {partitions}")
    return missing


def table_status(settings: ClickHouseSettings) -> list[Status]:
    """Return every migration and whether the database has it, creating the database when missing."""
    return status(_database(settings), _migrations())


def migrate_tables(settings: ClickHouseSettings) -> list[Migration]:
    """Apply the migrations that the database does not have; returns those applied."""
    return migrate(_database(settings), _migrations())


def _migrations() -> Sequence[Migration]:
    return ordered(migration_files())


def _database(settings: ClickHouseSettings) -> ClickHouse:
    ClickHouse(settings, database="default").command(f"CREATE DATABASE IF NOT EXISTS `{settings.database}`")
    return ClickHouse(settings)
