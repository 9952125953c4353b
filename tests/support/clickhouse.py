"""Databases on the session's ClickHouse server."""

from functools import cache

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.migrations import migrate, sort_migrations
from quantrac.io.settings import ClickHouseSettings
from schemas.clickhouse import migration_files

ANALYST_DATABASES = ("hn", "analysts", "attacked", "other")
"""Each has a login ``analyst_<database>`` with the password ``questions``."""

_TEMPLATE = "template_of_tests"
# A view is made after the tables that it reads, and a dictionary after the views.
_DEFINITIONS = """
SELECT create_table_query FROM system.tables WHERE database = {db:String}
ORDER BY indexOf(['View', 'MaterializedView', 'Dictionary'], engine), metadata_modification_time, name
"""


def database(server: ClickHouseSettings, name: str) -> ClickHouseSettings:
    """Make a database with every table.

    The migrations run once a server; what they left is made again under another name in a third of the time.
    """
    definitions = _migrate_template(server.port, server.user, server.password)
    settings = server.model_copy(update={"database": name})
    ClickHouse(settings, database="default").command(f"CREATE DATABASE {name}")
    client = ClickHouse(settings)
    for definition in definitions:
        client.command(definition.replace(_TEMPLATE, name))
    client.command(f"INSERT INTO schema_migrations SELECT * FROM {_TEMPLATE}.schema_migrations")
    return settings


@cache
def _migrate_template(port: int, user: str, password: str) -> list[str]:
    """Run the migrations; return the definition of each table, view and dictionary, in their order."""
    settings = ClickHouseSettings(port=port, user=user, password=password, database=_TEMPLATE)
    ClickHouse(settings, database="default").command(f"CREATE DATABASE {_TEMPLATE}")
    client = ClickHouse(settings)
    migrate(client, sort_migrations(migration_files()))
    return [definition for (definition,) in client.query(_DEFINITIONS, {"db": _TEMPLATE}).rows]
