"""Turns messages into columns of the ClickHouse tables. Pure: the same messages give the same columns."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain, pairwise, repeat
from typing import Any

import msgspec

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.ids import MOST_REVISIONS, reading_version
from quantrac.io.records import BadData
from schemas.codec import StoredSet
from schemas.messages.alerts import Alert
from schemas.messages.deliveries import DeliveryReceipt
from schemas.messages.raw_file import RawFileHeaders

Columns = dict[str, list[Any]]
"""Column name -> values, all of one length; no columns at all when there are no rows."""

READING = (
    *("station", "parameter", "measured_at", "value", "text", "unit"),
    *("status", "flag", "tests", "rules", "line", "version"),
)
"""The columns of ``readings``."""


def reading_columns(sets: Iterable[StoredSet], stored: Iterable[Sequence[Any]] = ()) -> Columns:
    """Columns of ``readings``, one row a reading; sets without a station hold none.

    ``stored`` holds rows of the table in the order of :data:`READING`. A file that is read again, and
    otherwise than it was, has to win over all that was made of it before: its rows get the next version.
    """
    filled = [s for s in sets if s.station and s.readings]
    readings = [r for s in filled for r in s.readings]
    if not readings:
        return {}
    columns = {
        "station": _repeated((s.station, s) for s in filled),
        "parameter": [r.parameter for r in readings],
        "measured_at": [r.measured_at for r in readings],
        "value": [r.value for r in readings],
        "text": ["" if r.text == shortest_decimal(r.value) else r.text for r in readings],
        "unit": [r.unit for r in readings],
        "status": [r.status for r in readings],
        "flag": [r.flag for r in readings],
        "tests": [_outcomes(bytes(r.tests)) for r in readings],
        "rules": _repeated((s.rules, s) for s in filled),
        "line": [r.line for r in readings],
        "version": _repeated((reading_version(s.received_at, s.revision), s) for s in filled),
    }
    known = {tuple(row[:3]): row for row in stored}
    if known:
        rows = list(zip(*columns.values(), strict=True))
        last = {row[:3]: place for place, row in enumerate(rows)}  # of a file that says it twice
        for place, (row, first) in enumerate(
            zip(rows, _repeated((s.revision == 0, s) for s in filled), strict=True)
        ):
            if first and place == last[row[:3]] and row[:3] in known:
                columns["version"][place] = _version_over(row, known[row[:3]])
    return columns


def _version_over(row: Sequence[Any], stored: Sequence[Any]) -> int:
    """Return the version of a row that was judged for the first time, given the one that is stored."""
    version: int = row[-1]
    judged: int = stored[-1]
    if judged >> 10 != version >> 10 or _as_read(row) == _as_read(stored):
        return version
    return min(judged + 1, version | MOST_REVISIONS)


def superseded_columns(stored: Sequence[Sequence[Any]], sets: Sequence[StoredSet]) -> Columns:
    """Columns of ``reading_revisions``: every row that another one of the same key is put over by ``sets``.

    ``stored`` holds rows of ``readings`` in the order of :data:`READING`, those of the keys of ``sets`` among
    them. A row may be superseded by one of the same batch, and a row that comes too late to count at all is
    kept as well.
    """
    causes = _repeated((s.cause, s) for s in sets if s.station)
    fresh = list(zip(*reading_columns(sets, stored).values(), strict=True))
    versions: dict[tuple[Any, ...], dict[int, tuple[Sequence[Any], str]]] = {row[:3]: {} for row in fresh}
    for row in stored:
        if (known := versions.get(tuple(row[:3]))) is not None:
            known[row[-1]] = row, ""
    for row, cause in zip(fresh, causes, strict=True):
        versions[row[:3]][row[-1]] = row, cause
    superseded = [
        (*known[old][0], new, known[new][1])
        for known in versions.values()
        for old, new in pairwise(sorted(known))
    ]
    names = (*READING, "superseded_by", "cause")
    return {name: list(column) for name, column in zip(names, zip(*superseded, strict=True), strict=False)}


def file_columns(sets: Iterable[StoredSet]) -> Columns:
    """Columns of ``files``, one row a set."""
    sets = list(sets)
    if not sets:
        return {}
    return {
        "station": [s.station for s in sets],
        "received_at": [s.received_at for s in sets],
        "file_id": [s.file_id for s in sets],
        "name": [s.file_name for s in sets],
        "account": [s.account for s in sets],
        "transport": [s.transport for s in sets],
        "format": [s.format for s in sets],
        "rules": [s.rules for s in sets],
        "readings": [len(s.readings) for s in sets],
        "rejects": [len(s.rejects) for s in sets],
        "rejected_lines": [sorted({r.line for r in s.rejects}) for s in sets],
    }


def reject_columns(sets: Iterable[StoredSet]) -> Columns:
    """Columns of ``rejects``, one row a rejected line."""
    return _joined(_rejects_of(s) for s in sets if s.rejects)


def raw_file_columns(files: Iterable[tuple[str, RawFileHeaders, bytes]]) -> Columns:
    """Columns of ``raw_files`` from (key, headers, content)."""
    files = list(files)
    if not files:
        return {}
    return {
        "station": [key for key, _, _ in files],
        "file_id": [h.file_id for _, h, _ in files],
        "received_at": [h.received_at for _, h, _ in files],
        "name": [h.name for _, h, _ in files],
        "path": [h.path for _, h, _ in files],
        "account": [h.account for _, h, _ in files],
        "transport": [h.transport for _, h, _ in files],
        "marks": [h.marks or "" for _, h, _ in files],
        "content": [content for _, _, content in files],
    }


def receipt_columns(receipts: Iterable[DeliveryReceipt]) -> Columns:
    """Columns of ``receipts``, one row a delivered file."""
    return _joined(_receipts_of(receipt) for receipt in receipts)


def alert_columns(alerts: Sequence[Alert]) -> Columns:
    """Columns of ``alerts``, one row a state; facts that are numbers become texts."""
    if not alerts:
        return {}
    names = ("alert_id", "kind", "severity", "state", "version", "station")
    return {
        **{name: [getattr(each, name) for each in alerts] for name in names},
        "parameter": [each.parameter or "" for each in alerts],
        **{name: [getattr(each, name) for each in alerts] for name in ("opened_at", "changed_at", "detail")},
        "facts": [
            {
                name: fact if isinstance(fact, str) else shortest_decimal(fact)
                for name, fact in each.facts.items()
            }
            for each in alerts
        ],
    }


def _rejects_of(s: StoredSet) -> Columns:
    count = len(s.rejects)
    return {
        "station": [s.station] * count,
        "received_at": [s.received_at] * count,
        "file_id": [s.file_id] * count,
        "line": [r.line for r in s.rejects],
        "text": [r.text for r in s.rejects],
        "reason": [r.reason for r in s.rejects],
        "detail": [r.detail for r in s.rejects],
    }


def _receipts_of(receipt: DeliveryReceipt) -> Columns:
    count = len(receipt.files)
    return {
        "station": [receipt.station] * count,
        "file_id": [f.file_id for f in receipt.files],
        "target": [receipt.target] * count,
        "delivery_id": [receipt.delivery_id] * count,
        "received_at": [f.received_at for f in receipt.files],
        "confirmed_at": [receipt.confirmed_at] * count,
        "readings": [f.readings for f in receipt.files],
        "revision": [f.revision for f in receipt.files],
    }


def _as_read(row: Sequence[Any]) -> tuple[Any, ...]:
    """What the file says of a reading: value, text, unit, status, line."""
    return (*row[3:7], row[READING.index("line")])


def _repeated(values: Iterable[tuple[Any, StoredSet]]) -> list[Any]:
    """Give every reading of a set the set's value."""
    return list(chain.from_iterable(repeat(value, len(s.readings)) for value, s in values))


def _joined(blocks: Iterable[Columns]) -> Columns:
    parts = list(blocks)
    return {name: list(chain.from_iterable(p[name] for p in parts)) for name in parts[0]} if parts else {}


@lru_cache(maxsize=4096)  # a few dozen combinations of outcomes make up nearly all readings
def _outcomes(tests: bytes) -> str:
    try:
        outcomes = _tests.decode(tests)
    except msgspec.MsgspecError as error:
        raise BadData(f"the tests of a reading are no outcomes by name: {error}") from error
    return msgspec.json.encode(dict(sorted(outcomes.items()))).decode()


_tests = msgspec.json.Decoder(dict[str, int])
