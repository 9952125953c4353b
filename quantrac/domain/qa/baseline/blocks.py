"""The baseline of a series: statistics of its blocks of time, and the bounds that follow from them.

Time is cut into blocks of six hours on the UTC grid, so that night, morning, noon and evening stay apart.
A block is summed up by statistics of its *clean* readings: measured under status 00, finite, called SUSPECT
or FAIL by no test that is neither a baseline test nor of the second stage, and not rejected by a person; what
a person accepts is clean whatever the tests say. Second-stage tests are left out because they look at what
baseline tests said about a companion: so the baseline never depends on itself.

The limits for readings of block *b* come from the statistics of blocks *b* - 121 to *b* - 2. The block
between is a pause: while it runs, its predecessor is summed up and the limits are published, so that the
live form has them before the first reading of block *b*. A late reading changes statistics, and the
readings judged by them are rejudged.

Every figure is an order statistic: a value that was measured, never one interpolated, so that two
computations agree to the last bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quantrac.domain.qa.checks.scale import growth
from quantrac.domain.qa.station_readings import Integers
from quantrac.domain.qa.window import Bools, Floats

BLOCK = 6 * 3600
"""Seconds."""
LAG = 2
"""Blocks between the newest one of the baseline and the one judged: one to sum up what has ended."""
BLOCKS = 120
"""Blocks of the baseline: 30 days, long enough for a spell of weather, short enough to follow a season."""
AT_LEAST = 12
"""Blocks below which nothing is known of a series: 3 days; anything from 4 to 40 finds the same faults."""
READINGS = 3
"""Clean readings below which a block says nothing: an hourly station has six."""
RECENT = 8
"""Blocks of the recent past: 2 days, two turns of the daily cycle."""
RECENT_AT_LEAST = 4
"""Of these: the hours of one day."""
TAIL = 0.02
"""Share of block medians beyond each end of the own range: 2 of 120."""
STEP = 0.9
"""Quantile of the steps of one block: of 71 steps the eighth largest, so that a few spikes, two steps
each, do not set it."""
STEP_TAIL = 0.02
"""Share of block steps above the own step."""


@dataclass(frozen=True, slots=True)
class BlockStatistics:
    """What ``m`` blocks of one series hold; in order of blocks, each once."""

    block: Integers
    """(m,) seconds since 1970 divided by :data:`BLOCK`."""
    median: Floats
    """(m,) the lower of the middle two where the count is even; NaN where nothing was clean."""
    step: Floats
    """(m,) :data:`STEP` quantile of the distances between clean readings that follow each other within the
    block, brought to one step (:func:`~quantrac.domain.qa.checks.scale.growth`); NaN below two of them."""
    low: Floats
    high: Floats
    count: Integers
    """(m,) clean readings."""

    def __len__(self) -> int:
        return len(self.block)

    def take(self, rows: Bools | slice) -> "BlockStatistics":
        """Return some of the blocks."""
        return BlockStatistics(*(getattr(self, each.name)[rows] for each in fields(self)))

    def within(self, first: int, last: int) -> "BlockStatistics":
        """Return the blocks ``first`` to ``last``."""
        return self.take((self.block >= first) & (self.block <= last))


StationStatistics: TypeAlias = Mapping[str, BlockStatistics]
"""By parameter."""


@dataclass(frozen=True, slots=True)
class BaselineBounds:
    """What is known of one series for ``m`` blocks, as :class:`~quantrac.domain.qa.window.Window` says."""

    own_low: Floats
    own_high: Floats
    own_step: Floats
    recent_low: Floats
    recent_high: Floats


_EVER = -(1 << 62)
BOUNDS = tuple(each.name for each in fields(BaselineBounds))
_NO_BLOCKS, _NO_FIGURES = np.empty(0, dtype=np.int64), np.empty(0)
NOTHING = BlockStatistics(_NO_BLOCKS, _NO_FIGURES, _NO_FIGURES, _NO_FIGURES, _NO_FIGURES, _NO_BLOCKS)


def block_of(time: float) -> int:
    """Return the block of a time (seconds since 1970 UTC).

    >>> block_of(6 * 3600.0) - block_of(0.0)
    1
    """
    return int(time // BLOCK)


def summarize(time: Floats, value: Floats, clean: Bools) -> BlockStatistics:
    """Sum up the readings (n,) of one series, in order of time; blocks without a clean reading are left out.

    >>> day = summarize(300.0 * np.arange(5), np.array([7.0, 9.0, 8.0, 900.0, 8.5]),
    ...               np.array([True, True, True, False, True]))
    >>> day.median.tolist(), day.step.tolist(), day.low.tolist(), day.high.tolist(), day.count.tolist()
    ([8.0], [2.0], [7.0], [9.0], [4])
    """
    time, value = time[clean], value[clean]
    if not len(time):
        return NOTHING
    block = (time // BLOCK).astype(np.int64)
    first = np.flatnonzero(np.concatenate([[True], block[1:] != block[:-1]]))
    count = np.diff(np.append(first, len(block)))
    ordered = value[np.lexsort((value, block))]
    within = block[1:] == block[:-1]
    # The distances of a block stand one place nearer to the start for every block before it.
    distance = np.abs(np.diff(value))[within] / growth(np.diff(time)[within] / 60)
    of = block[1:][within]
    distance = distance[np.lexsort((distance, of))]
    first_distance, distances = first - np.arange(len(first)), count - 1
    step = np.full(len(first), np.nan)
    some = distances > 0
    step[some] = distance[(first_distance + np.ceil(STEP * distances).astype(np.intp) - 1)[some]]
    return BlockStatistics(
        block=block[first],
        median=ordered[first + (count - 1) // 2],
        step=step,
        low=ordered[first],
        high=ordered[first + count - 1],
        count=count.astype(np.int64),
    )


def bounds(known: BlockStatistics, first: int, last: int) -> BaselineBounds:
    """Return what holds for the blocks ``first`` to ``last``, (last - first + 1,).

    >>> steady = BlockStatistics(np.arange(40), np.arange(40.0), np.ones(40), np.zeros(40), np.full(40, 50.0),
    ...                  np.full(40, 72))
    >>> held = bounds(steady, 13, 41)
    >>> held.own_low.tolist()[:2], held.own_high.tolist()[-1], held.own_step.tolist()[-1]
    ([0.0, 0.0], 39.0, 1.0)
    >>> np.isnan(bounds(steady, 12, 12).own_low).tolist()
    [True]
    """
    start = first - BLOCKS - LAG + 1
    grid = np.full((4, last - LAG - start + 1), np.nan)
    usable = known.within(start, last - LAG)
    usable = usable.take(usable.count >= READINGS)
    grid[:, usable.block - start] = usable.median, usable.step, usable.low, usable.high
    median, step, low, high = sliding_window_view(grid, BLOCKS, axis=1)
    some = np.sum(~np.isnan(low[:, -RECENT:]), axis=1) >= RECENT_AT_LEAST
    with np.errstate(all="ignore"):
        return BaselineBounds(
            own_low=_extreme(median, TAIL, lowest=True),
            own_high=_extreme(median, TAIL),
            own_step=_extreme(step, STEP_TAIL),
            recent_low=np.where(some, np.fmin.reduce(low[:, -RECENT:], axis=1), np.nan),
            recent_high=np.where(some, np.fmax.reduce(high[:, -RECENT:], axis=1), np.nan),
        )


def differ(limits: BaselineBounds, others: BaselineBounds) -> Bools:
    """Tell which blocks (m,) have different limits."""
    differ = np.zeros(len(limits.own_low), dtype=np.bool_)
    for name in BOUNDS:
        one, other = getattr(limits, name), getattr(others, name)
        differ |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    return differ


def _extreme(rows: Floats, tail: float, *, lowest: bool = False) -> Floats:
    """The number with a share ``tail`` of each row beyond it, NaN left aside and below AT_LEAST numbers."""
    ordered = np.sort(rows, axis=1)  # NaN last
    count = np.sum(~np.isnan(ordered), axis=1)
    beyond = (tail * count).astype(np.intp)
    place = beyond if lowest else np.maximum(count - 1 - beyond, 0)
    return np.where(count >= AT_LEAST, ordered[np.arange(len(rows)), place], np.nan)


def merged(known: BlockStatistics, computed: BlockStatistics, first: int, last: int) -> BlockStatistics:
    """Return ``known`` with the blocks ``first`` to ``last`` as ``computed`` has them."""
    new = computed.within(first, last)
    return joined(joined(known.within(_EVER, first - 1), new), known.within(last + 1, -_EVER))


def joined(earlier: BlockStatistics, later: BlockStatistics) -> BlockStatistics:
    """Put statistics of later blocks behind those of earlier ones."""
    return BlockStatistics(
        *(
            np.concatenate([getattr(earlier, each.name), getattr(later, each.name)])
            for each in fields(BlockStatistics)
        )
    )


def changed(known: BlockStatistics, computed: BlockStatistics, first: int, last: int) -> BlockStatistics:
    """Return, of the blocks ``first`` to ``last``, those whose statistics differ from the known ones.

    A block that has lost its last clean reading comes with a count of 0 and NaN.
    """
    dense = []
    for each in (known.within(first, last), computed.within(first, last)):
        grid = np.full((4, last - first + 1), np.nan)
        count = np.zeros(last - first + 1, dtype=np.int64)
        grid[:, each.block - first] = each.median, each.step, each.low, each.high
        count[each.block - first] = each.count
        dense.append((grid, count))
    (before, had), (now, has) = dense
    differs = (had != has) | np.any((before != now) & ~(np.isnan(before) & np.isnan(now)), axis=0)
    median, step, low, high = now
    every = BlockStatistics(np.arange(first, last + 1, dtype=np.int64), median, step, low, high, has)
    return every.take(differs)
