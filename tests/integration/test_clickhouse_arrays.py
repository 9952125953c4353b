"""Columns written straight from arrays: the real engine holds what was meant, or it is refused."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.io.clickhouse import ClickHouse, ClickHouseBadData
from quantrac.io.clickhouse_native import Array, Words
from quantrac.io.settings import ClickHouseSettings
from support.effort import examples

NOON = datetime(2026, 3, 25, 5, tzinfo=UTC)

TABLE = """
CREATE OR REPLACE TABLE arrays
(
    number UInt32, word LowCardinality(String), text String, plain LowCardinality(String), bytes String,
    second DateTime('UTC'), millisecond DateTime64(3, 'UTC'), small UInt8, version UInt64, value Float64,
    nothing Nullable(Float64), lines Array(UInt32)
)
ENGINE = MergeTree ORDER BY number SETTINGS non_replicated_deduplication_window = 100
"""
READ = "SELECT *, toUnixTimestamp64Milli(millisecond) AS ms, hex(bytes) AS hexed FROM arrays ORDER BY number"


@pytest.fixture
def client(clickhouse: ClickHouseSettings) -> ClickHouse:
    client = ClickHouse(clickhouse)
    client.command(TABLE)
    return client


def stored(client: ClickHouse) -> Mapping[str, Any]:
    return client.columns(READ)


def columns_of(count: int, words: list[str], text: str = "") -> dict[str, Array]:
    numbers = np.arange(count)
    return {
        "number": numbers,
        "word": Words(words, numbers % len(words)),
        "text": [text or f"t{n}" for n in range(count)],
        "plain": Words(words, numbers % len(words)),
        "bytes": [bytes([n % 256, 0]) for n in range(count)],
        "second": numbers + 1_790_000_000,
        "millisecond": numbers + 1_790_000_000_123,
        "small": numbers % 256,
        "version": numbers.astype("u8") + 2**63,
        "value": numbers / 3,
        "nothing": np.where(numbers % 2, np.nan, numbers),
        "lines": [list(range(n % 4)) for n in range(count)],
    }


@pytest.mark.parametrize("words", [1, 2, 256, 257, 65_537])
def test_every_kind_of_column_is_stored_as_it_was(client: ClickHouse, words: int) -> None:
    count = max(1_000, words)
    texts = [f"từ {n}" for n in range(words)]
    client.insert("arrays", columns_of(count, texts))

    rows, numbers = stored(client), range(count)
    assert list(rows["number"]) == list(numbers)
    assert list(rows["word"]) == list(rows["plain"]) == [texts[n % words] for n in numbers]
    assert list(rows["text"]) == [f"t{n}" for n in numbers]
    assert list(rows["hexed"]) == [f"{n % 256:02X}00" for n in numbers]
    assert [time.timestamp() for time in rows["second"]] == [n + 1_790_000_000 for n in numbers]
    assert list(rows["ms"]) == [n + 1_790_000_000_123 for n in numbers]
    assert list(rows["small"]) == [n % 256 for n in numbers]
    assert list(rows["version"]) == [n + 2**63 for n in numbers]
    assert list(rows["value"]) == [n / 3 for n in numbers]
    assert list(rows["nothing"]) == [None if n % 2 else n for n in numbers]
    assert [list(lines) for lines in rows["lines"]] == [list(range(n % 4)) for n in numbers]


@settings(max_examples=examples(20))
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), min_size=1, max_size=40))
def test_any_texts_are_stored_as_they_were(clickhouse: ClickHouseSettings, texts: list[str]) -> None:
    client = ClickHouse(clickhouse)
    client.command("CREATE OR REPLACE TABLE words (n UInt32, a LowCardinality(String), b String, c String) "
                   "ENGINE = MergeTree ORDER BY n")  # fmt: skip
    numbers = np.arange(len(texts))
    words = Words(texts, numbers[::-1].copy())  # the same text may stand in it twice
    client.insert("words", {"n": numbers, "a": words, "b": words, "c": texts})
    rows = client.columns("SELECT * FROM words ORDER BY n")
    assert list(rows["a"]) == list(rows["b"]) == texts[::-1]
    assert list(rows["c"]) == texts


def test_an_empty_block_stores_nothing(client: ClickHouse) -> None:
    empty = {
        name: Words(["a"], np.array([], int)) if isinstance(values, Words) else values[:0]
        for name, values in columns_of(3, ["a"]).items()
    }
    client.insert("arrays", empty)
    assert not stored(client)


def test_a_text_longer_than_any_prepared_length_is_stored_whole(client: ClickHouse) -> None:
    client.insert("arrays", columns_of(2, ["a"], text="é" * 300_000))
    assert [len(text) for text in stored(client)["text"]] == [300_000, 300_000]


def test_a_block_whose_token_was_just_seen_is_ignored(client: ClickHouse) -> None:
    for token, count in (("a", 3), ("a", 3), ("b", 2), ("", 1)):
        client.insert("arrays", columns_of(count, ["x"]), token=token)
    assert len(stored(client)["number"]) == 6


@pytest.mark.parametrize(
    ("column", "wrong"),
    [
        ("small", np.array([0, 256])),
        ("small", np.array([-1, 1])),
        ("small", np.array([np.nan, 1.0])),
        ("number", np.array([0, 2**32])),
        ("number", np.array([0, 2**70], object)),
        ("version", np.array([-1, 0])),
        ("second", np.array([-1, 0])),
        ("second", np.array([0, 2**32])),
        ("millisecond", np.array([0, 10_413_792_000_000])),
        ("lines", [[1], [2**32]]),
        ("lines", [[1], [-1]]),
        ("lines", [[1], ["a"]]),
        ("word", Words(["a"], np.array([0, 1]))),
        ("word", Words(["a"], np.array([0, -1]))),
        ("text", Words(["a"], np.array([0, 1]))),
        ("text", ["a", "\ud800"]),
        ("text", ["a", None]),
        ("value", [1.0, "2"]),
        ("value", [1.0, None]),
        ("value", Words(["1"], np.array([0, 0]))),
        ("nothing", [None, "a"]),
        ("small", [0, 256]),
        ("small", [0, -1]),
        ("small", [0, 1.5]),
        ("version", [0, 2**64]),
        ("second", [NOON, NOON.replace(tzinfo=None)]),
        ("second", [NOON, datetime(1969, 12, 31, tzinfo=UTC)]),
        ("millisecond", [NOON, datetime(2300, 1, 1, tzinfo=UTC)]),
        ("word", ["a", None]),
        ("word", [["a"], ["b"]]),
        ("text", ["a"]),
    ],
    ids=repr,
)
def test_a_value_that_a_column_cannot_hold_is_refused_by_table_and_column(
    client: ClickHouse, column: str, wrong: Any
) -> None:
    with pytest.raises(ClickHouseBadData, match=rf"the table arrays cannot hold.*{column}"):
        client.insert("arrays", {**columns_of(2, ["a"]), column: wrong})
    assert not stored(client)


def test_sequences_of_python_values_are_stored_like_arrays(client: ClickHouse) -> None:
    by_arrays = columns_of(600, ["a", "b", "c"])
    client.insert("arrays", by_arrays)
    expected = stored(client)
    client.command(TABLE)
    client.insert(
        "arrays", {**by_arrays, **{name: list(expected[name]) for name in by_arrays.keys() - {"bytes"}}}
    )
    assert {name: list(values) for name, values in stored(client).items()} == {
        name: list(values) for name, values in expected.items()
    }


def test_times_of_a_sequence_may_be_numbers_as_well(client: ClickHouse) -> None:
    times = {"second": [1_790_000_000, NOON], "millisecond": [1_790_000_000_123, NOON]}
    client.insert("arrays", {**columns_of(2, ["a"]), **times})
    rows = stored(client)
    assert [time.timestamp() for time in rows["second"]] == [1_790_000_000, NOON.timestamp()]
    assert list(rows["ms"]) == [1_790_000_000_123, NOON.timestamp() * 1000]


@pytest.mark.parametrize("nothing", [[None, None], [None, 1.5], [2, None]], ids=repr)
def test_none_is_null_in_a_nullable_column(client: ClickHouse, nothing: list[Any]) -> None:
    client.insert("arrays", {**columns_of(2, ["a"]), "nothing": nothing})
    assert list(stored(client)["nothing"]) == nothing


def test_a_table_with_other_types_takes_the_same_columns(clickhouse: ClickHouseSettings) -> None:
    client = ClickHouse(clickhouse)
    client.command("CREATE OR REPLACE TABLE odd (n Int64, a LowCardinality(Nullable(String)), w String, "
                   "t DateTime('UTC'), m Map(String, String)) ENGINE = MergeTree ORDER BY n")  # fmt: skip
    columns: dict[str, Array] = {
        "n": np.array([-1, 1]),
        "a": [None, "a"],
        "w": Words(["x", "y"], np.array([1, 0])),
        "t": [NOON, NOON],
        "m": [{}, {"k": "v"}],
    }
    client.insert("odd", columns)
    rows = client.query("SELECT * FROM odd ORDER BY n").rows
    assert [tuple(row) for row in rows] == [(-1, None, "y", NOON, {}), (1, "a", "x", NOON, {"k": "v"})]


def test_rows_of_one_key_in_one_block_count_by_version_and_then_by_order(
    clickhouse: ClickHouseSettings,
) -> None:
    client = ClickHouse(clickhouse)
    client.command("CREATE OR REPLACE TABLE keys (k UInt32, v UInt64, n UInt32) "
                   "ENGINE = ReplacingMergeTree(v) ORDER BY k")  # fmt: skip
    keys, versions = np.array([1, 1, 2, 2, 2, 3]), np.array([5, 4, 7, 7, 6, 1])
    client.insert("keys", {"k": keys, "v": versions, "n": np.arange(6)})
    expected = [(1, 5, 0), (2, 7, 3), (3, 1, 5)]
    assert [tuple(row) for row in client.query("SELECT * FROM keys FINAL ORDER BY k").rows] == expected
    client.command("OPTIMIZE TABLE keys FINAL")
    assert [tuple(row) for row in client.query("SELECT * FROM keys ORDER BY k").rows] == expected
