"""The migrations rendered for a cluster, run by the real engine as the one server of its cluster.

The embedded engine runs no ON CLUSTER, which is left out here, and starts no replica: tables are stored
plainly where behaviour is looked at, and replicated ones are only made, over the engine's keeper in memory.
Of two shards, one is away: what is asked of them is planned as on two and answered by one.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from quantrac.cli import replay
from quantrac.io import clickhouse as clickhouse_io
from quantrac.io.clickhouse import ClickHouse, ClickHouseAway, ClickHouseRefused
from quantrac.io.migrations import Rendering, ledger, migrate, render_migrations, sort_migrations
from quantrac.io.settings import ClickHouseSettings
from quantrac.migrate import table_script
from schemas.clickhouse import migration_files
from schemas.clickhouse.cluster import Cluster
from schemas.clickhouse.roles import analyst_role
from services.api.common.keys import FileScope
from services.api.files import query as files
from services.api.readings import query as readings
from support.migrations import AT, average, migrate_interrupted

_CONFIG = """
<clickhouse>
    <tcp_port>9000</tcp_port>  <!-- nothing listens there: it makes 127.0.0.1:9000 this engine itself -->
    <zookeeper><implementation>testkeeper</implementation></zookeeper>
    <macros><shard>01</shard><replica>a</replica></macros>
    <remote_servers>
        <one><shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard></one>
        <two>
            <shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard>
            <shard><replica><host>127.0.0.1</host><port>1</port></replica></shard>
        </two>
    </remote_servers>
</clickhouse>
"""
_SERVER = """
import pathlib, sys
from quantrac.local import clickhouse_server
from quantrac.local.clickhouse import engine
engine._CONFIG = pathlib.Path(sys.argv.pop(1))
clickhouse_server.confine = lambda folder: None  # it asks its shards over the network
sys.exit(clickhouse_server.main())
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseSettings]:
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "config.xml").write_text(_CONFIG)
    arguments = [str(folder / "config.xml"), "--data", str(folder / "data"), "--port", "0"]
    environment = os.environ | {"QUANTRAC_CLICKHOUSE_PASSWORD": "cluster"}
    command = [sys.executable, "-c", _SERVER, *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        yield ClickHouseSettings(port=port, user="quantrac", password="cluster")
        process.kill()  # a stop would wait minutes for the replicas that never started


@pytest.fixture(autouse=True)
def one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine speaks with nobody, itself included; a shard that is away is left out."""
    monkeypatch.setitem(clickhouse_io.ON_A_CLUSTER, "prefer_localhost_replica", 1)
    monkeypatch.setitem(clickhouse_io.ON_A_CLUSTER, "skip_unavailable_shards", 1)


@pytest.fixture
def database(engine: ClickHouseSettings) -> Callable[[str], ClickHouse]:
    def create(name: str) -> ClickHouse:
        ClickHouse(engine, database="default").command(f"CREATE DATABASE {name}")
        return ClickHouse(engine.model_copy(update={"database": name}))

    return create


def on_one_server(statement: str) -> str:
    return statement.replace(" ON CLUSTER 'one'", "")


def stored_plainly(database: str) -> Rendering:
    cluster = Cluster("one", database)

    def render(file: str, statement: str) -> list[str]:
        return [_unreplicated(on_one_server(run)) for run in cluster.statements(file, statement)]

    return render


def _unreplicated(statement: str) -> str:
    plain = re.sub(r"Replicated(\w+)\('[^']*', '[^']*'(?:, )?", r"\1(", statement)
    return re.sub(
        r"replicated_deduplication_window = (\d+), replicated_deduplication_window_seconds = \d+",
        r"non_replicated_deduplication_window = \1",
        plain,
    )


def reading_columns(station: str, value: float, version: int) -> dict[str, list[object]]:
    row = {"station": station, "parameter": "PM2.5", "measured_at": AT, "value": value, "text": ""}
    row |= {"unit": "µg/m³", "status": "00", "flag": 1, "tests": "{}", "rules": "r", "line": 1}
    return {name: [each] for name, each in (row | {"version": version}).items()}


def file(**changes: object) -> dict[str, list[object]]:
    row = {"station": "B", "received_at": AT, "file_id": "f" * 64, "name": "b.txt", "account": "b"}
    row |= {"transport": "ftp", "format": "f", "rules": "r", "readings": 3, "rejects": 2} | changes
    return {name: [each] for name, each in row.items()}


def rejects(*lines: int) -> dict[str, list[object]]:
    row = {"station": "B", "received_at": AT, "file_id": "f" * 64, "text": "", "reason": "x", "detail": ""}
    return {name: [each] * len(lines) for name, each in row.items()} | {"line": list(lines)}


def test_what_is_inserted_under_the_public_name_is_stored_once_and_read_with_final(
    database: Callable[[str], ClickHouse],
) -> None:
    client, every = database("stored"), sort_migrations(migration_files())
    assert migrate(client, every, stored_plainly("stored")) == every
    assert migrate(client, every, stored_plainly("stored")) == []
    for _ in range(2):
        client.insert("readings", reading_columns("B", 1.0, 1 << 20), token="a")
    assert [tuple(row) for row in client.query("SELECT value FROM readings_local").rows] == [(1.0,)]
    client.insert("readings", reading_columns("B", 2.0, 2 << 20), token="b")
    assert client.query("SELECT count() FROM readings_local").rows[0][0] == 2
    assert [tuple(row) for row in client.query("SELECT value FROM readings FINAL").rows] == [(2.0,)]
    for view in ("readings_current", "latest_current"):
        assert [tuple(row) for row in client.query(f"SELECT value FROM {view}").rows] == [(2.0,)]
    assert client.query("SELECT count() FROM latest_readings_local").rows[0][0] == 2


def test_public_and_stored_tables_have_the_same_columns_and_comments(
    database: Callable[[str], ClickHouse],
) -> None:
    migrate(database("pairs"), sort_migrations(migration_files()), stored_plainly("pairs"))
    client = database("unpaired")
    migrate(client, sort_migrations(migration_files()))
    look = (
        "SELECT replaceOne(table, '_local', ''),"
        " groupArray((name, type, default_kind, default_expression, comment))"
        " FROM (SELECT * FROM system.columns"
        " WHERE database = {db:String} AND endsWith(table, '_local') = {local:UInt8} AND table IN"
        " (SELECT name FROM system.tables WHERE database = {db:String} AND engine NOT LIKE '%View%')"
        " ORDER BY table, position) GROUP BY table ORDER BY table"
    )
    stored = dict(client.query(look, {"db": "pairs", "local": 1}).rows)
    public = dict(client.query(look, {"db": "pairs", "local": 0}).rows)
    assert len(stored) >= 12
    assert {name: public[name] for name in stored} == stored
    assert public == dict(client.query(look, {"db": "unpaired", "local": 0}).rows)
    comments = "SELECT name, comment FROM system.tables WHERE database = {db:String}"
    of_tables = dict(client.query(comments, {"db": "pairs"}).rows)
    assert {name: of_tables[f"{name}_local"] for name in stored} == {name: of_tables[name] for name in stored}
    alone = dict(client.query(comments, {"db": "unpaired"}).rows)
    assert {name: of_tables[name] for name in alone} == alone


def test_later_migrations_find_what_was_stored_before_them(database: Callable[[str], ClickHouse]) -> None:
    client, every = database("grown"), sort_migrations(migration_files())
    migrate(client, every[:4], stored_plainly("grown"))
    client.insert("files", file())
    client.insert("rejects", rejects(2, 7))
    client.insert("averages", average())
    migrate(client, every, stored_plainly("grown"))
    found = client.query("SELECT readings, arraySort(rejected_lines) FROM files FINAL").rows
    assert [tuple(row) for row in found] == [(3, [2, 7])]
    for table in ("averages", "average_versions"):
        found = client.query(f"SELECT mean, version, good, complete FROM {table} FINAL").rows
        assert [tuple(row) for row in found] == [(5.0, 3, 12, 1)]


def test_a_migration_interrupted_after_any_statement_keeps_what_is_stored(
    database: Callable[[str], ClickHouse],
) -> None:
    client = database("again")
    migrate_interrupted(client, stored_plainly("again"))
    for table in ("averages", "average_versions"):
        found = client.query(f"SELECT mean, version, good FROM {table} FINAL").rows
        assert [tuple(row) for row in found] == [(5.0, 3, 12)]
    left = "SELECT name FROM system.tables WHERE database = 'again' AND name LIKE '%by_period%'"
    assert client.query(left).rows == []


def test_what_services_ask_across_two_tables_is_answered_on_two_shards(
    database: Callable[[str], ClickHouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = database("shard")
    migrate(client, sort_migrations(migration_files()), stored_plainly("shard"))
    client.insert("raw_files", {**file_bytes(), "path": [""], "marks": [""]})
    client.insert("files", file(rejected_lines=[2, 7]))
    client.insert("rejects", rejects(2, 3, 7))
    client.insert("readings", reading_columns("B", 1.0, 1 << 20))
    two = database("two")
    tables = "SELECT name FROM system.tables WHERE database = 'shard' AND engine = 'Distributed'"
    for (name,) in client.query(tables).rows:
        target = f"Distributed('two', 'shard', '{name}_local', cityHash64(station))"
        two.command(f"CREATE TABLE {name} AS shard.{name}_local ENGINE = {target}")

    asked = {
        "start": "2026-03-25 00:00:00.000",
        "end": "2026-03-26 00:00:00.000",
        "stations": ["B"],
        "reason": "x",
    }
    assert [row["station"] for page in replay._pages(two, asked) for row in page] == ["an account"]
    span = {
        "scope": FileScope(["B"], None),
        "after_key": (AT, "", "", 0),
        "end": datetime(2026, 3, 26, tzinfo=UTC),
    }
    found = files.select_rejects(two, **span, reason=None, limit=9)
    assert [row["line"] for row in found] == [2, 7]
    now, earlier = datetime(2026, 3, 26, tzinfo=UTC), datetime(2026, 3, 24, tzinfo=UTC)
    latest = readings.select_latest_readings(two, stations=["B"], since=AT, now=now)
    assert [row["value"] for row in latest] == [1.0]
    assert readings.select_latest_readings(two, stations=["B"], since=earlier, now=AT) == []

    monkeypatch.setitem(clickhouse_io.ON_A_CLUSTER, "distributed_product_mode", "deny")
    unprepared = ClickHouse(two._settings)
    with pytest.raises(ClickHouseRefused, match="Double-distributed"):
        readings.select_latest_readings(unprepared, stations=["B"], since=earlier, now=AT)


def test_an_insert_for_a_shard_that_is_away_is_not_acknowledged_and_may_be_tried_again(
    database: Callable[[str], ClickHouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = database("halved")
    client.command("CREATE TABLE a_local (station String) ENGINE = ReplacingMergeTree ORDER BY station")
    target = "Distributed('two', 'halved', 'a_local', cityHash64(station))"
    client.command(f"CREATE TABLE a AS a_local ENGINE = {target}")
    stations = client.query("SELECT cityHash64(s) % 2, s FROM (SELECT arrayJoin(['A', 'B']) AS s)").rows
    assert dict(stations) == {0: "B", 1: "A"}
    client.command("INSERT INTO a VALUES ('B')")
    with pytest.raises(ClickHouseAway):
        client.command("INSERT INTO a VALUES ('A')")
    assert [row[0] for row in client.query("SELECT station FROM a").rows] == ["B"]
    monkeypatch.delitem(clickhouse_io.ON_A_CLUSTER, "skip_unavailable_shards")
    with pytest.raises(ClickHouseAway):
        ClickHouse(client._settings).query("SELECT station FROM a")


def file_bytes() -> dict[str, list[object]]:
    """Of a file kept under its account, while files has it under its station: another shard's, perhaps."""
    columns = file(station="an account", content="bytes")
    return {name: columns[name] for name in columns if name not in ("format", "rules", "readings", "rejects")}


def test_the_engine_takes_every_replicated_table(database: Callable[[str], ClickHouse]) -> None:
    client = database("replicas")
    cluster = Cluster("one", "replicas")
    runs = [*ledger(cluster.statements)]
    runs += [
        run
        for file in render_migrations(sort_migrations(migration_files()), cluster.statements)
        for run in file
    ]
    made = [on_one_server(run) for run in runs if run.startswith("CREATE TABLE") and "Replicated" in run]
    for statement in made:
        client.command(statement.replace("{uuid}", "u"))  # known only where ON CLUSTER runs
    found = client.query("SELECT table, zookeeper_path, replica_name FROM system.replicas").rows
    paths = {table: (path, name) for table, path, name in found}
    assert len(paths) == len(made)
    assert paths["readings_local"] == ("/clickhouse/tables/replicas/readings_local/01", "a")
    assert paths["stations"] == ("/clickhouse/tables/replicas/stations/all", "01-a")
    assert paths["schema_migrations"] == ("/clickhouse/tables/replicas/schema_migrations/all", "01-a")


def test_the_engine_reads_every_statement_as_it_is_printed(engine: ClickHouseSettings) -> None:
    settings = engine.model_copy(update={"cluster": "one"})
    cluster = Cluster("one", settings.database)
    script = table_script(settings)
    script += [run for role in analyst_role("db") for run in cluster.statements("roles", role)]
    client = ClickHouse(engine, database="default")
    for statement in script:
        read = client.query("SELECT formatQuery({sql:String})", {"sql": statement}).rows[0][0]
        assert ("ON CLUSTER one" in read) == ("ON CLUSTER" in statement), statement
