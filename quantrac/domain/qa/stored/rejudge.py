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

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

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
from quantrac.domain.qa.baseline.neighbour_hours import HOUR, HourMedians, Hours, combined, neighbours_of
from quantrac.domain.qa.checks.table import NEIGHBOURS
from quantrac.domain.qa.evaluate import Crash, raise_crash
from quantrac.domain.qa.station_readings import StationReadings, instant
from quantrac.domain.qa.stored.span import Judged, judge_span, summarize_blocks
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import FlaggedReading, FlaggedSet
from quantrac.domain.registry.registry import Registry

NEIGHBOUR = "neighbour"
"""Cause of a request that a neighbour's rejudging sent; it is not passed on."""
MEMORY = "memory"
"""Cause of a request whose sender did not remember when the station was heard before: the block and the hours
that have been over since then belong to it."""
VALUES_CHANGED = frozenset({"late", MEMORY, "neighbours"})
"""Causes after which an hour's median may be another one."""
BASELINE_MOVED = frozenset({"baseline"})
"""Cause of readings judged again because the baseline they were judged by changed."""
MONTH = 120
"""Blocks read and judged at a time, so that a long span needs no more memory than a short one."""


class FileNotStored(LookupError):
    """A reading is stored, and the file it came with is not."""


class History(Protocol):
    """What is stored. Raises whatever the store raises when it is away."""

    def readings(self, station: str, start: float, end: float) -> StationReadings:
        """Return the readings measured in ``[start, end)``, with older versions in ``replaced``."""

    def newest(self, station: str) -> float:
        """Return the time of the newest reading whose clock is not ahead; -inf where there is none."""

    def newest_before(self, station: str, at: float) -> float:
        """Return the time of the newest such reading before ``at``."""

    def statistics(self, station: str, first: int, last: int) -> StationStatistics:
        """Return the stored statistics of the blocks ``first`` to ``last`` by parameter."""

    def hours(self, station: str, first: int, last: int) -> HourMedians:
        """Return the medians of the finished hours ``first`` to ``last`` (seconds since 1970 / 3600), as
        :func:`quantrac.domain.qa.baseline.neighbour_hours.hour_medians` defines them.
        """

    def files(self, station: str, received: Collection[datetime]) -> Mapping[datetime, "FileHead"]:
        """Return the files received at these times (UTC, milliseconds)."""


@dataclass(frozen=True, slots=True)
class FileHead:
    """The file that readings came in, as a flagged set names it."""

    file_id: str
    file_name: str
    account: str
    transport: str
    format: str


@dataclass(frozen=True, slots=True)
class Span:
    """Readings to judge again."""

    start: float
    """Inclusive."""
    end: float
    """Exclusive."""
    causes: frozenset[str]


@dataclass(frozen=True, slots=True)
class BaselineUpdate:
    """What the statistics of a span's blocks changed."""

    statistics: StationStatistics
    """All that the spans need, the new ones among them."""
    changed: StationStatistics
    """To be stored; a block that lost its last clean reading has a count of 0."""
    limits: Mapping[int, Mapping[str, BaselineBounds]]
    """By block (the current and the next) and parameter, each of one block; empty if the baseline stayed."""
    spans: tuple[Span, ...]
    """What was asked, and the blocks whose limits changed; sorted, apart from each other."""


@dataclass(frozen=True, slots=True)
class Revision:
    """Readings of one file that get another flag."""

    station: str
    received_at: datetime
    """UTC, in milliseconds; the file is found by station and this."""
    rules: str
    """Version of the rule set that judged them."""
    revision: int
    cause: str
    readings: tuple[FlaggedReading, ...]
    """By line."""

    def of(self, file: FileHead) -> FlaggedSet:
        """Return the message that carries it."""
        return FlaggedSet(
            station=self.station,
            file_id=file.file_id,
            file_name=file.file_name,
            account=file.account,
            transport=file.transport,
            received_at=self.received_at,
            format=file.format,
            rules=self.rules,
            readings=list(self.readings),
            revision=self.revision,
            cause=self.cause,
        )


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

    ``asked`` may reach beyond the newest reading. Raises FileNotStored, and what ``history`` raises.
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
    look_back, decisions = expectations.look_back(station), registry.decisions_of(station)

    computed: dict[str, BlockStatistics] = {}
    for first, last in _months(*finished_blocks(asked, newest)):
        readings = history.readings(station, first * BLOCK - look_back, (last + 1) * BLOCK)
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
                history.readings(station, start - look_back, end),
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
        revisions=tuple(each.of(_head(heads, each)) for each in revisions),
        limits=learning.limits,
        neighbours=dict.fromkeys(passed_on, hours),
        changed=learning.changed,
    )


def finished_blocks(asked: Span, newest: float) -> tuple[int, int]:
    """Return the first and the last finished block of a span; the last is below the first if it has none."""
    return block_of(asked.start), min(block_of(np.nextafter(asked.end, -np.inf)), block_of(newest) - 1)


def update_baseline(
    stored: StationStatistics, computed: StationStatistics, asked: Span, newest: float
) -> BaselineUpdate:
    """Compare the statistics of the finished blocks of a span with those stored.

    ``stored`` reaches back :data:`LAG` + :data:`BLOCKS` blocks before the span, and to the block of the
    ``newest`` reading; ``computed`` holds the finished blocks of the span.
    """
    first, last = finished_blocks(asked, newest)
    if first > last:
        return BaselineUpdate(stored, {}, {}, (asked,))
    current = block_of(newest)
    statistics, changed = dict(stored), {}
    moved: set[int] = set()
    for code in sorted({*stored, *computed}):
        before, now = stored.get(code, NOTHING), computed.get(code, NOTHING)
        different = blocks.changed(before, now, first, last)
        if not len(different):
            continue
        changed[code] = different
        statistics[code] = after = blocks.merged(before, now, first, last)
        of = int(different.block[0]) + LAG, min(int(different.block[-1]) + LAG + BLOCKS - 1, current)
        if of[0] <= of[1]:
            was, is_now = blocks.bounds(before, *of), blocks.bounds(after, *of)
            moved.update((of[0] + np.flatnonzero(blocks.differ(was, is_now))).tolist())
    return BaselineUpdate(
        statistics=statistics,
        changed=changed,
        limits={
            block: {code: blocks.bounds(each, block, block) for code, each in statistics.items()}
            for block in (current, current + 1)
        },
        spans=tuple(_apart(asked, moved, np.nextafter(newest, np.inf))),
    )


def revise(judged: Judged, expectations: Expectations, causes: Iterable[str]) -> list[Revision]:
    """Return what is to be sent of judged readings: those whose flag differs from the stored one, by file.

    Readings of one file that are judged by different rules become two revisions.
    """
    readings = judged.readings
    received = readings.received
    files: dict[tuple[float, str], list[int]] = defaultdict(list)
    for row in np.flatnonzero(judged.flag != readings.flag).tolist():
        rules = expectations.version(int(judged.profile[row]))
        files[float(received[row]), rules].append(row)
    codes, revision = readings.parameter, readings.revision
    return [
        Revision(
            station=readings.station,
            received_at=instant(at),
            rules=rules,
            revision=1 + int(revision[rows].max()),
            cause=",".join(sorted(causes)),
            readings=tuple(
                FlaggedReading(
                    line=int(readings.line[row]),
                    parameter=codes[row],
                    value=float(readings.value[row]),
                    text=readings.text[row],
                    unit=readings.unit[row],
                    measured_at=instant(readings.time[row]),
                    status=readings.status[row],
                    flag=int(judged.flag[row]),
                    tests=judged.tests(row),
                    equal_since=instant(judged.equal_since[row]),
                )
                for row in sorted(rows, key=lambda row: int(readings.line[row]))
            ),
        )
        for (at, rules), rows in sorted(files.items())
    ]


def _head(heads: Mapping[datetime, FileHead], revision: Revision) -> FileHead:
    if revision.received_at not in heads:
        raise FileNotStored(f"{revision.station}: no file received at {revision.received_at} is stored")
    return heads[revision.received_at]


def _months(first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut blocks into the first and last of each month's worth."""
    for start in range(first, last + 1, MONTH):
        yield start, min(start + MONTH - 1, last)


def _apart(asked: Span, moved: Iterable[int], end: float) -> Iterator[Span]:
    """Yield a span and blocks, those that overlap or touch joined."""
    given = [asked] + [Span(each * BLOCK, min((each + 1) * BLOCK, end), BASELINE_MOVED) for each in moved]
    given.sort(key=lambda each: each.start)
    joined = given[0]
    for each in given[1:]:
        if each.start > joined.end:
            yield joined
            joined = each
        else:
            joined = Span(joined.start, max(joined.end, each.end), joined.causes | each.causes)
    yield joined
