"""Which flags the judge leaves provisional, and for which span."""

from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain.qa.baseline.blocks import block_of
from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.readings import Provisional, Reading
from quantrac.testing.rules import FixedRuleBook, FixedRules
from support.judging import DAY, START, STATION, a_set, flags, judge, minute, provisional, reading, registry


def test_readings_in_order_are_rejudged_but_for_the_first_of_a_block_which_ends_the_one_before():
    flagged = judge([a_set(reading(i, 20.0 + i % 2)) for i in (0, 5, 355, 360, 365, 1090)])
    assert provisional(flagged) == [["block"], None, None, ["block"], None, ["block"]]
    assert flagged[3].provisional == Provisional(minute(0), minute(360), ["block"])
    # Nothing came between 12:00 and 18:00: the block before is the last one with readings.
    assert flagged[5].provisional == Provisional(minute(360), minute(1080), ["block"])


def test_a_late_reading_is_left_provisional_with_all_that_may_look_back_to_it():
    flagged = judge([a_set(reading(i, 20.0 + i)) for i in (0, 10, 5)])
    assert flagged[2].provisional == Provisional(minute(5), minute(5 + DAY), ["late"])


def test_a_late_reading_of_a_block_that_is_over_has_the_whole_block_rejudged():
    flagged = judge([a_set(reading(i, 20.0 + i % 3)) for i in (0, 360, 300)])
    assert flagged[2].provisional == Provisional(minute(0), minute(300 + DAY), ["late"])


def test_tests_that_look_back_a_week_have_a_week_rejudged():
    class Slow(FixedRules):
        def thresholds(self, *scope):
            return {
                **super().thresholds(*scope),
                "flat_line": {"suspect_after": 30.0, "fail_after": 7.0 * DAY},
            }

    flagged = judge([a_set(reading(i, 20.0 + i)) for i in (0, 10, 5)], rules=Slow())
    assert flagged[2].provisional.end == minute(5 + 7 * DAY)


def stuck_for(minutes, *, value=7.0):
    return [a_set(reading(i, value)) for i in range(0, minutes, 5)]


def test_an_old_reading_inside_a_run_makes_it_uncertain_until_it_breaks():
    sets = [*stuck_for(200), a_set(reading(12, 9.0), received=200)]
    flagged = judge([*sets, a_set(reading(200, 7.0)), a_set(reading(205, 8.0)), a_set(reading(210, 8.0))])
    assert [s.readings[0].equal_since for s in flagged[-4:]] == [None, None, minute(205), minute(205)]
    assert provisional(flagged[-4:]) == [["late"], ["late"], None, None]


def test_a_run_that_has_certainly_lasted_as_long_as_the_tests_look_back_is_certain_again():
    sets = [*stuck_for(200), a_set(reading(12, 9.0), received=200)]
    # The oldest reading remembered is that of minute 120.
    flagged = judge([*sets, *(a_set(reading(200 + 20 * i, 7.0)) for i in range(71))])
    since = [s.readings[0].equal_since for s in flagged[-71:]]
    assert since[:69] == [None] * 69  # up to minute 1560, a day after 120
    assert since[69:] == [minute(120), minute(120)]


@pytest.mark.parametrize(
    ("at", "value"),
    [(12, 7.0), (-5, 9.0), (-181, 7.0)],
    ids=["the value it shows", "another value before it", "too long before it"],
)
def test_an_old_reading_that_changes_nothing_of_a_run_leaves_it_certain(at, value):
    sets = [*stuck_for(200), a_set(reading(at, value), received=200)]
    assert judge([*sets, a_set(reading(200, 7.0))])[-1].readings[0].equal_since == minute(0)


def test_an_old_reading_that_may_have_begun_a_run_earlier_makes_it_uncertain():
    flagged = judge([*stuck_for(200), a_set(reading(-30, 7.0), received=200), a_set(reading(200, 7.0))])
    assert flagged[-1].readings[0].equal_since is None


def of_a_reset_clock(year, *, received):
    at = datetime(year, 1, 1, 0, 5, tzinfo=UTC)
    return a_set(Reading(1, "PM2.5", 20.0, "20", "ug/m3", at, "00"), received=received)


@pytest.mark.parametrize("year", [1970, 1980, 1990, 2000])
def test_a_reading_of_a_clock_that_lost_its_power_asks_for_no_rejudging(year):
    old = of_a_reset_clock(year, received=8)
    flagged = judge([a_set(reading(0, 20.0)), a_set(reading(5, 20.5)), old, a_set(reading(10, 21.0))])
    assert [s.provisional for s in flagged[1:]] == [None] * 3


@pytest.mark.parametrize("year", [1970, 1980, 1990, 2000])
def test_a_station_that_begins_with_a_reset_clock_does_not_have_the_years_since_then_rejudged(year):
    flagged = judge([of_a_reset_clock(year, received=-1), a_set(reading(0, 20.0)), a_set(reading(5, 20.5))])
    assert [s.provisional for s in flagged] == [None, Provisional(minute(-360), minute(0), ["block"]), None]


class Pairs(FixedRules):
    def thresholds(self, station_type, station, parameter, at):
        compared = {"CO": {"drops_with": {"other": "PM2.5"}}}
        return {"status": {}, "equipment_range": {}, **compared.get(parameter, {})}


def test_parameters_of_one_file_are_compared():
    [flagged] = judge([a_set(reading(0, 5000.0), reading(0, 1.0, "CO"))], rules=Pairs())
    assert flags([flagged]) == [4, 3]
    assert flagged.provisional.causes == ["block"]


@pytest.mark.parametrize("order", [("PM2.5", "CO"), ("CO", "PM2.5")])
def test_parameters_of_two_files_are_left_provisional_by_the_file_that_comes_second(order):
    sets = [a_set(reading(5 * i, 1.0, name)) for i in range(2) for name in order]
    flagged = judge(sets, rules=Pairs())
    assert provisional(flagged) == [["block"], ["companion"], None, ["companion"]]
    assert flagged[3].provisional == Provisional(minute(5), minute(5) + timedelta(seconds=1), ["companion"])


def test_a_parameter_that_never_comes_leaves_nothing_to_be_rejudged():
    flagged = judge([a_set(reading(5 * i, 1.0, "CO")) for i in range(3)], rules=Pairs())
    assert provisional(flagged) == [["block"], None, None]


class Neighbours(FixedRules):
    def thresholds(self, *scope):
        return {"status": {}, "neighbours": {"difference": 50.0}}


def test_an_hour_that_is_over_is_rejudged_where_neighbours_are_compared():
    sets = [a_set(reading(i, 20.0)) for i in (0, 55, 60, 65, 250)]
    causes = judge(sets, rules=Neighbours())
    assert provisional(causes) == [["block", "neighbours"], None, ["neighbours"], None, ["neighbours"]]
    assert causes[2].provisional == Provisional(minute(0), minute(60), ["neighbours"])
    assert causes[4].provisional == Provisional(minute(60), minute(240), ["neighbours"])
    assert provisional(judge(sets))[2] is None


class Own(FixedRules):
    def thresholds(self, *scope):
        return {"status": {}, "own_range": {}}


def test_readings_are_compared_with_the_baseline_of_their_block():
    baseline = Baselines()
    block = block_of(START.timestamp())
    baseline.put(STATION, {block: {"PM2.5": [10.0, 40.0, 5.0, 8.0, 50.0]}})
    judged = Judge(registry(), FixedRuleBook(Own()), Memory(), baseline=baseline)
    [usual, unusual] = judged.judge([a_set(reading(0, 20.0), reading(0, 20.0, "CO")), a_set(reading(5, 9e9))])
    assert [r.tests["own_range"] for r in usual.readings] == [1, 2]
    assert unusual.readings[0].tests["own_range"] in (3, 4)
    assert unusual.provisional is None


def test_readings_of_a_block_whose_bounds_have_not_come_are_left_provisional():
    flagged = judge([a_set(reading(0, 20.0)), a_set(reading(5, 20.0))], rules=Own())
    assert flagged[1].readings[0].tests["own_range"] == 2
    assert flagged[1].provisional == Provisional(minute(5), minute(5) + timedelta(seconds=1), ["block"])


def test_a_parameter_that_comes_after_its_block_is_over_has_the_block_summed_up_again():
    sets = [a_set(reading(at, 20.0)) for at in (0, 355, 360)]
    slow = [a_set(reading(at, 1.0, "CO"), received=365) for at in (0, 355)]
    flagged = judge([*sets, *slow])
    assert provisional(flagged) == [["block"], None, ["block"], ["block"], ["block"]]
    assert flagged[4].provisional == Provisional(minute(0), minute(360), ["block"])
