"""Whoever has the analysts' password of one database reads it and nothing else, on the real server.

What is tried is taken from the engine's own lists, so that a new version cannot bring a way in unseen.
"""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import landlockpy
import pytest

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.settings import ClickHouseSettings
from quantrac.local.clickhouse.analyst import Analyst
from quantrac.local.clickhouse.analyst_sql import allowed_functions, refused_functions
from quantrac.local.clickhouse.errors import EngineError
from support.clickhouse import database
from support.waiting import LIMIT

SECRET = "a-secret-of-somebody-else"
REFUSED = ("ACCESS_DENIED", "READONLY")


class Listener:
    """A server on this machine that counts who connects."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.connections = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listener = Listener()
    thread = threading.Thread(target=listener.serve, daemon=True)
    thread.start()
    yield listener
    listener.socket.shutdown(socket.SHUT_RDWR)
    listener.socket.close()
    thread.join(timeout=LIMIT)


@pytest.fixture(scope="module")
def secret_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("secrets") / "secrets.json"
    file.write_text(json.dumps({"clickhouse": SECRET}))
    return file


@pytest.fixture(scope="module")
def service(clickhouse_server: ClickHouseSettings) -> ClickHouse:
    """The services' client, in the database that the attacker may read; another one holds a secret."""
    settings = database(clickhouse_server, "attacked")
    client = ClickHouse(settings)
    client.command("CREATE DATABASE other")
    client.command("CREATE TABLE other.secrets (secret String) ENGINE = MergeTree ORDER BY secret")
    client.command(f"INSERT INTO other.secrets SELECT '{SECRET}'")
    client.command(
        "CREATE DICTIONARY other.dictionary (id UInt64, secret String) PRIMARY KEY id"
        f" SOURCE(CLICKHOUSE(QUERY 'SELECT 1 AS id, \\'{SECRET}\\' AS secret')) LAYOUT(FLAT()) LIFETIME(0)"
    )
    assert client.query("SELECT dictGet('other.dictionary', 'secret', 1)").rows == [(SECRET,)]
    return client


@dataclass
class Attacker:
    """Knows the analysts' login of the database ``attacked``."""

    http: httpx.Client

    def post(self, sql: str | bytes, **arguments: str) -> httpx.Response:
        return self.http.post("/", params=arguments, content=sql)

    def is_refused(self, sql: str | bytes, **arguments: str) -> bool:
        answer = self.post(sql, **arguments)
        assert SECRET not in answer.text, sql
        return answer.status_code >= 400 and answer.text.rstrip().endswith(
            tuple(f"({name})" for name in REFUSED)
        )


@pytest.fixture(scope="module")
def attacker(clickhouse_server: ClickHouseSettings, service: ClickHouse) -> Iterator[Attacker]:
    server = clickhouse_server
    url, login = f"http://{server.host}:{server.port}", ("analyst_attacked", "questions")
    with httpx.Client(base_url=url, auth=login, timeout=LIMIT) as http:
        yield Attacker(http)


def names(service: ClickHouse, sql: str) -> list[str]:
    return [str(row[0]) for row in service.query(sql).rows]


# --- what is allowed is listed, and the lists cover the engine


def test_every_function_of_the_engine_is_allowed_or_refused_on_purpose(service: ClickHouse) -> None:
    functions = set(names(service, "SELECT name FROM system.functions"))
    allowed, refused = allowed_functions(), refused_functions()
    assert sorted(functions - allowed - refused) == []
    assert not {name.lower() for name in allowed} & {name.lower() for name in refused}


def test_no_column_of_ours_has_the_name_of_a_refused_function(service: ClickHouse) -> None:
    sql = "SELECT DISTINCT lower(name) FROM system.columns WHERE database = currentDatabase()"
    assert not set(names(service, sql)) & {name.lower() for name in refused_functions()}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(), avg(value), quantileExactIf(0.9)(value, flag = 1) FROM readings",
        "SELECT sum(value) OVER (PARTITION BY station ORDER BY measured_at) FROM readings",
        "WITH t AS (SELECT 1 AS a) SELECT a::Decimal(10, 2), CAST(a AS String), toTypeName(a) FROM t AS u(a)",
        "SELECT * FROM hourly_as_of(as_of = '2026-03-01T00:00Z')",
        "SELECT arrayMap(x -> upper(x), ['a']), arrayMap(upper, ['a'])",
        "SELECT * APPLY(toString) FROM numbers(3)",
        "SELECT if(1, 'file', 'url(') AS text, [1, 2][1], (1, 2).1, now() - INTERVAL 1 DAY",
        "SELECT uniqMergeState(s) FROM (SELECT uniqState(number) AS s FROM numbers(3))",
        "SELECT name FROM system.tables WHERE database = currentDatabase()",
        "SELECT dictGet('parameter', 'name_vi', 'PM2.5')",
        "SHOW TABLES",
        "SHOW CREATE TABLE readings",
        "DESCRIBE TABLE hourly_current",
        "EXPLAIN SELECT * FROM readings",
        "EXISTS readings",
        "FROM readings SELECT count()",
        "(SELECT 1) UNION ALL (SELECT 2) FORMAT JSONEachRow",
        "SELECT format FROM files",
        "SELECT format, name FROM files FORMAT CSV",
    ],
)
def test_an_analyst_may_ask(attacker: Attacker, sql: str) -> None:
    answer = attacker.post(sql)
    assert answer.status_code == 200, answer.text


# --- functions


def test_no_table_function_but_those_of_numbers_can_be_called(
    service: ClickHouse, attacker: Attacker, secret_file: Path, listener: Listener
) -> None:
    functions = set(names(service, "SELECT name FROM system.table_functions"))
    functions -= {"numbers", "zeros", "generate_series", "generateSeries", "values", "view", "format"}
    functions -= {"SQLStandardValues"}
    assert len(functions) > 80
    url = f"http://{listener.address}/x"
    for name in sorted(functions):
        for sql in (
            f"SELECT * FROM {name}('{secret_file}', 'LineAsString')",
            f"DESCRIBE TABLE {name}('{url}', 'JSONEachRow')",
            f"SELECT 1 IN (WITH x AS (SELECT * FROM `{name}`('{secret_file}')) SELECT * FROM x)",
        ):
            # What the parser does not take either was never looked at.
            assert attacker.is_refused(sql) or "(SYNTAX_ERROR)" in attacker.post(sql).text, sql
    assert not listener.connections


def test_no_refused_function_can_be_called_in_any_way(
    service: ClickHouse, attacker: Attacker, secret_file: Path
) -> None:
    functions = set(names(service, "SELECT name FROM system.functions")) & refused_functions()
    assert {"file", "sleep", "getServerPort", "aiGenerate", "addressToLine", "joinGet"} <= functions
    for name in sorted(functions):
        for sql in (
            f"SELECT {name}('{secret_file}')",
            f"SELECT {name.upper()}('{secret_file}')",
            f"SELECT `{name}`/* */('{secret_file}')",
            f"SELECT \"{name}\"('{secret_file}')",
            f"SELECT * APPLY({name}) FROM (SELECT '{secret_file}' AS x)",
            f"SELECT arrayMap({name}, ['{secret_file}'])",
            f"SELECT arrayMap(x -> {name}(x), ['{secret_file}'])",
        ):
            answer = attacker.post(sql)
            assert answer.status_code >= 400, (sql, answer.text)
            assert SECRET not in answer.text
    assert attacker.is_refused(f"SELECT file('{secret_file}')")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT $a$ ' $a$, file('{file}')",
        "SELECT 'it''s', file('{file}')",
        "SELECT '\\\\', file('{file}')",
        "SELECT 1 -- '\n, file('{file}')",
        "SELECT /* ' */ file('{file}') /* ' */",
        "SELECT #!'\n file('{file}')",
        "SELECT FiLe\n\t('{file}')",
        "SELECT 1 WHERE file('{file}') != ''",
        "SELECT x'66', {{a:String}}, file('{file}')",
        "WITH (SELECT file('{file}')) AS x SELECT x",
        "EXPLAIN SYNTAX SELECT file('{file}')",
        "DESCRIBE (SELECT file('{file}'))",
        "SELECT * FROM view(SELECT file('{file}'))",
        "SELECT * FROM numbers(length(file('{file}')))",
        "SELECT * FROM numbers(1) AS file('{file}', 'LineAsString')",
        "SELECT arrayReduce('flameGraphIf', [1])",
        "SELECT 1 FORMAT Template SETTINGS format_template_resultset = '{file}'",
    ],
)
def test_a_file_is_not_read_however_the_statement_is_written(
    attacker: Attacker, secret_file: Path, sql: str
) -> None:
    answer = attacker.post(sql.format(file=secret_file), param_a="x")
    assert answer.status_code >= 400, answer.text
    assert SECRET not in answer.text


# --- writing


def test_nothing_is_written(service: ClickHouse, attacker: Attacker, tmp_path: Path) -> None:
    file = tmp_path / "written"
    before = service.query("SELECT database, name FROM system.tables ORDER BY ALL").rows
    for engine in names(service, "SELECT name FROM system.table_engines"):
        for kind in ("TABLE", "TEMPORARY TABLE"):
            assert attacker.is_refused(f"CREATE {kind} t (a String) ENGINE = {engine}"), engine
    for sql in (
        "INSERT INTO readings (station) VALUES ('A')",
        "INSERT INTO readings (station) FORMAT TSV\nA\n",
        f"INSERT INTO FUNCTION file('{file}', 'TSV', 'a String') VALUES ('A')",
        "DROP TABLE readings",
        "TRUNCATE TABLE readings",
        "RENAME TABLE readings TO r",
        "ALTER TABLE readings DELETE WHERE 1",
        "DELETE FROM readings WHERE 1",
        "UPDATE readings SET value = 1 WHERE 1",
        "OPTIMIZE TABLE readings",
        "CREATE DATABASE d",
        "CREATE VIEW v AS SELECT 1",
        "CREATE DICTIONARY d (a UInt8) PRIMARY KEY a SOURCE(NULL()) LAYOUT(FLAT()) LIFETIME(0)",
        "CREATE FUNCTION f AS x -> x",
        "CREATE NAMED COLLECTION c AS a = 'b'",
        "CREATE USER u",
        "GRANT ALL ON *.* TO default",
        "SET ROLE services",
        "SET readonly = 0",
        "USE other",
        "EXECUTE AS default SELECT 1",
        "KILL QUERY WHERE 1",
        "/* SELECT */ KILL QUERY WHERE 1",
        "SYSTEM RELOAD DICTIONARIES",
        f"BACKUP TABLE readings TO File('{file}')",
        "ATTACH TABLE t",
        "DETACH TABLE readings",
        "EXCHANGE TABLES readings AND files",
        "CHECK TABLE readings",
        "BEGIN TRANSACTION",
        "PARALLEL WITH DROP TABLE readings",
        f"SELECT 1 INTO OUTFILE '{file}'",
        f"SELECT 1 INTO OUTFILE '{file}' TRUNCATE FORMAT CSV",
        f"SELECT $a$'$a$ INTO OUTFILE '{file}' --'",
        f"DESCRIBE TABLE readings INTO OUTFILE '{file}'",
        f"EXPLAIN SELECT 1 INTO OUTFILE '{file}'",
        "SELECT 1; DROP TABLE readings",
        "SELECT 1 SETTINGS max_execution_time = 0",
    ):
        answer = attacker.post(sql)
        assert answer.status_code >= 400, (sql, answer.text)
        assert not file.exists(), sql
    assert service.query("SELECT database, name FROM system.tables ORDER BY ALL").rows == before
    assert service.query("SELECT count() FROM readings").rows == [(0,)]


def test_no_table_is_made_of_what_is_sent_along(
    service: ClickHouse, attacker: Attacker, tmp_path: Path, secret_file: Path, listener: Listener
) -> None:
    before = service.query("SELECT count() FROM provinces").rows
    engines = [f"{name}()" for name in names(service, "SELECT name FROM system.table_engines")]
    engines += [
        f"File(CSV, '{tmp_path / 'written'}')",
        "Buffer('attacked', 'provinces', 1, 0, 0, 1, 1, 1, 1)",
    ]
    for structure in (
        "a String",
        *(f"a String) ENGINE = {engine} --" for engine in engines),
        f"a String) ENGINE = Memory AS SELECT * FROM file('{secret_file}', 'LineAsString') --",
        f"a String) AS SELECT * FROM url('http://{listener.address}', 'LineAsString') --",
    ):
        arguments = {"query": "SELECT * FROM t", "t_structure": structure, "t_format": "CSV"}
        answer = attacker.http.post("/", params=arguments, files={"t": b"x\n"})
        assert answer.status_code >= 400, structure
        assert SECRET not in answer.text
    assert service.query("SELECT count() FROM provinces").rows == before
    assert not list(tmp_path.iterdir())
    assert not listener.connections


# --- other databases and other users


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM other.secrets",
        "SELECT secret FROM `other`.`secrets`",
        "WITH x AS (SELECT * FROM other.secrets) SELECT * FROM x",
        "SELECT 1 IN (SELECT secret FROM other.secrets)",
        "SELECT * FROM numbers(1) AS n CROSS JOIN other.secrets",
        "SELECT dictGet('other.dictionary', 'secret', 1)",
        "SELECT dictHas('other.dictionary', 1)",
        "SELECT * FROM other.dictionary",
        "SELECT * FROM merge('other', '.*')",
        "SELECT * FROM view(SELECT * FROM other.secrets)",
        "DESCRIBE TABLE other.secrets",
        "SHOW CREATE TABLE other.secrets",
        "EXPLAIN SELECT * FROM other.secrets",
        "EXPLAIN QUERY TREE SELECT * FROM other.secrets",
        "EXPLAIN ESTIMATE SELECT * FROM other.secrets",
        "EXISTS other.secrets",
        "SELECT * FROM attacked.schema_migrations",
        "SELECT * FROM {database:Identifier}.{table:Identifier}",
        "SELECT * FROM secrets",
    ],
)
def test_no_other_database_is_read(attacker: Attacker, sql: str) -> None:
    for arguments in ({}, {"database": "other"}, {"param_database": "other", "param_table": "secrets"}):
        answer = attacker.post(sql, **arguments)
        assert answer.status_code >= 400, answer.text
        assert SECRET not in answer.text


def test_another_default_database_is_refused_in_every_way_to_name_it(attacker: Attacker) -> None:
    assert attacker.is_refused("SELECT 1", database="other")
    assert attacker.is_refused("SELECT 1", database="system")
    answer = attacker.http.post("/", content="SELECT 1", headers={"X-ClickHouse-Database": "other"})
    assert answer.status_code == 403
    assert attacker.post("SELECT currentDatabase()", database="attacked").text == "attacked\n"


def test_tables_of_the_system_tell_nothing_of_others(service: ClickHouse, attacker: Attacker) -> None:
    described = {
        *("one", "numbers", "numbers_mt", "zeros", "zeros_mt", "columns", "databases", "tables", "settings"),
        *("functions", "formats", "data_type_families", "table_functions", "table_engines", "collations"),
        *("aggregate_function_combinators", "time_zones", "keywords", "dictionaries"),
    }
    tables = set(names(service, "SELECT name FROM system.tables WHERE database = 'system'"))
    assert {"processes", "users", "server_settings", "named_collections", "disks"} <= tables - described
    for name in sorted(tables - described):
        assert attacker.is_refused(f"SELECT * FROM system.{name} LIMIT 1"), name
        assert attacker.is_refused(f"SELECT * FROM `system`.`{name}` LIMIT 1"), name
        assert attacker.is_refused(f"DESCRIBE TABLE system . {name}"), name
    for name in sorted(described):
        rows = attacker.post(f"SELECT * FROM system.{name} LIMIT 2000 FORMAT JSONEachRow")
        assert rows.status_code == 200, rows.text
        assert SECRET not in rows.text and '"database":"other"' not in rows.text, name
    assert "other" not in attacker.post("SELECT name FROM system.databases").text.split()
    for statement in (
        "PROCESSLIST",
        "GRANTS",
        "USERS",
        "ACCESS",
        "PROFILES",
        "CLUSTERS",
        "ENGINES",
        "CREATE USER",
    ):
        assert attacker.is_refused(f"SHOW {statement}"), statement


# --- settings, formats, sessions


def test_no_setting_that_is_not_about_the_answer_can_be_chosen(
    service: ClickHouse, attacker: Attacker
) -> None:
    settings = dict(service.query("SELECT name, default FROM system.settings").rows)
    assert len(settings) > 1000
    analyst = Analyst("analyst_attacked", "questions", "attacked")
    taken = set()
    for name, value in settings.items():
        with suppress(EngineError):
            analyst.settings({name: value})
            taken.add(name)
    assert {"session_timezone", "join_use_nulls"} <= taken
    for name in taken:
        assert name.startswith(("output_format_", "max_", "date_time_", "format_csv_delimiter")) or name in (
            *("extremes", "join_use_nulls", "session_timezone", "use_client_time_zone", "union_default_mode"),
            *("format_csv_null_representation", "format_tsv_null_representation"),
            "readonly",  # overruled
        ), name
    for name in ("output_format_schema", "format_schema", "format_template_resultset", "user_files_path"):
        assert attacker.is_refused("SELECT 1", **{name: "x"}), name
    assert attacker.post("SELECT 1", session_timezone="Asia/Ho_Chi_Minh", join_use_nulls="1").text == "1\n"


def test_limits_hold_whatever_the_address_says(service: ClickHouse, attacker: Attacker) -> None:
    limits = ("max_execution_time", "max_memory_usage", "max_rows_to_read", "max_result_rows", "readonly")
    ask = "SELECT " + ", ".join(f"getSetting('{name}')" for name in limits)
    plain = attacker.post(ask).text
    lifted = dict.fromkeys(limits, "0") | {"session_id": "mine"}
    assert attacker.post(ask, **lifted).text == plain == "60\t536870912\t500000000\t10000000\t1\n"
    assert attacker.http.get("/", params={"query": ask, **lifted}).text == plain


def test_no_format_reads_a_file_of_the_server(service: ClickHouse, attacker: Attacker) -> None:
    formats = names(service, "SELECT name FROM system.formats WHERE is_output")
    refused = {name for name in formats if attacker.post("SELECT 1", default_format=name).status_code != 200}
    assert {"Template", "Protobuf", "CapnProto", "MySQLWire", "PostgreSQLWire", "ODBCDriver2"} & set(
        formats
    ) <= refused
    for name in sorted(refused):
        assert attacker.post(f"SELECT 1 FORMAT {name}").status_code >= 400, name
    assert attacker.post("SELECT 1 FORMAT Parquet").status_code == 200


def test_a_session_carries_nothing_over(attacker: Attacker) -> None:
    for sql in ("CREATE TEMPORARY TABLE t (a UInt8)", "SET max_threads = 7"):
        assert attacker.is_refused(sql, session_id="s")
    assert attacker.post("SELECT 1", session_id="s").text == "1\n"


# --- the second wall


@pytest.mark.skipif(not landlockpy.supported(), reason="this kernel has no Landlock")
def test_even_the_services_user_opens_no_file_beside_the_engines_folder(
    service: ClickHouse,
    clickhouse_server: ClickHouseSettings,
    secret_file: Path,
    listener: Listener,
    tmp_path: Path,
) -> None:
    server = clickhouse_server
    with httpx.Client(
        base_url=f"http://{server.host}:{server.port}", auth=(server.user, server.password), timeout=LIMIT
    ) as http:
        for sql in (
            f"SELECT file('{secret_file}')",
            f"SELECT * FROM file('{secret_file}', 'LineAsString')",
            "SELECT * FROM file('/proc/self/environ', 'LineAsString')",
            "SELECT * FROM file('/etc/passwd', 'LineAsString')",
            f"SELECT 1 INTO OUTFILE '{tmp_path / 'written'}'",
            f"SELECT * FROM url('http://{listener.address}/', 'LineAsString')",
            f"SELECT * FROM remote('{listener.address}', 'system.one')",
        ):
            answer = http.post("/", params={"http_max_tries": 1}, content=sql)
            assert answer.status_code >= 400, answer.text
            assert SECRET not in answer.text
    assert not list(tmp_path.iterdir())
    assert not listener.connections


# --- nobody stands in another's way


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT repeat('x', 10000) FROM numbers(1000000) FORMAT JSON",
        "SELECT repeat('x', 10000) FROM numbers(1000000) FORMAT CSV",
        "SELECT number, rand() AS r FROM numbers(400000000) ORDER BY r FORMAT Null",
        "SELECT groupArray(number) FROM numbers(200000000) FORMAT Null",
    ],
)
def test_neither_memory_nor_disk_is_filled(service: ClickHouse, attacker: Attacker, sql: str) -> None:
    answer = attacker.post(sql, wait_end_of_query="1")
    limits = ("TOO_MANY_ROWS", "TOO_MANY_BYTES", "MEMORY_LIMIT", "TIMEOUT_EXCEEDED", "NOT_ENOUGH_SPACE")
    assert any(name in answer.text for name in limits), answer.text[:500]
    assert service.answers()


@pytest.fixture
def unread(clickhouse_server: ClickHouseSettings, attacker: Attacker) -> Iterator[Callable[[int], None]]:
    """Ask for more than fits into any buffer, and never read the answer."""
    connections: list[socket.socket] = []

    def ask(count: int) -> None:
        sql = b"SELECT number, repeat('x', 1000) FROM numbers(9000000) FORMAT CSV"
        login = httpx.BasicAuth("analyst_attacked", "questions")._auth_header
        head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {login}\r\nContent-Length: {len(sql)}\r\n\r\n"
        for _ in range(count):
            connection = socket.create_connection((clickhouse_server.host, clickhouse_server.port))
            connection.sendall(head.encode() + sql)
            connections.append(connection)

    yield ask
    for connection in connections:
        connection.close()


def test_analysts_that_do_not_read_their_answers_stop_no_service(
    service: ClickHouse, unread: Callable[[int], None]
) -> None:
    unread(40)
    sql = "SELECT countIf(query LIKE '%repeat(%' AND query NOT LIKE '%countIf%') FROM system.processes"
    while service.query(sql).rows[0][0] < 4:
        pass
    for _ in range(20):
        assert service.query("SELECT count() FROM readings").rows == [(0,)]
    assert service.query(sql).rows == [(4,)]
    assert service.answers()


@pytest.mark.parametrize(
    "statement",
    [
        b" " * 60_000 + b"!",
        b"'\\" * 30_000,
        b"/*" * 30_000,
        b"(" * 60_000,
        b"SELECT " + b"1+" * 30_000 + b"1",
        b"SELECT " + b"[" * 5_000,
        b"SELECT 1 FORMAT x SETTINGS " * 2_000,
        b"SELECT " + b"a AS " * 10_000,
    ],
    ids=lambda statement: statement[:12].decode(),
)
def test_no_statement_of_any_shape_keeps_the_server_busy(
    service: ClickHouse, attacker: Attacker, statement: bytes
) -> None:
    assert attacker.post(statement).status_code >= 400 or statement.startswith(b"SELECT 1+")
    assert service.answers()


def test_a_long_statement_is_refused_before_it_is_looked_at(
    service: ClickHouse, attacker: Attacker, clickhouse_server: ClickHouseSettings
) -> None:
    long = b"SELECT " + b"1 + " * 5_000_000 + b"1"
    assert attacker.post(long).status_code == 413
    server = clickhouse_server
    url, login = f"http://{server.host}:{server.port}/", (server.user, server.password)
    assert httpx.post(url, content=long, auth=login, timeout=LIMIT).status_code == 413
