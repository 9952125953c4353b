"""Quality tests of one value by itself, against literal windows."""

import numpy as np
import pytest

from quantrac.domain.qa.checks import duplicate as duplicates
from quantrac.domain.qa.checks import own_range as own_ranges
from quantrac.domain.qa.checks.climatology import climatology
from quantrac.domain.qa.checks.duplicate import duplicate
from quantrac.domain.qa.checks.equipment_range import equipment_range
from quantrac.domain.qa.checks.negative import negative
from quantrac.domain.qa.checks.own_range import own_range
from quantrac.domain.qa.checks.physical_range import physical_range
from quantrac.domain.qa.checks.status import status
from quantrac.domain.qa.checks.unit import unit
from quantrac.domain.qa.checks.zero import zero
from quantrac.domain.qa.window import Window

GOOD, NOT_EVALUATED, SUSPECT, FAIL = 1, 2, 3, 4


@pytest.mark.parametrize(
    ("code", "outcome"), [("00", GOOD), ("01", FAIL), ("02", FAIL), ("03", SUSPECT), ("", SUSPECT)]
)
def test_only_a_measuring_device_is_good(code, outcome):
    assert status(Window.of([14.91], status=code)).tolist() == [outcome]


def test_an_empty_unit_is_a_unit_and_no_registered_unit_is_not():
    ph = Window.of([8.81], unit="")
    assert unit(ph, expected="").tolist() == [GOOD]
    assert unit(ph, expected="mg/L").tolist() == [FAIL]
    assert unit(ph, expected=None).tolist() == [NOT_EVALUATED]


def test_each_row_is_compared_with_its_own_unit():
    rows = Window.of([1.0, 1.0, 1.0], unit="mg/L")
    expected = np.array(["mg/L", "", None], dtype=object)
    assert unit(rows, expected=expected).tolist() == [GOOD, FAIL, NOT_EVALUATED]


def test_both_ends_belong_to_the_equipment_range():
    rows = Window.of([-0.01, 0.0, 14.0, 14.01])
    assert equipment_range(rows, low=0, high=14).tolist() == [FAIL, GOOD, GOOD, FAIL]


def test_an_open_end_of_the_equipment_range_passes_everything_on_its_side():
    assert equipment_range(Window.of([-1e300, 1e300]), low=0).tolist() == [FAIL, GOOD]


def test_each_row_has_its_own_equipment_range():
    low, high = np.array([0.0, np.nan, 0.0]), np.array([150.0, np.nan, 500.0])
    assert equipment_range(Window.of([200.0] * 3), low=low, high=high).tolist() == [FAIL, NOT_EVALUATED, GOOD]


def test_outside_the_usual_range_is_suspect_and_outside_the_physical_one_fails():
    humidity = Window.of([-0.1, 0.0, 9.9, 10.0, 100.0, 100.1])
    outcome = physical_range(humidity, low=0, high=100, suspect_low=10)
    assert outcome.tolist() == [FAIL, SUSPECT, SUSPECT, GOOD, GOOD, FAIL]


def test_an_infinite_end_of_the_physical_range_is_open():
    assert physical_range(Window.of([-1.0, 1e308]), low=0, high=np.inf).tolist() == [FAIL, GOOD]


def test_every_zero_is_suspect_by_default_and_nothing_near_it():
    assert zero(Window.of([0.0, -0.0, 1e-9, -0.1])).tolist() == [SUSPECT, SUSPECT, GOOD, GOOD]


def test_a_zero_may_stand_for_a_while():
    rows = Window.of([0.0] * 4, equal_minutes=[29.9, 30, 179.9, 180])
    assert zero(rows, after=30, fail_after=180).tolist() == [GOOD, SUSPECT, SUSPECT, FAIL]


def test_a_zero_that_has_stood_nobody_knows_how_long_is_judged_by_what_is_sure():
    rows = Window.of([0.0, 5.0], equal_minutes=np.nan)
    assert zero(rows).tolist() == [SUSPECT, GOOD]
    assert zero(rows, after=30).tolist() == [NOT_EVALUATED, GOOD]


def test_noise_below_zero_is_kept_and_more_fails():
    assert negative(Window.of([-0.0, -2.0, -2.01]), tolerance=2).tolist() == [GOOD, GOOD, FAIL]
    assert negative(Window.of([0.0, -0.01])).tolist() == [GOOD, FAIL]


def test_the_climate_of_each_row_is_its_own_and_an_empty_month_is_not_evaluated():
    low, high = np.array([18.0, 24.0, np.nan]), np.array([26.0, 36.0, np.nan])
    assert climatology(Window.of([30.0] * 3), low=low, high=high).tolist() == [SUSPECT, GOOD, NOT_EVALUATED]


def test_spans_widen_the_climate_on_both_sides():
    rows = Window.of([17.9, 18.0, 42.0, 42.1])
    outcome = climatology(rows, low=24, high=36, spans=0.5)
    assert outcome.tolist() == [SUSPECT, GOOD, GOOD, SUSPECT]


def test_the_own_range_is_as_wide_as_the_series_is_restless():
    # The middle half is 10 wide, the range 30: limits 20 + 2 * 30 and 10 - 2 * 30.
    rows = Window.of([79.9, 80.1, -49.9, -50.1], own=(10.0, 20.0))
    assert own_range(rows).tolist() == [GOOD, SUSPECT, GOOD, SUSPECT]
    assert own_range(rows, spans=1).tolist() == [SUSPECT] * 4


def test_a_series_that_hardly_moves_has_a_least_width():
    ph = Window.of([7.2, 8.0], own=(7.0, 7.0))
    assert own_range(ph, relative=0).tolist() == [NOT_EVALUATED, NOT_EVALUATED]
    assert own_range(ph, relative=0, at_least_span=0.2).tolist() == [GOOD, SUSPECT]
    assert own_range(ph, relative=0.1).tolist() == [GOOD, GOOD]


def test_on_the_logarithmic_scale_a_series_may_vary_by_factors():
    turbidity = Window.of([0.15, 0.16, 1270.0, 1290.0], own=(10.0, 20.0))  # limits 10 / 64 and 20 * 64
    assert own_range(turbidity, log_floor=1e-9).tolist() == [SUSPECT, GOOD, GOOD, SUSPECT]
    still = Window.of([19.0, 21.0], own=(10.0, 10.0))
    lenient = {"log_floor": 1e-9, "spans": 1, "at_least_span": np.log(2)}
    assert own_range(still, **lenient).tolist() == [GOOD, SUSPECT]


def test_the_floor_of_the_logarithmic_scale_lets_a_series_go_to_zero():
    rows = Window.of([0.0, -3.0, 20.0], own=(10.0, 20.0))
    assert own_range(rows, log_floor=0.001).tolist() == [SUSPECT, SUSPECT, GOOD]
    assert own_range(rows, log_floor=3).tolist() == [GOOD, GOOD, GOOD]


def test_linear_and_logarithmic_rows_are_judged_together():
    rows = Window.of([110.0, 110.0], own=(10.0, 20.0))
    scales = np.array([np.nan, 1e-9])
    assert own_range(rows, log_floor=scales).tolist() == [SUSPECT, GOOD]
    assert own_ranges.explain(rows, log_floor=scales) == [
        "110, middle half of the usual values 10 to 20, limits -50 and 80",
        "110, middle half of the usual values 10 to 20, limits 0.156 and 1.28e+03",
    ]


def test_a_correction_is_good_where_corrections_are_allowed():
    again = Window.of([5.2, 5.21, 7.0], replaced=5.2)
    assert duplicate(again).tolist() == [GOOD, GOOD, GOOD]
    assert duplicate(again, corrections=0, tolerance=0.05).tolist() == [GOOD, GOOD, SUSPECT]


def test_a_value_that_replaces_nothing_is_good():
    assert duplicate(Window.of([5.2]), corrections=0).tolist() == [GOOD]
    assert duplicates.explain(Window.of([5.2]), corrections=0) == ["5.2 replaces nothing"]


@pytest.mark.parametrize(
    ("test", "thresholds"),
    [
        (equipment_range, {"low": 1, "high": 0}),
        (physical_range, {"low": 1, "high": 0}),
        (physical_range, {"low": 0, "high": 9, "suspect_low": 3, "suspect_high": 2}),
        (zero, {"after": 60, "fail_after": 30}),
        (climatology, {"low": 1, "high": 0}),
    ],
)
def test_thresholds_that_contradict_each_other_raise(test, thresholds):
    with pytest.raises(ValueError, match="is above"):
        test(Window.of([1.0]), **thresholds)
