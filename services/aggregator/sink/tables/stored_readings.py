"""What is stored of the readings that a batch may replace."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from quantrac.domain.bounds import UINT32
from quantrac.domain.qa.shared_rules import has_wrong_clock
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.times import to_whole_seconds
from services.aggregator.sink.tables.readings import READING, Row
from services.aggregator.sink.tables.topic_tables import Database

# The times stand in the statement's text, 11 bytes each; ClickHouse reads 256 KiB of one.
_TIMES_A_QUERY = 10_000

# Their codes travel in the URL, which servers limit (16 KiB is the smallest in use).
_STATIONS_A_QUERY = 200

# Pairs of a station and a time that one query may look at, to those that are required.
_MOST_IN_VAIN = 1.5

_STORED = f"""
SELECT {", ".join(READING)}
FROM readings FINAL
WHERE station IN {{stations:Array(String)}} AND measured_at IN (%s)
"""  # noqa: S608  # names and numbers of our own


def may_replace(s: FlaggedSet) -> bool:
    """Tell whether rows may be stored already for the readings of a set.

    They came late, what came before was not remembered, they were judged again, or a wrong clock stamped
    them: such readings are in nobody's past, so the judge does not notice that one comes a second time.
    """
    unsure = s.provisional is not None and not {"late", "memory"}.isdisjoint(s.provisional.causes)
    return bool(s.station) and (unsure or s.revision > 0 or _has_wrong_clock(s))


def _has_wrong_clock(s: FlaggedSet) -> bool:
    times, received = s.readings.measured_at, s.received_at.timestamp()
    # The same time in most sets, so that the ends say all.
    return bool(times) and any(has_wrong_clock(end.timestamp(), received) for end in {min(times), max(times)})


def read_stored(database: Database, sets: Sequence[FlaggedSet]) -> Iterator[Row]:
    """Yield what is stored for the stations and times of ``sets``, and for some more of both."""
    times: dict[str, set[int]] = defaultdict(set)
    for s in sets:
        # What a column cannot hold is not stored either; the insert refuses it with its reason.
        times[s.station] |= {t for t in map(to_whole_seconds, s.readings.measured_at) if 0 <= t <= UINT32}
    for stations, union in group_stations(times):
        ordered = sorted(union)
        for start in range(0, len(ordered), _TIMES_A_QUERY):
            part = ",".join(map(str, ordered[start : start + _TIMES_A_QUERY]))
            yield from map(tuple, database.query(_STORED % part, {"stations": stations}).rows)


def group_stations(times: Mapping[str, Collection[int]]) -> Iterator[tuple[list[str], set[int]]]:
    """Group stations that have nearly the same times, so that one query answers for many.

    Yields the stations of a group and all their times. A query for each of 2,000 stations took longer than
    everything else of a batch.
    """
    stations: list[str] = []
    union: set[int] = set()
    required = 0
    for station in sorted(times, key=lambda code: (min(times[code], default=0), code)):
        grown = union | set(times[station])
        pairs = (len(stations) + 1) * len(grown)
        if stations and (
            len(stations) == _STATIONS_A_QUERY or pairs > _MOST_IN_VAIN * (required + len(times[station]))
        ):
            yield stations, union
            stations, grown, required = [], set(times[station]), 0
        stations.append(station)
        union = grown
        required += len(times[station])
    if stations:
        yield stations, union
