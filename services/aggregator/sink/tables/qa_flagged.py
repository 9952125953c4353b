"""Topic ``qa-flagged``: a flagged set becomes readings, what they replace, a file and its rejects.

Published once they are stored: the hours that they make dirty, and in a province the spans to judge again.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import attrgetter

from quantrac.domain.readings import FlaggedSet, Provisional
from quantrac.domain.times import HOUR, to_whole_seconds
from quantrac.io.records import Record
from schemas.codecs.rejudge import encode_rejudge
from schemas.codecs.sets import decode_flagged_set
from schemas.codecs.window_dirty import encode_parameters
from services.aggregator.sink.tables.files import file_columns, reject_columns
from services.aggregator.sink.tables.readings import reading_columns
from services.aggregator.sink.tables.replaced_readings import revision_columns, versions_over
from services.aggregator.sink.tables.stored_readings import may_replace, read_stored
from services.aggregator.sink.tables.topic_tables import Columns, Database, TopicTables


def qa_flagged_tables(*, dirty: str, rejudge: str | None) -> TopicTables[FlaggedSet]:
    """Return how the topic is stored.

    ``dirty`` and ``rejudge`` are the topics written to; without the latter nothing is judged again.
    """

    def messages(sets: Sequence[FlaggedSet]) -> Iterator[Record]:
        return chain(_dirty_messages(sets, dirty), _rejudge_messages(sets, rejudge) if rejudge else ())

    return TopicTables(_decode, _columns, messages)


def _decode(record: Record) -> FlaggedSet:
    return decode_flagged_set(record.value or b"")


def _columns(sets: Sequence[FlaggedSet], database: Database) -> Mapping[str, Columns]:
    replacing = [s for s in sets if may_replace(s)]
    stored = list(read_stored(database, replacing))
    # What is replaced may have come in this very batch, as a first judgement like any other.
    stations = {s.station for s in replacing}
    affected = {index: s for index, s in enumerate(sets) if s.station in stations}
    versions = versions_over(affected, stored)
    first = [s for s in sets if not s.revision]
    # A reading that is stored has its file, and what it replaced: these are written before it.
    return {
        "files": file_columns(first),
        "rejects": reject_columns(first),
        "reading_revisions": revision_columns(affected, versions, stored),
        "readings": reading_columns(sets, versions),
    }


def _dirty_messages(sets: Sequence[FlaggedSet], topic: str) -> Iterator[Record]:
    for station, parameters in collect_hours(sets).items():
        yield Record(topic, station.encode(), encode_parameters(station, parameters))


def collect_hours(sets: Sequence[FlaggedSet]) -> dict[str, dict[int, set[str]]]:
    """Return station -> start of hour in seconds since 1970 -> the parameters that have readings in it."""
    hours_by_station: dict[str, dict[int, set[str]]] = {}
    for s in sets:
        if s.station and s.readings:
            hours = hours_by_station.setdefault(s.station, {})
            times = s.readings.measured_at
            if times[0] is times[-1] and times.count(times[0]) == len(times):  # nearly always
                hours.setdefault(_hour(times[0]), set()).update(s.readings.parameter)
            else:
                for parameter, time in zip(s.readings.parameter, times, strict=True):
                    hours.setdefault(_hour(time), set()).add(parameter)
    return hours_by_station


def _hour(time: datetime) -> int:
    return to_whole_seconds(time) // HOUR * HOUR


def _rejudge_messages(sets: Sequence[FlaggedSet], topic: str) -> Iterator[Record]:
    spans: dict[str, list[Provisional]] = defaultdict(list)
    for s in sets:
        if s.station and s.provisional is not None:
            spans[s.station].append(s.provisional)
    for station in sorted(spans):
        for span in join_spans(spans[station]):
            yield Record(topic, station.encode(), encode_rejudge(station, span))


def join_spans(spans: Sequence[Provisional]) -> list[Provisional]:
    """Join spans of one station that overlap or touch, in order; a joined one has all causes of its parts."""
    joined: list[Provisional] = []
    for span in sorted(spans, key=attrgetter("start")):
        last = joined[-1] if joined else None
        if last is None or last.end < span.start:
            joined.append(span)
        else:
            causes = sorted({*last.causes, *span.causes})
            joined[-1] = Provisional(last.start, max(last.end, span.end), causes)
    return joined
