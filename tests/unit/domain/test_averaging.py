import doctest
import math
import random
from datetime import UTC, datetime, timedelta
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain import averaging
from quantrac.domain.averaging import (
    Statistics,
    count_expected,
    exact_sums,
    month_starts,
    statistics,
)
from quantrac.domain.catalogue import Combined
from quantrac.domain.times import HOUR_DELTA, hour_start


@pytest.mark.parametrize("module", [averaging])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert results.attempted > 0
    assert results.failed == 0


def of(*values: float, combined: Combined = Combined.MEAN) -> Statistics:
    return statistics(np.array([values]), [combined])


def test_a_mean_says_what_it_rests_on() -> None:
    found = of(10.0, 14.0, nan, 12.0)
    assert (found.count[0], found.mean[0], found.minimum[0], found.maximum[0]) == (3, 12.0, 10.0, 14.0)
    assert found.sd[0] == 2.0
    assert np.isnan(found.total[0])


def test_an_hour_of_bad_readings_has_no_mean() -> None:
    found = of(nan, nan)
    assert found.count[0] == 0
    assert np.isnan([found.mean[0], found.minimum[0], found.maximum[0], found.sd[0]]).all()
    assert of().count[0] == 0


def test_the_order_of_the_readings_does_not_change_a_bit_of_the_mean() -> None:
    values = [0.1 * n + 1e6 / (n + 1) for n in range(500)]
    shuffled = [*random.Random(7).sample(values, len(values)), *[nan] * 40]
    one, other = of(*values), of(*shuffled)
    assert (one.mean[0], one.sd[0]) == (other.mean[0], other.sd[0])


@given(st.lists(st.lists(st.floats(-1e300, 1e300), min_size=6, max_size=6), min_size=1, max_size=5))
def test_sums_of_many_rows_are_those_of_fsum(rows: list[list[float]]) -> None:
    assert exact_sums(np.array(rows)).tolist() == [math.fsum(row) for row in rows]


def test_a_sum_that_cancels_out_to_one_bit_is_exact() -> None:
    assert exact_sums(np.array([[1e16, 1.0, -1e16], [1e100, 1e-100, -1e100]])).tolist() == [1.0, 1e-100]


def test_percentiles_lie_on_the_line_between_two_values() -> None:
    assert of(*range(11), nan).percentiles[0].tolist() == [0.5, 2.5, 5.0, 7.5, 9.5, 9.8]


def test_north_lies_between_two_winds_beside_it_and_opposite_winds_have_no_direction() -> None:
    assert of(350.0, 10.0, combined=Combined.ANGLE).mean[0] == 0.0
    assert of(80.0, 100.0, nan, combined=Combined.ANGLE).mean[0] == 90.0
    assert np.isnan(of(0.0, 180.0, combined=Combined.ANGLE).mean[0])
    assert np.isnan(of(350.0, 10.0, combined=Combined.ANGLE).maximum[0])
    assert of(350.0, 10.0, combined=Combined.ANGLE).sd[0] == pytest.approx(10.0, abs=0.1)


def test_rain_is_added_up_and_its_total_is_what_longer_periods_take() -> None:
    found = of(0.5, 0.25, nan, 0.75, combined=Combined.TOTAL)
    assert (found.total[0], found.mean[0], found.member[0]) == (1.5, 0.5, 1.5)


def test_months_are_those_of_vietnam() -> None:
    starts = month_starts(2024)
    assert starts[2] == datetime(2024, 2, 29, 17, tzinfo=UTC)
    assert (starts[-1] - starts[0]).days == 366


def test_an_hour_begins_inclusive_and_ends_exclusive() -> None:
    hour = datetime(2026, 3, 25, 4, tzinfo=UTC)
    assert hour_start(hour) == hour
    assert hour_start(hour + HOUR_DELTA - timedelta(seconds=1)) == hour
    assert hour_start(hour + HOUR_DELTA) == hour + HOUR_DELTA


@pytest.mark.parametrize(("interval", "expected"), [(60, 60), (300, 12), (900, 4), (3600, 1), (86_400, 1)])
def test_the_interval_says_how_many_readings_an_hour_expects(interval: int, expected: int) -> None:
    assert count_expected(HOUR_DELTA, interval) == expected
