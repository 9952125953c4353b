"""Times of a zone in the format Native."""

import json

import pytest

from quantrac.local.clickhouse.zones import keep_zones

LOCAL = "DateTime('Asia/Ho_Chi_Minh')"


def keep(select: str, *columns: tuple[str, str]) -> str:
    """Keep the zones of a statement that answers these columns: name and type of each."""
    asked: list[bytes] = []

    def describe(sql: bytes) -> bytes:
        asked.append(sql)
        return b"".join(json.dumps([*column, ""]).encode() + b"\n" for column in columns)

    answer = keep_zones(select.encode(), describe).decode()
    assert all(sql.startswith(b"DESCRIBE (") and b"FORMAT" not in sql for sql in asked)
    return answer


def test_a_local_time_is_sent_in_a_type_that_keeps_its_zone() -> None:
    answer = keep("SELECT a, b FROM t ORDER BY b FORMAT Native", ("a", "String"), ("b`c", LOCAL))
    assert answer == (
        "SELECT * REPLACE (CAST(`b\\`c` AS DateTime64(0, 'Asia/Ho_Chi_Minh')) AS `b\\`c`)"
        " FROM (SELECT a, b FROM t ORDER BY b) FORMAT Native"
    )


@pytest.mark.parametrize(
    "type_", ["DateTime", "DateTime('UTC')", f"Nullable({LOCAL})", "DateTime64(3, 'UTC')"]
)
def test_what_needs_no_other_type_stays_as_it_is(type_: str) -> None:
    assert keep("SELECT a FROM t FORMAT Native", ("a", type_)) == "SELECT a FROM t FORMAT Native"


def test_columns_of_one_name_stay_as_they_are() -> None:
    assert keep("SELECT a, a FROM t", ("a", LOCAL), ("a", LOCAL)) == "SELECT a, a FROM t"


@pytest.mark.parametrize("statement", ["DESCRIBE TABLE t", "SHOW TABLES", "EXPLAIN SELECT 1"])
def test_a_statement_that_selects_nothing_is_not_asked_about(statement: str) -> None:
    assert keep_zones(statement.encode(), lambda _: b"never") == statement.encode()
