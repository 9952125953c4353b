"""Each quality test against literal windows."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import quantrac.domain.qa
from quantrac.domain.qa.equipment_range import equipment_range
from quantrac.domain.qa.flat_line import flat_line
from quantrac.domain.qa.spike import spike
from quantrac.domain.qa.status import status
from quantrac.domain.qa.table import TESTS
from quantrac.domain.qa.unit import unit
from quantrac.domain.qa.window import Window

pytestmark = pytest.mark.unit

GOOD, NOT_EVALUATED, SUSPECT, FAIL = 1, 2, 3, 4


@pytest.mark.parametrize("module", [each.name for each in pkgutil.iter_modules(quantrac.domain.qa.__path__)])
def test_the_worked_examples_in_the_docstrings_hold(module):
    results = doctest.testmod(importlib.import_module(f"quantrac.domain.qa.{module}"))
    assert results.failed == 0
    if module in TESTS:
        assert results.attempted > 0, "a quality test shows a worked example"


def test_every_test_stands_in_the_table_under_its_own_name():
    assert {name: test.__name__ for name, test in TESTS.items()} == {name: name for name in TESTS}


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


def test_a_flat_line_is_suspect_then_fails():
    rows = Window.of([3087.03] * 4, equal_minutes=[359.9, 360, 1439.9, 1440])
    assert flat_line(rows, suspect_after=360, fail_after=1440).tolist() == [GOOD, SUSPECT, SUSPECT, FAIL]


def test_night_radiation_may_stand_still_and_daylight_may_not():
    rows = Window.of([-1.6, 0.0, 412.0], equal_minutes=600)
    outcome = flat_line(rows, suspect_after=360, fail_after=1440, exempt_low=-5, exempt_high=5)
    assert outcome.tolist() == [GOOD, GOOD, SUSPECT]


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


def test_a_row_without_thresholds_is_not_evaluated():
    rows = Window.of([60.0], past=[20.0] * 5, equal_minutes=9999)
    assert spike(rows, suspect=np.nan, fail=np.nan).tolist() == [NOT_EVALUATED]
    assert flat_line(rows, suspect_after=np.nan, fail_after=np.nan).tolist() == [NOT_EVALUATED]


@pytest.mark.parametrize(
    ("test", "thresholds"),
    [
        (equipment_range, {"low": 1, "high": 0}),
        (flat_line, {"suspect_after": 2, "fail_after": 1}),
        (spike, {"suspect": 2, "fail": 1}),
    ],
)
def test_thresholds_that_contradict_each_other_raise(test, thresholds):
    with pytest.raises(ValueError, match="is above"):
        test(Window.of([1.0]), **thresholds)
