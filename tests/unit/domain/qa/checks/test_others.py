"""Quality tests that compare with other parameters and other stations, against literal windows."""

from datetime import UTC, datetime

import numpy as np
import pytest

from quantrac.domain.qa.checks import against_other as against_others
from quantrac.domain.qa.checks import neighbours as neighbourly
from quantrac.domain.qa.checks.against_other import against_other
from quantrac.domain.qa.checks.drops_with import drops_with
from quantrac.domain.qa.checks.neighbours import neighbours
from quantrac.domain.qa.checks.sum_of_parts import sum_of_parts
from quantrac.domain.qa.window import Window
from schemas.rules import load

GOOD, NOT_EVALUATED, SUSPECT, FAIL = 1, 2, 3, 4


def test_pm2_5_is_never_more_than_pm10():
    rows = Window.of([40.0, 45.0, 45.1, 90.1], companions={"PM10": 40.0})
    outcome = against_other(rows, other="PM10", at_most=1, tolerance=5, fail_tolerance=50)
    assert outcome.tolist() == [GOOD, GOOD, SUSPECT, FAIL]


def test_a_parameter_may_have_a_least_share_of_another():
    rows = Window.of([3.9, 4.0, 36.0, 36.1], companions={"COD": 40.0})
    outcome = against_other(rows, other="COD", at_least=0.1, at_most=0.9)
    assert outcome.tolist() == [SUSPECT, GOOD, GOOD, SUSPECT]
    assert against_others.explain(rows, other="COD", at_least=0.1, at_most=0.9)[0] == (
        "3.9 against COD 40: at least 4 and at most 36, limit 0 on the excess"
    )


def test_without_the_other_parameter_nothing_is_compared():
    rows = Window.of([60.0], companions={"PM10": np.nan})
    assert against_other(rows, other="PM10", at_most=1).tolist() == [NOT_EVALUATED]
    assert against_other(rows, other="TSP", at_most=1).tolist() == [NOT_EVALUATED]
    assert against_other(rows, other=None, at_most=1).tolist() == [NOT_EVALUATED]


def test_without_a_bound_nothing_is_compared():
    rows = Window.of([60.0], companions={"PM10": 40.0})
    assert against_other(rows, other="PM10").tolist() == [NOT_EVALUATED]
    assert against_others.explain(rows, other="PM10") == ["a threshold is not given"]


def test_each_row_has_its_own_other_parameter():
    rows = Window.of([30.0, 30.0], companions={"PM10": 40.0, "NOx": 20.0})
    other = np.array(["PM10", "NOx"], dtype=object)
    assert against_other(rows, other=other, at_most=1).tolist() == [GOOD, SUSPECT]


def test_nox_agrees_with_its_parts():
    rows = Window.of([55.6, 65.6, 65.7], companions={"NO": 20.0, "NO2": 30.0})  # 1.53 * 20 + 30 = 60.6
    outcome = sum_of_parts(rows, first="NO", second="NO2", first_factor=1.53, tolerance=5)
    assert outcome.tolist() == [GOOD, GOOD, SUSPECT]


def test_the_tolerance_of_a_sum_may_grow_with_it():
    rows = Window.of([540.0, 560.0], companions={"NO": 200.0, "NO2": 300.0})
    assert sum_of_parts(rows, first="NO", second="NO2", relative=0.1).tolist() == [GOOD, SUSPECT]


@pytest.mark.parametrize("parts", [{"NO": 20.0}, {"NO2": 30.0}, {"NO": 20.0, "NO2": np.nan}, {}])
def test_a_sum_with_an_unknown_part_is_not_evaluated(parts):
    rows = Window.of([60.0], companions=parts)
    assert sum_of_parts(rows, first="NO", second="NO2", tolerance=5).tolist() == [NOT_EVALUATED]


def test_a_reading_drops_with_the_bad_one_it_depends_on():
    rows = Window.of([3.1], companions={"Flow": 12.0, "COD": 9999.0}, bad=["COD"])
    assert drops_with(rows, other="COD").tolist() == [SUSPECT]
    assert drops_with(rows, other="Flow").tolist() == [GOOD]
    assert drops_with(rows, other="TSS").tolist() == [NOT_EVALUATED]


def test_a_reading_far_from_all_neighbours_is_suspect():
    rows = Window.of([110.0, 110.1, -10.1], neighbours=50.0, neighbour_count=3)
    assert neighbours(rows, tolerance=60).tolist() == [GOOD, SUSPECT, SUSPECT]


def test_with_a_factor_a_reading_must_be_far_in_both_ways():
    dirty = Window.of([590.0, 610.0], neighbours=300.0, neighbour_count=3)
    assert neighbours(dirty, tolerance=60, factor=2).tolist() == [GOOD, SUSPECT]
    clean = Window.of([60.0, 62.0], neighbours=1.0, neighbour_count=3)
    assert neighbours(clean, tolerance=60, factor=2).tolist() == [GOOD, SUSPECT]
    low = Window.of([101.0, 99.0], neighbours=300.0, neighbour_count=3)
    assert neighbours(low, tolerance=60, factor=3).tolist() == [GOOD, SUSPECT]


def test_too_few_neighbours_say_nothing():
    rows = Window.of([500.0], neighbours=50.0, neighbour_count=1)
    assert neighbours(rows, tolerance=60).tolist() == [NOT_EVALUATED]
    assert neighbourly.explain(rows, tolerance=60) == ["1 neighbour in this hour, needs 2"]
    assert neighbours(rows, tolerance=60, at_least=1).tolist() == [SUSPECT]
    assert neighbours(Window.of([500.0]), tolerance=60).tolist() == [NOT_EVALUATED]


@pytest.mark.parametrize(
    ("test", "thresholds", "words"),
    [
        (against_other, {"other": "A", "at_least": 2, "at_most": 1}, "at_least 2 is above at_most 1"),
        (
            against_other,
            {"other": "A", "at_most": 1, "tolerance": 5, "fail_tolerance": 4},
            "tolerance 5 is above fail_tolerance 4",
        ),
        (neighbours, {"tolerance": 1, "factor": 0.5}, "factor 0.5 is below 1"),
    ],
)
def test_thresholds_that_contradict_each_other_raise(test, thresholds, words):
    with pytest.raises(ValueError, match=words):
        test(Window.of([1.0]), **thresholds)


@pytest.mark.parametrize(
    ("part", "whole", "agrees", "exceeds"),
    [
        (
            "NO2",
            "NOx",
            [(1.9, 0.0), (52.0, 50.0), (200.0, 190.0)],
            [(2.1, 0.0), (58.0, 50.0), (220.0, 190.0)],
        ),
        ("PM2.5", "PM10", [(9.0, 0.0), (300.0, 285.0)], [(11.0, 0.0), (330.0, 285.0)]),
    ],
)
def test_by_the_national_rules_a_part_may_exceed_its_whole_by_what_two_channels_differ(
    part, whole, agrees, exceeds
):
    rules = load().thresholds("ambient-air", "", part, datetime(2026, 1, 1, tzinfo=UTC))["against_other"]
    for pairs, outcome in ((agrees, GOOD), (exceeds, SUSPECT)):
        for value, of_whole in pairs:
            assert against_other(Window.of([value], companions={whole: of_whole}), **rules).tolist() == [
                outcome
            ]
