"""Decides what a raw file becomes on parsed-reading: readings, rejects, its station. Opens no socket."""

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Sequence

from quantrac.domain.assignment import UNKNOWN_STATION, assignment_reject, match_stations
from quantrac.domain.parsing import parse_file
from quantrac.domain.readings import ReadingSet, Reject
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station
from quantrac.domain.rejects import TRUNCATED_FILE
from quantrac.domain.tables.part import is_part
from quantrac.domain.tables.reader import read_table
from quantrac.domain.transports import IMPORT
from quantrac.io.records import DeadLetter, Done, Record
from schemas.codecs.raw_file import RawFileHead, decode_head
from schemas.codecs.sets import encode_reading_set
from services.receiver.intake.handler import TRUNCATED
from services.receiver.parse.open_questions import OpenQuestions, is_open, subject_of
from services.receiver.parse.reject_log import RejectLog


class ParseHandler:
    """Reads raw files: one reading set a file, whatever the file holds."""

    def __init__(
        self,
        registry: Registry,
        topic: str,
        questions: OpenQuestions | None = None,
        reject_log: RejectLog | None = None,
    ) -> None:
        """With ``questions``, it also opens one for a file that the registry could not place.

        ``reject_log`` says how many lines were rejected.
        """
        self._registry, self._topic, self._questions = registry, topic, questions
        self._reject_log = reject_log or RejectLog()

    def handle(self, batch: Sequence[Record]) -> Done:
        """Return the reading set of every file; a message without proper headers is a dead letter."""
        records: list[Record] = []
        dead: list[DeadLetter] = []
        sets: list[ReadingSet] = []
        for record in batch:
            try:
                headers = decode_head(record.headers)
            except ValueError as error:  # pydantic's error and a bad UTF-8 sequence are both ValueErrors
                dead.append(DeadLetter(record, f"not the headers of a raw file: {error}"))
            else:
                reading_set = self.read(record, headers)
                if reading_set.rejects:
                    sets.append(reading_set)
                records += self.messages(record, headers, reading_set)
                if self._questions is not None and is_open(reading_set):
                    question = self._questions.open(
                        subject_of(headers), record.partition, headers.received_at
                    )
                    records += [question] if question else []
        self._reject_log.note(sets)
        return Done(records, dead)

    def messages(self, record: Record, headers: RawFileHead, reading_set: ReadingSet) -> list[Record]:
        """Return the messages that carry a file's reading set.

        A file that the intake could not assign may have been read as one without a station. Where it has one
        now, an empty set without a station takes the place of that reading.
        """
        trace_headers = {name: record.headers[name] for name in ("file_id", "traceparent")}
        key = reading_set.station.encode() or record.key
        messages = [Record(self._topic, key, encode_reading_set(reading_set), trace_headers)]
        if headers.station is None and reading_set.station:
            messages.append(
                Record(self._topic, record.key, encode_reading_set(_empty_set("", headers)), trace_headers)
            )
        return messages

    def read(self, record: Record, headers: RawFileHead | None = None) -> ReadingSet:
        """Read a raw file by what the registry says now about the time it was received."""
        headers = headers or decode_head(record.headers)
        content = record.value or b""
        stations = self._stations(headers)
        if len(stations) != 1:
            result = _empty_set(headers.station or "", headers)
            result.rejects.append(_assignment_reject(headers, stations))
            return result
        station = stations[0]
        result = _empty_set(station.code, headers)
        lines, half_line = _whole_lines(content, headers)
        # Only what was imported can be part of a table: no logger's bytes are taken for one.
        read = read_table if headers.transport == IMPORT and is_part(lines) else parse_file
        parsed = read(lines, headers.name, station, headers.received_at)
        result.format, result.readings, result.rejects = parsed.format, parsed.readings, parsed.rejects
        if half_line is not None:
            result.rejects.insert(0, Reject(0, half_line, TRUNCATED_FILE, _describe_cut(content)))
        return result

    def _stations(self, headers: RawFileHead) -> Sequence[Station]:
        """Return the file's station, or those that it may belong to."""
        if headers.station is not None:
            station = self._registry.station(headers.station, headers.received_at)
            return [station] if station else []
        sender = self._registry.accounts.get(headers.account)
        candidates = list(self._registry.stations_of(sender, headers.received_at)) if sender else []
        return match_stations(headers.name, candidates, headers.path)


def _empty_set(station: str, headers: RawFileHead) -> ReadingSet:
    return ReadingSet(
        station=station,
        file_id=headers.file_id,
        file_name=headers.name,
        account=headers.account,
        transport=headers.transport,
        received_at=headers.received_at,
        format="",
    )


def _whole_lines(content: bytes, headers: RawFileHead) -> tuple[bytes, str | None]:
    """Split a truncated file from its last line, which without its status would pass for a good one."""
    if TRUNCATED not in (headers.marks or "").split(","):
        return content, None
    end = content.rfind(b"\n") + 1
    end += end % 2 if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else 0
    return content[:end], content[end:].decode(errors="replace")[:500]


def _describe_cut(content: bytes) -> str:
    return f"The transfer was cut after {len(content)} bytes; the line it broke in is not read."


def _assignment_reject(headers: RawFileHead, candidates: Sequence[Station]) -> Reject:
    if headers.station is not None:
        detail = f"Station {headers.station} was not in the registry when the file was received."
        return Reject(0, "", UNKNOWN_STATION, detail)
    return assignment_reject(headers.name, candidates, f"of account {headers.account}")
