"""Applies numbered SQL files to a ClickHouse database, each once, in order.

A file is named ``NNNN_what_it_does.sql`` and holds statements separated by ``;`` at a line's end. Each should
be repeatable (``IF NOT EXISTS``): a crash between a statement and its entry runs it again.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from quantrac.io.clickhouse import ClickHouse

_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")

_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations
(
    name String COMMENT 'File name',
    sha256 String COMMENT 'Of the file as applied',
    applied_at DateTime('UTC') DEFAULT now() COMMENT 'UTC'
)
ENGINE = MergeTree ORDER BY name
COMMENT 'Migrations applied to this database'
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """Hash of the text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def statements(self) -> list[str]:
        """Split into single statements."""
        return [part.strip() for part in re.split(r";\s*$", self.sql, flags=re.MULTILINE) if part.strip()]


@dataclass(frozen=True, slots=True)
class Status:
    """A migration and whether the database has it."""

    migration: Migration
    applied: bool


def ordered(files: Iterable[tuple[str, str]]) -> list[Migration]:
    """Sort (file name, text) pairs by number; raises ``ValueError`` for a bad name or a gap."""
    migrations = [Migration(name, text) for name, text in sorted(files)]
    for expected, migration in enumerate(migrations, start=1):
        match = _NAME.match(migration.name)
        if match is None or int(match[1]) != expected:
            raise ValueError(f"migration {migration.name!r}: expected a file named {expected:04d}_*.sql here")
    return migrations


def status(client: ClickHouse, migrations: Sequence[Migration]) -> list[Status]:
    """Compare with the database; raises ``ValueError`` when an applied file has been changed since."""
    client.command(_LEDGER)
    rows = client.query("SELECT name, sha256 FROM schema_migrations").rows
    applied: dict[str, str] = {name: sha256 for name, sha256 in rows}
    for migration in migrations:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise ValueError(f"migration {migration.name} was applied with another text; add a file")
    return [Status(m, m.name in applied) for m in migrations]


def migrate(client: ClickHouse, migrations: Sequence[Migration]) -> list[Migration]:
    """Apply what is missing, in order; returns what was applied (nothing the second time)."""
    missing = [s.migration for s in status(client, migrations) if not s.applied]
    for migration in missing:
        for statement in migration.statements():
            client.command(statement)
        client.insert("schema_migrations", {"name": [migration.name], "sha256": [migration.sha256]})
    return missing
