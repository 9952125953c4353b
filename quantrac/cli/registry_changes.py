"""Which stored readings a new record of a station judges otherwise than the one before."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from quantrac.domain.qa.thresholds.rule_book import registry_thresholds
from quantrac.domain.registry.stations import Station
from quantrac.domain.registry.validity import Valid

Span: TypeAlias = tuple[datetime, datetime]
"""Start, inclusive, and end, exclusive, by the time of measurement, UTC."""

HORIZON = timedelta(days=60)
"""How far back a corrected unit, range or interval is followed; what lies before is a replay's work."""
AHEAD = timedelta(days=1)
"""Readings may be stamped so much ahead of the clock and still have a past."""


def changed_spans(before: Station, after: Station, now: datetime) -> list[Span]:
    """Return the spans in which the two records of a station lead to different flags, in order.

    Maintenance counts however old it is, everything else for the last 60 days; ``now`` is UTC. What begins
    later than now is left out: readings that are still to come are judged by the new record.
    """
    dated: list[Valid] = [before, after, *before.parameters, *after.parameters]
    ends = {time for entry in dated for time in (entry.valid_from, entry.valid_to) if time is not None}
    since, until = now - HORIZON, now + AHEAD
    cuts = {since, until, *(time for time in ends if since < time < until)}
    spans = _differing(before, after, _facts, cuts)
    windows = {
        time for entry in (*before.maintenance, *after.maintenance) for time in (entry.start, entry.end)
    }
    spans += _differing(before, after, _maintenance, windows)
    return sorted(span for span in spans if span[0] <= now)


def _facts(station: Station, time: datetime) -> object:
    """What the registry tells the tests at a time; position for the neighbours."""
    if not station.valid_at(time):
        return None
    entries = {p.code: registry_thresholds(station.parameter(p.code, time)) for p in station.parameters}
    return (
        station.type,
        station.interval_seconds,
        (station.latitude, station.longitude),
        {code: thresholds for code, thresholds in entries.items() if thresholds},
    )


def _maintenance(station: Station, time: datetime) -> Sequence[object]:
    """What is decided beforehand at a time; the last one counts."""
    return [(d.parameters, d.flag) for d in station.maintenance if d.start <= time < d.end]


def _differing(
    before: Station, after: Station, facts: Callable[[Station, datetime], object], cuts: Iterable[datetime]
) -> list[Span]:
    """Spans in which two stations are told apart; between two cuts nothing changes."""
    spans: list[Span] = []
    for start, end in pairwise(sorted(cuts)):
        if facts(before, start) == facts(after, start):
            continue
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans
