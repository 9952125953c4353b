"""Rejudging: what becomes of a request to judge stored readings again. Recompute, never patch.

A request names a span of one station. Two things follow from it:

1. *Updating the baseline*. The finished blocks of the span are summed up anew. A block is finished when the
   station has a reading of a later one. Where statistics changed, the bounds of later blocks may have: those
   blocks join the span, and the bounds of the current and the next block are published.
2. *Revising*. The span is judged from what is stored, and readings whose flag differs from the stored one
   become revisions of their file.

Both take one pass over the span, stretch by stretch: plain tests, statistics, bounds, comparison. A block's
bounds come from blocks before it, so that they are known when its readings are compared.

The order in which the answer leaves keeps it whole through a crash: revisions and bounds first, changed
statistics last. As long as the statistics are not stored, the same request gives the same answer again.

An hour that neighbours may see otherwise than before (it ended, or late data changed it) is rejudged at the
neighbours too; they do not pass it on. Readings beyond the newest one of a right clock are judged by
themselves when they come, and not again. Times are seconds since 1970 UTC.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from quantrac.domain.qa.baseline.blocks import BLOCK, BLOCKS, LAG, StationStatistics, block_of
from quantrac.domain.qa.baseline.neighbour_hours import Hours, combine_hours, neighbours_of
from quantrac.domain.qa.baseline.update import (
    BaselineUpdate,
    PublishedBounds,
    Span,
    finished_blocks,
    join_spans,
)
from quantrac.domain.qa.checks.table import NEIGHBOURS, TEST_INDEX
from quantrac.domain.qa.evaluate import Crash, raise_crash
from quantrac.domain.qa.stored.history import History
from quantrac.domain.qa.stored.revisions import MONTH, FlagChange, flag_changes, revisions_of
from quantrac.domain.qa.stored.stretch import StationWindows, Stretch, judge_plainly
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import NOT_RUN, FlaggedSet
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import HOUR

NEIGHBOUR = "neighbour"
"""Cause of a request that a neighbour's rejudging sent; it is not passed on."""
MEMORY = "memory"
"""Cause of a request whose sender did not remember when the station was heard before: the block and the hours
that have been over since then belong to it."""
VALUES_CHANGED = frozenset({"late", MEMORY, "neighbours"})
"""Causes after which an hour's median may be another one."""


@dataclass(frozen=True, slots=True)
class Rejudgement:
    """The answer to a request, in the order in which it is to leave."""

    revisions: tuple[FlaggedSet, ...]
    bounds: PublishedBounds
    """To publish: of the current and the next block; empty where no finished block was summed up."""
    neighbours: Mapping[str, Span]
    """Stations to rejudge too, with the cause :data:`NEIGHBOUR`."""
    changed: StationStatistics
    """To store, last of all."""


NO_REJUDGEMENT = Rejudgement((), {}, {}, {})


def rejudge(
    history: History,
    registry: Registry,
    expectations: Expectations,
    station: str,
    span: Span,
    *,
    on_crash: Crash = raise_crash,
) -> Rejudgement:
    """Answer a request from what is stored, a month at a time.

    ``span`` may reach beyond the newest reading. Raises FileNotStored for a reading whose file is not stored,
    and what ``history`` raises.
    """
    expectations.refresh()
    newest = history.newest(station)
    end = np.nextafter(newest, np.inf)
    span = _extend(history, station, replace(span, end=min(span.end, end)))
    if span.start >= span.end:
        return NO_REJUDGEMENT
    first, last = finished_blocks(span, newest)
    current = block_of(newest)
    update = BaselineUpdate(history.statistics(station, first - LAG - BLOCKS, current))
    judge = _StationJudge(
        history,
        expectations,
        station,
        newest,
        update,
        registry.decisions_of(station),
        neighbours_of(registry, station),
        on_crash,
    )
    judge.judge(span, span.start, finished=(first, last))
    spans = join_spans(span, update.moved_blocks(current), end)
    for joined in spans:
        judge.judge(replace(joined, start=max(joined.start, span.end)), joined.start)
    received = {change.received_at for change in judge.changes}
    passed_on = judge.neighbours if judge.compares_neighbours and span.causes & VALUES_CHANGED else []
    hours = Span(span.start // HOUR * HOUR, span.end // HOUR * HOUR + HOUR, frozenset({NEIGHBOUR}))
    return Rejudgement(
        revisions=tuple(
            revisions_of(station, judge.changes, spans, history.files(station, received) if received else {})
        ),
        bounds=update.bounds(current, current + 1) if first <= last else {},
        neighbours=dict.fromkeys(passed_on, hours),
        changed=update.changed,
    )


def _extend(history: History, station: str, span: Span) -> Span:
    """Begin a span whose sender did not remember the station with the block of the reading before it."""
    if MEMORY not in span.causes or span.start >= span.end:
        return span
    earlier = history.newest_before(station, span.start)
    return span if earlier == -np.inf else replace(span, start=min(span.start, earlier // BLOCK * BLOCK))


@dataclass(slots=True)
class _StationJudge:
    """Judges spans of one station from what is stored, and gathers the flags that change."""

    history: History
    expectations: Expectations
    station: str
    newest: float
    update: BaselineUpdate
    decisions: Sequence[Decision]
    neighbours: Sequence[str]
    on_crash: Crash
    changes: list[FlagChange] = field(default_factory=list)
    compares_neighbours: bool = False
    """Whether any reading was compared with the neighbours."""

    def judge(self, span: Span, begin: float, finished: tuple[int, int] = (0, -1)) -> None:
        """Judge the readings of a span, a month at a time, and sum up its ``finished`` blocks on the way.

        ``finished`` are the first and the last block; a block is summed up whole, also where the span ends in
        it. Months are counted from ``begin``, at or before the span's start.
        """
        if span.start >= span.end:
            return
        unsummed, last_finished = finished
        look_back = self.expectations.look_back(self.station)
        for first, last in _months(block_of(begin), block_of(np.nextafter(span.end, -np.inf))):
            start, end = max(span.start, first * BLOCK), min(span.end, (last + 1) * BLOCK)
            if start >= end:
                continue
            # What is judged, and what is read: whole blocks where they are summed up.
            plain_start = first * BLOCK if first <= last_finished else start
            plain_end = max(end, (min(last, last_finished) + 1) * BLOCK)
            since = max(begin, first * BLOCK) - look_back
            readings = self.history.readings(self.station, min(since, plain_start - look_back), plain_end)
            station = StationWindows(readings, self.expectations, self.decisions, self.on_crash, self.newest)
            for rows in station.cut(readings.between(plain_start, plain_end)):
                stretch = judge_plainly(station, rows)
                summed_up = min(int(stretch.block.max()), last_finished)
                if unsummed <= summed_up:
                    self.update.replace(stretch.statistics(), unsummed, summed_up)
                    unsummed = summed_up + 1
                self._compare(stretch, start, end, since)
        if unsummed <= last_finished:
            self.update.replace({}, unsummed, last_finished)  # blocks without a reading

    def _compare(self, stretch: Stretch, start: float, end: float, since: float) -> None:
        """Finish the judgement of the rows in ``[start, end)``, and note which flags change."""
        rows = np.flatnonzero((stretch.window.time >= start) & (stretch.window.time < end))
        if not len(rows):
            return
        stretch.compare(self.update.statistics, self._hours, rows)
        self.changes += flag_changes(stretch, rows, since)
        compared = stretch.outcomes[rows, TEST_INDEX[NEIGHBOURS]] != NOT_RUN
        self.compares_neighbours |= bool(compared.any())

    def _hours(self, first: int, last: int) -> Mapping[str, Hours]:
        return combine_hours(self.newest, self.history.hours(self.neighbours, first, last))


def _months(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut blocks into the first and last of each month's worth."""
    for start in range(first, last + 1, MONTH):
        yield start, min(start + MONTH - 1, last)
