"""Which stored readings a new record of a station judges otherwise than the one before."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from quantrac.domain.qa.thresholds.rule_book import registry_thresholds
from quantrac.domain.stations import Station, Valid

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
    ends = {at for each in dated for at in (each.valid_from, each.valid_to) if at is not None}
    since, until = now - HORIZON, now + AHEAD
    cuts = {since, until, *(at for at in ends if since < at < until)}
    found = _differing(before, after, _facts, cuts)
    windows = {at for each in (*before.maintenance, *after.maintenance) for at in (each.start, each.end)}
    found += _differing(before, after, _maintenance, windows)
    return sorted(span for span in found if span[0] <= now)


def _facts(station: Station, at: datetime) -> object:
    """What the registry tells the tests at a time; position for the neighbours."""
    if not station.valid_at(at):
        return None
    codes = [entry.code for entry in station.parameters]
    entries = {code: registry_thresholds(station.parameter(code, at)) for code in codes}
    return (
        station.type,
        station.interval_seconds,
        (station.latitude, station.longitude),
        {code: thresholds for code, thresholds in entries.items() if thresholds},
    )


def _maintenance(station: Station, at: datetime) -> Sequence[object]:
    """What is decided beforehand at a time; the last one counts."""
    return [(each.parameters, each.flag) for each in station.maintenance if each.start <= at < each.end]


def _differing(
    before: Station, after: Station, told: Callable[[Station, datetime], object], cuts: Iterable[datetime]
) -> list[Span]:
    """Spans in which two stations are told apart; between two cuts nothing changes."""
    found: list[Span] = []
    for start, end in pairwise(sorted(cuts)):
        if told(before, start) == told(after, start):
            continue
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
