"""What the values of counters add up to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.counters import LOOK_BACK, hours_of_increments, increments

STEP = 300


def added(*values: float, step: int = STEP) -> list[float | None]:
    result = increments(np.array(values), np.arange(len(values)) * step)
    return [None if np.isnan(value) else value for value in result.tolist()]


def test_a_sum_that_begins_again_adds_its_value() -> None:
    assert added(0, 1, 1, 4, 0, 2) == [None, 1, 0, 3, 0, 2]
    assert added(8, 3) == [None, 3], "rain at the first reading after midnight"


def test_a_sum_that_falls_without_beginning_again_adds_nothing_known() -> None:
    assert added(12.4, 12.3, 12.5) == [None, None, pytest.approx(0.2)]


def test_across_a_longer_silence_nobody_knows_in_which_hour_it_rained() -> None:
    assert added(1, 5, step=LOOK_BACK) == [None, 4]
    assert added(1, 5, step=LOOK_BACK + 1) == [None, None]
    assert added() == []


@given(st.lists(st.floats(0, 50).map(lambda value: round(value, 1)), min_size=1, max_size=60))
def test_increments_of_a_running_sum_are_what_it_was_made_of(rain: list[float]) -> None:
    sums = np.cumsum(rain)
    result = increments(sums, np.arange(len(rain)) * STEP)
    assert np.isnan(result[0])
    assert result[1:] == pytest.approx(rain[1:], abs=1e-6)


@given(st.integers(0, 3599), st.integers(1, LOOK_BACK))
def test_a_reading_changes_only_hours_that_are_named(at: int, distance: int) -> None:
    assert (at + distance) // 3600 * 3600 in hours_of_increments(0)
