"""Runs of averages beyond a limit: literal ones, and any against a plain loop."""

import doctest
import math
from datetime import UTC, datetime
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain import exceedances as module
from quantrac.domain.exceedances import MOST_RATIO, ends, episodes, last_steps, starts, steps
from quantrac.domain.limits import Limit
from quantrac.domain.periods import Period

AT_MOST_50 = Limit("PM2.5", Period.DAY, "µg/m3", "QCVN 05:2023/BTNMT", maximum=50.0)
AT_MOST_45 = Limit("PM2.5", Period.DAY, "µg/m3", "QCVN 05:2023/BTNMT", maximum=45.0)
PH = Limit("pH", Period.HOUR, "", "QCVN 40:2011/BTNMT", "A", 6.0, 9.0)
NAN = math.nan


def found(
    means: list[float], limits: list[Limit], *, at: list[int] | None = None, held: list[int] | None = None
) -> list[tuple[int, int, int, float, bool]]:
    """(first row, last row, row of the peak, ratio, open) of one series."""
    result = episodes(
        np.zeros(len(means), np.int64),
        np.array(at if at is not None else range(len(means)), np.int64),
        np.array(means, float),
        np.array(held or [0] * len(means), np.int64),
        limits,
    )
    columns = (result.first, result.last, result.peak, result.ratio, result.open)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_the_examples_in_the_module_hold() -> None:
    assert isinstance(module, ModuleType)
    results = doctest.testmod(module)
    assert (results.failed, results.attempted > 5) == (0, True)


def test_consecutive_means_beyond_the_limit_are_one_episode() -> None:
    assert found([40, 60, 80, 55, 45], [AT_MOST_50]) == [(1, 3, 2, 1.6, False)]


def test_of_equal_peaks_the_first_counts() -> None:
    assert found([60, 60], [AT_MOST_50]) == [(0, 1, 0, 1.2, True)]


def test_no_means_and_none_beyond_give_no_episode() -> None:
    assert found([], [AT_MOST_50]) == []
    assert found([50, NAN, 49.9], [AT_MOST_50]) == []


def test_what_does_not_count_ends_a_run_and_closes_nothing() -> None:
    assert found([60, NAN, 70], [AT_MOST_50]) == [(0, 0, 0, 1.2, True), (2, 2, 2, 1.4, True)]
    assert found([60, 70], [AT_MOST_50], at=[1, 3]) == [(0, 0, 0, 1.2, True), (1, 1, 1, 1.4, True)]
    assert found([60, NAN, 40], [AT_MOST_50]) == [(0, 0, 0, 1.2, False)]


def test_another_limit_begins_another_episode_and_closes_the_one_before() -> None:
    limits = [AT_MOST_50, AT_MOST_45]
    assert found([60, 60, 54], limits, held=[0, 1, 1]) == [(0, 0, 0, 1.2, False), (1, 2, 1, 60 / 45, True)]
    assert found([60, 48], limits, held=[0, 1]) == [(0, 0, 0, 1.2, False), (1, 1, 1, 48 / 45, True)]


def test_an_average_that_nothing_judges_closes_what_was_open() -> None:
    assert found([60, 99], [AT_MOST_50], held=[0, -1]) == [(0, 0, 0, 1.2, False)]


def test_the_peak_of_a_band_is_the_value_farthest_from_it() -> None:
    assert found([5.0, 10.5, 5.0], [PH]) == [(0, 2, 1, 10.5 / 9, True)]
    assert found([4.0, 10.5], [PH]) == [(0, 1, 0, 1.5, True)]


def test_a_peak_without_a_finite_ratio_has_the_greatest() -> None:
    oxygen = Limit("DO", Period.HOUR, "mg/L", "QCVN 08:2023/BTNMT", minimum=4.0)
    nothing = Limit("Cyanide", Period.DAY, "mg/L", "permit", maximum=0.0)
    assert [each[3] for each in found([0.0, 5.0, -0.1, 5.0, 2.0], [oxygen])] == [MOST_RATIO, MOST_RATIO, 2.0]
    assert [each[3] for each in found([0.3], [nothing])] == [MOST_RATIO]


def test_one_series_does_not_continue_another() -> None:
    series, step = np.array([1, 2, 2]), np.array([7, 8, 9])
    result = episodes(series, step, np.array([60.0, 60.0, 40.0]), np.zeros(3, np.int64), [AT_MOST_50])
    assert (result.first.tolist(), result.last.tolist()) == ([0, 1], [0, 1])
    assert result.open.tolist() == [True, False]


def at(*parts: int) -> np.ndarray:
    return np.array([int(datetime(*parts, tzinfo=UTC).timestamp())])  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("period", "start", "following", "end"),
    [
        (Period.HOUR, at(2026, 2, 28, 23), at(2026, 3, 1, 0), at(2026, 3, 1, 0)),
        (Period.EIGHT_HOURS, at(2026, 2, 28, 23), at(2026, 3, 1, 0), at(2026, 3, 1, 7)),
        (Period.DAY, at(2026, 2, 28, 17), at(2026, 3, 1, 17), at(2026, 3, 1, 17)),
        (Period.MONTH, at(2026, 1, 31, 17), at(2026, 2, 28, 17), at(2026, 2, 28, 17)),
        (Period.MONTH, at(2025, 11, 30, 17), at(2025, 12, 31, 17), at(2025, 12, 31, 17)),
        (Period.YEAR, at(2024, 12, 31, 17), at(2025, 12, 31, 17), at(2025, 12, 31, 17)),
    ],
)
def test_periods_follow_each_other_on_vietnams_clock(
    period: Period, start: np.ndarray, following: np.ndarray, end: np.ndarray
) -> None:
    step = steps(start, period)
    assert steps(following, period) == step + 1
    assert steps(following - 1, period) == step
    assert starts(step, period) == start
    assert ends(step, period) == end
    assert last_steps(end, period) == step


LIMITS = [AT_MOST_50, AT_MOST_45, PH]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 12),
            st.sampled_from([NAN, 3.0, 5.0, 7.0, 44.0, 48.0, 52.0, 60.0]),
            st.integers(-1, 2),
        ),
        unique_by=lambda row: row[:2],
    )
)
def test_any_averages_give_what_a_plain_loop_gives(rows: list[tuple[int, int, float, int]]) -> None:
    rows.sort()
    columns = [np.array(column) for column in zip(*rows, strict=True)] if rows else [np.zeros(0, int)] * 4
    result = episodes(columns[0], columns[1], columns[2].astype(float), columns[3], LIMITS)
    runs: list[list[int]] = []
    for number, (series, step, mean, held) in enumerate(rows):
        if not beyond(mean, held):
            continue
        before = rows[runs[-1][-1]] if runs and runs[-1][-1] == number - 1 else None
        if before is not None and (before[0], before[1] + 1, before[3]) == (series, step, held):
            runs[-1].append(number)
        else:
            runs.append([number])
    assert result.first.tolist() == [run[0] for run in runs]
    assert result.last.tolist() == [run[-1] for run in runs]
    for run, peak, still in zip(runs, result.peak.tolist(), result.open.tolist(), strict=True):
        assert peak == max(run, key=lambda number: (far(*rows[number][2:]), -number))
        later = [row for row in rows[run[-1] + 1 :] if row[0] == rows[run[0]][0] and not math.isnan(row[2])]
        assert still == all(beyond(mean, held) and held == rows[run[0]][3] for _, _, mean, held in later)


def far(mean: float, held: int) -> float:
    low, high = LIMITS[held].minimum, LIMITS[held].maximum
    return max(mean - high if high is not None else -math.inf, low - mean if low is not None else -math.inf)


def beyond(mean: float, held: int) -> bool:
    return held >= 0 and not math.isnan(mean) and far(mean, held) > 0
