"""Decides, and touches no socket: what an upload becomes on raw-file, and a raw file on parsed-reading."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from quantrac.domain.assignment import assign_station
from quantrac.domain.ids import traceparent
from quantrac.domain.parsing import parse_file
from quantrac.domain.readings import ReadingSet, Reject
from quantrac.domain.stations import Account, Registry
from quantrac.io.records import DeadLetter, Done, Record
from schemas.codec import encode
from schemas.messages.raw_file import RawFileHeaders

UNKNOWN_STATION = "unknown-station"
"""Reason of a reject that stands for a whole file (line 0)."""


class RisingClock:
    """Times of receipt: UTC in whole milliseconds, each one later than the one before in this process.

    Together with the station, such a time names one file, and it is the version of the file's readings.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock, self._last = clock, 0
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        """Return the next time of receipt."""
        with self._lock:
            self._last = max(int(self._clock().timestamp() * 1000), self._last + 1)
            return datetime.fromtimestamp(self._last / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as an account sent it."""

    account: Account
    path: str
    """Folder below the account's root, as sent."""
    name: str
    content: bytes
    transport: str
    """``ftp`` or ``http``."""


class IntakeHandler:
    """Decides which station a file belongs to and what is known about it."""

    def __init__(self, registry: Registry, topic: str) -> None:
        self._registry, self._topic = registry, topic

    def record(self, upload: Upload, file_id: str, received_at: datetime) -> Record:
        """Return the ``raw-file`` message; raises ``ValueError`` for a file name that cannot be kept."""
        stations = list(self._registry.stations_of(upload.account, received_at))
        station = assign_station(upload.name, stations)
        try:
            headers = RawFileHeaders(
                file_id=file_id,
                name=upload.name,
                path=upload.path,
                account=upload.account.name,
                transport=upload.transport,
                received_at=received_at,
                traceparent=traceparent(file_id),
                station=station.code if station else None,
            ).to_headers()
        except (ValidationError, UnicodeEncodeError) as error:
            raise ValueError(f"the file name {upload.name!r:.80} cannot be kept") from error
        key = station.code if station else upload.account.name
        return Record(self._topic, key.encode(), upload.content, headers)


class ParseHandler:
    """Reads raw files: one reading set a file, whatever the file holds."""

    def __init__(self, registry: Registry, topic: str) -> None:
        self._registry, self._topic = registry, topic

    def handle(self, batch: Sequence[Record]) -> Done:
        """Give every file its reading set; a message without proper headers is a dead letter."""
        records: list[Record] = []
        dead: list[DeadLetter] = []
        for record in batch:
            try:
                headers = RawFileHeaders.from_headers(record.headers)
            except ValueError as error:  # pydantic's error and a bad UTF-8 sequence are both ValueErrors
                dead.append(DeadLetter(record, f"not the headers of a raw file: {error}"))
            else:
                records.append(self._parsed(record, headers))
        return Done(records, dead)

    def _parsed(self, record: Record, headers: RawFileHeaders) -> Record:
        carried = {name: record.headers[name] for name in ("file_id", "traceparent")}
        return Record(
            self._topic, record.key, encode(self._reading_set(record.value or b"", headers)), carried
        )

    def _reading_set(self, content: bytes, headers: RawFileHeaders) -> ReadingSet:
        result = ReadingSet(
            station=headers.station or "",
            file_id=headers.file_id,
            file_name=headers.name,
            account=headers.account,
            transport=headers.transport,
            received_at=headers.received_at,
            format="",
        )
        station = self._registry.station(result.station, headers.received_at)
        if station is None:
            result.rejects.append(Reject(0, "", UNKNOWN_STATION, _unknown_station(headers)))
            return result
        parsed = parse_file(content, headers.name, station, headers.received_at)
        result.format, result.readings, result.rejects = parsed.format, parsed.readings, parsed.rejects
        return result


def _unknown_station(headers: RawFileHeaders) -> str:
    if headers.station is None:
        return f'The file name "{headers.name}" belongs to no station of account {headers.account}.'
    return f"Station {headers.station} was not in the registry when the file was received."
