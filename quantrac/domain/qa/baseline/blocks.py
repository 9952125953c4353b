"""The baseline of a series: statistics of its blocks of time, and the bounds that follow from them.

Time is cut into blocks of six hours on the UTC grid, so that night, morning, noon and evening stay apart.
A block is summed up by statistics of its *clean* readings: measured under status 00, finite, called SUSPECT
or FAIL by no test that is neither a baseline test nor of the second stage, and not rejected by a person; what
a person accepts is clean whatever the tests say. Second-stage tests are left out because they look at what
baseline tests said about a companion: so the baseline never depends on itself.

The bounds for readings of block *b* come from the statistics of blocks *b* - 121 to *b* - 2. The block
between is a pause: while it runs, its predecessor is summed up and the bounds are published, so that the
live form has them before the first reading of block *b*. A late reading changes statistics, and the
readings judged by them are rejudged.

Every figure is an order statistic: a value that was measured, never one interpolated, so that two
computations agree to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quantrac.domain.qa.checks.scale import growth
from quantrac.domain.qa.station_readings import Integers
from quantrac.domain.qa.window import Bools, Floats, Indices

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
TAIL = 0.25
"""Share of block medians beyond each end of the own range, the middle half: 30 of 120, so that a fault of a
week does not become usual while it lasts; with 2 of 120 it did after 18 hours."""
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
        return BlockStatistics(
            self.block[rows],
            self.median[rows],
            self.step[rows],
            self.low[rows],
            self.high[rows],
            self.count[rows],
        )

    def within(self, first: int, last: int) -> "BlockStatistics":
        """Return the blocks ``first`` to ``last``."""
        start, end = self.block.searchsorted((first, last + 1))
        return self.take(slice(start, end))


StationStatistics: TypeAlias = Mapping[str, BlockStatistics]
"""By parameter."""


@dataclass(frozen=True, slots=True)
class BaselineBounds:
    """What the baseline of some series says of ``m`` blocks, each (series, m), as
    :class:`~quantrac.domain.qa.window.Window` names it; NaN where too little is known.
    """

    own_low: Floats
    own_high: Floats
    own_step: Floats
    recent_low: Floats
    recent_high: Floats

    @property
    def matrix(self) -> Floats:
        """All of them, (5, series, m) in the order of :data:`BOUNDS`."""
        return np.stack([getattr(self, name) for name in BOUNDS])

    def of_block(self, series: int, index: int) -> dict[str, float]:
        """Return the bounds of one series for one block, by name."""
        return {name: float(getattr(self, name)[series, index]) for name in BOUNDS}


_UNLIMITED = -(1 << 62)
BOUNDS = tuple(bound.name for bound in fields(BaselineBounds))
_NO_BLOCKS, _NO_VALUES = np.empty(0, dtype=np.int64), np.empty(0)
NOTHING = BlockStatistics(_NO_BLOCKS, _NO_VALUES, _NO_VALUES, _NO_VALUES, _NO_VALUES, _NO_BLOCKS)


def block_of(time: float) -> int:
    """Return the block of a time (seconds since 1970 UTC).

    >>> block_of(6 * 3600.0) - block_of(0.0)
    1
    """
    return int(time // BLOCK)


def summarize(series: Indices, time: Floats, value: Floats, clean: Bools) -> dict[int, BlockStatistics]:
    """Sum up the clean readings of some series, by index of the series.

    The readings (n,) are sorted by ``series``, then ``time`` (seconds since 1970 UTC). Series and blocks
    without a clean reading are left out.

    >>> day = summarize(np.zeros(5, dtype=np.intp), 300.0 * np.arange(5),
    ...                 np.array([7.0, 9.0, 8.0, 900.0, 8.5]), np.array([True, True, True, False, True]))[0]
    >>> day.median.tolist(), day.step.tolist(), day.low.tolist(), day.high.tolist(), day.count.tolist()
    ([8.0], [2.0], [7.0], [9.0], [4])
    """
    series, time, value = series[clean], time[clean], value[clean]
    if not len(time):
        return {}
    block = (time // BLOCK).astype(np.int64)
    # The readings of one series and block are a group: g groups, first (g,) and count (g,) of its readings.
    same = (block[1:] == block[:-1]) & (series[1:] == series[:-1])
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    count = np.diff(np.append(first, len(block)))
    group = np.repeat(np.arange(len(first)), count)
    ordered = _sort_groups(value, group)
    # Distances within groups, sorted within each: a group of n readings has n - 1 of them, so that each group
    # begins one place nearer to the start for every group before it.
    distance = np.abs(np.diff(value))[same] / growth(np.diff(time)[same] / 60)
    distance = _sort_groups(distance, group[1:][same])
    first_distance, distances = first - np.arange(len(first)), count - 1
    step = np.full(len(first), np.nan)
    has_steps = distances > 0
    step[has_steps] = distance[(first_distance + np.ceil(STEP * distances).astype(np.intp) - 1)[has_steps]]
    statistics = BlockStatistics(
        block=block[first],
        median=ordered[first + (count - 1) // 2],
        step=step,
        low=ordered[first],
        high=ordered[first + count - 1],
        count=count.astype(np.int64),
    )
    # The groups go by series: one slice each.
    indices, starts = np.unique(series[first], return_index=True)
    ends = np.append(starts[1:], len(first))
    return {
        index: statistics.take(slice(start, end))
        for index, start, end in zip(indices.tolist(), starts.tolist(), ends.tolist(), strict=True)
    }


def _sort_groups(value: Floats, group: Indices) -> Floats:
    """Sort values (n,) within groups (n,), which are in order."""
    # Complex numbers go by their real parts, then their imaginary ones: four times sooner than np.lexsort.
    pairs = np.empty(len(value), dtype=np.complex128)
    pairs.real, pairs.imag = group, value
    pairs.sort(kind="stable")
    return pairs.imag


def bounds(statistics: Sequence[BlockStatistics], first: int, last: int) -> BaselineBounds:
    """Return what holds for the blocks ``first`` to ``last`` of some series, (series, last - first + 1).

    >>> steady = BlockStatistics(np.arange(40), np.arange(40.0), np.ones(40), np.zeros(40), np.full(40, 50.0),
    ...                          np.full(40, 72))
    >>> baseline = bounds([steady], 13, 41)
    >>> baseline.own_low[0].tolist()[:2], float(baseline.own_high[0, -1]), float(baseline.own_step[0, -1])
    ([3.0, 3.0], 29.0, 1.0)
    >>> np.isnan(bounds([steady], 12, 12).own_low).tolist()
    [[True]]
    """
    start = first - BLOCKS - LAG + 1
    grid, count = _grid(statistics, start, last - LAG)
    grid[:, count < READINGS] = np.nan
    # (series, m, BLOCKS): the baseline of each block; of lows and highs only the recent past.
    median, step = sliding_window_view(grid[:2], BLOCKS, axis=2)
    low, high = sliding_window_view(grid[2:, :, BLOCKS - RECENT :], RECENT, axis=2)
    enough = np.sum(~np.isnan(low), axis=2) >= RECENT_AT_LEAST
    own_low, own_high = _extremes(median, TAIL)
    _, own_step = _extremes(step, STEP_TAIL)
    with np.errstate(all="ignore"):
        return BaselineBounds(
            own_low=own_low,
            own_high=own_high,
            own_step=own_step,
            recent_low=np.where(enough, np.fmin.reduce(low, axis=2), np.nan),
            recent_high=np.where(enough, np.fmax.reduce(high, axis=2), np.nan),
        )


def differ(before: BaselineBounds, after: BaselineBounds) -> Bools:
    """Tell which blocks of which series (series, m) have different bounds."""
    different = np.zeros(before.own_low.shape, dtype=np.bool_)
    for name in BOUNDS:
        old, new = getattr(before, name), getattr(after, name)
        different |= (old != new) & ~(np.isnan(old) & np.isnan(new))
    return different


def _extremes(medians: Floats, tail: float) -> tuple[Floats, Floats]:
    """The numbers with a share ``tail`` of each last axis below and above them.

    NaN is left aside; below AT_LEAST numbers both are NaN.
    """
    ordered = np.sort(medians, axis=-1)  # NaN last
    count = np.sum(~np.isnan(ordered), axis=-1)
    beyond = (tail * count).astype(np.intp)
    enough = count >= AT_LEAST

    def pick(index: Indices) -> Floats:
        return np.where(enough, np.take_along_axis(ordered, index[..., None], axis=-1)[..., 0], np.nan)

    return pick(beyond), pick(np.maximum(count - 1 - beyond, 0))


def merged(stored: BlockStatistics, computed: BlockStatistics, first: int, last: int) -> BlockStatistics:
    """Return ``stored`` with the blocks ``first`` to ``last`` as ``computed`` has them."""
    new = computed.within(first, last)
    return joined(joined(stored.within(_UNLIMITED, first - 1), new), stored.within(last + 1, -_UNLIMITED))


def joined(earlier: BlockStatistics, later: BlockStatistics) -> BlockStatistics:
    """Put statistics of later blocks behind those of earlier ones."""
    return BlockStatistics(
        *(
            np.concatenate([getattr(earlier, column.name), getattr(later, column.name)])
            for column in fields(BlockStatistics)
        )
    )


def changed(
    stored: StationStatistics, computed: StationStatistics, first: int, last: int
) -> StationStatistics:
    """Return, of the blocks ``first`` to ``last``, those whose statistics differ from the stored ones.

    A block that has lost its last clean reading comes with a count of 0 and NaN. Parameters go in order; one
    without a difference is left out.
    """
    codes = sorted({*stored, *computed})
    before, count_before = _grid([stored.get(code, NOTHING) for code in codes], first, last)
    after, count = _grid([computed.get(code, NOTHING) for code in codes], first, last)
    # (series, blocks)
    different = (count_before != count) | np.any(
        (before != after) & ~(np.isnan(before) & np.isnan(after)), axis=0
    )
    changes = {}
    for index in np.flatnonzero(different.any(axis=1)).tolist():
        columns = np.flatnonzero(different[index])
        median, step, low, high = after[:, index, columns]
        changes[codes[index]] = BlockStatistics(
            first + columns, median, step, low, high, count[index, columns]
        )
    return changes


def _grid(statistics: Sequence[BlockStatistics], first: int, last: int) -> tuple[Floats, Integers]:
    """Lay statistics of some series on the blocks ``first`` to ``last``.

    Returns median, step, low and high (4, series, blocks), NaN where a block is not there, and the counts
    (series, blocks), 0 where it is not.
    """
    grid = np.full((4, len(statistics), last - first + 1), np.nan)
    count = np.zeros((len(statistics), last - first + 1), dtype=np.int64)
    for index, series in enumerate(statistics):
        start, end = series.block.searchsorted((first, last + 1))
        columns = series.block[start:end] - first
        count[index, columns] = series.count[start:end]
        grid[0, index, columns] = series.median[start:end]
        grid[1, index, columns] = series.step[start:end]
        grid[2, index, columns] = series.low[start:end]
        grid[3, index, columns] = series.high[start:end]
    return grid, count
