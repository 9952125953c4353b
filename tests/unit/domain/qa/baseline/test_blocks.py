"""The baseline of a series: statistics of blocks, and the bounds that follow from them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quantrac.domain.qa.baseline import blocks
from quantrac.domain.qa.baseline.blocks import (
    BLOCK,
    NOTHING,
    BaselineBounds,
    BlockStatistics,
    joined,
    merged,
)


def summed_up(values, *, block=0, clean=None):
    """Statistics of five-minute values from the start of a block."""
    value = np.asarray(values, dtype=float)
    time = block * BLOCK + 300.0 * np.arange(len(value))
    return statistics_of(time, value, np.ones(len(value), dtype=bool) if clean is None else np.asarray(clean))


def statistics_of(time, value, clean):
    """Statistics of one series."""
    return blocks.summarize(np.zeros(len(time), dtype=np.intp), time, value, clean).get(0, NOTHING)


def bounds(known, first, last):
    """Bounds of one series, (last - first + 1,) each."""
    found = blocks.bounds([known], first, last)
    return BaselineBounds(*(getattr(found, name)[0] for name in blocks.BOUNDS))


def changed(known, computed, first, last):
    """Blocks of one series that differ."""
    return blocks.changed({"CO": known}, {"CO": computed}, first, last).get("CO", NOTHING)


def steady(first, last, *, median=None, step=1.0, low=0.0, high=50.0, count=72):
    block = np.arange(first, last + 1)
    one = np.ones(len(block))
    middle = block.astype(float) if median is None else one * median
    return BlockStatistics(block, middle, one * step, one * low, one * high, np.full(len(block), count))


def test_a_block_is_six_hours_of_utc():
    found = summed_up([1.0] * 73)
    assert (found.block.tolist(), found.count.tolist()) == ([0, 1], [72, 1])


def test_the_median_of_an_even_count_is_a_value_that_was_measured():
    assert summed_up([4.0, 1.0, 3.0, 2.0]).median.tolist() == [2.0]


def test_readings_that_are_not_clean_leave_no_trace():
    found = summed_up([7.0, 9999.0, 7.5], clean=[True, False, True])
    assert (found.low[0], found.high[0], found.step[0], found.count[0]) == (7.0, 7.5, 0.5, 2)


def test_a_block_without_a_clean_reading_is_left_out():
    assert len(summed_up([7.0, 8.0], clean=[False, False])) == 0


def test_one_reading_has_no_step():
    assert np.isnan(summed_up([7.0]).step[0])


def test_no_step_leads_from_one_block_into_the_next():
    found = summed_up([0.0] * 72 + [100.0] * 72)
    assert found.step.tolist() == [0.0, 0.0]


def test_one_spike_does_not_set_the_step_of_its_block():
    calm = np.tile([10.0, 10.5], 36)
    calm[20] = 900.0
    assert summed_up(calm).step[0] == 0.5
    calm[[30, 40, 50]] = 900.0
    assert summed_up(calm).step[0] > 800


def test_limits_come_from_the_120_blocks_before_the_one_before():
    held = bounds(steady(0, 300), 200, 200)
    # Blocks 79 to 198 by their numbers: 30 of 120 lie beyond each end.
    assert (held.own_low[0], held.own_high[0]) == (109.0, 168.0)


def test_a_fault_of_a_week_does_not_become_usual():
    faulty = joined(steady(0, 168, median=8.3), steady(169, 196, median=7.0))
    assert [getattr(bounds(faulty, 198, 198), name)[0] for name in ("own_low", "own_high")] == [8.3, 8.3]


def test_the_block_before_and_the_block_itself_teach_nothing():
    wild = joined(steady(0, 198, median=5.0), steady(199, 200, median=1e6, step=1e6, low=-1e6, high=1e6))
    held = bounds(wild, 200, 200)
    assert [getattr(held, name)[0] for name in blocks.BOUNDS] == [5.0, 5.0, 1.0, 0.0, 50.0]


def test_three_days_of_blocks_are_needed():
    assert np.isnan(bounds(steady(0, 10), 12, 12).own_low[0])
    assert bounds(steady(0, 11), 13, 13).own_low[0] == 3.0


def test_a_step_over_a_gap_counts_as_one_of_fifteen_minutes():
    time = np.array([0.0, 900.0, 4500.0])  # the second step takes an hour: twice as far in a random walk
    assert statistics_of(time, np.array([5.0, 5.0, 9.0]), np.full(3, True)).step.tolist() == [2.0]


def test_the_recent_past_is_two_days():
    statistics = joined(steady(0, 190, low=-7.0, high=70.0), steady(191, 198, low=1.0, high=9.0))
    assert (bounds(statistics, 200, 200).recent_low[0], bounds(statistics, 200, 200).recent_high[0]) == (
        1.0,
        9.0,
    )
    assert bounds(statistics, 199, 199).recent_low[0] == -7.0


def test_half_of_the_recent_blocks_must_be_known():
    assert bounds(steady(0, 194), 200, 200).recent_low[0] == 0.0
    assert np.isnan(bounds(steady(0, 193), 200, 200).recent_low[0])


def test_a_block_of_few_readings_teaches_nothing():
    assert np.isnan(bounds(steady(0, 198, count=2), 200, 200).own_low[0])


def test_nothing_known_is_no_limit():
    assert np.isnan(bounds(NOTHING, 5, 6).recent_high).all()


def test_merging_replaces_the_blocks_of_a_span():
    found = merged(steady(0, 5), steady(2, 3, median=9.0), 2, 4)
    assert (found.block.tolist(), found.median.tolist()) == ([0, 1, 2, 3, 5], [0.0, 1.0, 9.0, 9.0, 5.0])


def test_only_blocks_that_differ_have_changed():
    before, now = steady(0, 5), joined(steady(0, 2), steady(3, 3, median=9.0))
    found = changed(before, now, 0, 4)
    assert found.block.tolist() == [3, 4]
    assert (found.median[0], found.count.tolist()) == (9.0, [72, 0])
    assert np.isnan(found.median[1])
    assert len(changed(found, found, 0, 5)) == 0


@given(
    arrays(np.float64, st.integers(1, 200), elements=st.floats(-1e6, 1e6)),
    st.lists(st.booleans(), min_size=200, max_size=200),
)
def test_every_statistic_of_values_is_one_of_them(values, clean):
    chosen = np.array(clean[: len(values)])
    found = summed_up(values, clean=chosen)
    known = set(values[chosen].tolist())
    assert {*found.median.tolist(), *found.low.tolist(), *found.high.tolist()} <= known
    assert found.count.sum() == chosen.sum()
    assert np.all((found.low <= found.median) & (found.median <= found.high))


@given(st.integers(1, 140), st.integers(0, 100))
def test_limits_of_many_blocks_are_those_of_each(blocks_known, first):
    random = np.random.default_rng(blocks_known)
    known = steady(0, blocks_known)
    known = known.take(random.random(len(known)) < 0.8)
    many = bounds(known, first, first + 60)
    for place in (0, 17, 60):
        one = bounds(known, first + place, first + place)
        for name in blocks.BOUNDS:
            assert np.array_equal(getattr(one, name)[0], getattr(many, name)[place], equal_nan=True)


def test_the_statistics_and_bounds_of_many_series_are_those_of_each():
    random = np.random.default_rng(5)
    series = np.repeat([0, 1, 3], [2000, 1500, 1700])
    time = np.concatenate(
        [np.sort(random.choice(4000, n, replace=False)) * 300.0 for n in (2000, 1500, 1700)]
    )
    value, clean = random.normal(0, 1, len(time)).round(1), random.random(len(time)) < 0.9
    together = blocks.summarize(series, time, value, clean)
    assert sorted(together) == [0, 1, 3]
    held = blocks.bounds([together.get(index, NOTHING) for index in range(4)], 0, 60)
    assert np.isnan(held.own_low[2]).all()
    for index, statistics in together.items():
        rows = series == index
        alone = statistics_of(time[rows], value[rows], clean[rows])
        for column in BlockStatistics.__dataclass_fields__:
            assert np.array_equal(getattr(statistics, column), getattr(alone, column), equal_nan=True)
        for name in blocks.BOUNDS:
            one = getattr(bounds(alone, 0, 60), name)
            assert np.array_equal(one, getattr(held, name)[index], equal_nan=True)
