"""The judge: flags, roll-up, and flags that do not depend on how arrivals are batched."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.qa.checks.table import Test
from quantrac.domain.qa.evaluate import evaluate, roll_up
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.window import Window
from quantrac.domain.readings import Flag, FlaggedSet, Reading, Reject
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.testing.rules import FixedRuleBook, FixedRules
from support.effort import examples
from support.judging import (
    START,
    STATION,
    a_set,
    chunks,
    few_values,
    flags,
    judge,
    minute,
    reading,
    registry,
    sizes,
)


def test_a_healthy_first_reading_is_good_although_it_has_no_history():
    [flagged] = judge([a_set(reading(0, 27.81))])
    [only] = flagged.readings
    assert only.flag == 1
    assert only.tests == {"status": 1, "unit": 1, "equipment_range": 1, "flat_line": 1, "spike": 2}
    assert only.equal_since == START
    assert flagged.rules == "0123456789ab"


def test_a_parameter_without_a_range_is_good_and_says_that_the_range_was_not_evaluated():
    [flagged] = judge([a_set(reading(0, 800.0, parameter="CO"))])
    assert (flagged.readings[0].flag, flagged.readings[0].tests["equipment_range"]) == (1, 2)


def test_the_reading_itself_stays_as_it_was_sent():
    sent = reading(0, 3087.03, parameter="CO", status="02")
    [flagged] = judge([a_set(sent)])
    only = flagged.readings[0]
    assert (only.line, only.parameter, only.value, only.text, only.unit, only.measured_at, only.status) == (
        1, "CO", 3087.03, "3087.03", "ug/m3", START, "02",
    )  # fmt: skip
    assert only.flag == 4


def test_an_unknown_parameter_is_kept_and_not_evaluated():
    [flagged] = judge([a_set(reading(0, 1.0, parameter="Mystery"))])
    assert flagged.readings[0].flag == 2
    assert flagged.readings[0].tests == {
        "status": 1,
        "unit": 2,
        "equipment_range": 2,
        "flat_line": 1,
        "spike": 2,
    }


def test_an_unknown_station_is_kept_and_not_evaluated():
    assert flags(judge([a_set(reading(0, 1.0), station="XX_NEW_STATION")])) == [2]


def test_rejects_and_order_pass_through():
    reject = Reject(3, "CO\t12,4x", "value-not-a-number")
    flagged = judge(
        [a_set(station="", rejects=[reject]), a_set(reading(0, 20.0)), a_set(reading(5, 1.0), station="")]
    )
    assert [s.station for s in flagged] == ["", STATION, ""]
    assert flagged[0].rejects == [reject]
    assert flags(flagged) == [1, 2]


def test_readings_without_a_station_have_no_history():
    sets = [a_set(reading(5 * i, 20.0), station="") for i in range(20)]
    assert {s.readings[0].tests["flat_line"] for s in judge(sets)} == {1}
    assert {s.readings[0].tests["spike"] for s in judge(sets)} == {2}


def test_a_registry_record_that_is_replaced_holds_from_the_next_batch():
    stations = registry()
    judged = Judge(stations, FixedRuleBook(), Memory())
    assert flags(judged.judge([a_set(reading(0, 1500.0))])) == [4]
    pm = StationParameter("PM2.5", "ug/m3", range_low=0.0, range_high=2000.0)
    stations.stations[STATION] = Station(
        STATION, "", "", StationType.AMBIENT_AIR, "01", 21.0, 105.8, 300, parameters=(pm,)
    )
    assert flags(judged.judge([a_set(reading(5, 1500.0))])) == [1]


def test_a_range_holds_between_its_two_dates():
    noon = START + timedelta(hours=12)
    old = StationParameter("PM2.5", "ug/m3", range_low=0.0, range_high=100.0, valid_to=noon)
    new = StationParameter("PM2.5", "ug/m3", range_low=0.0, range_high=1000.0, valid_from=noon)
    record = Station(STATION, "", "", StationType.AMBIENT_AIR, "01", 21.0, 105.8, 300, parameters=(old, new))
    judged = Judge(Registry(stations={STATION: record}), FixedRuleBook(), Memory())
    assert flags(judged.judge([a_set(reading(719, 150.0), reading(720, 151.0))])) == [4, 1]


def test_a_station_that_is_no_longer_valid_is_not_evaluated():
    judged = Judge(registry(valid_to=START), FixedRuleBook(), Memory())
    assert flags(judged.judge([a_set(reading(0, 20.0))])) == [2]


def test_a_test_that_is_switched_off_leaves_no_outcome():
    class NoSpike(FixedRules):
        def thresholds(self, *scope):
            return {k: v for k, v in super().thresholds(*scope).items() if k != "spike"}

    assert "spike" not in judge([a_set(reading(0, 1.0))], rules=NoSpike())[0].readings[0].tests


def test_a_value_that_is_no_number_is_missing_where_gaps_are_asked_for_and_never_good():
    class Gaps(FixedRules):
        def thresholds(self, *scope):
            return {**super().thresholds(*scope), "gap": {}}

    [with_gaps] = judge([a_set(reading(0, float("nan")))], rules=Gaps())
    assert (with_gaps.readings[0].flag, with_gaps.readings[0].tests) == (9, {"gap": 9})
    [without] = judge([a_set(reading(0, float("nan")))])
    assert (without.readings[0].flag, without.readings[0].tests) == (2, {})


def test_a_test_that_crashes_never_looks_like_a_pass():
    class Contradiction(FixedRules):
        def thresholds(self, *scope):
            return super().thresholds(*scope) | {"spike": {"suspect": 2.0, "fail": 1.0}}

    crashes = []
    judged = Judge(
        registry(),
        FixedRuleBook(Contradiction()),
        Memory(),
        on_crash=lambda test, error: crashes.append((test, str(error))),
    )
    [flagged] = judged.judge([a_set(reading(0, 20.0))])
    assert (flagged.readings[0].flag, flagged.readings[0].tests["spike"]) == (2, 2)
    assert crashes == [("spike", "suspect [2.] is above fail [1.]")]


def test_a_crash_stops_whoever_does_not_ask_to_go_on():
    def broken(window):
        raise ZeroDivisionError("spread of nothing")

    tests = {"broken": Test(broken, lambda window: [])}
    with pytest.raises(ZeroDivisionError):
        evaluate(Window.of([1.0]), {"broken": {}}, {"broken": np.array([True])}, tests=tests)


@pytest.mark.parametrize(
    ("tests", "flag"),
    [
        ({"status": 1, "unit": 1, "spike": 4, "flat_line": 3}, 4),
        ({"status": 1, "unit": 1, "spike": 2, "flat_line": 3}, 3),
        ({"status": 9, "unit": 9}, 9),
        ({"status": 1, "unit": 2}, 2),
        ({"status": 1, "spike": 2}, 1),
        ({"spike": 2}, 2),
        ({}, 2),
    ],
)
def test_the_worst_outcome_wins(tests, flag):
    assert roll_up(tests, {"status", "unit"}) == flag


def test_an_empty_batch_gives_nothing():
    assert judge([]) == []
    assert not judge([a_set()])[0].readings


def judged_in_chunks(sets, sizes) -> list[FlaggedSet]:
    judged = Judge(registry(), FixedRuleBook(), Memory())
    return [flagged for chunk in chunks(sets, sizes) for flagged in judged.judge(chunk)]


def a_month():
    random = np.random.default_rng(20260325)
    pm = np.round(30 + np.cumsum(random.normal(0, 1, 8928)), 1)
    pm[random.choice(8928, 40, replace=False)] *= 20
    pm[4000:4030] = 33.3
    status = random.choice(["00", "00", "00", "00", "01"], 8928)
    return [
        a_set(reading(5 * i, float(value), status=str(code)), reading(5 * i, float(round(value * 20)), "CO"))
        for i, (value, code) in enumerate(zip(pm, status, strict=True))
    ]


def test_a_month_streamed_is_the_month_judged_at_once():
    month = a_month()
    at_once = judged_in_chunks(month, [len(month)])
    assert judged_in_chunks(month, [1, 7, 500, 3, 64]) == at_once
    assert {1, 3, 4} <= set(flags(at_once))


arrival = st.tuples(
    st.integers(0, 40), few_values, st.sampled_from(["PM2.5", "CO"]), st.sampled_from(["00", "00", "02"])
)


@settings(max_examples=examples(150))
@given(st.lists(arrival, min_size=1, max_size=80), sizes)
def test_the_cut_into_batches_changes_nothing_in_whatever_order_readings_arrive(arrivals, sizes):
    sets = [a_set(reading(5 * slot, value, parameter, status)) for slot, value, parameter, status in arrivals]
    assert judged_in_chunks(sets, sizes) == judged_in_chunks(sets, [1])


@settings(max_examples=examples(100))
@given(
    st.lists(st.floats(), min_size=1, max_size=40),
    st.lists(st.integers(-(10**6), 10**6), min_size=40, max_size=40),
)
def test_no_value_makes_the_judge_raise(values, minutes):
    sets = [a_set(*(reading(minute, value) for minute, value in zip(minutes, values, strict=False)))]
    assert set(flags(judge(sets))) <= {1, 2, 3, 4, 9}


def decision(name, start, end, flag, *, decided=0, parameters=(), withdrawn=None):
    return Decision(
        name, STATION, minute(start), minute(end), flag, "an", "seen", minute(decided), parameters, withdrawn
    )


def test_a_decision_wins_over_every_test():
    stations = registry()
    stations.decide("1", decision("1", 5, 10, Flag.FAIL))
    stations.decide("2", decision("2", 0, 5, Flag.GOOD, parameters=("PM2.5",)))
    sets = [a_set(reading(at, 5000.0), reading(at, 1.0, "CO")) for at in (0, 5, 10)]
    flagged = Judge(stations, FixedRuleBook(), Memory()).judge(sets)
    assert [flags([s]) for s in flagged] == [[1, 1], [4, 4], [4, 1]]
    assert flagged[0].readings[0].tests["decision"] == 1
    assert flagged[0].readings[0].tests["equipment_range"] == 4
    assert "decision" not in flagged[0].readings[1].tests


@settings(max_examples=examples(100))
@given(
    st.lists(
        st.sampled_from([0.0, 1e308, -1e308, 5e-324, float("inf"), float("nan"), 10.0**300]), max_size=30
    )
)
def test_numbers_at_the_ends_of_what_a_float_holds_get_flags(values):
    sets = [a_set(reading(5 * i, value)) for i, value in enumerate(values)]
    assert set(flags(judge(sets))) <= {1, 2, 3, 4, 9}


@pytest.mark.parametrize("year", [1, 1970, 2106, 9999])
def test_times_at_the_ends_of_what_a_date_holds_get_flags(year):
    at = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC) if year > 1 else datetime(1, 1, 1, tzinfo=UTC)
    odd = a_set(Reading(1, "PM2.5", 20.0, "2" * 400, "ug/m3", at, "00"), received=3)
    assert flags(judge([a_set(reading(0, 20.0)), odd, a_set(reading(5, 20.0))])) == [1, 1, 1]
