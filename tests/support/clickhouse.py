"""Databases on the session's ClickHouse server."""

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.migrations import migrate, sort_migrations
from quantrac.io.settings import ClickHouseSettings
from schemas.clickhouse import migration_files

ANALYST_DATABASES = ("hn", "analysts", "attacked", "other")
"""Each has a login ``analyst_<database>`` with the password ``questions``."""


def database(server: ClickHouseSettings, name: str) -> ClickHouseSettings:
    """Make a database with every table."""
    settings = server.model_copy(update={"database": name})
    ClickHouse(settings, database="default").command(f"CREATE DATABASE {name}")
    migrate(ClickHouse(settings), sort_migrations(migration_files()))
    return settings
