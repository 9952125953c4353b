"""Quality tests of when a reading was measured, against literal windows."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.qa.checks import clock_drift as clocks
from quantrac.domain.qa.checks import grid as grids
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
    for start in (datetime(year, 1, 1, 0, 5, tzinfo=UTC).timestamp() for year in (1970, 1980, 1990, 2000)):
        assert age(Window.of([1.0], time=start)).tolist() == [FAIL]
    assert age(Window.of([1.0], time=NOON)).tolist() == [NOT_EVALUATED]


def test_a_reading_off_the_phase_that_its_rules_tell_is_suspect():
    rows = Window.of([1.0] * 4, time=NOON + np.array([30.0, 31.0, 270.0, 269.0]), interval_minutes=5)
    assert grid(rows, tolerance=30, phase=0).tolist() == [GOOD, SUSPECT, GOOD, SUSPECT]
    assert grid(rows, tolerance=30, phase=300).tolist() == [GOOD, SUSPECT, GOOD, SUSPECT]
    assert grid(rows, tolerance=30, phase=150).tolist() == [SUSPECT] * 4
    assert grid(Window.of([1.0], time=NOON + 99), tolerance=30, phase=0).tolist() == [NOT_EVALUATED]


def of_steps(offsets, *, minutes=5.0, missing=()):
    """Readings whose stamps lie so many seconds after steps of the clock, each with those before it."""
    stamps = NOON + 60 * minutes * np.arange(len(offsets)) + np.array(offsets, dtype=float)
    depth = 16
    past = np.full((len(stamps), depth), np.nan)
    for row in range(len(stamps)):
        before = [stamps[i] for i in range(max(0, row - depth), row)]
        before = [np.nan if i in missing else at for i, at in enumerate(before, max(0, row - depth))]
        past[row, depth - len(before) :] = before
    return Window.of(
        [1.0] * len(stamps),
        time=stamps,
        past=np.where(np.isnan(past), np.nan, 1.0),
        past_time=past - stamps[:, None],
        interval_minutes=minutes,
    )


@pytest.mark.parametrize("phase", [0, 150, 149, 299, 60])
def test_a_steady_step_that_does_not_begin_on_the_clock_is_good(phase):
    assert grid(of_steps([phase] * 9), tolerance=60).tolist() == [NOT_EVALUATED] * 3 + [GOOD] * 6


def test_a_whole_hourly_station_that_stamps_at_42_past_is_good():
    assert (
        grid(of_steps([42 * 60] * 9, minutes=60), tolerance=60).tolist() == [NOT_EVALUATED] * 3 + [GOOD] * 6
    )


def test_seconds_that_a_logger_is_off_its_own_step_are_good_on_both_sides_of_half_a_step():
    seconds = [150, 130, 170, 155, 149, 151, 140, 160]
    assert grid(of_steps(seconds), tolerance=60).tolist()[3:] == [GOOD] * 5


@pytest.mark.parametrize("off", [61, 150, -61])
def test_what_leaves_the_phase_of_its_station_is_suspect_and_spoils_no_other(off):
    for phase in (0, 150):
        seconds = [phase] * 6 + [phase + off] + [phase] * 4
        assert grid(of_steps(seconds), tolerance=60).tolist()[3:] == [GOOD] * 3 + [SUSPECT] + [GOOD] * 4


def test_a_station_that_changes_its_phase_is_in_step_again_from_the_fourth_reading_on():
    assert grid(of_steps([0] * 6 + [150] * 6), tolerance=60).tolist()[6:] == [SUSPECT] * 3 + [GOOD] * 3


def test_rows_that_are_missing_leave_a_station_in_step():
    assert grid(of_steps([150] * 9, missing=(3, 6, 7)), tolerance=60).tolist()[4:] == [GOOD] * 5


def test_no_phase_follows_from_few_readings_or_from_long_ago():
    assert grid(of_steps([0, 0, 150]), tolerance=60).tolist() == [NOT_EVALUATED] * 3
    assert grid(of_steps([0, 0, 0, 0, 3600], minutes=180), tolerance=60).tolist() == [NOT_EVALUATED] * 5


@given(st.lists(st.integers(0, 299), min_size=1, max_size=12))
def test_the_quick_look_at_the_last_three_readings_says_what_counting_says(offsets):
    window = of_steps(offsets)
    count, in_step = grids._count(window, np.arange(len(window)), 60.0)
    counted = np.where(2 * in_step > count, GOOD, SUSPECT)
    assert grid(window, tolerance=60).tolist() == np.where(count >= 3, counted, NOT_EVALUATED).tolist()


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
    assert clock_drift(stamped(70, [61, 62, 62, 64, 65, 66]), seconds=60, phase=0).tolist() == [SUSPECT]
    assert clock_drift(stamped(-70, [-61, -62, -62, -64, -65, -66]), seconds=60, phase=0).tolist() == [
        SUSPECT
    ]


@pytest.mark.parametrize("before", [[61, 62, 62, 60, 65, 66], [61, 62, 62, -64, 65, 66]])
def test_a_clock_that_was_right_within_the_last_readings_has_not_drifted(before):
    assert clock_drift(stamped(70, before), seconds=60, phase=0).tolist() == [GOOD]


def test_what_lies_before_the_last_readings_does_not_count():
    assert clock_drift(stamped(70, [0, 0, 65, 65]), seconds=60, phase=0, readings=2).tolist() == [SUSPECT]


def test_a_reading_on_time_is_good_whatever_came_before():
    assert clock_drift(stamped(59, [70] * 6), seconds=60, phase=0).tolist() == [GOOD]
    assert clock_drift(stamped(0, []), seconds=60, phase=0).tolist() == [GOOD]


def test_a_drift_needs_enough_readings_and_an_interval():
    few = stamped(70, [65] * 5)
    assert clock_drift(few, seconds=60, phase=0).tolist() == [NOT_EVALUATED]
    assert clocks.explain(few, seconds=60, phase=0) == [
        "1.17 min after a step of 5 min, limit 1 min; 5 readings in 6 h, needs 6"
    ]
    assert clock_drift(stamped(70, [65] * 6), seconds=60, phase=0, minutes=29).tolist() == [NOT_EVALUATED]
    assert clock_drift(Window.of([1.0], time=NOON + 70), seconds=60, phase=0).tolist() == [NOT_EVALUATED]


def test_a_phase_that_nobody_told_is_no_drift():
    assert clock_drift(stamped(150, [150] * 6), seconds=60).tolist() == [NOT_EVALUATED]
    assert clock_drift(stamped(150, [150] * 6), seconds=60, phase=150).tolist() == [GOOD]
    assert clock_drift(stamped(220, [220] * 6), seconds=60, phase=150).tolist() == [SUSPECT]


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


def test_a_station_with_a_phase_of_its_own_has_no_gaps_where_it_is_steady():
    jitter = np.array([0.0, 5.0, -5.0, 2.0, -2.0, 0.0, 4.0, -4.0])
    time = NOON + 150 + 300 * np.arange(8) + jitter
    assert find_gaps(time, ["00"] * 8, start=time.min(), end=time.max() + 1, interval=300) == []
    lacking = np.delete(time, [3, 4])
    assert find_gaps(lacking, ["00"] * 6, start=time.min(), end=time.max() + 1, interval=300) == [
        Gap(NOON + 1050, NOON + 1650, Cause.SILENT, 2)
    ]


def test_gaps_need_an_interval():
    with pytest.raises(ValueError, match="interval 0 is not above 0"):
        find_gaps([], [], start=0, end=1, interval=0)


def test_limits_that_contradict_each_other_raise():
    with pytest.raises(ValueError, match="tolerance 9 is above fail_after 5"):
        future(Window.of([1.0]), tolerance=9, fail_after=5)
