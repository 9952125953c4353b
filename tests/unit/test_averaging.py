import doctest
import random
from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain import averaging, ids
from quantrac.domain.averaging import HOUR, Mean, expected_in, hour_of, mean_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("module", [averaging, ids])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    results = doctest.testmod(module)  # type: ignore[arg-type]
    assert results.attempted > 0
    assert results.failed == 0


def test_a_mean_says_what_it_rests_on() -> None:
    mean = mean_of([10.0, 12.0, 14.0], received=5, expected=12)
    assert mean == Mean(12.0, 10.0, 14.0, count=3, received=5, expected=12)
    assert mean.completeness == 0.25


def test_an_hour_of_bad_readings_has_no_mean() -> None:
    assert mean_of([], received=12, expected=12) == Mean(None, None, None, 0, 12, 12)


def test_the_order_of_the_readings_does_not_change_a_bit_of_the_mean() -> None:
    values = [0.1 * n + 1e6 / (n + 1) for n in range(500)]
    shuffled = random.Random(7).sample(values, len(values))
    assert (
        mean_of(values, received=500, expected=500).mean == mean_of(shuffled, received=500, expected=500).mean
    )


def test_an_hour_begins_inclusive_and_ends_exclusive() -> None:
    hour = datetime(2026, 3, 25, 4, tzinfo=UTC)
    assert hour_of(hour) == hour
    assert hour_of(hour + HOUR - timedelta(seconds=1)) == hour
    assert hour_of(hour + HOUR) == hour + HOUR


@pytest.mark.parametrize(("interval", "expected"), [(60, 60), (300, 12), (900, 4), (3600, 1), (86_400, 1)])
def test_the_interval_says_how_many_readings_an_hour_expects(interval: int, expected: int) -> None:
    assert expected_in(HOUR, interval) == expected
