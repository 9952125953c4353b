"""Values beyond a limit of the method: which tests judge them, and that they are nobody's past."""

import numpy as np

from quantrac.domain.qa.baseline.neighbour_hours import hour_medians
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.span import judge_span
from quantrac.domain.readings import Flag, FlaggedReading, Reading
from schemas.rules import RuleBook
from support.qa import ONE, a_set, expectations, reading, registry, rules

JUDGED = {"status", "unit", "physical_range", "negative", "future", "age", "grid", "clock_drift"}


def live(*readings: Reading) -> list[FlaggedReading]:
    judge = Judge(registry(), RuleBook(rules(), registry()), Memory())
    return [row for flagged in judge.judge([a_set(each) for each in readings]) for row in flagged.readings]


def test_a_day_of_the_same_limit_is_no_stuck_sensor() -> None:
    flagged = live(*(reading(5 * n, 0.2, qualifier="<") for n in range(288)))
    assert {row.flag for row in flagged} == {Flag.GOOD}
    assert {row.qualifier for row in flagged} == {"<"}
    assert "flat_line" not in flagged[-1].tests


def test_only_tests_that_do_not_compare_values_as_measured_judge_a_limit() -> None:
    assert {name for name, test in TESTS.items() if test.on_qualified} == JUDGED
    [flagged] = live(reading(0, 0.2, qualifier="<"))
    assert flagged.tests.keys() <= JUDGED


def test_a_limit_beyond_what_is_physically_possible_fails() -> None:
    [flagged] = live(reading(0, 90_000.0, qualifier=">"))
    assert (flagged.flag, flagged.tests["physical_range"]) == (Flag.FAIL, Flag.FAIL)


def test_a_calibrating_device_states_no_good_limit_either() -> None:
    [flagged] = live(reading(0, 0.2, status="01", qualifier="<"))
    assert flagged.flag == Flag.FAIL


def test_a_measured_value_after_limits_is_no_spike_and_has_no_past() -> None:
    *_, flagged = live(*(reading(5 * n, 0.2, qualifier="<") for n in range(20)), reading(100, 80.0))
    assert flagged.flag == Flag.GOOD
    assert flagged.tests["spike"] == Flag.NOT_EVALUATED


def test_a_file_without_the_qualifier_is_judged_as_before() -> None:
    plain = live(*(reading(5 * n, 0.2) for n in range(24)))
    assert plain[-1].tests["flat_line"] == Flag.FAIL


def test_limits_are_no_part_of_a_baseline_and_no_hour_of_a_neighbour() -> None:
    sets = [a_set(reading(5 * n, 0.2, qualifier="<" if n % 2 else "")) for n in range(30)]
    rows = StationReadings.of_sets(ONE, sets)
    judged = judge_span(rows, expectations())
    assert not judged.clean[np.array(rows.is_qualified)].any()
    limits = StationReadings.of_sets(ONE, sets[1::2])
    assert hour_medians(limits, limits.newest) == {}


def test_a_run_of_limits_makes_no_measured_value_old() -> None:
    limits = [reading(5 * n, 0.2, qualifier="<") for n in range(1, 12)]
    *_, flagged = live(reading(0, 5.0), *limits, reading(60, 0.2))
    assert (flagged.tests["flat_line"], flagged.equal_since) == (Flag.GOOD, flagged.measured_at)
