"""Applies numbered SQL files to a ClickHouse database, each once, in order.

A file is named ``NNNN_what_it_does.sql`` and holds statements separated by ``;`` at a line's end. Each should
be repeatable (``IF NOT EXISTS``): a crash before the file's entry runs the whole file again. Two processes
must not migrate at once: a file that exchanges tables would exchange them twice.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from quantrac.errors import UserError
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

Rendering = Callable[[str, str], list[str]]
"""(file name, statement) -> what is run instead; called with every statement of every file, in order."""


def as_written(file: str, statement: str) -> list[str]:
    """Render a statement for a single server: as it stands in its file."""
    return [statement]


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


def sort_migrations(files: Iterable[tuple[str, str]]) -> list[Migration]:
    """Sort (file name, text) pairs by number; raises ``UserError`` for a bad name or a gap."""
    migrations = [Migration(name, text) for name, text in sorted(files)]
    for expected, migration in enumerate(migrations, start=1):
        match = _NAME.match(migration.name)
        if match is None or int(match[1]) != expected:
            raise UserError(f"migration {migration.name!r}: expected a file named {expected:04d}_*.sql here")
    return migrations


def render_migrations(migrations: Sequence[Migration], render: Rendering = as_written) -> list[list[str]]:
    """Return what each migration runs; raises ``ValueError`` for a statement that cannot be rendered."""
    return [
        [run for statement in migration.statements() for run in render(migration.name, statement)]
        for migration in migrations
    ]


def ledger(render: Rendering = as_written) -> list[str]:
    """Return the statements that make the ledger, the table ``schema_migrations``."""
    return render("schema_migrations", _LEDGER)


def status(
    client: ClickHouse, migrations: Sequence[Migration], render: Rendering = as_written
) -> list[Status]:
    """Compare with the database; raises ``UserError`` when an applied file has been changed since."""
    for statement in ledger(render):
        client.command(statement)
    rows = client.query("SELECT name, sha256 FROM schema_migrations").rows
    applied: dict[str, str] = {name: sha256 for name, sha256 in rows}
    for migration in migrations:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise UserError(f"migration {migration.name} was applied with another text; add a file")
    return [Status(m, m.name in applied) for m in migrations]


def migrate(
    client: ClickHouse, migrations: Sequence[Migration], render: Rendering = as_written
) -> list[Migration]:
    """Apply what is missing, in order; returns what was applied (nothing the second time).

    Nothing is run before every file is rendered.
    """
    statements = render_migrations(migrations, render)
    applied = []
    for entry, runs in zip(status(client, migrations, render), statements, strict=True):
        if entry.applied:
            continue
        for statement in runs:
            client.command(statement)
        migration = entry.migration
        client.insert("schema_migrations", {"name": [migration.name], "sha256": [migration.sha256]})
        applied.append(migration)
    return applied
