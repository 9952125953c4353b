"""Puts history on the topic of late files, once: what is stored already is not sent again."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from quantrac.cli.target import Target
from quantrac.domain.ids import file_id, traceparent
from quantrac.domain.times import from_milliseconds, to_milliseconds
from quantrac.domain.transports import IMPORT
from quantrac.errors import UserError
from quantrac.io.clickhouse import Result
from quantrac.io.kafka.group_progress import GroupProgress
from quantrac.io.records import Producer, Record
from schemas.messages.raw_file import RawFileHeaders

TOPIC = "raw-file-backlog"
"""Late files wait there for those of the present."""
_TOGETHER = 200
_WAIT_SECONDS = 120.0
_LOOK_SECONDS = 0.5

_LAG_SECONDS = 10.0
"""How far the times of receipt lie back: by then what a door received is stored, and which times it took."""
_FRESH_SECONDS = 2.5
"""How long an answer about the times taken is good for."""

_STORED = """
SELECT DISTINCT file_id, received_at FROM raw_files WHERE station = {station:String}
"""
_TAKEN = """
SELECT DISTINCT received_at FROM raw_files
WHERE station = {station:String} AND received_at >= {since:DateTime64(3, 'UTC')}
"""


class Database(Protocol):
    """Where it is asked what is stored: :class:`quantrac.io.clickhouse.ClickHouse`."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        """Run one SELECT; raises ``ClickHouseError``."""
        ...


@dataclass(frozen=True, slots=True)
class HistoryFile:
    """A part of a table, or a station file, with its station."""

    station: str
    name: str
    """Of the file that was imported."""
    folder: str
    content: bytes
    rows: int


@dataclass(slots=True)
class Sent:
    """What was sent, and what was there."""

    files: int = 0
    rows: int = 0
    stored: int = 0
    """Files that were stored before."""
    identities: set[tuple[str, str]] = field(default_factory=set)
    """Station and id of all of them."""
    first: datetime | None = None
    """The earliest time of receipt of all of them, UTC."""
    last: datetime | None = None

    @property
    def stations(self) -> set[str]:
        """Codes of their stations."""
        return {station for station, _ in self.identities}

    def note(self, station: str, identity: str, received_at: datetime) -> None:
        """Take a file into account."""
        self.identities.add((station, identity))
        self.first = min(self.first or received_at, received_at)
        self.last = max(self.last or received_at, received_at)


class StoredFiles:
    """Which files are stored, by station; asked once a station."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stations: dict[str, dict[str, datetime]] = {}

    def receipt(self, station: str, identity: str) -> datetime | None:
        """Return when a file of the station was received, ``None`` where it was not."""
        if station not in self._stations:
            rows = self._database.query(_STORED, {"station": station}).rows
            self._stations[station] = {row[0]: row[1] for row in rows}
        return self._stations[station].get(identity)

    def add(self, station: str, identity: str, received_at: datetime) -> None:
        """Note a file that is being sent: it may come twice in one import."""
        self._stations[station][identity] = received_at


class Receipts:
    """Times of receipt for imported files: rising for each station, and none that a door gave to a file.

    With its station such a time names a file (:mod:`quantrac.domain.ids`), and the doors know nothing of an
    import. So the times lie some seconds back, where all is stored that the doors received.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        """``clock`` returns seconds since 1970 UTC."""
        self._database, self._clock = database, clock
        self._last: dict[str, int] = {}
        """Milliseconds since 1970 of the last one, by station."""
        self._receipts: dict[str, tuple[float, frozenset[int]]] = {}
        """By station the time of the last question, and the milliseconds that are taken."""

    def next(self, station: str) -> datetime:
        """Return the next time of receipt (UTC, whole milliseconds) for a file of the station."""
        moment = max(int(1000 * (self._clock() - _LAG_SECONDS)), self._last.get(station, 0) + 1)
        while (ahead := moment / 1000 - (self._clock() - _LAG_SECONDS / 2)) > 0:
            time.sleep(ahead)
        of_doors = self._look_up(station)
        while moment in of_doors:
            moment += 1
        self._last[station] = moment
        return from_milliseconds(moment)

    def _look_up(self, station: str) -> frozenset[int]:
        now = self._clock()
        asked_at, milliseconds = self._receipts.get(station, (-_FRESH_SECONDS, frozenset()))
        if now - asked_at >= _FRESH_SECONDS:
            since = f"{from_milliseconds(int(1000 * (now - 2 * _LAG_SECONDS))):%Y-%m-%d %H:%M:%S}"
            rows = self._database.query(_TAKEN, {"station": station, "since": since}).rows
            milliseconds = frozenset(to_milliseconds(row[0]) for row in rows)
            self._receipts[station] = now, milliseconds
        return milliseconds


def wait_until_stored(target: Target, say: Callable[[str], None]) -> None:
    """Wait until all that is on the topic is stored, so that what is stored tells what was sent before.

    Raises UserError where that takes longer than two minutes without an end.
    """
    progress = GroupProgress(target.kafka, target.topic("aggregator.sink"), target.topic(TOPIC))
    ends, limit, is_told = progress.end_offsets() or {}, time.monotonic() + _WAIT_SECONDS, False
    while True:
        committed = progress.committed_offsets() or {}
        lag = sum(max(0, end - committed.get(partition, 0)) for partition, end in ends.items())
        if not lag:
            return
        if time.monotonic() > limit:
            raise UserError(
                f"{lag} late files wait to be stored: only then can be told what was imported before; "
                "`quantrac status` says what aggregator.sink waits for"
            )
        if not is_told:
            say("waiting until what is on its way is stored")
            is_told = True
        time.sleep(_LOOK_SECONDS)


def send(
    files: Iterable[HistoryFile],
    *,
    topic: str,
    account: str,
    stored: StoredFiles,
    receipts: Receipts,
    producer: Producer,
    on_progress: Callable[[Sent], None] = lambda _: None,
) -> Sent:
    """Send what is not stored yet; returns once the broker has confirmed all of it.

    Raises ``DeliveryFailed`` where it does not.
    """
    sent = Sent()

    def records() -> Iterator[Record]:
        for file in files:
            identity = file_id(file.content)
            received_at = stored.receipt(file.station, identity)
            if received_at is not None:
                sent.stored += 1
                sent.note(file.station, identity, received_at)
                continue
            received_at = receipts.next(file.station)
            stored.add(file.station, identity, received_at)
            sent.files += 1
            sent.rows += file.rows
            sent.note(file.station, identity, received_at)
            yield record(topic, file, identity, account, received_at)

    batch: list[Record] = []
    for message in records():
        batch.append(message)
        if len(batch) == _TOGETHER:
            producer.produce(batch)
            batch = []
            on_progress(sent)
    producer.produce(batch)
    producer.flush()
    on_progress(sent)
    return sent


def record(topic: str, file: HistoryFile, identity: str, account: str, received_at: datetime) -> Record:
    """Return the ``raw-file`` message of a file of history."""
    headers = RawFileHeaders(
        file_id=identity,
        name=file.name,
        path=file.folder,
        account=account,
        transport=IMPORT,
        received_at=received_at,
        traceparent=traceparent(identity),
        station=file.station,
    )
    return Record(topic, file.station.encode(), file.content, headers.to_headers())
