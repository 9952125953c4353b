"""Topic ``qa-flagged``: a flagged set becomes readings, what they replace, a file and its rejects.

Published once they are stored: the hours that they make dirty, and in a province the spans to judge again.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain

from quantrac.domain.times import hour_start
from quantrac.io.records import Record
from schemas.codec import StoredSet, decode_stored_set
from schemas.messages.rejudge import RejudgeRequest, merged
from schemas.window_codec import encode_window_dirty
from services.aggregator.sink.tables.files import file_columns, reject_columns
from services.aggregator.sink.tables.readings import reading_columns, revision_columns
from services.aggregator.sink.tables.stored_readings import may_replace, read_stored
from services.aggregator.sink.tables.topic_tables import Columns, Database, TopicTables


def qa_flagged_tables(*, dirty: str, rejudge: str | None) -> TopicTables[StoredSet]:
    """Return how the topic is stored.

    ``dirty`` and ``rejudge`` are the topics written to; without the latter nothing is judged again.
    """

    def messages(sets: Sequence[StoredSet]) -> Iterator[Record]:
        return chain(_dirty_messages(sets, dirty), _rejudge_messages(sets, rejudge) if rejudge else ())

    return TopicTables(_decode, _columns, messages)


def _decode(record: Record) -> StoredSet:
    return decode_stored_set(record.value or b"")


def _columns(sets: Sequence[StoredSet], database: Database) -> Mapping[str, Columns]:
    replacing = [s for s in sets if may_replace(s)]
    stored = list(read_stored(database, replacing))
    # What is replaced may have come in this very batch, as a first judgement like any other.
    stations = {s.station for s in replacing}
    first = [s for s in sets if not s.revision]
    # A reading that is stored has its file, and what it replaced: these are written before it.
    return {
        "files": file_columns(first),
        "rejects": reject_columns(first),
        "reading_revisions": revision_columns(stored, [s for s in sets if s.station in stations]),
        "readings": reading_columns(sets, stored),
    }


def _dirty_messages(sets: Sequence[StoredSet], topic: str) -> Iterator[Record]:
    for station, hours in collect_hours(sets).items():
        yield Record(topic, station.encode(), encode_window_dirty(station, hours))


def _rejudge_messages(sets: Sequence[StoredSet], topic: str) -> Iterator[Record]:
    requests = [
        RejudgeRequest(station=s.station, start=span.start, end=span.end, causes=list(span.causes))
        for s in sets
        if s.station and (span := s.provisional)
    ]
    for request in merged(requests):
        yield Record(topic, request.station.encode(), request.model_dump_json().encode())


def collect_hours(sets: Sequence[StoredSet]) -> dict[str, set[tuple[str, datetime]]]:
    """Return station -> the (parameter, start of hour) pairs that the readings fall into."""
    hours_by_station: dict[str, set[tuple[str, datetime]]] = {}
    for s in sets:
        if s.station and s.readings:
            hours = hours_by_station.setdefault(s.station, set())
            measured_at = None
            for r in s.readings:
                if r.measured_at != measured_at:  # nearly always one time a file
                    measured_at, hour = r.measured_at, hour_start(r.measured_at)
                hours.add((r.parameter, hour))
    return hours_by_station
