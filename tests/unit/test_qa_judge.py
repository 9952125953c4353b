"""The judge: memory, late data, roll-up, and flags that do not depend on how arrivals are batched."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.qa.evaluate import evaluate, roll_up
from quantrac.domain.qa.judge import Judge
from quantrac.domain.qa.memory import Memory
from quantrac.domain.qa.window import Window
from quantrac.domain.readings import FlaggedSet, Reading, ReadingSet, Reject
from quantrac.domain.stations import Registry, Station, StationParameter, StationType

pytestmark = pytest.mark.unit

START = datetime(2026, 3, 25, tzinfo=UTC)
STATION = "HN_BKHN_KHIKXQ"


class Rules:
    version = "0123456789ab"
    required = frozenset({"status", "unit"})

    def thresholds(self, station_type, station, parameter):
        return {
            "status": {},
            "unit": {},
            "equipment_range": {},
            "flat_line": {"suspect_after": 30.0, "fail_after": 60.0},
            "spike": {"suspect": 50.0, "fail": 500.0, "spreads": 6.0},
        }


def registry(**station):
    pm = StationParameter("PM2.5", "ug/m3", range_low=0.0, range_high=1000.0)
    co = StationParameter("CO", "ug/m3")
    record = Station(
        STATION,
        "Bách Khoa",
        "Bach Khoa",
        StationType.AMBIENT_AIR,
        "01",
        21.0,
        105.8,
        300,
        parameters=(pm, co),
        **station,
    )
    return Registry(stations={STATION: record})


def reading(minute, value, parameter="PM2.5", status="00", unit="ug/m3"):
    return Reading(1, parameter, value, str(value), unit, START + timedelta(minutes=minute), status)


def a_set(*readings, station=STATION, rejects=()):
    return ReadingSet(
        station, "0" * 64, "a.txt", "acc", "ftp", START, "circular-10", list(readings), list(rejects)
    )


def judge(sets, rules=None, memory=None):
    return Judge(registry(), rules or Rules(), memory or Memory()).judge(sets)


def flags(flagged):
    return [reading.flag for each in flagged for reading in each.readings]


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
    kept = flagged.readings[0]
    assert (kept.line, kept.parameter, kept.value, kept.text, kept.unit, kept.measured_at, kept.status) == (
        1, "CO", 3087.03, "3087.03", "ug/m3", START, "02",
    )  # fmt: skip
    assert kept.flag == 4


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
    assert [each.station for each in flagged] == ["", STATION, ""]
    assert flagged[0].rejects == [reject]
    assert flags(flagged) == [1, 2]


def test_readings_without_a_station_have_no_history():
    sets = [a_set(reading(5 * i, 20.0), station="") for i in range(20)]
    assert {each.readings[0].tests["flat_line"] for each in judge(sets)} == {1}
    assert {each.readings[0].tests["spike"] for each in judge(sets)} == {2}


def test_the_batch_itself_is_history_for_its_later_rows():
    values = [20.0, 21.0, 20.0, 21.0, 300.0, 20.0]
    assert flags(judge([a_set(*(reading(5 * i, v) for i, v in enumerate(values)))])) == [1, 1, 1, 1, 3, 1]


def test_a_stuck_analyser_keeps_the_time_since_when_it_is_stuck():
    memory = Memory()
    for i in range(15):
        [flagged] = judge([a_set(reading(5 * i, 33.3))], memory=memory)
    assert flagged.readings[0].equal_since == START
    assert (flagged.readings[0].tests["flat_line"], flagged.readings[0].flag) == (4, 4)


def test_equal_values_on_both_sides_of_a_long_silence_are_no_flat_line():
    flagged = judge([a_set(reading(0, 7.2)), a_set(reading(181, 7.2)), a_set(reading(360, 7.2))])
    since = [each.readings[0].equal_since for each in flagged]
    assert since == [START, START + timedelta(minutes=181), START + timedelta(minutes=181)]


def test_values_sent_under_an_error_status_are_no_history_for_spikes():
    broken = [a_set(reading(5 * i, 900.0, status="02")) for i in range(5)]
    last = judge([*broken, a_set(reading(25, 20.0))])[-1].readings[0]
    assert (last.flag, last.tests["spike"]) == (1, 2)


def test_a_late_reading_is_judged_against_the_readings_before_it_in_time():
    calm = [a_set(reading(5 * i, 20.0 + i % 2)) for i in range(8)]
    after = [a_set(reading(60 + 5 * i, 400.0 + i % 2)) for i in range(5)]
    late = a_set(reading(42, 20.5))
    assert judge([*calm, *after, late])[-1].readings[0].tests["spike"] == 1


def test_a_backlog_is_judged_against_the_part_already_sent():
    live = [a_set(reading(3000 + 5 * i, 20.0 + i % 2)) for i in range(20)]
    backlog = [a_set(reading(5 * i, 60.0)) for i in range(14)]
    flagged = judge([*live, *backlog])
    assert flagged[-1].readings[0].equal_since == START
    assert flagged[-1].readings[0].tests == {
        "status": 1,
        "unit": 1,
        "equipment_range": 1,
        "flat_line": 4,
        "spike": 1,
    }


def test_a_corrected_reading_replaces_the_first_one_as_history():
    first = [a_set(reading(5 * i, 700.0)) for i in range(4)]
    corrected = [a_set(reading(5 * i, 20.0 + i % 2)) for i in range(4)]
    assert flags(judge([*first, *corrected, a_set(reading(20, 20.5))]))[-1] == 1


def test_a_sent_reading_that_comes_again_gets_the_same_flag():
    sets = [a_set(reading(5 * i, v)) for i, v in enumerate([20.0, 20.0, 21.0, 20.0, 300.0, 300.0])]
    memory = Memory()
    first = judge(sets, memory=memory)
    assert judge(sets, memory=memory) == first


def test_a_registry_record_that_is_replaced_holds_from_the_next_batch():
    stations = registry()
    judged = Judge(stations, Rules(), Memory())
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
    judged = Judge(Registry(stations={STATION: record}), Rules(), Memory())
    assert flags(judged.judge([a_set(reading(719, 150.0), reading(720, 151.0))])) == [4, 1]


def test_a_station_that_is_no_longer_valid_is_not_evaluated():
    judged = Judge(registry(valid_to=START), Rules(), Memory())
    assert flags(judged.judge([a_set(reading(0, 20.0))])) == [2]


def test_a_test_that_is_switched_off_leaves_no_outcome():
    class NoSpike(Rules):
        def thresholds(self, *place):
            return {test: given for test, given in super().thresholds(*place).items() if test != "spike"}

    assert "spike" not in judge([a_set(reading(0, 1.0))], rules=NoSpike())[0].readings[0].tests


def test_a_value_that_is_no_number_is_missing():
    [flagged] = judge([a_set(reading(0, float("nan")))])
    assert flagged.readings[0].flag == 9


def test_a_test_that_crashes_never_looks_like_a_pass():
    class Contradiction(Rules):
        def thresholds(self, *place):
            return super().thresholds(*place) | {"spike": {"suspect": 2.0, "fail": 1.0}}

    crashes = []
    judged = Judge(
        registry(), Contradiction(), Memory(), on_crash=lambda test, error: crashes.append((test, str(error)))
    )
    [flagged] = judged.judge([a_set(reading(0, 20.0))])
    assert (flagged.readings[0].flag, flagged.readings[0].tests["spike"]) == (2, 2)
    assert crashes == [("spike", "suspect [2.] is above fail [1.]")]


def test_a_crash_stops_whoever_does_not_ask_to_go_on():
    def broken(window):
        raise ZeroDivisionError("spread of nothing")

    with pytest.raises(ZeroDivisionError):
        evaluate(Window.of([1.0]), {"broken": {}}, {"broken": np.array([True])}, tests={"broken": broken})


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
    assert judge([a_set()])[0].readings == []


def chunks(items, sizes):
    start = 0
    while start < len(items):
        size = sizes[start % len(sizes)]
        yield items[start : start + size]
        start += size


def judged_in_chunks(sets, sizes) -> list[FlaggedSet]:
    judged = Judge(registry(), Rules(), Memory())
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


few_values = st.sampled_from([20.0, 20.0, 20.5, 21.0, 300.0, 5000.0, -1.0])
arrival = st.tuples(
    st.integers(0, 40), few_values, st.sampled_from(["PM2.5", "CO"]), st.sampled_from(["00", "00", "02"])
)
sizes = st.lists(st.integers(1, 12), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(arrival, min_size=1, max_size=80), sizes)
def test_the_cut_into_batches_changes_nothing_in_whatever_order_readings_arrive(arrivals, sizes):
    sets = [a_set(reading(5 * slot, value, parameter, status)) for slot, value, parameter, status in arrivals]
    assert judged_in_chunks(sets, sizes) == judged_in_chunks(sets, [1])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.floats(), min_size=1, max_size=40),
    st.lists(st.integers(-(10**6), 10**6), min_size=40, max_size=40),
)
def test_no_value_makes_the_judge_raise(values, minutes):
    sets = [a_set(*(reading(minute, value) for minute, value in zip(minutes, values, strict=False)))]
    assert set(flags(judge(sets))) <= {1, 2, 3, 4, 9}
