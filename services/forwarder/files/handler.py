"""Decides which files the messages of a batch become, and puts them into the outbox. Opens no socket.

As in the circular there is one file for a station and a time. Several messages may be about it: one for each
file that the station sent of that time, corrections, revisions. Of each parameter the highest version
counts, so that the file is the same in whatever order, and however often, they come.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

from quantrac.domain.ids import reading_version
from quantrac.domain.parsing import DEFAULT_ZONE, name_time
from quantrac.domain.qa.shared_rules import has_wrong_clock
from quantrac.domain.readings import FlaggedReading, FlaggedSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.station_files import day_folder, file_name, write_file, write_line
from quantrac.domain.statuses import NOT_COUNTING_STATUSES
from quantrac.domain.times import to_seconds
from quantrac.domain.transports import IMPORT
from quantrac.io.outbox import Outbox, OutboxUnavailable
from quantrac.io.outbox_files import OutboxFile
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codecs.decoding import BadMessage
from schemas.codecs.raw_file import decode_head
from schemas.codecs.sets import decode_flagged_set

log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Selection:
    """What is sent of the stations' data."""

    flags: Collection[int]
    """Readings with one of these, beside those whose status says that they count for nothing."""
    since: datetime
    """UTC; nothing measured before is sent."""
    stations: Collection[str] = ()
    """Codes; none = all."""
    own_bytes: Collection[str] = ()
    """Codes of the stations whose own files are sent as they came."""

    def has(self, station: str) -> bool:
        """Tell whether anything is sent of a station."""
        return bool(station) and (not self.stations or station in self.stations)

    def takes(self, reading: FlaggedReading) -> bool:
        """Tell whether a reading is sent."""
        return reading.status in NOT_COUNTING_STATUSES or reading.flag in self.flags


class FileLine(msgspec.Struct, frozen=True, array_like=True):
    """What the outbox remembers of one parameter of a file."""

    version: int
    """Of the reading (:func:`quantrac.domain.ids.reading_version`)."""
    number: int
    """Of the line in the station's own file."""
    text: str
    """The line without its end; empty where the reading is not sent."""


_WHOLE_FILE = ""
"""In place of a parameter, where the station's own bytes are the file."""
_encode_lines = msgspec.json.Encoder().encode
_decode_lines = msgspec.json.Decoder(dict[str, FileLine]).decode


class FilesHandler:
    """Puts the files of ``qa-flagged``, and of raw files where own bytes are sent, into the outbox."""

    def __init__(
        self, outbox: Outbox, registry: Registry, selection: Selection, *, flagged_topic: str
    ) -> None:
        self._outbox, self._registry, self._selection = outbox, registry, selection
        self._flagged_topic = flagged_topic
        self._partial: list[str] = []
        """Names of files of which a message of this batch has a part only."""

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Put a batch in as one step; see :class:`quantrac.io.records.Handler`."""
        dead: list[DeadLetter] = []
        self._partial.clear()
        try:
            with self._outbox.transaction():
                for record in batch:
                    try:
                        self._put(record)
                    except (BadMessage, ValueError) as error:
                        dead.append(DeadLetter(record, f"no file can be made of it: {error}"))
        except OutboxUnavailable as error:
            return NotNow(f"the outbox cannot be written: {error}", _RETRY_SECONDS)
        if self._partial:
            log.warning(
                "%d revisions are not sent, of files that the outbox no longer holds, such as %s",
                len(self._partial),
                self._partial[0],
            )
        return Done(dead=dead)

    def _put(self, record: Record) -> None:
        if record.topic == self._flagged_topic:
            flagged = decode_flagged_set(record.value or b"")
            if self._selection.has(flagged.station) and not flagged.is_imported:
                self._put_readings(flagged)
        else:
            self._put_own_bytes(record)

    def _put_readings(self, flagged: FlaggedSet) -> None:
        if flagged.station in self._selection.own_bytes:
            return
        zone = self._zone(flagged.station)
        version = reading_version(flagged.received_at, flagged.revision)
        received = to_seconds(flagged.received_at)
        files: defaultdict[datetime, dict[str, FileLine]] = defaultdict(dict)
        for reading in flagged.readings:
            at = reading.measured_at
            if at >= self._selection.since and not has_wrong_clock(to_seconds(at), received):
                text = self._write_line(flagged, reading, zone)
                files[at][reading.parameter] = FileLine(version, reading.line, text)
        for at, lines in files.items():
            self._merge(flagged, at, lines, zone)

    def _write_line(self, flagged: FlaggedSet, reading: FlaggedReading, zone: ZoneInfo) -> str:
        if not self._selection.takes(reading):
            return ""
        try:
            return write_line(reading, zone)
        except ValueError as error:
            log.error("%s of %s is not sent: %s", flagged.file_name, flagged.station, error)
            return ""

    def _merge(
        self, flagged: FlaggedSet, measured_at: datetime, lines: dict[str, FileLine], zone: ZoneInfo
    ) -> None:
        name = file_name(flagged.station, measured_at, zone)
        origin = self._outbox.find(flagged.station, name)
        if origin is None and flagged.revision:
            # It has only what changed: the rest would be missing at the target, which still has all of it.
            self._partial.append(name)
            return
        merged = _decode_lines(origin) if origin else {}
        for parameter, line in lines.items():
            if parameter not in merged or merged[parameter].version < line.version:
                merged[parameter] = line
        ordered = sorted(merged.items(), key=lambda item: (item[1].number, item[0]))
        self._outbox.put(
            OutboxFile(
                group=flagged.station,
                name=name,
                folder=day_folder(flagged.station, measured_at, zone),
                time=measured_at,
                content=write_file(line.text for _, line in ordered if line.text),
                origin=_encode_lines(dict(ordered)),
            )
        )

    def _put_own_bytes(self, record: Record) -> None:
        head = decode_head(record.headers)
        station = head.station or ""
        if station not in self._selection.own_bytes or head.transport == IMPORT:
            return
        zone = self._zone(station)
        at = name_time(head.name, zone) or head.received_at.replace(microsecond=0)
        if at < self._selection.since:
            return
        version = reading_version(head.received_at)
        origin = self._outbox.find(station, head.name)
        earlier = _decode_lines(origin).get(_WHOLE_FILE) if origin else None
        if earlier is not None and earlier.version >= version:
            return
        self._outbox.put(
            OutboxFile(
                group=station,
                name=head.name,
                folder=day_folder(station, at, zone),
                time=at,
                content=record.value or b"",
                origin=_encode_lines({_WHOLE_FILE: FileLine(version, 0, "")}),
            )
        )

    def _zone(self, code: str) -> ZoneInfo:
        station = self._registry.stations.get(code)
        return _zone(station.timezone) if station else DEFAULT_ZONE


@lru_cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
