"""Turns messages into columns of the ClickHouse tables. Pure: the same messages give the same columns."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain, repeat
from typing import Any

import msgspec

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.ids import reading_version
from quantrac.domain.readings import FlaggedSet
from schemas.messages.deliveries import DeliveryReceipt
from schemas.messages.raw_file import RawFileHeaders

Columns = dict[str, list[Any]]
"""Column name -> values, all of one length; no columns at all when there are no rows."""


def reading_columns(sets: Iterable[FlaggedSet]) -> Columns:
    """Columns of ``readings``, one row a reading; sets without a station hold none."""
    filled = [s for s in sets if s.station and s.readings]
    readings = [r for s in filled for r in s.readings]
    if not readings:
        return {}
    return {
        "station": _repeated((s.station, s) for s in filled),
        "parameter": [r.parameter for r in readings],
        "measured_at": [r.measured_at for r in readings],
        "value": [r.value for r in readings],
        "text": ["" if r.text == shortest_decimal(r.value) else r.text for r in readings],
        "unit": [r.unit for r in readings],
        "status": [r.status for r in readings],
        "flag": [r.flag for r in readings],
        "tests": [_outcomes(tuple(r.tests.items())) for r in readings],
        "rules": _repeated((s.rules, s) for s in filled),
        "line": [r.line for r in readings],
        "version": _repeated((reading_version(s.received_at), s) for s in filled),
    }


def file_columns(sets: Iterable[FlaggedSet]) -> Columns:
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


def reject_columns(sets: Iterable[FlaggedSet]) -> Columns:
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


def _rejects_of(s: FlaggedSet) -> Columns:
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
    }


def _repeated(values: Iterable[tuple[Any, FlaggedSet]]) -> list[Any]:
    """Give every reading of a set the set's value."""
    return list(chain.from_iterable(repeat(value, len(s.readings)) for value, s in values))


def _joined(blocks: Iterable[Columns]) -> Columns:
    parts = list(blocks)
    return {name: list(chain.from_iterable(p[name] for p in parts)) for name in parts[0]} if parts else {}


@lru_cache(maxsize=4096)  # a few dozen combinations of outcomes make up nearly all readings
def _outcomes(tests: tuple[tuple[str, int], ...]) -> str:
    return msgspec.json.encode(dict(sorted(tests))).decode()
