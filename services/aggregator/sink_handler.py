"""Decides what one batch of messages becomes in ClickHouse, and which hours it makes dirty."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import ValidationError

from quantrac.domain.averaging import hour_of
from quantrac.domain.readings import FlaggedSet
from quantrac.io.clickhouse import ClickHouseError
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codec import BadMessage, decode_flagged_set, encode_window_dirty
from schemas.messages.deliveries import DeliveryReceipt
from schemas.messages.raw_file import RawFileHeaders
from services.aggregator import rows

_RETRY_SECONDS = 2.0


class Tables(Protocol):
    """Where rows go."""

    def insert(self, table: str, columns: dict[str, list[Any]], *, token: str) -> None:
        """Insert one block durably; raises :class:`ClickHouseError`."""
        ...


class SinkHandler:
    """Reads qa-flagged, raw files and delivery-receipt; writes rows, then window-dirty."""

    def __init__(
        self, tables: Tables, *, flagged: str, raw: Collection[str], receipts: str, dirty: str
    ) -> None:
        self._tables = tables
        self._flagged, self._raw, self._receipts, self._dirty = flagged, raw, receipts, dirty

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Insert the batch table by table; a ClickHouse that is away or refuses costs lag only."""
        sets: list[FlaggedSet] = []
        files: list[tuple[str, RawFileHeaders, bytes]] = []
        receipts: list[DeliveryReceipt] = []
        dead: list[DeadLetter] = []
        for record in batch:
            try:
                if record.topic == self._flagged:
                    sets.append(decode_flagged_set(record.value or b""))
                elif record.topic in self._raw:
                    headers = RawFileHeaders.from_headers(record.headers)
                    files.append((record.key.decode(), headers, record.value or b""))
                else:
                    receipts.append(DeliveryReceipt.model_validate_json(record.value or b""))
            except (BadMessage, ValidationError, UnicodeDecodeError) as error:
                dead.append(DeadLetter(record, str(error)))
        try:
            self._insert(
                batch,
                {
                    "raw_files": rows.raw_file_columns(files),
                    "readings": rows.reading_columns(sets),
                    "files": rows.file_columns(sets),
                    "rejects": rows.reject_columns(sets),
                    "receipts": rows.receipt_columns(receipts),
                },
            )
        except ClickHouseError as error:
            return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
        return Done([self._dirty_record(s, hours) for s, hours in touched_hours(sets).items()], dead)

    def _insert(self, batch: Sequence[Record], tables: dict[str, rows.Columns]) -> None:
        # The token names the very messages, so that an immediate repeat is ignored by the server.
        token = hashlib.sha256(
            b"".join(f"{r.topic}/{r.partition}/{r.offset};".encode() for r in batch)
        ).hexdigest()
        for table, columns in tables.items():
            if columns:
                self._tables.insert(table, columns, token=token)

    def _dirty_record(self, station: str, hours: set[tuple[str, datetime]]) -> Record:
        return Record(self._dirty, station.encode(), encode_window_dirty(station, sorted(hours)))


def touched_hours(sets: Sequence[FlaggedSet]) -> dict[str, set[tuple[str, datetime]]]:
    """Return station -> the (parameter, start of hour) pairs that the readings fall into."""
    touched: dict[str, set[tuple[str, datetime]]] = {}
    for s in sets:
        if s.station and s.readings:
            hours = touched.setdefault(s.station, set())
            measured_at = None
            for r in s.readings:
                if r.measured_at != measured_at:  # nearly always one time a file
                    measured_at, hour = r.measured_at, hour_of(r.measured_at)
                hours.add((r.parameter, hour))
    return touched
