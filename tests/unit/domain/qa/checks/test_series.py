"""Quality tests that look back in the series, against literal windows."""

import numpy as np
import pytest

from quantrac.domain.qa.checks import flat_line as flat_lines
from quantrac.domain.qa.checks import rate_of_change as rates
from quantrac.domain.qa.checks.flat_line import flat_line
from quantrac.domain.qa.checks.own_rate import own_rate
from quantrac.domain.qa.checks.past import is_newest, previous_reading
from quantrac.domain.qa.checks.rate_of_change import rate_of_change
from quantrac.domain.qa.checks.spike import spike
from quantrac.domain.qa.checks.stuck import stuck
from quantrac.domain.qa.window import Window

GOOD, NOT_EVALUATED, SUSPECT, FAIL = 1, 2, 3, 4


def test_a_flat_line_is_suspect_then_fails():
    rows = Window.of([3087.03] * 4, equal_minutes=[359.9, 360, 1439.9, 1440])
    assert flat_line(rows, suspect_after=360, fail_after=1440).tolist() == [GOOD, SUSPECT, SUSPECT, FAIL]


def test_night_radiation_may_stand_still_and_daylight_may_not():
    rows = Window.of([-1.6, 0.0, 412.0], equal_minutes=600)
    outcome = flat_line(rows, suspect_after=360, fail_after=1440, exempt_low=-5, exempt_high=5)
    assert outcome.tolist() == [GOOD, GOOD, SUSPECT]


def test_a_value_that_has_stood_nobody_knows_how_long_is_not_evaluated():
    rows = Window.of([412.0, 0.0], equal_minutes=np.nan)
    limits = {"suspect_after": 360, "fail_after": 1440, "exempt_low": 0, "exempt_high": 0}
    assert flat_line(rows, **limits).tolist() == [NOT_EVALUATED, GOOD]
    assert flat_lines.explain(rows, **limits) == [
        "how long 412 has stood is not known",
        "0 may stand for ever",
    ]


RETURNING = {"suspect": 30, "return_share": 0.6}


def test_a_spike_from_which_the_series_comes_back_stays_a_spike_in_either_direction():
    for value, after in ((90.0, [22.0, 20.0]), (90.0, [80.0, 40.0]), (-60.0, [19.0, 20.0]), (90.0, [5.0])):
        rows = Window.of([value], past=[20.0] * 5, following=after)
        assert spike(rows, **RETURNING).tolist() == [SUSPECT], (value, after)


def test_a_pulse_that_stays_or_decays_slowly_is_no_spike_once_what_follows_is_known():
    for value, after in ((90.0, [85.0, 70.0]), (90.0, [140.0, 120.0]), (-60.0, [-70.0, -50.0])):
        rows = Window.of([value], past=[20.0] * 5, following=after)
        assert spike(rows, **RETURNING).tolist() == [GOOD], (value, after)
        assert spike(rows, suspect=30).tolist() == [SUSPECT], "without a share nothing is taken back"


def test_a_spike_after_which_nothing_is_known_stays_suspect_and_one_that_fails_stays_a_failure():
    for after in ([], [np.nan, np.nan]):
        assert spike(Window.of([90.0], past=[20.0] * 5, following=after), **RETURNING).tolist() == [SUSPECT]
    plateau = Window.of([9000.0], past=[20.0] * 5, following=[9000.0, 9000.0])
    assert spike(plateau, fail=1000, **RETURNING).tolist() == [FAIL]


def test_pulses_are_compared_on_the_scale_of_the_test():
    # Half of the units are gone at the next reading, but a quarter of the logarithm.
    rows = Window.of([160.0, 160.0], past=[10.0] * 5, following=[80.0, 70.0])
    shares = np.array([np.nan, 1e-9])
    outcome = spike(rows, suspect=1.0, return_share=0.55, log_floor=shares)
    assert outcome.tolist() == [SUSPECT, GOOD]


def test_a_single_wild_value_is_a_spike_in_either_direction():
    calm = [27.8, 28.1, 27.5, 28.0, 27.9]
    rows = Window.of([28.4, 180.0, -32570.0], past=calm)
    assert spike(rows, suspect=100, fail=1000).tolist() == [GOOD, SUSPECT, FAIL]


def test_the_reading_after_a_spike_is_good():
    assert spike(
        Window.of([28.0], past=[27.8, 28.1, 27.5, 28.0, 9999.0]), suspect=100, fail=1000
    ).tolist() == [GOOD]


def test_a_step_is_suspect_for_three_readings_only():
    series = [20.0, 20.1, 19.9, 20.0, 20.1, 80.0, 80.1, 79.9, 80.0, 80.1]
    outcomes = [
        int(spike(Window.of([series[i]], past=series[i - 5 : i]), suspect=30, fail=1000)[0])
        for i in range(5, 10)
    ]
    assert outcomes == [SUSPECT, SUSPECT, SUSPECT, GOOD, GOOD]


def test_a_restless_series_needs_a_larger_jump():
    restless = [100.0, 160.0, 90.0, 150.0, 110.0]  # median 110, median absolute deviation 20
    rows = Window.of([240.0], past=restless)
    assert spike(rows, suspect=100, fail=1000).tolist() == [SUSPECT]
    assert spike(rows, suspect=100, fail=1000, spreads=6).tolist() == [GOOD]


def test_too_little_or_too_old_history_is_not_evaluated():
    assert spike(Window.of([9999.0], past=[20.0, 20.1]), suspect=30, fail=1000).tolist() == [NOT_EVALUATED]
    assert spike(Window.of([9999.0]), suspect=30, fail=1000).tolist() == [NOT_EVALUATED]
    old = Window.of([9999.0], past=[20.0] * 4, past_time=[-4000.0, -3601.0, -3600.0, -300.0])
    assert spike(old, suspect=30, fail=1000, minutes=60).tolist() == [NOT_EVALUATED]
    assert spike(old, suspect=30, fail=1000, minutes=70).tolist() == [FAIL]


def test_gaps_in_the_window_do_not_count_as_history():
    past = [20.0, 20.1, np.nan, 19.9, np.nan]
    assert spike(Window.of([60.0], past=past), suspect=30, fail=1000).tolist() == [SUSPECT]
    assert spike(Window.of([60.0], past=past), suspect=30, fail=1000, at_least=4).tolist() == [NOT_EVALUATED]


def test_an_overflow_is_no_pass():
    with np.errstate(all="ignore"):
        assert spike(
            Window.of([1.7e308], past=[-1.7e308] * 5), suspect=30, fail=1000, spreads=6
        ).tolist() == [FAIL]
        assert rate_of_change(Window.of([1.7e308], past=[-1.7e308]), suspect=30, fail=1000).tolist() == [FAIL]


def test_a_row_without_thresholds_is_not_evaluated():
    rows = Window.of([60.0], past=[20.0] * 5, equal_minutes=9999)
    assert spike(rows, suspect=np.nan, fail=np.nan).tolist() == [NOT_EVALUATED]
    assert flat_line(rows, suspect_after=np.nan, fail_after=np.nan).tolist() == [NOT_EVALUATED]


def test_the_reading_before_is_the_newest_one_that_measured():
    rows = Window.of([1.0] * 3, past=[[7.0, 8.0], [7.0, np.nan], [np.nan, np.nan]])
    value, age = previous_reading(rows)
    assert value[:2].tolist() == [8.0, 7.0]
    assert age[:2].tolist() == [5.0, 10.0]
    assert np.isnan([value[2], age[2]]).all()
    assert np.isnan(previous_reading(Window.of([1.0]))).all()


def test_gaps_and_old_readings_do_not_count_among_the_newest():
    rows = Window.of([1.0], past=[1.0, 2.0, np.nan, 3.0])
    assert is_newest(rows, readings=2, minutes=60).tolist() == [[False, True, False, True]]
    assert is_newest(rows, readings=9, minutes=15).tolist() == [[False, True, False, True]]
    assert is_newest(rows, readings=9, minutes=14).tolist() == [[False, False, False, True]]


def test_a_jump_from_the_reading_before_is_suspect_then_fails():
    rows = Window.of([30.0, 50.0, 50.1, -10.1, 220.1], past=[100.0, 20.0])
    assert rate_of_change(rows, suspect=30, fail=200).tolist() == [GOOD, GOOD, SUSPECT, SUSPECT, FAIL]


def test_without_a_limit_to_fail_a_jump_is_suspect_only():
    assert rate_of_change(Window.of([9999.0], past=[20.0]), suspect=30).tolist() == [SUSPECT]


def test_a_reading_before_that_is_too_old_or_unknown_says_nothing():
    old = Window.of([9999.0], past=[20.0], past_time=[-3660.0])
    assert rate_of_change(old, suspect=30).tolist() == [NOT_EVALUATED]
    assert rates.explain(old, suspect=30) == ["the reading before is 1.02 h old, may be 1 h"]
    assert rate_of_change(old, suspect=30, minutes=61).tolist() == [SUSPECT]
    assert rate_of_change(Window.of([9999.0]), suspect=30).tolist() == [NOT_EVALUATED]


def test_a_limit_made_for_five_minutes_grows_with_the_root_of_the_step():
    rows = Window.of([79.0, 81.0], past=[20.0], past_time=[-1200.0])  # four steps: twice the limit
    assert rate_of_change(rows, suspect=30, step_minutes=5).tolist() == [GOOD, SUSPECT]
    assert rates.explain(rows, suspect=30, step_minutes=5)[1] == "81 is 61 from 20 of 20 min before, limit 60"


def test_a_limit_does_not_shrink_below_its_step():
    rows = Window.of([49.0, 51.0], past=[20.0], past_time=[-60.0])
    assert rate_of_change(rows, suspect=30, step_minutes=5).tolist() == [GOOD, SUSPECT]


def test_a_share_of_the_reading_before_adds_to_the_limit():
    rows = Window.of([319.0, 321.0], past=[200.0])
    assert rate_of_change(rows, suspect=20, relative=0.5).tolist() == [GOOD, SUSPECT]


def test_an_analyser_that_has_not_left_its_band_for_days_is_stuck():
    rows = Window.of([7.0, 7.05, 7.06, 6.9], recent=(7.0, 7.02))
    assert stuck(rows, tolerance=0.05).tolist() == [SUSPECT, SUSPECT, GOOD, GOOD]


def test_a_series_that_moved_in_the_last_days_is_not_stuck():
    assert stuck(Window.of([7.0], recent=(6.9, 7.1)), tolerance=0.05).tolist() == [GOOD]


def test_the_band_of_a_stuck_analyser_may_grow_with_its_values():
    rows = Window.of([1000.0], recent=(995.0, 1005.0))
    assert stuck(rows, tolerance=0).tolist() == [GOOD]
    assert stuck(rows, tolerance=0, relative=0.01).tolist() == [SUSPECT]


def test_a_jump_is_measured_in_usual_steps_of_the_series():
    rows = Window.of([24.0, 24.1], past=[20.0], own_step=0.5)
    assert own_rate(rows).tolist() == [GOOD, SUSPECT]
    assert own_rate(rows, factor=4).tolist() == [SUSPECT, SUSPECT]
    assert own_rate(rows, at_least=5).tolist() == [GOOD, GOOD]


def test_a_jump_over_a_long_silence_or_of_an_unknown_series_is_not_evaluated():
    rows = Window.of([99.0], past=[20.0], past_time=[-7260.0], own_step=0.5)
    assert own_rate(rows).tolist() == [NOT_EVALUATED]
    assert own_rate(rows, minutes=180).tolist() == [SUSPECT]
    assert own_rate(Window.of([99.0], past=[20.0])).tolist() == [NOT_EVALUATED]


@pytest.mark.parametrize(
    ("test", "thresholds", "words"),
    [
        (flat_line, {"suspect_after": 2, "fail_after": 1}, "suspect_after 2 is above fail_after 1"),
        (spike, {"suspect": 2, "fail": 1}, "suspect 2 is above fail 1"),
        (rate_of_change, {"suspect": 2, "fail": 1}, "suspect 2 is above fail 1"),
        (rate_of_change, {"suspect": 2, "step_minutes": 0}, "step_minutes 0 is not above 0"),
    ],
)
def test_thresholds_that_contradict_each_other_raise(test, thresholds, words):
    with pytest.raises(ValueError, match=words):
        test(Window.of([1.0]), **thresholds)
