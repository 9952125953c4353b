"""The local ClickHouse server as its clients see it: a real process, a real engine, real sockets."""

import asyncio
import contextlib
import datetime as dt
import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import clickhouse_connect
import httpx
import lz4.frame
import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData

from support.waiting import LIMIT, wait_until

PASSWORD = "mật khẩu"
UTC = dt.UTC


@dataclass
class Server:
    process: subprocess.Popen[str]
    data: Path
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def client(self, **options: object) -> Client:
        return clickhouse_connect.get_client(
            host="127.0.0.1", port=self.port, username="quantrac", password=PASSWORD, **options
        )

    def http(self) -> httpx.Client:
        login = {"X-ClickHouse-User": b"quantrac", "X-ClickHouse-Key": PASSWORD.encode()}
        return httpx.Client(base_url=self.url, headers=login, timeout=LIMIT)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=LIMIT)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def start(data: Path) -> Server:
    environment = {**os.environ, "QUANTRAC_CLICKHOUSE_PASSWORD": PASSWORD}
    command = [sys.executable, "-m", "quantrac.local.clickhouse_server", "--data", str(data), "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    port = re.search(r"127\.0\.0\.1:(\d+)", line)
    assert port, f"the server did not start: {line!r}"
    return Server(process, data, int(port[1]))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("clickhouse"))
    try:
        yield running
    finally:
        assert running.stop() == 0


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[Client]:
    with server.client(autogenerate_session_id=False) as connected:
        yield connected


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with server.http() as connected:
        yield connected


# --- clickhouse-connect


def test_every_column_type_comes_back_as_it_went_in(client: Client) -> None:
    client.command(
        "CREATE TABLE all_types (station LowCardinality(String), at DateTime64(3, 'UTC'),"
        " day DateTime('UTC'), value Float64, maybe Nullable(Float64), flag UInt8, line UInt16,"
        " version UInt64, bytes String, names Array(String), outcomes Map(LowCardinality(String), UInt8))"
        " ENGINE = MergeTree ORDER BY (station, at)"
    )
    raw = bytes(range(256))
    at, day = dt.datetime(2026, 3, 25, 0, 5, 0, 123000, UTC), dt.datetime(2026, 3, 25, tzinfo=UTC)
    epoch, last = dt.datetime(1970, 1, 1, tzinfo=UTC), dt.datetime(2038, 1, 19, tzinfo=UTC)
    rows = [
        ["HN_1", at, day, 12.4, None, 4, 65535, 2**64 - 1, raw, ["NO₂", ""], {"spike": 3}],
        ["HN_2", epoch, last, -0.0, 0.1, 0, 0, 0, b"", [], {}],
    ]
    summary = client.insert("all_types", rows, column_oriented=False)
    assert summary.written_rows == 2
    result = client.query(
        "SELECT * FROM all_types ORDER BY station",
        query_formats={"String": "bytes"},
        query_tz="UTC",
        tz_mode="aware",
    )
    first, second = result.result_rows
    assert first[1:9] == (at, day, 12.4, None, 4, 65535, 2**64 - 1, raw)
    assert second[1:9] == (epoch, last, 0.0, 0.1, 0, 0, 0, b"")
    assert client.query("SELECT names, outcomes FROM all_types ORDER BY station").result_rows == [
        (["NO₂", ""], {"spike": 3}),
        ([], {}),
    ]


def test_parameters_and_settings_belong_to_their_query_only(client: Client) -> None:
    sql = "SELECT {s:String}, {n:Nullable(Float64)}, {a:Array(String)}, getSetting('max_threads')"
    values = {"s": "tab\there 'quote' \\", "n": None, "a": ["x", "y'z"]}
    row = client.query(sql, parameters=values, settings={"max_threads": 1}).result_rows[0]
    assert row == ("tab\there 'quote' \\", None, ["x", "y'z"], 1)
    assert client.query("SELECT getSetting('max_threads')").result_rows != [(1,)]


def test_rows_stream_in_blocks(client: Client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(300000)") as blocks:
        sizes = [len(block) for block in blocks]
    assert sum(sizes) == 300_000
    assert len(sizes) > 1


def test_a_session_is_free_when_its_answer_has_ended(server: Server) -> None:
    with server.client(session_id="streams") as session:
        for _ in range(20):
            assert len(session.raw_stream("SELECT number FROM numbers(100)", fmt="TSV").read()) == 290
            assert session.command("SELECT 1") == 1


def test_an_error_in_the_middle_of_a_stream_reaches_the_reader(client: Client) -> None:
    # So far on that the engine cannot get there before the first block is taken.
    sql = "SELECT throwIf(number = 2000000, 'halfway') FROM numbers(3000000)"
    with pytest.raises(StreamFailureError, match="halfway"), client.query_rows_stream(sql) as rows:
        for _ in rows:
            pass


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELEKT 1", 62),
        ("SELECT * FROM no_such_table", 60),
        ("SELECT no_such_column", 47),
        ("SELECT 1 FORMAT Nope", 73),
    ],
)
def test_engine_errors_become_client_exceptions(client: Client, sql: str, code: int) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.command(sql)
    assert caught.value.code == code


def test_an_unknown_setting_is_refused(client: Client, http: httpx.Client) -> None:
    answer = http.post("/", params={"no_such_setting": "1"}, content="SELECT 1")
    assert answer.headers["X-ClickHouse-Exception-Code"] == "115"
    assert http.post("/", params={"bad-name": "1"}, content="SELECT 1").status_code == 404


def test_an_empty_result_keeps_its_columns(client: Client) -> None:
    assert client.query("SELECT 1 AS a, 'x' AS b LIMIT 0").column_names == ("a", "b")
    assert client.query("SELECT number FROM numbers(5) WHERE number > 9").result_rows == []


def test_the_database_of_a_client_is_the_default_of_its_names(server: Server, client: Client) -> None:
    client.command("CREATE DATABASE `odd``name`")
    client.command("CREATE TABLE `odd``name`.here (a UInt8) ENGINE = MergeTree ORDER BY a")
    with server.client(database="odd`name") as other:
        other.insert("here", [[7]], column_names=["a"])
        assert other.query("SELECT a FROM here").result_rows == [(7,)]
    with pytest.raises(DatabaseError):
        client.query("SELECT a FROM here")


def test_a_session_keeps_temporary_tables_and_its_own_settings(server: Server, client: Client) -> None:
    with server.client(session_id="one") as session:
        session.command("CREATE TEMPORARY TABLE mine (a UInt8)")
        session.insert("mine", [[1], [2]], column_names=["a"])
        session.command("SET max_block_size = 1000")
        assert session.query("SELECT sum(a) FROM mine", settings={"max_threads": 1}).result_rows == [(3,)]
        assert session.query("SELECT getSetting('max_block_size')").result_rows == [(1000,)]
        assert session.query("SELECT getSetting('max_threads')").result_rows != [(1,)]
    with pytest.raises(DatabaseError):
        client.query("SELECT * FROM mine")


def test_a_session_takes_one_query_at_a_time_and_must_exist_if_asked(
    server: Server, http: httpx.Client
) -> None:
    checked, session = {"session_id": "two", "session_check": "1"}, {"session_id": "two"}
    assert http.post("/", params=checked, content="SELECT 1").headers["X-ClickHouse-Exception-Code"] == "372"
    slow = "SELECT sleepEachRow(1) FROM numbers(600) SETTINGS max_block_size = 1 FORMAT Null -- in a session"
    the_slow = "query LIKE '%-- in a' || ' session'"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(http.post, "/", params=session, content=slow)
        running = f"SELECT count() FROM system.processes WHERE {the_slow}"
        wait_until(lambda: http.post("/", content=running).text == "1\n")
        second = http.post("/", params=session, content="SELECT 1")
        http.post("/", content=f"KILL QUERY WHERE {the_slow}").raise_for_status()
        assert first.result().headers["X-ClickHouse-Exception-Code"] == "394"
    assert second.headers["X-ClickHouse-Exception-Code"] == "373"
    assert http.post("/", params=checked, content="SELECT 1").text == "1\n"


def test_external_data_is_a_table_of_its_query(client: Client) -> None:
    windows = ExternalData(
        file_name="windows.csv",
        data=b"HN_1,5\nHN_2,6\n",
        fmt="CSV",
        structure=["station String", "hour UInt8"],
    )
    sql = "SELECT station, hour * {k:UInt8} FROM windows ORDER BY hour"
    result = client.query(sql, parameters={"k": 2}, external_data=windows)
    assert result.result_rows == [("HN_1", 10), ("HN_2", 12)]
    with pytest.raises(DatabaseError):
        client.query("SELECT * FROM windows")


def test_the_async_client_works_the_same(server: Server) -> None:
    async def use() -> tuple[list[tuple[int]], int, int]:
        connected = await clickhouse_connect.get_async_client(
            host="127.0.0.1",
            port=server.port,
            username="quantrac",
            password=PASSWORD,
            autogenerate_session_id=False,
        )
        async with connected:
            await connected.command("CREATE TABLE from_async (a UInt64) ENGINE = MergeTree ORDER BY a")
            await connected.insert("from_async", [[n] for n in range(50_000)], column_names=["a"])
            parallel = await asyncio.gather(*(connected.query(f"SELECT {n}") for n in range(8)))
            streamed = 0
            async with await connected.query_rows_stream("SELECT a FROM from_async") as rows:
                async for _ in rows:
                    streamed += 1
            with pytest.raises(DatabaseError, match="no_such_table"):
                await connected.query("SELECT * FROM no_such_table")
            total = (await connected.query("SELECT sum(a) FROM from_async")).result_rows[0][0]
        return [answer.result_rows[0] for answer in parallel], streamed, total

    assert asyncio.run(use()) == ([(n,) for n in range(8)], 50_000, 1_249_975_000)


# --- what the tables of the project rely on


def test_an_insert_repeated_with_its_token_counts_once(client: Client) -> None:
    client.command(
        "CREATE TABLE once (a UInt64) ENGINE = MergeTree ORDER BY a"
        " SETTINGS non_replicated_deduplication_window = 100"
    )
    for token in ("batch-1", "batch-1", "batch-2"):
        client.insert("once", [[1], [2]], column_names=["a"], settings={"insert_deduplication_token": token})
    assert client.query("SELECT count() FROM once").result_rows == [(4,)]


def test_final_shows_the_highest_version(client: Client) -> None:
    client.command(
        "CREATE TABLE latest (k String, v Float64, n UInt64) ENGINE = ReplacingMergeTree(n) ORDER BY k"
    )
    for value, version in ((1.0, 1), (3.0, 3), (2.0, 2)):
        client.insert("latest", [["a", value, version]], column_names=["k", "v", "n"])
    assert client.query("SELECT k, v FROM latest FINAL").result_rows == [("a", 3.0)]


def test_eight_threads_write_and_read_at_once(server: Server, client: Client) -> None:
    client.command("CREATE TABLE shared (who UInt8, n UInt64) ENGINE = MergeTree ORDER BY (who, n)")

    def work(who: int) -> int:
        with server.client() as own:
            for batch in range(5):
                own.insert("shared", [[who, batch * 100 + n] for n in range(100)], column_names=["who", "n"])
                own.query("SELECT who, max(n) FROM shared GROUP BY who")
            return own.query(
                "SELECT count() FROM shared WHERE who = {w:UInt8}", parameters={"w": who}
            ).first_row[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(8))) == [500] * 8


# --- HTTP


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/"])
def test_probes_need_no_login(server: Server, path: str) -> None:
    answer = httpx.get(server.url.rstrip("/") + path, timeout=LIMIT)
    assert (answer.status_code, answer.text) == (200, "Ok.\n")


@pytest.mark.parametrize(
    "login",
    [
        {"auth": ("quantrac", PASSWORD)},
        {"headers": {"X-ClickHouse-User": b"quantrac", "X-ClickHouse-Key": PASSWORD.encode()}},
        {"params": {"user": "quantrac", "password": PASSWORD}},
    ],
)
def test_three_ways_to_log_in(server: Server, login: dict[str, object]) -> None:
    assert httpx.post(server.url, content="SELECT 1", timeout=LIMIT, **login).text == "1\n"


@pytest.mark.parametrize(
    "login",
    [
        {},
        {"auth": ("quantrac", "wrong")},
        {"auth": ("default", "")},
        {"headers": {"Authorization": "Basic !!!"}},
        {"headers": {"X-ClickHouse-User": "quantrac"}},
    ],
)
def test_a_wrong_login_is_403_with_code_516(server: Server, login: dict[str, object]) -> None:
    answer = httpx.post(server.url, content="SELECT 1", timeout=LIMIT, **login)
    assert answer.status_code == 403
    assert answer.headers["X-ClickHouse-Exception-Code"] == "516"
    assert "AUTHENTICATION_FAILED" in answer.text


def test_headers_of_a_result_set(http: httpx.Client) -> None:
    answer = http.post("/", params={"query_id": "mine"}, content="SELECT 1 AS a FORMAT JSONEachRow")
    assert answer.text == '{"a":1}\n'
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert answer.headers["X-ClickHouse-Query-Id"] == "mine"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert answer.headers["Content-Type"] == "application/x-ndjson; charset=UTF-8"


def test_a_statement_without_result_has_no_format_but_a_summary(http: httpx.Client) -> None:
    http.post("/", content="CREATE TABLE counted (a UInt8) ENGINE = MergeTree ORDER BY a").raise_for_status()
    answer = http.post("/", params={"query": "INSERT INTO counted FORMAT CSV"}, content="1\n2\n3\n")
    assert "X-ClickHouse-Format" not in answer.headers
    assert '"written_rows": "3"' in answer.headers["X-ClickHouse-Summary"]


def test_the_query_may_be_in_the_url_the_body_or_both(http: httpx.Client) -> None:
    assert http.get("/", params={"query": "SELECT 1"}).text == "1\n"
    assert http.post("/", params={"query": "SELECT 2"}).text == "2\n"
    assert http.post("/", params={"query": "SELECT"}, content="3").text == "3\n"
    assert http.post("/", content="SELECT 4", params={"default_format": "CSVWithNames"}).text == '"4"\n4\n'
    assert http.post("/", files={"query": (None, "SELECT {x:UInt8}"), "param_x": (None, "5")}).text == "5\n"


def test_a_get_never_writes(http: httpx.Client) -> None:
    answer = http.get("/", params={"query": "CREATE TABLE by_get (a UInt8) ENGINE = Memory"})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"


@pytest.mark.parametrize(
    ("sql", "body"),
    [
        ("", b"INSERT INTO kinds FORMAT CSV\n1,one\n2,two\n"),
        (
            "",
            b"/* FORMAT */ insert into kinds (a, b) settings max_threads=1 format TSV\r\n1\tone\n2\ttwo\n",
        ),
        ("", b"INSERT INTO kinds (a, b) VALUES (1, 'one'), (2, 'two')"),
        ("", b"INSERT INTO kinds SELECT number + 1, ['one', 'two'][number + 1] FROM numbers(2)"),
        ("INSERT INTO kinds (a, b)", b'FORMAT JSONEachRow {"a":1,"b":"one"} {"a":2,"b":"two"}'),
        ("INSERT INTO kinds FORMAT RowBinary", b"\x01\x03one\x02\x03two"),
        ("INSERT INTO {table:Identifier} FORMAT CSV", b"1,one\n2,two\n"),
    ],
)
def test_every_form_of_insert(http: httpx.Client, sql: str, body: bytes) -> None:
    http.post("/", content="CREATE OR REPLACE TABLE kinds (a UInt8, b String) ENGINE = MergeTree ORDER BY a")
    answer = http.post("/", params={"query": sql, "param_table": "kinds"}, content=body)
    assert answer.status_code == 200, answer.text
    assert http.post("/", content="SELECT a, b FROM kinds ORDER BY a").text == "1\tone\n2\ttwo\n"


ENCODERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
}
DECODERS = {"gzip": None, "deflate": None, "zstd": None, "lz4": lz4.frame.decompress}


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
def test_encodings_both_ways(http: httpx.Client, encoding: str) -> None:
    http.post("/", content="CREATE OR REPLACE TABLE packed (a UInt64) ENGINE = MergeTree ORDER BY a")
    lines = b"".join(b"%d\n" % n for n in range(100_000))
    half = lines.index(b"\n", len(lines) // 2) + 1
    frames = ENCODERS[encoding](b"INSERT INTO packed FORMAT TSV\n" + lines[:half]) + ENCODERS[encoding](
        lines[half:]
    )
    http.post("/", content=frames, headers={"Content-Encoding": encoding}).raise_for_status()
    asked = {"enable_http_compression": "1"}
    sql = "SELECT a FROM packed ORDER BY a"
    for extra in ({}, {"wait_end_of_query": "1"}):
        answer = http.post("/", params=asked | extra, content=sql, headers={"Accept-Encoding": encoding})
        assert answer.headers["Content-Encoding"] == encoding
        decode = DECODERS[encoding]
        assert (decode(answer.content) if decode else answer.content) == lines


def test_an_answer_is_compressed_only_if_asked(http: httpx.Client) -> None:
    answer = http.post("/", content="SELECT 1", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.text == "1\n"


@pytest.mark.parametrize("encoding", sorted(ENCODERS))
def test_a_compressed_body_cut_short_is_400_and_stores_nothing(http: httpx.Client, encoding: str) -> None:
    http.post("/", content="CREATE OR REPLACE TABLE cut (a UInt64) ENGINE = MergeTree ORDER BY a")
    whole = ENCODERS[encoding](b"INSERT INTO cut FORMAT TSV\n" + b"".join(b"%d\n" % n for n in range(50_000)))
    answer = http.post("/", content=whole[:-20], headers={"Content-Encoding": encoding})
    assert answer.status_code == 400
    assert http.post("/", content=whole, headers={"Content-Encoding": "br"}).status_code == 400
    assert http.post("/", content=b"not packed", headers={"Content-Encoding": encoding}).status_code == 400
    assert http.post("/", content="SELECT count() FROM cut").text == "0\n"


@pytest.mark.parametrize(
    ("table", "rows", "said"),
    [
        ("(a UInt64) ENGINE = MergeTree PARTITION BY a ORDER BY a", range(300), "Too many partitions"),
        ("(a UInt64, CONSTRAINT small CHECK a < 9) ENGINE = MergeTree ORDER BY a", [9], "Constraint `small`"),
    ],
)
def test_an_insert_that_cannot_be_stored_is_an_error(
    client: Client, table: str, rows: Sequence[int], said: str
) -> None:
    client.command(f"CREATE OR REPLACE TABLE unstorable {table}")
    with pytest.raises(DatabaseError, match=said):
        client.insert("unstorable", [[number] for number in rows], column_names=["a"])
    assert client.query("SELECT count() FROM unstorable").result_rows == [(0,)]


def test_a_connection_lost_in_the_middle_of_an_insert_stores_nothing(
    server: Server, http: httpx.Client
) -> None:
    http.post("/", content="CREATE TABLE lost (a UInt64) ENGINE = MergeTree ORDER BY a").raise_for_status()
    head = (
        "POST /?query=INSERT+INTO+lost+FORMAT+TSV&user=quantrac&password=m%E1%BA%ADt%20kh%E1%BA%A9u"
        " HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + b"1234567\n" * 500_000)
        wait_until(lambda: bool(list((server.data / "incoming").iterdir())))
    wait_until(lambda: not list((server.data / "incoming").iterdir()))
    assert http.post("/", content="SELECT count() FROM lost").text == "0\n"


@pytest.mark.parametrize("form", ["Null", "TSV"])
def test_a_client_that_goes_away_ends_its_query(http: httpx.Client, form: str) -> None:
    slow = (
        f"SELECT sleepEachRow(0.05) FROM numbers(2000) SETTINGS max_block_size = 1 FORMAT {form} -- abandoned"
    )
    with (
        contextlib.suppress(httpx.ReadTimeout),
        http.stream("POST", "/", content=slow, timeout=httpx.Timeout(LIMIT, read=0.4)) as answer,
    ):
        next(answer.iter_raw())
    others = "SELECT count() FROM system.processes WHERE query LIKE '%-- aban' || 'doned'"
    wait_until(lambda: http.post("/", content=others).text == "0\n")


def test_a_query_over_its_time_is_ended(http: httpx.Client) -> None:
    answer = http.post(
        "/", params={"max_execution_time": "0.3"}, content="SELECT sum(number) FROM system.numbers"
    )
    assert answer.headers["X-ClickHouse-Exception-Code"] == "159"


def test_a_query_over_its_memory_is_ended_and_has_a_limit_without_asking(http: httpx.Client) -> None:
    hungry = "SELECT groupArray(number) FROM numbers(100000000) FORMAT Null"
    answer = http.post("/", params={"max_memory_usage": "20000000"}, content=hungry)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "241"
    assert http.post("/", content="SELECT getSetting('max_memory_usage')").text == "1610612736\n"


# --- the process


def test_no_acknowledged_row_is_lost_by_kill_9(tmp_path: Path) -> None:
    first = start(tmp_path)
    with first.client() as own:
        own.command("CREATE TABLE kept (n UInt64) ENGINE = MergeTree ORDER BY n")
    acknowledged: list[int] = []

    def write(who: int) -> None:
        with contextlib.suppress(Exception), first.client(query_retries=0) as own:
            for n in range(who * 1_000_000, (who + 1) * 1_000_000):
                own.insert("kept", [[n]], column_names=["n"])
                acknowledged.append(n)

    writers = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for writer in writers:
        writer.start()
    wait_until(lambda: len(acknowledged) >= 60)
    first.stop(signal.SIGKILL)
    for writer in writers:
        writer.join(timeout=LIMIT)
    second = start(tmp_path)
    with second.client() as own:
        kept = {row[0] for row in own.query("SELECT n FROM kept").result_rows}
    assert second.stop(signal.SIGINT) == 0
    assert set(acknowledged) <= kept
    assert len(kept) - len(acknowledged) <= 4


def refusal(data: Path | str, port: int, **variables: str) -> str:
    command = [
        sys.executable,
        "-m",
        "quantrac.local.clickhouse_server",
        "--data",
        str(data),
        "--port",
        str(port),
    ]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("QUANTRAC_")} | variables
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def test_a_folder_in_use_is_refused_in_one_sentence(server: Server) -> None:
    sentence = f"Another ClickHouse server is running on {server.data}; stop it first.\n"
    assert refusal(server.data, 0, QUANTRAC_CLICKHOUSE_PASSWORD="x") == sentence


def test_a_taken_port_is_refused_in_one_sentence(server: Server, tmp_path: Path) -> None:
    sentence = f"Cannot listen on 127.0.0.1:{server.port}: Address already in use.\n"
    assert refusal(tmp_path, server.port, QUANTRAC_CLICKHOUSE_PASSWORD="x") == sentence


def test_without_a_password_it_does_not_start(tmp_path: Path) -> None:
    sentence = "QUANTRAC_CLICKHOUSE_PASSWORD is not set; the server does not start without a password.\n"
    assert refusal(tmp_path, 0) == sentence
