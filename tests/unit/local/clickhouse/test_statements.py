"""What the local ClickHouse server reads out of a statement, and how long its sessions live."""

import pytest

from quantrac.local.clickhouse.errors import EngineError
from quantrac.local.clickhouse.sessions import Sessions
from quantrac.local.clickhouse.statements import (
    InsertHead,
    find_insert_head,
    format_start,
    is_streamed,
    quote_name,
    result_format,
    verb,
)


@pytest.mark.parametrize(
    ("text", "head"),
    [
        (b"INSERT INTO t FORMAT Native\n\x00\x01", InsertHead(b"INSERT INTO t ", b"", "Native", 28)),
        (b"insert into t format CSV", InsertHead(b"insert into t ", b"", "CSV", 24)),
        (b"INSERT INTO t FORMAT CSV 1,2", InsertHead(b"INSERT INTO t ", b"", "CSV", 25)),
        (b"INSERT INTO t FORMAT CSV\r\n\n1", InsertHead(b"INSERT INTO t ", b"", "CSV", 26)),
        (
            b"INSERT INTO t (`a FORMAT b`, format) FORMAT TSV\n",
            InsertHead(b"INSERT INTO t (`a FORMAT b`, format) ", b"", "TSV", 48),
        ),
        (
            b"INSERT INTO t (a) SETTINGS async_insert = 0 FORMAT TSV\n1",
            InsertHead(b"INSERT INTO t (a) ", b"SETTINGS async_insert = 0 ", "TSV", 55),
        ),
        (
            b"-- FORMAT x\nINSERT INTO t FORMAT TSV\n",
            InsertHead(b"-- FORMAT x\nINSERT INTO t ", b"", "TSV", 37),
        ),
    ],
)
def test_the_data_of_an_insert_start_after_its_format(text: bytes, head: InsertHead) -> None:
    assert find_insert_head(text) == head


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"INSERT INTO t",
        b"INSERT INTO t VALUES ('x FORMAT CSV ')",
        b"INSERT INTO t SELECT 1 FORMAT CSV",
        b"SELECT 1 FORMAT CSV",
        b"(SELECT 1) UNION ALL (SELECT 2) FORMAT CSV",
        b"CREATE TABLE t (a UInt8) ENGINE = File(CSV)",
    ],
)
def test_other_statements_have_no_data_of_their_own(text: bytes) -> None:
    assert find_insert_head(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"SELECT 1", "TSV"),
        (b"SELECT 'FORMAT CSV'", "TSV"),
        (b"SELECT 1\n FORMAT Native", "Native"),
        (b"(SELECT 1) format JSON SETTINGS max_threads = 1;\n", "JSON"),
        (b"/* who */ SHOW TABLES", "TSV"),
        (b"CREATE TABLE t (a UInt8) ENGINE = Memory", None),
        (b"INSERT INTO t SELECT 1", None),
    ],
)
def test_only_a_result_set_has_a_format(text: bytes, name: str | None) -> None:
    assert result_format(text, "TSV") == name


def test_only_plain_rows_of_a_select_are_streamed() -> None:
    assert is_streamed(b"WITH 1 AS x SELECT x", "CSV")
    assert not is_streamed(b"SELECT 1", "Parquet")
    assert not is_streamed(b"SHOW TABLES", "CSV")
    assert verb(b"-- c\n ( select 1)") == "SELECT"


class FakeHandle:
    closed = False

    def close(self) -> None:
        self.closed = True


def test_a_session_lives_until_it_was_idle_for_its_timeout() -> None:
    now, opened = [0.0], []

    def open_handle() -> FakeHandle:
        opened.append(FakeHandle())
        return opened[-1]

    sessions = Sessions(open_handle, now=lambda: now[0])
    first = sessions.take("a", "10", must_exist=False)
    now[0] = 100.0
    with pytest.raises(EngineError, match="SESSION_IS_LOCKED"):
        sessions.take("a", "10", must_exist=False)
    sessions.give_back("a", usable=True)
    now[0] = 110.0
    assert sessions.take("a", "", must_exist=True) is first
    sessions.give_back("a", usable=True)
    now[0] = 120.5
    with pytest.raises(EngineError, match="SESSION_NOT_FOUND"):
        sessions.take("a", "", must_exist=True)
    assert opened[0].closed


def test_a_session_that_could_not_be_reset_is_gone() -> None:
    sessions = Sessions(FakeHandle)
    handle = sessions.take("a", "", must_exist=False)
    sessions.give_back("a", usable=False)
    assert handle.closed
    with pytest.raises(EngineError, match="INVALID_SESSION_TIMEOUT"):
        sessions.take("a", "soon", must_exist=False)


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("Streaming query failed: Code: 60. DB::Exception: Table x does not exist. (UNKNOWN_TABLE)", 60, 404),
        ("Code: 241. DB::Exception: Memory limit exceeded", 241, 500),
        ("no code at all", 1002, 500),
    ],
)
def test_the_code_of_an_engine_error_decides_the_status(text: str, code: int, status: int) -> None:
    error = EngineError.from_text(text)
    assert (error.code, error.status) == (code, status)
    assert str(error).startswith(f"Code: {code}. ")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("SELECT 1 FORMAT Native", "SELECT 1 "),
        ("SELECT 'FORMAT Native'", "SELECT 'FORMAT Native'"),
        ("SELECT 1", "SELECT 1"),
        ("SELECT '" + "x" * 5000 + "' FORMAT CSV;\n", "SELECT '" + "x" * 5000 + "' "),
    ],
)
def test_a_format_at_the_end_can_be_told_from_the_query(text: str, query: str) -> None:
    assert text[: format_start(text.encode())] == query


def test_no_name_ends_its_quotes() -> None:
    assert quote_name("a`b\\") == "`a\\`b\\\\`"
