"""The least, the greatest and what lies beyond them, derived from the types of the tables' own columns.

A message is JSON; a case is one message with one field replaced by a literal, which need not be valid JSON.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.clickhouse import migration_files

_COLUMN = re.compile(
    r"^ +(?:ADD COLUMN IF NOT EXISTS )?`?([a-z]\w*)`? (.+?)(?: (?:DEFAULT|COMMENT|CODEC|ALIAS|AFTER)\b.*)?,?$"
)
_TABLE = re.compile(r"^(?:CREATE (?:OR REPLACE )?TABLE(?: IF NOT EXISTS)?|ALTER TABLE) (\w+)")

_SECONDS = (
    '"1970-01-01T00:00:00Z"',
    '"2106-02-07T06:28:15Z"',
    '"1969-12-31T23:59:59Z"',
    '"2106-02-07T06:28:16Z"',
)
_MILLISECONDS = (
    '"1970-01-01T00:00:00Z"',
    '"2299-12-31T23:59:59.999Z"',
    '"1969-12-31T23:59:59.999Z"',
    '"2300-01-01T00:00:00Z"',
)
_NO_TIMES = (
    '"0001-01-01T00:00:00Z"',
    '"0001-01-01T00:00:00+14:00"',
    '"9999-12-31T23:59:59Z"',
    '"9999-12-31T23:59:59-12:00"',
    '"2026-03-25T05:00:00"',
    '"2026-03-25T12:00:00+07:00"',
    '"2026-03-25T05:00:00.0005Z"',
    '"2026-03-25T05:00:60Z"',
    '""',
    "0",
    "null",
)
_TEXTS = ('""', '"a"', '"a\\u0000b"', '"\\ud800"', '"\\ud800a"', '"\\ud83d\\ude00"', '"\xff"', "7", "null")
_FLOATS = (
    *("0", "-0.0", "1.7976931348623157e308", "-1.7976931348623157e308", "5e-324"),
    *("1e400", "NaN", "Infinity", "-Infinity", '"1"', "null"),
)
LONG = 100_000
"""Characters of a very long text."""

SET = {
    **{
        name: ("files", name)
        for name in ("file_id", "account", "transport", "received_at", "format", "rules")
    },
    "file_name": ("files", "name"),
    "station": ("readings", "station"),
    "cause": ("reading_revisions", "cause"),
    "revision": ("receipts", "revision"),
    **{
        f"readings.{name}.0": ("readings", name)
        for name in (
            *("line", "parameter", "measured_at", "value", "text", "unit", "status"),
            *("qualifier", "flag"),
        )
    },
    **{f"rejects.0.{name}": ("rejects", name) for name in ("line", "text", "reason", "detail")},
}
"""Field of ``qa-flagged`` -> the column it ends in."""
RAW = {
    **{
        n: ("raw_files", n)
        for n in ("file_id", "received_at", "name", "path", "account", "transport", "marks")
    },
    "station": ("raw_files", "station"),
}
DELIVERY = {
    name: ("deliveries", name)
    for name in ("delivery_id", "target", "account", "sent_at", "confirmed_at", "bytes", "tries", "receipt")
}
RECEIPT = {
    **{name: ("receipts", name) for name in ("target", "account", "delivery_id", "confirmed_at")},
    **{
        f"files.0.{n}": ("receipts", n) for n in ("station", "file_id", "received_at", "readings", "revision")
    },
}
REJECTED = {
    **{name: ("rejected_sets", name) for name in ("target", "account", "delivery_id")},
    **{
        f"rejected.0.{n}": ("rejected_sets", n)
        for n in ("line", "station", "file_id", "received_at", "revision", "reason")
    },
}
"""Of a message with :data:`REJECTED_FILE`."""
REJECTED_FILE = {
    "line": 2,
    "station": "HN_DEMO_KHI001",
    "file_id": "3bff73b6e3485e554ea44f5029ce3cbe5b9189b7d8619747f8d29e39f7aced71",
    "received_at": "2026-03-24T17:05:12.345000Z",
    "revision": 0,
    "reason": "account province-hn may not deliver for station HN_DEMO_KHI001",
}
ALERT = {
    name: ("alerts", name)
    for name in (
        *("alert_id", "kind", "severity", "state", "version", "station", "parameter", "opened_at"),
        *("changed_at", "detail"),
    )
}


def _integers(bits: int) -> tuple[str, ...]:
    return ("0", "1", str(2**bits - 1), "-1", str(2**bits), str(2**70), "1.5", '"1"', "null")


def column_types() -> dict[tuple[str, str], str]:
    """Return (table, column) -> type, as the migrations make them."""
    types: dict[tuple[str, str], str] = {}
    for _, sql in migration_files():
        table = ""
        for line in sql.splitlines():
            if match := _TABLE.match(line):
                table = match[1]
            elif line.startswith(("INSERT", "CREATE", "SELECT", "ENGINE", "ORDER", "PARTITION")):
                table = table if line.startswith(("ENGINE", "ORDER", "PARTITION")) else ""
            elif table and (match := _COLUMN.match(line)):
                types.setdefault((table, match[1]), match[2])
    return types


def extremes(column_type: str) -> tuple[str, ...]:
    """Return JSON literals for a column: its least and greatest, one beyond each, and what is no value."""
    inner = re.sub(r"^(?:Nullable|LowCardinality)\((.+)\)$", r"\1", column_type)
    if inner.startswith("DateTime64(3"):
        return (*_MILLISECONDS, *_NO_TIMES)
    if inner.startswith("DateTime"):
        return (*_SECONDS, *_NO_TIMES)
    if integer := re.fullmatch(r"UInt(\d+)", inner):
        return _integers(int(integer[1]))
    if inner == "Float64":
        return _FLOATS
    if inner == "String":
        return (*_TEXTS, f'"{"x" * LONG}"')
    raise AssertionError(f"no extremes for {column_type}")


@dataclass(frozen=True, slots=True)
class Case:
    """One field of one message with another value."""

    field: str
    literal: str
    message: bytes

    def __str__(self) -> str:
        return f"{self.field}={self.literal:.40}"


def cases(message: Mapping[str, Any], columns: Mapping[str, tuple[str, str]]) -> Iterator[Case]:
    """Yield every extreme of every field; ``columns``: path of a field (``files.0.line``) -> its column."""
    types = column_types()
    for field, column in columns.items():
        for literal in extremes(types[column]):
            yield Case(field, literal, replaced(message, field, literal))


def replaced(message: Mapping[str, Any], field: str, literal: str) -> bytes:
    """Return a message as JSON with one field's value written as ``literal``; latin-1 stands for bytes.

    A row of a column that is written as one value for all rows is that value.
    """
    marked = json.loads(json.dumps(message))
    *path, name = (int(part) if part.isdecimal() else part for part in field.split("."))
    parents = [marked]
    for part in path:
        parents.append(parents[-1][part])
    if not isinstance(parents[-1], dict | list):
        del parents[-1]
        name = path[-1]
    parents[-1][name] = "@@"
    written = json.dumps(marked, ensure_ascii=False).encode()
    return written.replace(b'"@@"', literal.encode("latin-1"))
