"""Decides what one batch of messages becomes in ClickHouse, and which hours it makes dirty."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import ValidationError

from quantrac.domain.times import hour_start
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseRefused, Result
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codec import BadMessage, StoredSet, decode_stored_set, encode_window_dirty
from schemas.messages.alerts import Alert
from schemas.messages.deliveries import DeliveryReceipt
from schemas.messages.raw_file import RawFileHeaders
from schemas.messages.rejudge import RejudgeRequest, merged
from services.aggregator.sink import rows

_RETRY_SECONDS = 2.0

# The times stand in the statement's text, 11 bytes each; ClickHouse reads 256 KiB of one.
_TIMES_A_QUERY = 10_000

# Their codes travel in the URL, which servers limit (16 KiB is the smallest in use).
_STATIONS_A_QUERY = 200

# Station and time pairs that one query may look at, to those that are wanted.
_MOST_IN_VAIN = 1.5

_STORED = f"""
SELECT {", ".join(rows.READING)}
FROM readings FINAL
WHERE station IN {{stations:Array(String)}} AND measured_at IN (%s)
"""  # noqa: S608  # names and numbers of our own


class Tables(Protocol):
    """Where rows go."""

    def insert(self, table: str, columns: dict[str, list[Any]], *, token: str) -> None:
        """Insert one block durably; raises ``ClickHouseError``."""
        ...

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        """Run one SELECT; raises ``ClickHouseError``."""
        ...


class SinkHandler:
    """Reads qa-flagged, raw files, delivery-receipt and alert; writes rows, then window-dirty and rejudge."""

    def __init__(
        self,
        tables: Tables,
        *,
        flagged: str,
        raw: Collection[str],
        receipts: str,
        alerts: str,
        dirty: str,
        rejudge: str | None = None,
    ) -> None:
        """``rejudge`` is the topic that asks for a second judgement; ``None`` where nothing is rejudged."""
        self._tables = tables
        self._flagged, self._raw, self._receipts = flagged, raw, receipts
        self._alerts, self._dirty, self._rejudge = alerts, dirty, rejudge

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Insert the batch table by table; a ClickHouse that is away or refuses costs lag only.

        Raises ``ClickHouseBadData`` where a table cannot hold a value.
        """
        sets: list[StoredSet] = []
        files: list[tuple[str, RawFileHeaders, bytes]] = []
        receipts: list[DeliveryReceipt] = []
        alerts: list[Alert] = []
        dead: list[DeadLetter] = []
        for record in batch:
            try:
                if record.topic == self._flagged:
                    sets.append(decode_stored_set(record.value or b""))
                elif record.topic in self._raw:
                    headers = RawFileHeaders.from_headers(record.headers)
                    files.append((record.key.decode(), headers, record.value or b""))
                elif record.topic == self._alerts:
                    alerts.append(Alert.model_validate_json(record.value or b""))
                else:
                    receipts.append(DeliveryReceipt.model_validate_json(record.value or b""))
            except (BadMessage, ValidationError, UnicodeDecodeError) as error:
                dead.append(DeadLetter(record, str(error)))
        read = [s for s in sets if not s.revision]
        replacing = [s for s in sets if may_replace(s)]
        # What is replaced may have come in this very batch, as a first judgement like any other.
        concerned = {s.station for s in replacing}
        try:
            stored = list(self._stored(replacing))
            self._insert(
                batch,
                {
                    "raw_files": rows.raw_file_columns(files),
                    # A reading that is found has its file, and what it replaced: these are there before it.
                    "files": rows.file_columns(read),
                    "rejects": rows.reject_columns(read),
                    "reading_revisions": rows.superseded_columns(
                        stored, [s for s in sets if s.station in concerned]
                    ),
                    "readings": rows.reading_columns(sets, stored),
                    "receipts": rows.receipt_columns(receipts),
                    "alerts": rows.alert_columns(alerts),
                },
            )
        except (ClickHouseAway, ClickHouseRefused) as error:
            return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
        return Done([*self._dirty_records(sets), *self._rejudge_records(sets)], dead)

    def _stored(self, sets: Sequence[StoredSet]) -> Iterator[Sequence[Any]]:
        """Yield what is stored for the stations and times of ``sets``, and for some more of both."""
        times: dict[str, set[int]] = defaultdict(set)
        for s in sets:
            times[s.station] |= {int(r.measured_at.timestamp()) for r in s.readings}
        for stations, wanted in together(times):
            every = sorted(wanted)
            for start in range(0, len(every), _TIMES_A_QUERY):
                part = ",".join(map(str, every[start : start + _TIMES_A_QUERY]))
                yield from self._tables.query(_STORED % part, {"stations": stations}).rows

    def _insert(self, batch: Sequence[Record], tables: dict[str, rows.Columns]) -> None:
        # The token names the very messages, so that an immediate repeat is ignored by the server.
        token = hashlib.sha256(
            b"".join(f"{r.topic}/{r.partition}/{r.offset};".encode() for r in batch)
        ).hexdigest()
        for table, columns in tables.items():
            if columns:
                self._tables.insert(table, columns, token=token)

    def _dirty_records(self, sets: Sequence[StoredSet]) -> Iterator[Record]:
        for station, hours in touched_hours(sets).items():
            yield Record(self._dirty, station.encode(), encode_window_dirty(station, sorted(hours)))

    def _rejudge_records(self, sets: Sequence[StoredSet]) -> Iterator[Record]:
        if self._rejudge is None:
            return
        requests = [
            RejudgeRequest(station=s.station, start=u.start, end=u.end, causes=list(u.causes))
            for s in sets
            if s.station and (u := s.provisional)
        ]
        for request in merged(requests):
            yield Record(self._rejudge, request.station.encode(), request.model_dump_json().encode())


def may_replace(s: StoredSet) -> bool:
    """Tell whether rows may be stored already for the readings of a set.

    They came late, what came before was not remembered, or they were judged again.
    """
    unsure = s.provisional is not None and not {"late", "memory"}.isdisjoint(s.provisional.causes)
    return bool(s.station) and (unsure or s.revision > 0)


def together(times: Mapping[str, Collection[int]]) -> Iterator[tuple[list[str], set[int]]]:
    """Group stations that are asked for nearly the same times, so that one query answers for many.

    A query for each of 2,000 stations took longer than everything else of a batch.
    """
    stations: list[str] = []
    joined: set[int] = set()
    wanted = 0
    for station in sorted(times, key=lambda code: (min(times[code], default=0), code)):
        grown = joined | set(times[station])
        asked = (len(stations) + 1) * len(grown)
        if stations and (
            len(stations) == _STATIONS_A_QUERY or asked > _MOST_IN_VAIN * (wanted + len(times[station]))
        ):
            yield stations, joined
            stations, grown, wanted = [], set(times[station]), 0
        stations.append(station)
        joined = grown
        wanted += len(times[station])
    if stations:
        yield stations, joined


def touched_hours(sets: Sequence[StoredSet]) -> dict[str, set[tuple[str, datetime]]]:
    """Return station -> the (parameter, start of hour) pairs that the readings fall into."""
    touched: dict[str, set[tuple[str, datetime]]] = {}
    for s in sets:
        if s.station and s.readings:
            hours = touched.setdefault(s.station, set())
            measured_at = None
            for r in s.readings:
                if r.measured_at != measured_at:  # nearly always one time a file
                    measured_at, hour = r.measured_at, hour_start(r.measured_at)
                hours.add((r.parameter, hour))
    return touched
