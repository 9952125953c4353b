"""Updating the baseline: what new statistics of finished blocks change."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from quantrac.domain.qa.baseline import blocks
from quantrac.domain.qa.baseline.blocks import (
    BLOCK,
    BLOCKS,
    LAG,
    NOTHING,
    BaselineBounds,
    StationStatistics,
    block_of,
)

BASELINE_MOVED = frozenset({"baseline"})
"""Cause of readings judged again because the baseline they were judged by changed."""


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
