"""Migrations that are interrupted."""

from datetime import UTC, datetime

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.migrations import Rendering, as_written, migrate, render_migrations, sort_migrations
from schemas.clickhouse import migration_files
from support.effort import usual_or_long

AT = datetime(2026, 3, 25, tzinfo=UTC)


def migrate_interrupted(client: ClickHouse, render: Rendering = as_written) -> None:
    """Let each migration fail after its statements, then run all; an average is stored early on.

    In ``make long`` after each of them, which is quadratic; else after the first, the middle and the last.
    """
    every = sort_migrations(migration_files())
    for number, runs in enumerate(render_migrations(every, render)):
        migrate(client, every[:number], render)
        if number == 4:
            client.insert("averages", average())
        count = len(runs)
        few = sorted({1, (count + 1) // 2, max(1, count - 1), count})
        for length in usual_or_long(few, list(range(1, count + 1))):
            for statement in runs[:length]:
                client.command(statement)
    migrate(client, every, render)


def average() -> dict[str, list[object]]:
    """An hour as the first release stored it."""
    row = {"station": "B", "parameter": "PM2.5", "period": "hour", "starts_at": AT, "ends_at": AT}
    row |= {"unit": "µg/m³", "mean": 5.0, "minimum": 1.0, "maximum": 9.0, "count": 12, "received": 12}
    row |= {"expected": 12, "completeness": 1.0, "computed_at": AT, "version": 3}
    return {name: [value] for name, value in row.items()}
