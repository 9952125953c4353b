"""Which stored readings a new record of a station judges, or averages, otherwise than the one before."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import TypeAlias

from quantrac.domain.bounds import MEASURED
from quantrac.domain.qa.thresholds.rule_book import registry_thresholds
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.stations import Station
from quantrac.domain.registry.validity import Valid, change_times
from quantrac.domain.times import DAY_DELTA

Span: TypeAlias = tuple[datetime, datetime]
"""Start, inclusive, and end, exclusive, by the time of measurement, UTC."""

HORIZON = timedelta(days=60)
"""How far back a corrected unit, range or interval is followed; what lies before is a replay's work."""
AHEAD = timedelta(days=1)
"""Readings may be stamped so much ahead of the clock and still have a past."""
MOST_JUDGED = 100_000
"""Stored readings that are judged to count flags; of more the newest. 255,000 took 9 s of a core."""


def changed_spans(before: Station, after: Station, now: datetime) -> list[Span]:
    """Return the spans of measurement in which two records of a station lead to different flags, in order.

    Maintenance counts however old it is, everything else for the last 60 days; ``now`` is UTC. What begins
    later than now is left out: readings that are still to come are judged by the new record. Parameters that
    are withdrawn have :func:`withdrawn_spans`.
    """
    dated = [before, after, *before.parameters, *after.parameters, *_clock(before), *_clock(after)]
    steps = before.all_intervals.step_changes() | after.all_intervals.step_changes()
    spans = _differing(before, after, _facts, _cuts(dated, now - HORIZON, now + AHEAD, steps))
    spans += _differing(before, after, _maintenance, _ends(*before.maintenance, *after.maintenance))
    return join_spans(span for span in spans if span[0] <= now)


def withdrawn_spans(before: Station, after: Station) -> list[tuple[str, Span]]:
    """Return for each parameter the spans of measurement in which one record of a station alone withdraws it.

    They count however old they are: of one without dates all that a station can have measured.
    """
    decisions = (*before.withdrawn, *after.withdrawn)
    return [
        (code, span)
        for code in dict.fromkeys(code for decision in decisions for code in decision.parameters)
        for span in _differing(before, after, partial(_is_withdrawn, code), _ends(*decisions))
    ]


def join_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that overlap or touch as one."""
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return joined


def spans_to_average(before: Station, after: Station, now: datetime) -> list[Span]:
    """Return the spans of measurement whose averages the two records lead to differ in, in order.

    By the interval, which says how many readings are expected, by what stamps mean, which says in which
    hour each counts, or by which parameters are counters: with a day on both sides, which readings may have
    come from or have gone to. ``now`` is UTC.
    """
    cuts = _cuts([*_clock(before), *_clock(after)], MEASURED.first, now + AHEAD)
    spans = [span for span in _differing(before, after, _averaging, cuts) if span[0] <= now]
    return [(max(start - DAY_DELTA, MEASURED.first), end + DAY_DELTA) for start, end in spans]


def _clock(station: Station) -> list[Valid]:
    counters = (entry for entry in station.parameters if entry.counter)
    return [*station.intervals, *station.stamps, *counters]


def _cuts(
    dated: Iterable[Valid], since: datetime, until: datetime, times: Iterable[datetime] = ()
) -> set[datetime]:
    """Return both ends, and the times between them at which an entry begins or ends, or of ``times``."""
    changes = change_times(dated) | {*times}
    return {since, until, *(time for time in changes if since < time < until)}


def _averaging(station: Station, time: datetime) -> object:
    """What the registry tells averages at a time."""
    return station.interval_at(time), _mean_span(station, time), _counters(station, time)


def _counters(station: Station, time: datetime) -> object:
    """Which parameters are counters at a time."""
    return {entry.code for entry in station.parameters if entry.counter and entry.valid_at(time)}


def _mean_span(station: Station, time: datetime) -> object:
    """How far from a stamp at a time what was averaged lies."""
    return tuple(at - time for at in station.mean_span(time))


def _facts(station: Station, time: datetime) -> object:
    """What the registry tells the tests at a time; position for the neighbours."""
    if not station.valid_at(time):
        return None
    entries = {p.code: registry_thresholds(station.parameter(p.code, time)) for p in station.parameters}
    return (
        station.type,
        station.all_intervals.step_at(time),
        _mean_span(station, time),
        (station.latitude, station.longitude),
        {code: thresholds for code, thresholds in entries.items() if thresholds},
        _counters(station, time),
    )


def _maintenance(station: Station, time: datetime) -> Sequence[object]:
    """What is decided beforehand at a time; the last one counts."""
    return [(d.parameters, d.flag) for d in station.maintenance if d.start <= time < d.end]


def _is_withdrawn(code: str, station: Station, time: datetime) -> bool:
    return any(decision.covers(code, time) for decision in station.withdrawn)


def _ends(*decisions: Decision) -> set[datetime]:
    return {time for decision in decisions for time in (decision.start, decision.end)}


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
