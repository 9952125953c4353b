"""Updating the baseline: what new statistics of finished blocks change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from quantrac.domain.qa.baseline import blocks
from quantrac.domain.qa.baseline.blocks import (
    BLOCK,
    BLOCKS,
    LAG,
    NOTHING,
    BlockStatistics,
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


PublishedBounds: TypeAlias = Mapping[int, Mapping[str, Sequence[float]]]
"""By block and parameter: five bounds in the order of :data:`~quantrac.domain.qa.baseline.blocks.BOUNDS`."""


class BaselineUpdate:
    """The statistics of a station's blocks while its finished blocks are summed up anew.

    A block is finished when the station has a reading of a later one.
    """

    def __init__(self, stored: StationStatistics) -> None:
        """``stored`` reaches back :data:`LAG` + :data:`BLOCKS` blocks before the first block summed up anew,
        and to the block of the newest reading.
        """
        self._stored = stored
        self._statistics = dict(stored)
        self._changed: dict[str, BlockStatistics] = {}

    @property
    def statistics(self) -> StationStatistics:
        """All that is known, the new ones among them."""
        return self._statistics

    @property
    def changed(self) -> StationStatistics:
        """To be stored, parameters in order; a block that lost its last clean reading has a count of 0."""
        return dict(sorted(self._changed.items()))

    def replace(self, computed: StationStatistics, first: int, last: int) -> None:
        """Take in the blocks ``first`` to ``last`` as they are now; to be called in their order."""
        for code, different in blocks.changed(self._statistics, computed, first, last).items():
            self._changed[code] = blocks.joined(self._changed.get(code, NOTHING), different)
            self._statistics[code] = blocks.merged(
                self._statistics.get(code, NOTHING), computed.get(code, NOTHING), first, last
            )

    def moved_blocks(self, current: int) -> list[int]:
        """Return the blocks up to the ``current`` one whose bounds are others than before, in order."""
        if not self._changed:
            return []
        first = min(int(changed.block[0]) for changed in self._changed.values()) + LAG
        last = max(int(changed.block[-1]) for changed in self._changed.values()) + LAG + BLOCKS - 1
        last = min(last, current)
        if first > last:
            return []
        before, after = (
            blocks.bounds([statistics.get(code, NOTHING) for code in self._changed], first, last)
            for statistics in (self._stored, self._statistics)
        )
        blocks_moved: list[int] = (first + np.flatnonzero(blocks.differ(before, after).any(axis=0))).tolist()
        return blocks_moved

    def bounds(self, first: int, last: int) -> PublishedBounds:
        """Return what holds for the blocks ``first`` to ``last``, to be published."""
        matrix = blocks.bounds(list(self._statistics.values()), first, last).matrix
        return {
            first + index: {
                code: matrix[:, series, index].tolist() for series, code in enumerate(self._statistics)
            }
            for index in range(last - first + 1)
        }


def finished_blocks(span: Span, newest: float) -> tuple[int, int]:
    """Return the first and the last finished block of a span; the last is below the first if it has none."""
    return block_of(span.start), min(block_of(np.nextafter(span.end, -np.inf)), block_of(newest) - 1)


def join_spans(span: Span, moved_blocks: Iterable[int], end: float) -> list[Span]:
    """Add blocks whose bounds moved to a span: sorted, those that overlap or touch joined.

    No block reaches beyond ``end``.
    """
    parts = [span]
    parts += [Span(block * BLOCK, min((block + 1) * BLOCK, end), BASELINE_MOVED) for block in moved_blocks]
    parts.sort(key=lambda part: part.start)
    joined = parts[:1]
    for part in parts[1:]:
        last = joined[-1]
        if part.start > last.end:
            joined.append(part)
        else:
            joined[-1] = Span(last.start, max(last.end, part.end), last.causes | part.causes)
    return joined
