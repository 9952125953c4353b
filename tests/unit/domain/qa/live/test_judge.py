"""The judge: memory, late data, roll-up, and flags that do not depend on how arrivals are batched."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.qa.baseline.blocks import block_of
from quantrac.domain.qa.baseline.lookup import Baselines
from quantrac.domain.qa.checks.table import Test
from quantrac.domain.qa.evaluate import evaluate, roll_up
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Window
from quantrac.domain.readings import Flag, FlaggedSet, Provisional, Reading, ReadingSet, Reject
from quantrac.domain.stations import Decision, Registry, Station, StationParameter, StationType

START = datetime(2026, 3, 25, tzinfo=UTC)
STATION = "HN_BKHN_KHIKXQ"
DAY = 1440


def minute(number):
    return START + timedelta(minutes=number)


class Rules:
    version = "0123456789ab"
    required = frozenset({"status", "unit"})

    def changes(self, station_type, station, parameter):
        return []

    def thresholds(self, station_type, station, parameter, at):
        return {
            "status": {},
            "unit": {},
            "equipment_range": {},
            "flat_line": {"suspect_after": 30.0, "fail_after": 60.0},
            "spike": {"suspect": 50.0, "fail": 500.0, "spreads": 6.0},
        }


class Book:
    """One rule set for every reading, or others from some time of receipt or within a span of measurement."""

    def __init__(self, rules=None, *, received=(), measured=()):
        self.edition, self.default = 1, rules or Rules()
        self.received, self.measured = list(received), list(measured)

    @property
    def changes_received(self):
        return [at for at, _ in self.received]

    @property
    def changes_measured(self):
        return sorted(at for start, end, _ in self.measured for at in (start, end))

    def rules(self, received_at, measured_at):
        for start, end, rules in self.measured:
            if start <= measured_at < end:
                return rules
        return next((rules for at, rules in reversed(self.received) if at <= received_at), self.default)


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


def a_set(*readings, station=STATION, rejects=(), received=None):
    """A file that came a minute after its last reading, or at minute ``received``."""
    last = max((each.measured_at for each in readings), default=START)
    at = last + timedelta(minutes=1) if received is None else minute(received)
    return ReadingSet(
        station, "0" * 64, "a.txt", "acc", "ftp", at, "circular-10", list(readings), list(rejects)
    )


def judge(sets, rules=None, memory=None):
    return Judge(registry(), Book(rules), memory or Memory()).judge(sets)


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


def test_a_backlog_older_than_all_that_is_remembered_is_judged_without_a_past_and_left_provisional():
    live = [a_set(reading(3000 + 5 * i, 20.0 + i % 2)) for i in range(20)]
    backlog = [a_set(reading(5 * i, 60.0)) for i in range(14)]
    last = judge([*live, *backlog])[-1]
    assert (last.readings[0].tests["spike"], last.readings[0].equal_since) == (2, None)
    assert last.provisional == Provisional(minute(65), minute(65 + DAY), ["late"])


def test_a_corrected_reading_replaces_the_first_one_as_history():
    first = [a_set(reading(5 * i, 700.0)) for i in range(4)]
    corrected = [a_set(reading(5 * i, 20.0 + i % 2), received=18) for i in range(4)]
    assert flags(judge([*first, *corrected, a_set(reading(20, 20.5))]))[-1] == 1


def test_a_sent_reading_that_comes_again_gets_the_same_flag():
    sets = [a_set(reading(5 * i, v)) for i, v in enumerate([20.0, 20.0, 21.0, 20.0, 300.0, 300.0])]
    memory = Memory()
    first = judge(sets, memory=memory)
    again = judge(sets, memory=memory)
    assert [each.readings for each in again] == [each.readings for each in first]
    assert [each.provisional and each.provisional.causes for each in again] == [["late"]] * 6


def test_a_registry_record_that_is_replaced_holds_from_the_next_batch():
    stations = registry()
    judged = Judge(stations, Book(), Memory())
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
    judged = Judge(Registry(stations={STATION: record}), Book(), Memory())
    assert flags(judged.judge([a_set(reading(719, 150.0), reading(720, 151.0))])) == [4, 1]


def test_a_station_that_is_no_longer_valid_is_not_evaluated():
    judged = Judge(registry(valid_to=START), Book(), Memory())
    assert flags(judged.judge([a_set(reading(0, 20.0))])) == [2]


def test_a_test_that_is_switched_off_leaves_no_outcome():
    class NoSpike(Rules):
        def thresholds(self, *place):
            return {test: given for test, given in super().thresholds(*place).items() if test != "spike"}

    assert "spike" not in judge([a_set(reading(0, 1.0))], rules=NoSpike())[0].readings[0].tests


def test_a_value_that_is_no_number_is_missing_where_gaps_are_asked_for_and_never_good():
    class Gaps(Rules):
        def thresholds(self, *place):
            return {**super().thresholds(*place), "gap": {}}

    [with_gaps] = judge([a_set(reading(0, float("nan")))], rules=Gaps())
    assert (with_gaps.readings[0].flag, with_gaps.readings[0].tests) == (9, {"gap": 9})
    [without] = judge([a_set(reading(0, float("nan")))])
    assert (without.readings[0].flag, without.readings[0].tests) == (2, {})


def test_a_test_that_crashes_never_looks_like_a_pass():
    class Contradiction(Rules):
        def thresholds(self, *place):
            return super().thresholds(*place) | {"spike": {"suspect": 2.0, "fail": 1.0}}

    crashes = []
    judged = Judge(
        registry(),
        Book(Contradiction()),
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
    assert judge([a_set()])[0].readings == []


def chunks(items, sizes):
    start = 0
    while start < len(items):
        size = sizes[start % len(sizes)]
        yield items[start : start + size]
        start += size


def judged_in_chunks(sets, sizes) -> list[FlaggedSet]:
    judged = Judge(registry(), Book(), Memory())
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


# ---- late data, and what live cannot know ----


def provisional(flagged):
    return [each.provisional and each.provisional.causes for each in flagged]


def later(flagged):
    """Leave out the first set, which opens a block of its station."""
    return flagged[1:]


def test_readings_in_order_are_rejudged_but_for_the_first_of_a_block_which_ends_the_one_before():
    flagged = judge([a_set(reading(i, 20.0 + i % 2)) for i in (0, 5, 355, 360, 365, 1090)])
    assert provisional(flagged) == [["block"], None, None, ["block"], None, ["block"]]
    assert flagged[3].provisional == Provisional(minute(0), minute(360), ["block"])
    # Nothing came between 12:00 and 18:00: the block before is the last one with readings.
    assert flagged[5].provisional == Provisional(minute(360), minute(1080), ["block"])


def test_a_late_reading_is_left_provisional_with_all_that_may_look_back_to_it():
    flagged = judge([a_set(reading(i, 20.0 + i)) for i in (0, 10, 5)])
    assert flagged[2].provisional == Provisional(minute(5), minute(5 + DAY), ["late"])


def test_tests_that_look_back_a_week_have_a_week_rejudged():
    class Slow(Rules):
        def thresholds(self, *place):
            return {
                **super().thresholds(*place),
                "flat_line": {"suspect_after": 30.0, "fail_after": 7.0 * DAY},
            }

    flagged = judge([a_set(reading(i, 20.0 + i)) for i in (0, 10, 5)], rules=Slow())
    assert flagged[2].provisional.end == minute(5 + 7 * DAY)


def test_a_late_reading_that_breaks_a_remembered_run_moves_its_beginning():
    sets = [a_set(reading(i, 7.0)) for i in (0, 5, 15, 20)]
    flagged = judge([*sets, a_set(reading(10, 8.0), received=30), a_set(reading(25, 7.0))])
    assert [each.readings[0].equal_since for each in flagged] == [
        minute(0), minute(0), minute(0), minute(0), minute(10), minute(15),
    ]  # fmt: skip
    assert provisional(later(flagged)) == [None, None, None, ["late"], None]


def test_a_late_reading_that_joins_two_runs_makes_them_one():
    sets = [a_set(reading(0, 7.0)), a_set(reading(100, 7.0)), a_set(reading(290, 7.0))]
    flagged = judge([*sets, a_set(reading(200, 7.0), received=300), a_set(reading(295, 7.0))])
    assert [each.readings[0].equal_since for each in flagged] == [
        minute(0), minute(0), minute(290), minute(0), minute(0),
    ]  # fmt: skip


def stuck_for(minutes, *, value=7.0):
    return [a_set(reading(i, value)) for i in range(0, minutes, 5)]


def test_an_old_reading_inside_a_run_makes_it_unsure_until_it_breaks():
    sets = [*stuck_for(200), a_set(reading(12, 9.0), received=200)]
    flagged = judge([*sets, a_set(reading(200, 7.0)), a_set(reading(205, 8.0)), a_set(reading(210, 8.0))])
    assert [each.readings[0].equal_since for each in flagged[-4:]] == [None, None, minute(205), minute(205)]
    assert provisional(flagged[-4:]) == [["late"], ["late"], None, None]


def test_a_run_that_has_certainly_lasted_as_long_as_the_tests_look_back_is_sure_again():
    sets = [*stuck_for(200), a_set(reading(12, 9.0), received=200)]
    # The oldest reading remembered is that of minute 120.
    flagged = judge([*sets, *(a_set(reading(200 + 20 * i, 7.0)) for i in range(71))])
    since = [each.readings[0].equal_since for each in flagged[-71:]]
    assert since[:69] == [None] * 69  # up to minute 1560, a day after 120
    assert since[69:] == [minute(120), minute(120)]


@pytest.mark.parametrize(
    ("at", "value"),
    [(12, 7.0), (-5, 9.0), (-181, 7.0)],
    ids=["the value it shows", "another value before it", "too long before it"],
)
def test_an_old_reading_that_changes_nothing_of_a_run_leaves_it_sure(at, value):
    sets = [*stuck_for(200), a_set(reading(at, value), received=200)]
    assert judge([*sets, a_set(reading(200, 7.0))])[-1].readings[0].equal_since == minute(0)


def test_an_old_reading_that_may_have_begun_a_run_earlier_makes_it_unsure():
    flagged = judge([*stuck_for(200), a_set(reading(-30, 7.0), received=200), a_set(reading(200, 7.0))])
    assert flagged[-1].readings[0].equal_since is None


class Strict(Rules):
    def thresholds(self, *place):
        return {"status": {}, "duplicate": {"tolerance": 0.5, "corrections": 0}}


def test_the_value_that_a_reading_replaces_is_compared_with_it():
    sets = [a_set(reading(0, 5.0), received=1), a_set(reading(0, 5.4), received=2), a_set(reading(0, 7.0))]
    sets[2].received_at = minute(3)
    assert flags(judge(sets, rules=Strict())) == [1, 1, 3]


def test_of_two_readings_of_one_time_the_one_received_later_is_the_past_of_others():
    corrected = a_set(*(reading(5 * i, 20.0 + i % 2) for i in range(4)), received=40)
    first = a_set(*(reading(5 * i, 700.0) for i in range(4)), received=30)
    flagged = judge([corrected, first, a_set(reading(20, 20.5))])
    assert flagged[-1].readings[0].tests["spike"] == 1


def test_a_clock_days_ahead_spoils_neither_the_past_nor_the_order_of_true_readings():
    ahead = a_set(reading(80 * 365 * DAY, 900.0), received=8)
    flagged = judge([a_set(reading(0, 20.0)), a_set(reading(5, 20.5)), ahead, a_set(reading(10, 21.0))])
    assert provisional(later(flagged)) == [None, None, None]
    assert flagged[-1].readings[0].equal_since == minute(10)


def test_a_reading_of_1970_is_rejudged_in_its_own_day():
    old = a_set(Reading(1, "PM2.5", 20.0, "20", "ug/m3", datetime(1970, 1, 1, tzinfo=UTC), "00"), received=8)
    flagged = judge([a_set(reading(0, 20.0)), a_set(reading(5, 20.5)), old, a_set(reading(10, 21.0))])
    assert flagged[2].provisional == Provisional(
        datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 2, tzinfo=UTC), ["late"]
    )
    assert flagged[3].provisional is None


def test_a_thousand_readings_of_one_second_replace_one_another():
    first = a_set(reading(-5, 20.0))
    _, flagged = judge([first, a_set(*(reading(0, float(i)) for i in range(1000)), reading(5, 999.0))])
    assert flagged.readings[-1].equal_since == minute(0)
    assert flagged.provisional == Provisional(minute(-360), minute(DAY), ["block", "late"])


# ---- companions, neighbours, baselines ----


class Pairs(Rules):
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


class Neighbours(Rules):
    def thresholds(self, *place):
        return {"status": {}, "neighbours": {"difference": 50.0}}


def test_an_hour_that_is_over_is_rejudged_where_neighbours_are_compared():
    sets = [a_set(reading(i, 20.0)) for i in (0, 55, 60, 65, 250)]
    causes = judge(sets, rules=Neighbours())
    assert provisional(causes) == [["block", "neighbours"], None, ["neighbours"], None, ["neighbours"]]
    assert causes[2].provisional == Provisional(minute(0), minute(60), ["neighbours"])
    assert causes[4].provisional == Provisional(minute(60), minute(240), ["neighbours"])
    assert provisional(judge(sets))[2] is None


class Own(Rules):
    def thresholds(self, *place):
        return {"status": {}, "own_range": {}}


def test_readings_are_compared_with_what_was_learnt_of_their_block():
    baseline = Baselines()
    block = block_of(START.timestamp())
    baseline.put(STATION, {block: {"PM2.5": [10.0, 40.0, 5.0, 8.0, 50.0]}})
    judged = Judge(registry(), Book(Own()), Memory(), baseline=baseline)
    [known, other] = judged.judge([a_set(reading(0, 20.0), reading(0, 20.0, "CO")), a_set(reading(5, 9e9))])
    assert [each.tests["own_range"] for each in known.readings] == [1, 2]
    assert other.readings[0].tests["own_range"] in (3, 4)
    assert other.provisional is None


def test_readings_of_a_block_whose_limits_have_not_come_are_left_provisional():
    flagged = judge([a_set(reading(0, 20.0)), a_set(reading(5, 20.0))], rules=Own())
    assert flagged[1].readings[0].tests["own_range"] == 2
    assert flagged[1].provisional == Provisional(minute(5), minute(5) + timedelta(seconds=1), ["block"])


def test_a_parameter_that_comes_after_its_block_is_over_has_the_block_learnt_from_again():
    sets = [a_set(reading(at, 20.0)) for at in (0, 355, 360)]
    slow = [a_set(reading(at, 1.0, "CO"), received=365) for at in (0, 355)]
    flagged = judge([*sets, *slow])
    assert provisional(flagged) == [["block"], None, ["block"], ["block"], ["block"]]
    assert flagged[4].provisional == Provisional(minute(0), minute(360), ["block"])


# ---- people's decisions ----


def decision(name, start, end, flag, *, decided=0, parameters=(), withdrawn=None):
    return Decision(
        name, STATION, minute(start), minute(end), flag, "an", "seen", minute(decided), parameters, withdrawn
    )


def test_a_decision_wins_over_every_test():
    stations = registry()
    stations.decide("1", decision("1", 5, 10, Flag.FAIL))
    stations.decide("2", decision("2", 0, 5, Flag.GOOD, parameters=("PM2.5",)))
    sets = [a_set(reading(at, 5000.0), reading(at, 1.0, "CO")) for at in (0, 5, 10)]
    flagged = Judge(stations, Book(), Memory()).judge(sets)
    assert [flags([each]) for each in flagged] == [[1, 1], [4, 4], [4, 1]]
    assert flagged[0].readings[0].tests["decision"] == 1
    assert flagged[0].readings[0].tests["equipment_range"] == 4
    assert "decision" not in flagged[0].readings[1].tests


# ---- which rules judge ----


class Tight(Rules):
    version = "tight"

    def thresholds(self, *place):
        return {"status": {}, "equipment_range": {"low": 0.0, "high": 10.0}}


def test_rules_switch_with_the_time_of_receipt_within_a_batch():
    book = Book(received=[(minute(10), Tight())])
    sets = [a_set(reading(5, 20.0, "X"), received=9), a_set(reading(6, 20.0, "X"), received=10)]
    flagged = Judge(registry(), book, Memory()).judge(sets)
    assert [each.rules for each in flagged] == ["0123456789ab", "tight"]
    assert [each.readings[0].tests["equipment_range"] for each in flagged] == [2, 4]


def test_rules_of_a_replay_judge_the_readings_of_its_span():
    book = Book(measured=[(minute(5), minute(10), Tight())])
    flagged = Judge(registry(), book, Memory()).judge([a_set(*(reading(i, 20.0, "X") for i in (0, 5, 10)))])
    assert [each.tests["equipment_range"] for each in flagged[0].readings] == [2, 4, 2]
    assert flagged[0].rules == "0123456789ab"


def test_another_edition_of_the_rule_book_holds_from_the_next_batch():
    book = Book()
    judged = Judge(registry(), book, Memory())
    assert flags(judged.judge([a_set(reading(0, 20.0, "X"))])) == [2]
    book.default, book.edition = Tight(), 2
    [flagged] = judged.judge([a_set(reading(5, 20.0, "X"))])
    assert (flagged.rules, flagged.readings[0].flag) == ("tight", 4)


def test_thresholds_follow_their_dates():
    class Dated(Rules):
        def changes(self, *place):
            return [minute(10)]

        def thresholds(self, station_type, station, parameter, at):
            return {"status": {}, "equipment_range": {"low": 0.0, "high": 10.0 if at < minute(10) else 30.0}}

    [flagged] = judge([a_set(*(reading(i, 20.0, "X") for i in (5, 10, 15)))], rules=Dated())
    assert [each.flag for each in flagged.readings] == [4, 1, 1]


def test_a_threshold_by_month_and_hour_is_picked_by_the_time_of_the_reading():
    warm = tuple(tuple(float(100 * month + hour) for hour in range(24)) for month in range(12))
    rows = [
        Thresholded({"climatology": {"low": 0.0, "high": warm}}),
        Thresholded({"climatology": {"high": 7.0}}),
    ]
    table = Expectations(registry(), Book(rows[0], received=[(minute(0), rows[1])]))
    times = np.array(
        [datetime(2026, month, 9, hour, tzinfo=UTC).timestamp() for month, hour in ((1, 0), (3, 5), (12, 23))]
    )
    before, after = np.full(3, minute(-5).timestamp()), np.full(3, minute(5).timestamp())
    for received, high in ((before, [0.0, 205.0, 1123.0]), (after, [7.0, 7.0, 7.0])):
        profiles = table.profile_indices(STATION, ["PM2.5"] * 3, received, times)
        assert table.thresholds(profiles, times)["climatology"]["high"].tolist() == high


class Thresholded(Rules):
    def __init__(self, tests):
        self.tests, self.version = tests, str(len(str(tests)))

    def thresholds(self, *place):
        return self.tests


def test_expectations_give_interval_look_back_and_texts_of_rows():
    tests = {"zero": {"after": 3000.0}, "drops_with": {"other": "CO"}, "unit": {}}
    table = Expectations(registry(valid_to=minute(10)), Book(Thresholded(tests)))
    times = np.array([minute(0).timestamp(), minute(10).timestamp()])
    profiles = table.profile_indices(STATION, ["PM2.5"] * 2, times, times)
    thresholds, enabled = table.thresholds(profiles, times), table.enabled_tests(profiles)
    assert table.intervals(profiles).tolist()[0] == 300.0
    assert np.isnan(table.intervals(profiles)[1])
    assert table.look_backs(profiles).tolist() == [180_000.0, 180_000.0]
    assert table.look_back(STATION) == 60 * 3000.0
    assert thresholds["drops_with"]["other"].tolist() == ["CO", "CO"]
    assert thresholds["unit"]["expected"].tolist() == ["ug/m3", None]
    assert (enabled["zero"].tolist(), enabled["spike"].tolist()) == ([True, True], [False, False])


# ---- a memory that is limited, lost and restored ----


def test_a_restored_memory_does_not_know_what_was_before_its_tail():
    sets = [a_set(reading(5 * i, 20.0 + i % 2)) for i in range(20)]
    memory = Memory()
    memory.remember(judge(sets[:8]))
    flagged = judge(sets[8:], memory=memory)
    assert provisional(flagged) == [["memory"]] * 8 + [None] * 4


def test_a_day_without_readings_needs_no_tail():
    memory = Memory()
    memory.remember(judge([a_set(reading(0, 20.0))]))
    # The tail holds all since minute 0, and no test looks back beyond it from minute 1445.
    causes = provisional(judge([a_set(reading(DAY, 20.0)), a_set(reading(DAY + 5, 20.0))], memory=memory))
    assert causes == [["block", "memory"], None]


def test_revisions_in_the_tail_change_nothing():
    flagged = judge([a_set(reading(5 * i, 20.0 + i % 2)) for i in range(20)])
    revised = [replace(each, revision=1, cause="late") for each in flagged[2:5]]
    with_them, without = Memory(), Memory()
    with_them.remember([*flagged, *revised])
    without.remember(flagged)
    more = [a_set(reading(100 + 5 * i, 20.0)) for i in range(20)]
    assert judge(more, memory=with_them) == judge(more, memory=without)


def test_names_that_nobody_registered_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("quantrac.domain.qa.live.memory.MOST_SERIES", 40)
    memory = Memory()
    judged = Judge(registry(), Book(), memory)
    for i in range(100):
        judged.judge([a_set(reading(i, 20.0, f"Spam {i}")), a_set(reading(i, 20.0 + i % 2))])
        assert memory.count <= 40
    # The station's own series was never idle.
    [kept] = judged.judge([a_set(reading(100, 20.5))])
    assert kept.readings[0].tests["spike"] == 1
    [again] = judged.judge([a_set(reading(101, 20.0, "Spam 0"))])
    assert again.provisional.causes == ["late", "memory"]


def test_parameters_beyond_what_a_station_may_have_are_judged_without_a_past(monkeypatch):
    monkeypatch.setattr("quantrac.domain.qa.live.series.MOST_PARAMETERS", 3)
    sets = [a_set(*(reading(5 * i, 20.0, f"Spam {n}") for n in range(5))) for i in range(5)]
    last = judge(sets)[-1]
    assert [each.tests["spike"] for each in last.readings] == [1, 1, 1, 2, 2]
    assert last.provisional.causes == ["late"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(few_values, st.sampled_from(["00", "00", "02"])), min_size=40, max_size=70), sizes)
def test_a_restored_judge_goes_on_like_one_that_never_stopped(values, cut):
    sets = [
        a_set(reading(20 * i, value, status=code), reading(20 * i, round(value), "CO"))
        for i, (value, code) in enumerate(values)
    ]
    never = Judge(registry(), Book(), Memory())
    before = never.judge(sets[:30])
    memory = Memory()
    memory.remember(before[-16 - cut[0] :])
    restored = Judge(registry(), Book(), memory)
    assert [each for part in chunks(sets[30:], cut) for each in restored.judge(part)] == never.judge(
        sets[30:]
    )


@settings(max_examples=100, deadline=None)
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
