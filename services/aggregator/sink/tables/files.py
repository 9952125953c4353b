"""Columns of ``files`` and ``rejects``, from flagged sets. Pure."""

from collections.abc import Iterable

from quantrac.domain.readings import FlaggedSet
from services.aggregator.sink.tables.topic_tables import Columns, join_columns


def file_columns(sets: Iterable[FlaggedSet]) -> Columns:
    """Return the columns of ``files``, one row a set."""
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
        "rejected_lines": [sorted({r.line for r in s.rejects}) if s.rejects else [] for s in sets],
    }


def reject_columns(sets: Iterable[FlaggedSet]) -> Columns:
    """Return the columns of ``rejects``, one row a rejected line."""
    return join_columns(_reject_columns_of(s) for s in sets if s.rejects)


def _reject_columns_of(s: FlaggedSet) -> Columns:
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
