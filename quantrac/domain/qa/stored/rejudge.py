"""Rejudging: what becomes of a request to judge stored readings again. Recompute, never patch.

A request names a span of one station. Two things follow from it:

1. *Updating the baseline*. The finished blocks of the span are summed up anew. A block is finished when the
station has a
   reading of a later one. Where statistics changed, the limits of later blocks may have: those blocks join
   the span, and the limits of the current and the next block are published.
2. *Revising*. The span is judged from what is stored, and readings whose flag differs from the stored one
   become revisions of their file.

The order in which the answer leaves keeps it whole through a crash: revisions and limits first, changed
statistics last. As long as the statistics are not stored, the same request gives the same answer again.

An hour that neighbours may see otherwise than before (it ended, or late data changed it) is rejudged at the
neighbours too; they do not pass it on. Readings beyond the newest one of a right clock are judged by
themselves when they come, and not again. Times are seconds since 1970 UTC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from quantrac.domain.qa.baseline import blocks
from quantrac.domain.qa.baseline.blocks import (
    BLOCK,
    BLOCKS,
    LAG,
    NOTHING,
    BaselineBounds,
    BlockStatistics,
    StationStatistics,
    block_of,
)
from quantrac.domain.qa.baseline.neighbour_hours import HOUR, Hours, combined, neighbours_of
from quantrac.domain.qa.baseline.update import Span, finished_blocks, update_baseline
from quantrac.domain.qa.checks.table import NEIGHBOURS
from quantrac.domain.qa.evaluate import Crash, raise_crash
from quantrac.domain.qa.stored.history import History
from quantrac.domain.qa.stored.revisions import Revision, head_of, revise
from quantrac.domain.qa.stored.span import judge_span, summarize_blocks
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.stations import Registry

NEIGHBOUR = "neighbour"
"""Cause of a request that a neighbour's rejudging sent; it is not passed on."""
MEMORY = "memory"
"""Cause of a request whose sender did not remember when the station was heard before: the block and the hours
that have been over since then belong to it."""
VALUES_CHANGED = frozenset({"late", MEMORY, "neighbours"})
"""Causes after which an hour's median may be another one."""
MONTH = 120
"""Blocks read and judged at a time, so that a long span needs no more memory than a short one."""


@dataclass(frozen=True, slots=True)
class Rejudgement:
    """The answer to a request, in the order in which it is to leave."""

    revisions: tuple[FlaggedSet, ...]
    limits: Mapping[int, Mapping[str, BaselineBounds]]
    """To publish; see :class:`BaselineUpdate`."""
    neighbours: Mapping[str, Span]
    """Stations to rejudge too, with the cause :data:`NEIGHBOUR`."""
    changed: StationStatistics
    """To store, last of all."""


def rejudge(
    history: History,
    registry: Registry,
    expectations: Expectations,
    station: str,
    asked: Span,
    *,
    on_crash: Crash = raise_crash,
) -> Rejudgement:
    """Answer a request from what is stored, a month at a time.

    ``asked`` may reach beyond the newest reading. Raises LookupError for a reading whose file is not stored,
    and what ``history`` raises.
    """
    expectations.refresh()
    newest = history.newest(station)
    asked = Span(asked.start, min(asked.end, np.nextafter(newest, np.inf)), asked.causes)
    if asked.start >= asked.end:
        return Rejudgement((), {}, {}, {})
    if MEMORY in asked.causes:
        earlier = history.newest_before(station, asked.start)
        if earlier > -np.inf:
            asked = replace(asked, start=min(asked.start, earlier // BLOCK * BLOCK))
    reach, decisions = 60 * expectations.reach(station), registry.decisions_of(station)

    computed: dict[str, BlockStatistics] = {}
    for first, last in _months(*finished_blocks(asked, newest)):
        readings = history.readings(station, first * BLOCK - reach, (last + 1) * BLOCK)
        found = summarize_blocks(readings, expectations, first, last, decisions=decisions, on_crash=on_crash)
        for code, statistics in found.items():
            computed[code] = blocks.joined(computed.get(code, NOTHING), statistics)
    stored = history.statistics(station, block_of(asked.start) - LAG - BLOCKS, block_of(newest))
    learning = update_baseline(stored, computed, asked, newest)

    near = neighbours_of(registry, station)

    def neighbours(first: int, last: int) -> Mapping[str, Hours]:
        return combined(newest, [history.hours(each, first, last) for each in near])

    revisions: list[Revision] = []
    compares = False
    for span in learning.spans:
        for first, last in _months(block_of(span.start), block_of(np.nextafter(span.end, -np.inf))):
            start, end = max(span.start, first * BLOCK), min(span.end, (last + 1) * BLOCK)
            judged = judge_span(
                history.readings(station, start - reach, end),
                expectations,
                start,
                end,
                statistics=learning.statistics,
                neighbours=neighbours,
                decisions=decisions,
                on_crash=on_crash,
            )
            revisions += revise(judged, expectations, span.causes)
            compares |= judged.asks(NEIGHBOURS)
    heads = history.files(station, {each.received_at for each in revisions}) if revisions else {}
    passed_on = near if compares and asked.causes & VALUES_CHANGED else []
    hours = Span(asked.start // HOUR * HOUR, asked.end // HOUR * HOUR + HOUR, frozenset({NEIGHBOUR}))
    return Rejudgement(
        revisions=tuple(each.of(head_of(heads, each)) for each in revisions),
        limits=learning.limits,
        neighbours=dict.fromkeys(passed_on, hours),
        changed=learning.changed,
    )


def _months(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut blocks into the first and last of each month's worth."""
    for start in range(first, last + 1, MONTH):
        yield start, min(start + MONTH - 1, last)
