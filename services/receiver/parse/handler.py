"""Decides, and touches no socket: what an upload becomes on raw-file, and a raw file on parsed-reading."""

import threading
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from quantrac.domain.assignment import (
    AMBIGUOUS_STATION,
    UNKNOWN_STATION,
    assign_station,
    match_stations,
)
from quantrac.domain.file_names import check_file_name, check_folder
from quantrac.domain.ids import traceparent
from quantrac.domain.parsing import DEFAULT_ZONE, file_time, parse_file
from quantrac.domain.readings import ReadingSet, Reject
from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station
from quantrac.io.records import DeadLetter, Done, Record
from schemas.codec import encode
from schemas.messages.raw_file import RawFileHeaders
from services.receiver.parse.open_questions import Questions, is_open, subject

TRUNCATED_FILE = "truncated-file"
"""Reason of a reject (line 0) beside whatever could be read of a file whose end never came."""

TRUNCATED = "truncated"
"""Mark of a file whose transfer was cut and never resumed."""
NOT_RENAMED = "not-renamed"
"""Mark of a whole file whose sender never gave it its final name."""


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
    """``ftp``, ``http``, ..."""
    marks: tuple[str, ...] = ()
    """What is known about the way it came: :data:`TRUNCATED`, :data:`NOT_RENAMED`."""


class IntakeHandler:
    """Decides which station a file belongs to and what is known about it."""

    def __init__(
        self,
        registry: Registry,
        topic: str,
        *,
        backlog: str = "",
        late_after: timedelta = timedelta(hours=6),
    ) -> None:
        """Files measured longer ago than ``late_after`` go to the topic ``backlog``, where there is one."""
        self._registry, self._topic = registry, topic
        self._backlog, self._late_after = backlog, late_after

    def record(self, upload: Upload, file_id: str, received_at: datetime) -> Record:
        """Return the ``raw-file`` message; raises ``ValueError`` for a file name that cannot be kept."""
        check_file_name(upload.name)
        check_folder(upload.path)
        stations = list(self._registry.stations_of(upload.account, received_at))
        station = assign_station(upload.name, stations, upload.path)
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
                marks=",".join(upload.marks) or None,
            ).to_headers()
        except (ValidationError, UnicodeEncodeError) as error:
            raise ValueError(f"the file name {upload.name!r:.80} cannot be kept") from error
        key = station.code if station else upload.account.name
        return Record(self._lane(upload, station, received_at), key.encode(), upload.content, headers)

    def _lane(self, upload: Upload, station: Station | None, received_at: datetime) -> str:
        if not self._backlog:
            return self._topic
        zone = ZoneInfo(station.timezone) if station else DEFAULT_ZONE
        measured_at = file_time(upload.name, upload.content, zone)
        is_late = measured_at is not None and received_at - measured_at > self._late_after
        return self._backlog if is_late else self._topic


class ParseHandler:
    """Reads raw files: one reading set a file, whatever the file holds."""

    def __init__(self, registry: Registry, topic: str, questions: Questions | None = None) -> None:
        """Given ``questions``, it also asks what the registry could not place."""
        self._registry, self._topic, self._questions = registry, topic, questions

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
                reading_set = self.read(record, headers)
                records += self.messages(record, headers, reading_set)
                if self._questions is not None and is_open(reading_set):
                    asked = self._questions.ask(subject(headers), record.partition, headers.received_at)
                    records += [asked] if asked else []
        return Done(records, dead)

    def messages(self, record: Record, headers: RawFileHeaders, reading_set: ReadingSet) -> list[Record]:
        """Return what tells of a file's reading.

        A file that the intake could not assign may have been read as one without a station. Where it has one
        now, an empty set without a station takes the place of that reading.
        """
        carried = {name: record.headers[name] for name in ("file_id", "traceparent")}
        key = reading_set.station.encode() or record.key
        told = [Record(self._topic, key, encode(reading_set), carried)]
        if headers.station is None and reading_set.station:
            told.append(Record(self._topic, record.key, encode(_unread("", headers)), carried))
        return told

    def read(self, record: Record, headers: RawFileHeaders | None = None) -> ReadingSet:
        """Read a raw file by what the registry says now about the time it was received."""
        headers = headers or RawFileHeaders.from_headers(record.headers)
        content = record.value or b""
        stations = self._stations(headers)
        if len(stations) != 1:
            result = _unread(headers.station or "", headers)
            result.rejects.append(_unassigned(headers, stations))
            return result
        station = stations[0]
        result = _unread(station.code, headers)
        whole, half_line = _whole_lines(content, headers)
        parsed = parse_file(whole, headers.name, station, headers.received_at)
        result.format, result.readings, result.rejects = parsed.format, parsed.readings, parsed.rejects
        if half_line is not None:
            result.rejects.insert(0, Reject(0, half_line, TRUNCATED_FILE, _truncated(content)))
        return result

    def _stations(self, headers: RawFileHeaders) -> Sequence[Station]:
        """Return the file's station, or those that it may belong to."""
        if headers.station is not None:
            known = self._registry.station(headers.station, headers.received_at)
            return [known] if known else []
        sender = self._registry.accounts.get(headers.account)
        allowed = list(self._registry.stations_of(sender, headers.received_at)) if sender else []
        return match_stations(headers.name, allowed, headers.path)


def _unread(station: str, headers: RawFileHeaders) -> ReadingSet:
    return ReadingSet(
        station=station,
        file_id=headers.file_id,
        file_name=headers.name,
        account=headers.account,
        transport=headers.transport,
        received_at=headers.received_at,
        format="",
    )


def _whole_lines(content: bytes, headers: RawFileHeaders) -> tuple[bytes, str | None]:
    """Part a truncated file from its last line; cut before its status, that line would read as a good one."""
    if TRUNCATED not in (headers.marks or "").split(","):
        return content, None
    end = content.rfind(b"\n") + 1
    end += end % 2 if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else 0
    return content[:end], content[end:].decode(errors="replace")[:500]


def _truncated(content: bytes) -> str:
    return f"The transfer was cut after {len(content)} bytes; the line it broke in is not read."


def _unassigned(headers: RawFileHeaders, candidates: Sequence[Station]) -> Reject:
    if candidates:
        codes = ", ".join(station.code for station in candidates)
        return Reject(0, "", AMBIGUOUS_STATION, f'The file name "{headers.name}" fits several: {codes}.')
    return Reject(0, "", UNKNOWN_STATION, _unknown_station(headers))


def _unknown_station(headers: RawFileHeaders) -> str:
    if headers.station is None:
        return f'The file name "{headers.name}" belongs to no station of account {headers.account}.'
    return f"Station {headers.station} was not in the registry when the file was received."
