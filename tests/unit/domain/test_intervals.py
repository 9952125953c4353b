"""An interval holds for its dates: what came before a change is judged and counted by the old one."""

from datetime import UTC, datetime, timedelta
from itertools import chain

import numpy as np
import pytest

from quantrac.domain.averaging import count_expected_at
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.stored.rejudge import Span, rejudge
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import Flag
from quantrac.domain.registry.intervals import Interval, Intervals
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StampMeaning
from quantrac.domain.stamps import Stamps
from quantrac.testing.builders import station
from quantrac.testing.history import HistoryInMemory
from schemas.rules import RuleBook
from support.qa import ONE, START, a_set, reading, rules

GRID = """
required: [status]
national:
  source: "made up for a test"
  tests:
    status: {}
    grid: {tolerance: 60}
    clock_drift: {seconds: 100, phase: 0, minutes: 60}
"""
CHANGE = START + timedelta(days=1, minutes=30)


def sent(first: int, second: int, *, off: float = 0.0):
    """The files of two days: every ``first`` minutes up to the change, then every ``second`` minutes."""
    before = range(0, 24 * 60 + 30, first)
    after = range(24 * 60 + 30, 48 * 60, second)
    return [a_set(reading(off + minute, 10.0 + minute % 7)) for minute in chain(before, after)]


def registered(seconds: int, *intervals: Interval, **fields):
    record = station(ONE, interval_seconds=seconds, intervals=intervals, **fields)
    return Registry(stations={ONE: record})


def judged_live(registry: Registry, sets):
    flagged = Judge(registry, RuleBook(rules(GRID)), Memory(registry)).judge(sets)
    return flagged, [outcome for each in flagged for outcome in each.readings.outcome_of("grid")]


DATED = Interval(300, valid_to=CHANGE)


@pytest.mark.parametrize(("minutes", "then"), [(5, 15), (15, 5), (10, 15), (5, 60), (60, 5)])
@pytest.mark.parametrize("off", [0.0, 2.5])
def test_a_station_that_changes_its_interval_at_a_date_is_never_off_its_grid(
    minutes: int, then: int, off: float
) -> None:
    registry = registered(60 * then, Interval(60 * minutes, valid_to=CHANGE))
    _, grid = judged_live(registry, sent(minutes, then, off=off))
    assert set(grid[:3]) == {Flag.NOT_EVALUATED}
    assert set(grid[3:]) == {Flag.GOOD}


def test_a_station_still_is_off_its_grid_where_its_interval_did_not_change() -> None:
    _, grid = judged_live(registered(900, Interval(300, valid_to=CHANGE)), sent(5, 7))
    before = 24 * 12 + 6
    assert set(grid[3:before]) == {Flag.GOOD}
    assert grid.count(Flag.SUSPECT) > 100


@pytest.mark.parametrize("minutes", [5, 10])
def test_a_dated_change_of_the_interval_changes_no_flag_of_what_was_measured_before_it(minutes: int) -> None:
    """However the dates came: with the change, or later, after the past was judged by the new interval."""
    sets = sent(minutes, 15)
    flagged, _ = judged_live(registered(60 * minutes), [each for each in sets if _time(each) < CHANGE])
    history = HistoryInMemory()
    for each in flagged:
        history.insert(each)
    undated, dated = registered(900), registered(900, Interval(60 * minutes, valid_to=CHANGE))
    whole = Span(START.timestamp(), CHANGE.timestamp(), frozenset({"registry"}))

    def rejudged(registry: Registry):
        return rejudge(history, registry, Expectations(registry, RuleBook(rules(GRID))), ONE, whole)

    assert rejudged(dated).revisions == ()
    wrong = rejudged(undated).revisions
    assert len(wrong) > 50, "a new interval without a date judges the past"
    for each in wrong:
        history.insert(each)
    healed = rejudged(dated).revisions
    assert {flag for each in healed for flag in each.readings.flag} == {Flag.GOOD}
    assert len(healed) == len(wrong)


def _time(reading_set):
    return reading_set.readings.measured_at[0]


def test_the_nearest_step_of_a_reading_is_that_of_the_interval_of_then() -> None:
    record = station(interval_seconds=3600, intervals=(DATED,))
    at = CHANGE.replace(minute=5, second=20)
    assert record.grid_time(at) == at.replace(second=0)
    assert record.grid_time(at + timedelta(hours=2)) == (at + timedelta(hours=2)).replace(minute=0, second=0)


def test_an_hour_expects_what_the_interval_of_then_allows() -> None:
    record = station(interval_seconds=900, intervals=(DATED,))
    hour = CHANGE.replace(minute=0)
    expected = [count_expected_at(record, hour + timedelta(hours=number)) for number in (-1, 0, 1)]
    assert expected == [12, 8, 4]


def test_a_file_is_waited_for_as_long_as_the_interval_after_the_last_one_is() -> None:
    longer, shorter = Intervals(3600, (DATED,)), Intervals(300, (Interval(3600, valid_to=CHANGE),))
    minute = timedelta(minutes=1)
    assert [longer.wait_after(CHANGE + number * minute) for number in (-60, -5, 0)] == [300, 3600, 3600]
    assert [shorter.wait_after(CHANGE + number * minute) for number in (-60, -5, 0)] == [3600, 3600, 300]


def test_for_six_hours_after_a_change_stamps_are_in_step_with_both_intervals() -> None:
    course = Intervals(900, (Interval(600, valid_to=CHANGE),))
    steps = [course.step_at(CHANGE + timedelta(hours=hours)) for hours in (-1, 0, 5, 6)]
    assert steps == [600, 300, 300, 900]
    assert course.step_changes() == {CHANGE, CHANGE + timedelta(hours=6)}


def test_intervals_at_the_ends_of_the_calendar_are_taken_as_they_are() -> None:
    ends = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    course = Intervals(300, (Interval(900, valid_from=ends[0], valid_to=ends[1]),))
    assert course.step_at(ends[0]) == 900 == course.step_at(START)
    assert ends[1] in course.step_changes()


def test_stations_of_one_kind_share_their_profiles_and_those_of_another_interval_do_not() -> None:
    records = {code: station(code, interval_seconds=900, intervals=(DATED,)) for code in ("A", "B")}
    records["C"] = station("C", interval_seconds=900)
    expectations = Expectations(Registry(stations=records), RuleBook(rules(GRID)))
    times = [at.timestamp() for at in (CHANGE - timedelta(hours=1), CHANGE + timedelta(hours=7))]
    received, measured = np.array(times) + 60, np.array(times)
    indices = {
        code: expectations.profile_indices(code, ["PM2.5"] * 2, received, measured) for code in records
    }
    assert indices["A"].tolist() == indices["B"].tolist()
    assert expectations.intervals(indices["A"]).tolist() == [300.0, 900.0]
    assert expectations.intervals(indices["C"]).tolist() == [900.0, 900.0]


def test_stamps_of_a_mean_follow_the_interval_of_then() -> None:
    record = station(interval_seconds=3600, intervals=(DATED,), stamps=(StampMeaning(Stamps.END),))
    assert record.middle_of(CHANGE - timedelta(hours=1)) == CHANGE - timedelta(hours=1, seconds=150)
    assert record.middle_of(CHANGE) == CHANGE - timedelta(minutes=30)
