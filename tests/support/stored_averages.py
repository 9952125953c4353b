"""Readings and averages in the real database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from quantrac.domain.ids import reading_version
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.records import Record
from schemas.codecs.window_dirty import encode_window_dirty
from support.averages import Key, Readings

CHECKED = ("mean", "minimum", "maximum", "p50", "count", "expected", "complete", "received", "good", "fail")


def assert_equal(found: Mapping[Key, Mapping[str, Any]], wanted: Mapping[Key, Mapping[str, Any]]) -> None:
    """Compare stored averages with those of a recomputation, value by value."""
    assert found.keys() == wanted.keys()
    for key, expected in wanted.items():
        assert {name: found[key][name] for name in CHECKED} == {name: expected[name] for name in CHECKED}, key
        assert found[key]["ends_at"].timestamp() == expected["ends_at"]


def dirty(readings: Readings, topic: str = "dirty") -> list[Record]:
    """Return the messages that call the readings' hours dirty, one a station."""
    hours: dict[str, set[tuple[str, int]]] = {}
    for code, parameter, at in readings:
        hours.setdefault(code, set()).add((parameter, at // 3600 * 3600))
    return [
        Record(
            topic,
            code.encode(),
            encode_window_dirty(code, [(p, datetime.fromtimestamp(at, UTC)) for p, at in some]),
        )
        for code, some in hours.items()
    ]


def store(
    database: ClickHouse,
    readings: Readings,
    received: datetime,
    units: Mapping[str, str] | None = None,
    qualifiers: Sequence[str] = (),
) -> None:
    """Insert readings with the version of a time of receipt; ``units`` by parameter, else µg/m3.

    ``qualifiers`` are those of the readings in their order, or none.
    """
    rows = [(*key, *reading) for key, reading in readings.items()]
    names = ("station", "parameter", "measured_at", "value", "flag", "status")
    columns: dict[str, list[Any]] = {
        name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    columns["unit"] = [(units or {}).get(parameter, "µg/m3") for parameter in columns["parameter"]]
    columns["qualifier"] = list(qualifiers) or [""] * len(rows)
    same = {"text": "", "tests": "", "rules": "r", "line": 1}
    same |= {"version": reading_version(received)}
    database.insert("readings", columns | {name: [value] * len(rows) for name, value in same.items()})


def stored(database: ClickHouse, table: str) -> dict[Key, Mapping[str, Any]]:
    """Return the rows that count."""
    found = database.query(f"SELECT * FROM {table} FINAL").dicts()
    return {
        (row["station"], row["parameter"], row["period"], int(row["starts_at"].timestamp())): row
        for row in found
    }
