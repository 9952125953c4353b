"""The migrations rendered for a cluster."""

import re

import pytest
from click.testing import CliRunner

from quantrac.cli.migrate import migrate
from quantrac.io.migrations import ledger, render_migrations, sort_migrations
from schemas.clickhouse import migration_files
from schemas.clickhouse.cluster import Cluster
from schemas.clickhouse.roles import analyst_role

TABLE = """CREATE TABLE IF NOT EXISTS hours
(
    station String COMMENT 'Code; ENGINE, (ORDER BY',
    hour DateTime COMMENT 'UTC'
)
ENGINE = ReplacingMergeTree(hour)
PARTITION BY toYYYYMM(hour)
ORDER BY (station, hour)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Hours'"""

NAMES = (
    "CREATE TABLE IF NOT EXISTS names (code String) ENGINE = ReplacingMergeTree ORDER BY code COMMENT 'Names'"
)

COPY = """CREATE MATERIALIZED VIEW IF NOT EXISTS v TO hours (station String COMMENT 'x') AS SELECT station
FROM hours
COMMENT 'Every row''s copy'"""


def render(*statements: str) -> list[str]:
    """Render in order; returns what the last statement becomes."""
    cluster = Cluster("main", "db")
    return [cluster.statements("0001_x.sql", statement) for statement in statements][-1]


def test_a_partitioned_table_of_stations_is_stored_by_shard_under_its_public_name() -> None:
    assert render(TABLE) == [
        """CREATE TABLE IF NOT EXISTS hours_local ON CLUSTER 'main'
(
    station String COMMENT 'Code; ENGINE, (ORDER BY',
    hour DateTime COMMENT 'UTC'
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/{shard}', '{replica}', hour)
PARTITION BY toYYYYMM(hour)
ORDER BY (station, hour)
SETTINGS replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
COMMENT 'Hours'""",
        """CREATE TABLE IF NOT EXISTS hours ON CLUSTER 'main' AS hours_local
ENGINE = Distributed('main', 'db', 'hours_local', cityHash64(station))
COMMENT 'Hours'""",
    ]


def test_any_other_table_is_whole_on_every_server() -> None:
    (made,) = render(NAMES)
    assert "names ON CLUSTER 'main'" in made
    assert (
        "ReplicatedReplacingMergeTree('/clickhouse/tables/{database}/{table}/all', '{shard}-{replica}')"
        in made
    )


def test_a_column_is_added_where_it_is_stored_and_where_it_is_read() -> None:
    added = "ADD COLUMN IF NOT EXISTS a Map(String, UInt8) COMMENT 'x, y'"
    assert render(TABLE, f"ALTER TABLE hours {added}") == [
        f"ALTER TABLE hours_local ON CLUSTER 'main'\n    {added}",
        f"ALTER TABLE hours ON CLUSTER 'main'\n    {added}",
    ]


def test_a_sorting_key_is_changed_only_where_it_is_stored() -> None:
    both = "ALTER TABLE hours ADD COLUMN IF NOT EXISTS a UInt8, MODIFY ORDER BY (station, hour, a)"
    assert render(TABLE, both) == [
        "ALTER TABLE hours_local ON CLUSTER 'main'\n"
        "    ADD COLUMN IF NOT EXISTS a UInt8,\n    MODIFY ORDER BY (station, hour, a)",
        "ALTER TABLE hours ON CLUSTER 'main'\n    ADD COLUMN IF NOT EXISTS a UInt8",
    ]
    assert render(TABLE, "ALTER TABLE hours MATERIALIZE INDEX i") == [
        "ALTER TABLE hours_local ON CLUSTER 'main'\n    MATERIALIZE INDEX i"
    ]


def test_a_table_on_every_server_is_altered_once_and_waits_for_all() -> None:
    assert render(NAMES, "ALTER TABLE names COMMENT COLUMN code 'x'") == [
        "ALTER TABLE names\n    COMMENT COLUMN code 'x'\nSETTINGS alter_sync = 2"
    ]


def test_what_is_made_to_be_exchanged_has_a_path_of_its_own_and_takes_the_comment_along() -> None:
    anew = TABLE.replace("IF NOT EXISTS hours", "hours_anew").replace("CREATE", "CREATE OR REPLACE")
    anew = anew.replace("'Hours'", "'Better hours'")
    drop, made, public = render(TABLE, anew)
    assert drop == "DROP TABLE IF EXISTS hours_anew_local ON CLUSTER 'main' SYNC"
    assert "CREATE TABLE hours_anew_local ON CLUSTER 'main'\n" in made
    assert "'/clickhouse/tables/{database}/{table}/{uuid}/{shard}'" in made
    assert public.startswith("CREATE OR REPLACE TABLE hours_anew ON CLUSTER 'main' AS hours_anew_local\n")
    exchanged, first, second = render(TABLE, anew, "EXCHANGE TABLES hours AND hours_anew")
    assert exchanged == "EXCHANGE TABLES hours_local AND hours_anew_local ON CLUSTER 'main'"
    assert first.startswith("CREATE OR REPLACE TABLE hours ON CLUSTER") and first.endswith("'Better hours'")
    assert second.startswith("CREATE OR REPLACE TABLE hours_anew ON CLUSTER") and second.endswith("'Hours'")
    assert render(TABLE, "DROP TABLE hours") == [
        "DROP TABLE IF EXISTS hours ON CLUSTER 'main'",
        "DROP TABLE IF EXISTS hours_local ON CLUSTER 'main' SYNC",
    ]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("OPTIMIZE TABLE hours", "no such kind of statement is known"),
        (COPY.replace("FROM hours", "FROM hours AS h"), "no table hours AS h"),
        (COPY.replace("IF NOT EXISTS ", ""), "no such kind of statement is known"),
        (COPY.partition("\nCOMMENT")[0], "wanted is"),
        (COPY.replace("TO hours", "TO days"), "no table days"),
        (COPY.replace("SELECT station", "SELECT (SELECT 1 FROM days)"), "wanted is"),
        ("CREATE TABLE hours (a UInt8) ENGINE = MergeTree ORDER BY a COMMENT 'x'", "IF NOT EXISTS"),
        ("CREATE TABLE IF NOT EXISTS a (a UInt8) ENGINE = Log COMMENT 'x'", "MergeTree"),
        (NAMES.replace("COMMENT", "SETTINGS index_granularity = 1 COMMENT"), "settings"),
        (NAMES.replace("(code String)", "AS hours"), "not spread as hours"),
        ("ALTER TABLE hours DROP COLUMN hour", "no command DROP COLUMN hour"),
        ("ALTER TABLE hours ADD COLUMN a UInt8", "no command ADD COLUMN a"),
        ("ALTER TABLE days COMMENT COLUMN a 'x'", "no table days"),
        ("INSERT INTO days SELECT 1", "no table days"),
        ("DROP TABLE days", "no table days"),
        (
            "CREATE OR REPLACE VIEW v AS SELECT 1 FROM hours AS h LEFT JOIN hours AS g USING hour",
            "GLOBAL … JOIN",
        ),
        ("CREATE OR REPLACE VIEW v AS SELECT 1 FROM hours WHERE hour NOT IN (SELECT 1)", "GLOBAL IN"),
    ],
)
def test_what_is_not_understood_is_an_error_that_names_file_and_statement(
    statement: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as error:
        render(TABLE, statement)
    assert str(error.value).startswith("0001_x.sql: " + " ".join(statement.split()[:8]))


def test_a_materialized_view_copies_what_each_shard_stores() -> None:
    (copy,) = render(TABLE, COPY)
    assert copy == (
        "CREATE MATERIALIZED VIEW IF NOT EXISTS v ON CLUSTER 'main' TO hours_local"
        " (station String COMMENT 'x') AS SELECT station\nFROM hours_local\nCOMMENT 'Every row''s copy'"
    )
    with pytest.raises(ValueError, match="only from a sharded table to a sharded table"):
        render(NAMES, TABLE, COPY.replace("FROM hours", "FROM names"))


def test_a_materialized_view_copies_by_another_query_on_every_server() -> None:
    change = "ALTER TABLE v MODIFY QUERY\nSELECT upper(station) AS station\nFROM hours"
    assert render(TABLE, COPY, change) == [
        "ALTER TABLE v ON CLUSTER 'main' MODIFY QUERY\nSELECT upper(station) AS station\nFROM hours_local"
    ]
    assert render(TABLE, COPY, "ALTER TABLE v COMMENT COLUMN station 'Code'") == [
        "ALTER TABLE v ON CLUSTER 'main'\n    COMMENT COLUMN station 'Code'"
    ]
    with pytest.raises(ValueError, match="wanted is a materialized view"):
        render(TABLE, change)


def test_a_view_may_join_with_global_and_with_arrays() -> None:
    view = (
        "CREATE OR REPLACE VIEW v AS SELECT 'JOIN' FROM hours ARRAY JOIN [1] AS x"
        " GLOBAL ANY LEFT JOIN hours AS g USING hour WHERE hour IN (1, 2) AND hour GLOBAL NOT IN (SELECT 1)"
    )
    assert render(TABLE, view) == [view.replace("VIEW v", "VIEW v ON CLUSTER 'main'")]


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no name of a cluster"):
        Cluster("a'b", "db")


def test_every_statement_of_every_migration_and_of_the_roles_is_rendered_for_all_servers() -> None:
    cluster = Cluster("main", "db")
    every = [
        *render_migrations(sort_migrations(migration_files()), cluster.statements),
        ledger(cluster.statements),
    ]
    every.append([run for role in analyst_role("db") for run in cluster.statements("roles", role)])
    alone = {run.split()[0] for runs in every for run in runs if "ON CLUSTER 'main'" not in run}
    assert alone == {"INSERT", "ALTER"}, "of a table that is everywhere, the keeper tells the other servers"
    assert all(f"{verb} ON CLUSTER 'main' " in " ".join(every[-1]) for verb in ("GRANT", "REVOKE"))


def test_of_the_tables_only_reference_ledgers_and_what_has_no_station_are_on_every_server() -> None:
    files = render_migrations(sort_migrations(migration_files()), Cluster("main", "db").statements)
    runs = [run for file in files for run in file]
    made = re.findall(r"CREATE (?:OR REPLACE )?TABLE (?:IF NOT EXISTS )?(\w+)", "\n".join(runs))
    public = {name.removesuffix("_local") for name in made if name.endswith("_local")}
    everywhere = {name for name in made if not name.endswith("_local")} - public
    assert everywhere == {
        *("stations", "station_parameters", "station_limits", "parameters", "limits", "provinces"),
        *("notifications", "deliveries", "registry_requests", "reconciliations"),
    }
    assert {"readings", "averages", "average_versions", "alerts", "raw_files"} <= public
    assert public <= set(made)


def test_the_printed_sql_is_the_whole_schema_with_its_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTRAC_CLICKHOUSE_DATABASE", "hn")
    alone = CliRunner().invoke(migrate, ["--print"])
    assert alone.output.startswith("CREATE DATABASE IF NOT EXISTS `hn`;\n\nUSE `hn`;\n\nCREATE TABLE")
    assert "CLUSTER" not in alone.output
    by_option = CliRunner().invoke(migrate, ["--print", "--cluster", "main"])
    assert by_option.output.startswith(
        "SET distributed_foreground_insert = 1, distributed_product_mode = 'global'"
    )
    assert "CREATE DATABASE IF NOT EXISTS `hn` ON CLUSTER 'main';" in by_option.output
    for name, _ in migration_files():
        assert f"INSERT INTO schema_migrations (name, sha256) VALUES ('{name}', '" in by_option.output
    monkeypatch.setenv("QUANTRAC_CLICKHOUSE_CLUSTER", "main")
    assert CliRunner().invoke(migrate, ["--print"]).output == by_option.output
