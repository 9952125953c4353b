"""Quality tests of when a reading was measured, against literal windows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.qa.checks import clock_drift as clocks
from quantrac.domain.qa.checks.age import age
from quantrac.domain.qa.checks.clock_drift import clock_drift
from quantrac.domain.qa.checks.future import future
from quantrac.domain.qa.checks.gap import Cause, Gap, find_gaps, gap
from quantrac.domain.qa.checks.grid import grid, offset
from quantrac.domain.qa.window import Window
from quantrac.domain.registry.stations import Station, StationType

GOOD, NOT_EVALUATED, SUSPECT, FAIL, MISSING = 1, 2, 3, 4, 9

NOON = datetime(2026, 7, 25, 12, tzinfo=UTC).timestamp()


def test_a_reading_from_the_future_is_suspect_and_one_from_another_day_fails():
    rows = Window.of([1.0] * 5, time=NOON, received=NOON - 60 * np.array([-9.0, 5.0, 5.1, 1440.0, 1440.1]))
    assert future(rows).tolist() == [GOOD, GOOD, SUSPECT, SUSPECT, FAIL]


def test_without_the_time_of_receipt_the_future_is_not_known():
    assert future(Window.of([1.0], time=4.2e9)).tolist() == [NOT_EVALUATED]


def test_older_than_a_logger_keeps_is_suspect():
    received = NOON + 86400 * np.array([59.9, 60.0, 60.1])
    assert age(Window.of([1.0] * 3, time=NOON, received=received)).tolist() == [GOOD, GOOD, SUSPECT]


@pytest.mark.parametrize("year", [1970, 1971, 1980, 1999, 2000, 2001, 2004, 2100, 2106])
def test_the_earliest_year_begins_at_its_first_second(year):
    new_year = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    rows = Window.of([1.0] * 2, time=[new_year - 1, new_year], received=new_year)
    assert age(rows, earliest_year=year).tolist() == [FAIL, GOOD]


def test_a_clock_that_lost_its_battery_fails_even_without_a_time_of_receipt():
    assert age(Window.of([1.0], time=0.0)).tolist() == [FAIL]
    assert age(Window.of([1.0], time=NOON)).tolist() == [NOT_EVALUATED]


def test_a_reading_off_the_grid_is_suspect():
    rows = Window.of([1.0] * 4, time=NOON + np.array([30.0, 31.0, 270.0, 269.0]), interval_minutes=5)
    assert grid(rows, tolerance=30).tolist() == [GOOD, SUSPECT, GOOD, SUSPECT]
    assert grid(Window.of([1.0], time=NOON + 99), tolerance=30).tolist() == [NOT_EVALUATED]


@given(
    seconds=st.integers(0, int(NOON)), interval=st.sampled_from([60, 300, 600, 900, 1800, 3600, 10800, 86400])
)
def test_the_grid_is_that_of_the_station(seconds, interval):
    station = Station(
        code="X",
        name="",
        name_en="",
        type=StationType.STACK,
        province="01",
        latitude=0.0,
        longitude=0.0,
        interval_seconds=interval,
    )
    at = datetime.fromtimestamp(seconds, UTC)
    since = offset(np.array([float(seconds)]), np.array([float(interval)]))[0]
    assert station.grid_time(at) == at - timedelta(seconds=float(since))


def stamped(off, before):
    """A reading ``off`` seconds from its step of 5 minutes; those before it by their own offsets."""
    steps = NOON + 300 * np.arange(-len(before), 0) + np.array(before, dtype=float)
    time = NOON + off
    return Window.of([1.0], time=time, past=[1.0] * len(before), past_time=steps - time, interval_minutes=5)


def test_a_clock_that_is_always_late_has_drifted():
    assert clock_drift(stamped(70, [61, 62, 62, 64, 65, 66]), seconds=60).tolist() == [SUSPECT]
    assert clock_drift(stamped(-70, [-61, -62, -62, -64, -65, -66]), seconds=60).tolist() == [SUSPECT]


@pytest.mark.parametrize("before", [[61, 62, 62, 60, 65, 66], [61, 62, 62, -64, 65, 66]])
def test_a_clock_that_was_right_within_the_last_readings_has_not_drifted(before):
    assert clock_drift(stamped(70, before), seconds=60).tolist() == [GOOD]


def test_what_lies_before_the_last_readings_does_not_count():
    assert clock_drift(stamped(70, [0, 0, 65, 65]), seconds=60, readings=2).tolist() == [SUSPECT]


def test_a_reading_on_time_is_good_whatever_came_before():
    assert clock_drift(stamped(59, [70] * 6), seconds=60).tolist() == [GOOD]
    assert clock_drift(stamped(0, []), seconds=60).tolist() == [GOOD]


def test_a_drift_needs_enough_readings_and_an_interval():
    few = stamped(70, [65] * 5)
    assert clock_drift(few, seconds=60).tolist() == [NOT_EVALUATED]
    assert clocks.explain(few, seconds=60) == [
        "1.17 min after a step of 5 min, limit 1 min; 5 readings in 6 h, needs 6"
    ]
    assert clock_drift(stamped(70, [65] * 6), seconds=60, minutes=29).tolist() == [NOT_EVALUATED]
    assert clock_drift(Window.of([1.0], time=NOON + 70), seconds=60).tolist() == [NOT_EVALUATED]


def test_a_missing_value_is_missing_whatever_the_device_says():
    rows = [gap(Window.of([np.nan], status=code)).tolist() for code in ("", "00", "01", "02")]
    assert rows == [[MISSING]] * 4


def test_gaps_are_told_apart_by_their_cause():
    time = NOON + 300 * np.array([0, 1, 2, 3, 6, 7])
    status = ["00", "01", "01", "02", "00", "00"]
    assert find_gaps(time, status, start=NOON, end=NOON + 2700, interval=300) == [
        Gap(NOON + 300, NOON + 900, Cause.CALIBRATING, 2),
        Gap(NOON + 900, NOON + 1200, Cause.DEVICE_ERROR, 1),
        Gap(NOON + 1200, NOON + 1800, Cause.SILENT, 2),
        Gap(NOON + 2400, NOON + 2700, Cause.SILENT, 1),
    ]


def test_a_reading_some_seconds_off_its_step_fills_it():
    time = NOON + np.array([-7.0, 290.0, 640.0])
    assert find_gaps(time, ["00"] * 3, start=NOON, end=NOON + 900, interval=300) == []


def test_a_series_without_readings_is_one_gap_and_a_span_without_steps_has_none():
    assert find_gaps([], [], start=NOON, end=NOON + 900, interval=300) == [
        Gap(NOON, NOON + 900, Cause.SILENT, 3)
    ]
    assert find_gaps([], [], start=NOON + 1, end=NOON + 300, interval=300) == []
    assert find_gaps([], [], start=NOON, end=NOON - 900, interval=300) == []


@pytest.mark.parametrize("order", [["00", "01", "02"], ["02", "01", "00"], ["01", "00", "02"]])
def test_of_several_readings_in_a_step_the_one_that_measures_counts(order):
    time = [NOON, NOON + 1, NOON + 2]
    assert find_gaps(time, order, start=NOON, end=NOON + 300, interval=300) == []
    without = ["02" if code == "00" else code for code in order]
    assert [each.cause for each in find_gaps(time, without, start=NOON, end=NOON + 300, interval=300)] == [
        Cause.CALIBRATING
    ]


def test_gaps_need_an_interval():
    with pytest.raises(ValueError, match="interval 0 is not above 0"):
        find_gaps([], [], start=0, end=1, interval=0)


def test_limits_that_contradict_each_other_raise():
    with pytest.raises(ValueError, match="tolerance 9 is above fail_after 5"):
        future(Window.of([1.0]), tolerance=9, fail_after=5)
