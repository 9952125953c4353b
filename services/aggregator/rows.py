"""Turns messages into columns of the ClickHouse tables. Pure: the same messages give the same columns."""

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
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
    return _joined(_readings_of(s) for s in sets if s.station and s.readings)


def file_columns(sets: Iterable[FlaggedSet]) -> Columns:
    """Columns of ``files``, one row a set."""
    return _joined(_file_of(s) for s in sets)


def reject_columns(sets: Iterable[FlaggedSet]) -> Columns:
    """Columns of ``rejects``, one row a rejected line."""
    return _joined(_rejects_of(s) for s in sets if s.rejects)


def raw_file_columns(files: Iterable[tuple[str, RawFileHeaders, bytes]]) -> Columns:
    """Columns of ``raw_files`` from (key, headers, content)."""
    return _joined(_raw_file_of(key, headers, content) for key, headers, content in files)


def receipt_columns(receipts: Iterable[DeliveryReceipt]) -> Columns:
    """Columns of ``receipts``, one row a delivered file."""
    return _joined(_receipts_of(receipt) for receipt in receipts)


def _readings_of(s: FlaggedSet) -> Columns:
    count = len(s.readings)
    return {
        "station": [s.station] * count,
        "parameter": [r.parameter for r in s.readings],
        "measured_at": [r.measured_at for r in s.readings],
        "value": [r.value for r in s.readings],
        "text": ["" if r.text == shortest_decimal(r.value) else r.text for r in s.readings],
        "unit": [r.unit for r in s.readings],
        "status": [r.status for r in s.readings],
        "flag": [r.flag for r in s.readings],
        "tests": [_outcomes(tuple(r.tests.items())) for r in s.readings],
        "rules": [s.rules] * count,
        "line": [r.line for r in s.readings],
        "version": [reading_version(s.received_at)] * count,
    }


def _file_of(s: FlaggedSet) -> Columns:
    return {
        "station": [s.station],
        "received_at": [s.received_at],
        "file_id": [s.file_id],
        "name": [s.file_name],
        "account": [s.account],
        "transport": [s.transport],
        "format": [s.format],
        "rules": [s.rules],
        "readings": [len(s.readings)],
        "rejects": [len(s.rejects)],
        "rejected_lines": [sorted({r.line for r in s.rejects})],
    }


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


def _raw_file_of(key: str, headers: RawFileHeaders, content: bytes) -> Columns:
    return {
        "station": [key],
        "file_id": [headers.file_id],
        "received_at": [headers.received_at],
        "name": [headers.name],
        "path": [headers.path],
        "account": [headers.account],
        "transport": [headers.transport],
        "marks": [headers.marks or ""],
        "content": [content],
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


def _joined(blocks: Iterable[Columns]) -> Columns:
    parts = list(blocks)
    return {name: list(chain.from_iterable(p[name] for p in parts)) for name in parts[0]} if parts else {}


@lru_cache(maxsize=4096)  # a few dozen combinations of outcomes make up nearly all readings
def _outcomes(tests: tuple[tuple[str, int], ...]) -> str:
    return msgspec.json.encode(dict(sorted(tests))).decode()
