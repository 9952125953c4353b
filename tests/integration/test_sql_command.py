"""``quantrac sql`` against a real server, in a data folder that names it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quantrac.cli.sql import sql
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.settings import ClickHouseSettings
from quantrac.local.datadir import DataDir
from support.waiting import LIMIT


@pytest.fixture(scope="module")
def data(clickhouse_server: ClickHouseSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a demo whose server is the one of the tests."""
    ClickHouse(clickhouse_server, database="default").command("CREATE DATABASE IF NOT EXISTS hn")
    folder = tmp_path_factory.mktemp("data")
    (folder / "run").mkdir()
    (folder / "kind.json").write_text('{"demo": true}')
    (folder / "run" / "ports.json").write_text(json.dumps({"clickhouse": clickhouse_server.port}))
    secrets = {f"clickhouse/analyst_{name}": "questions" for name in ("hn", "ministry")}
    (folder / "secrets.json").write_text(json.dumps(secrets))
    return folder


def run(data: Path, *arguments: str, **options: str) -> Result:
    return CliRunner().invoke(sql, [*arguments, "--data", str(data)], **options)  # type: ignore[arg-type]


def test_it_asks_with_the_login_that_only_reads(data: Path) -> None:
    shown = run(data, "SELECT currentDatabase() AS base, getSetting('readonly') AS readonly")
    assert shown.exit_code == 0, shown.output
    assert "│ hn   │        1 │" in shown.stdout
    refused = run(data, "CREATE TABLE t (a UInt8) ENGINE = Memory")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "readonly" in refused.stderr


def test_the_query_may_come_from_standard_input_and_the_answer_in_any_format(data: Path) -> None:
    asked = run(data, "--format", "CSVWithNames", input="SELECT 'Hà Nội' AS name, NULL AS nothing\n")
    assert asked.stdout == '"name","nothing"\n"Hà Nội",\n'
    assert run(data, "SELECT 1 AS a FORMAT JSONEachRow").stdout == '{"a":1}\n'


def test_what_is_piped_comes_byte_by_byte(data: Path) -> None:
    command = [sys.executable, "-m", "quantrac.cli", "sql", "--data", str(data), "--format", "RowBinary"]
    answer = subprocess.run([*command, "SELECT '\\x1b[31m'"], capture_output=True, timeout=LIMIT, check=True)
    assert answer.stdout == b"\x05\x1b[31m"


def test_it_shows_the_login_for_other_programs(data: Path, clickhouse_server: ClickHouseSettings) -> None:
    shown = run(data, "--login", "--tier", "ministry")
    assert dict(line.split() for line in shown.output.splitlines()) == {
        "host": "127.0.0.1",
        "port": str(clickhouse_server.port),
        "database": "ministry",
        "user": "analyst_ministry",
        "password": "questions",
    }


def test_what_is_wrong_is_one_sentence(data: Path) -> None:
    wrong = run(data, "SELECT nothing")
    assert (wrong.exit_code, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("quantrac: ClickHouse: Code: 47.")
    empty = run(data, input=" \n")
    assert empty.stderr == "quantrac: there is no query; give one as an argument or on standard input\n"


def test_a_server_that_is_not_there_is_one_sentence(data: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "kind.json").write_text('{"demo": false}')
    (tmp_path / "run" / "ports.json").write_text('{"clickhouse": 1}')
    away = run(tmp_path, "SELECT 1")
    assert away.stderr == "quantrac: nothing answers at 127.0.0.1:1; `quantrac up` starts it\n"
    none = run(tmp_path, "SELECT 1", "--tier", "ministry")
    assert none.stderr == f"quantrac: The stack in {tmp_path} has no tier ministry.\n"


def test_where_analysts_are_to_have_no_login_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "kind.json").write_text('{"demo": false}')
    (tmp_path / "run" / "ports.json").write_text('{"clickhouse": 1}')
    DataDir(tmp_path).last_configuration.write_text("clickhouse:\n  analysts: false\n")
    refused = run(tmp_path, "--login")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "clickhouse.analysts is off" in refused.stderr
