"""The batch form: what each row sees, and that no cut of the span changes a flag."""

from dataclasses import replace
from datetime import timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quantrac.domain.ids import reading_version
from quantrac.domain.qa.baseline.blocks import BLOCK, block_of, summarize
from quantrac.domain.qa.baseline.neighbour_hours import (
    Hours,
    combine_hours,
    hour_medians,
    neighbours_of,
)
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.evaluate import raise_crash, roll_up, roll_up_rows
from quantrac.domain.qa.shared_rules import DEPTH, LONGEST_SILENCE
from quantrac.domain.qa.station_readings import NOT_JUDGED, StationReadings
from quantrac.domain.qa.stored import stretch
from quantrac.domain.qa.stored.explain import explain_readings
from quantrac.domain.qa.stored.span import judge_span
from quantrac.domain.qa.stored.stretch import StationWindows, judge_plainly
from quantrac.domain.readings import Flag
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.times import HOUR
from quantrac.testing.history import statistics_of
from support.effort import examples
from support.qa import EVERY_TEST, ONE, START, a_set, expectations, files, reading, registry, rules

T0 = START.timestamp()


def stored(*readings, received=None):
    return StationReadings.of_sets(ONE, [a_set(each, received=received) for each in readings])


@cache
def fortnight():
    return StationReadings.of_sets(ONE, files(hours=24 * 14, seed=20260301))


def outcome(judged, parameter, minute, test):
    row = np.flatnonzero(
        (judged.readings.parameter == parameter) & (judged.readings.time == T0 + 60 * minute)
    )
    return judged.tests(int(row[0]))[test]


# StationReadings


def test_rows_come_by_parameter_and_time_whatever_order_they_were_given_in():
    rows = stored(reading(10, 3.0), reading(0, 1.0, "CO"), reading(5, 2.0), reading(5, 9.0, "CO"))
    assert rows.parameters == ("CO", "PM2.5")
    assert rows.parameter.tolist() == ["CO", "CO", "PM2.5", "PM2.5"]
    assert ((rows.time - T0) / 60).tolist() == [0, 5, 5, 10]


def test_the_file_received_last_counts_and_what_it_replaces_is_remembered():
    late, early = START + timedelta(hours=2), START + timedelta(hours=1)
    sets = [a_set(reading(0, 7.0), received=late), a_set(reading(0, 5.0), received=early)]
    rows = StationReadings.of_sets(ONE, sets)
    assert (rows.value.tolist(), rows.replaced.tolist()) == ([7.0], [5.0])
    assert rows.received.tolist() == [late.timestamp()]


def test_a_file_sent_twice_replaces_nothing():
    rows = stored(reading(0, 7.0), reading(0, 7.0))
    assert (len(rows), np.isnan(rows.replaced).tolist()) == (1, [True])


def test_a_re_judgement_counts_before_the_first_one_and_replaces_no_value():
    version = reading_version(START)
    rows = StationReadings.of(
        ONE, parameter="CO", time=[0, 0, 0], value=[5.0, 7.0, 7.0], flag=[1, 4, 1],
        version=[version - 1024, version + 1, version],
    )  # fmt: skip
    assert (rows.flag.tolist(), rows.revision.tolist(), rows.replaced.tolist()) == ([4], [1], [5.0])


def test_of_two_lines_of_one_file_the_later_counts():
    rows = StationReadings.of_sets(ONE, [a_set(reading(0, 5.0, line=1), reading(0, 6.0, line=2))])
    assert (rows.value.tolist(), rows.line.tolist(), np.isnan(rows.replaced[0])) == ([6.0], [2], True)


def test_no_readings_are_no_rows():
    nothing = StationReadings.of_sets(ONE, [])
    assert (len(nothing), nothing.parameters, nothing.newest) == (0, (), -np.inf)
    assert len(judge_span(nothing, expectations())) == 0


def test_only_the_sets_of_the_station_are_taken():
    assert len(StationReadings.of_sets("XX_OTHER", [a_set(reading(0, 1.0))])) == 0


# What a row sees

slots = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from([20.0, 20.0, 21.0, np.nan]),
        st.sampled_from(["PM2.5", "CO"]),
        st.sampled_from(["00", "00", "02"]),
    ),
    min_size=1,
    max_size=120,
)


@settings(max_examples=examples(60))
@given(slots)
def test_a_row_sees_the_sixteen_readings_before_it_and_since_when_its_value_stands(given_slots):
    rows = stored(*(reading(20 * slot, value, code, status) for slot, value, code, status in given_slots))
    station = StationWindows(rows, expectations(), (), raise_crash)
    past = np.empty((len(rows), DEPTH))
    stands = np.empty(len(rows))
    for part in station.cut(np.arange(len(rows))):
        window = judge_plainly(station, part).window
        past[part], stands[part] = window.past_value, window.equal_since
    for row in range(len(rows)):
        before = [i for i in range(row) if rows.series[i] == rows.series[row]][-DEPTH:]
        seen = [rows.value[i] if rows.status[i] == "00" else np.nan for i in before]
        padded = [np.nan] * (DEPTH - len(seen)) + seen
        assert np.array_equal(past[row], padded, equal_nan=True)
        assert np.array_equal(stands[row], stands_since(rows, row), equal_nan=True)


def stands_since(rows, row):
    """Since when the value of a row stands, by the rows that a measuring device gave; NaN for others."""
    is_measured = (rows.status == "00") & np.isfinite(rows.value)
    if not is_measured[row]:
        return np.nan
    since = row
    for earlier in np.flatnonzero(is_measured[:row] & (rows.series[:row] == rows.series[row]))[::-1]:
        is_silent = rows.time[since] - rows.time[earlier] > LONGEST_SILENCE
        if rows.value[earlier] != rows.value[row] or is_silent:
            break
        since = earlier
    return rows.time[since]


def test_a_clock_a_day_ahead_is_judged_by_itself_and_is_nobodys_past():
    calm = [reading(5 * i, 20.0 + i % 2) for i in range(20)]
    ahead = [
        a_set(reading(5 * 20 + i, 900.0), received=START - timedelta(days=2) + timedelta(seconds=i))
        for i in range(3)
    ]
    after = [reading(5 * i, 20.5) for i in range(22, 25)]
    rows = StationReadings.of_sets(ONE, [*(a_set(each) for each in calm + after), *ahead])
    judged = judge_span(rows, expectations())
    assert [outcome(judged, "PM2.5", 100 + i, "spike") for i in range(3)] == [2, 2, 2]
    assert outcome(judged, "PM2.5", 110, "spike") == 1
    assert not judged.clean[20:23].any()
    assert rows.newest == T0 + 60 * 120


def test_readings_of_which_nobody_knows_when_they_came_are_judged_all_the_same():
    rows = StationReadings.of(
        ONE, parameter="PM2.5", time=T0 + 300 * np.arange(10), value=np.arange(10.0) + 20, unit="ug/m3"
    )
    judged = judge_span(rows, expectations())
    assert (outcome(judged, "PM2.5", 45, "spike"), outcome(judged, "PM2.5", 45, "age")) == (1, 2)


# The cut of the span


def same(judged, others, rows=slice(None)):
    for name in ("flag", "outcomes", "decided", "clean"):
        assert np.array_equal(getattr(judged, name), getattr(others, name)[rows]), name


def test_a_fortnight_has_every_outcome_a_test_can_give():
    judged = judge_span(fortnight(), expectations())
    assert set(np.unique(judged.flag).tolist()) == {1, 3, 4, 9}
    given = {name: set(np.unique(judged.outcomes[:, place])) for place, name in enumerate(TESTS)}
    assert {name for name, outcomes in given.items() if {3, 4, 9} & outcomes} == set(TESTS) - {
        "sum_of_parts",  # no NOx here
        "neighbours",  # and no neighbours
        "future",
        "age",
        "duplicate",  # every file came once, in time
    }


@pytest.mark.parametrize("length", [1, 3, 1000])
def test_the_length_of_the_stretches_changes_nothing(monkeypatch, length):
    whole = judge_span(fortnight(), expectations())
    monkeypatch.setattr(stretch, "STRETCH", length)
    cut = judge_span(fortnight(), expectations())
    same(cut, whole)
    assert np.array_equal(cut.equal_since, whole.equal_since, equal_nan=True)


@settings(max_examples=examples(15))
@given(st.floats(0.05, 1.0))
def test_what_comes_after_a_block_changes_nothing_in_it(share):
    everything = fortnight()
    whole = judge_span(everything, expectations())
    until = T0 + share * 14 * 86400
    before = everything.take(everything.between(-np.inf, until))
    over = before.newest // BLOCK * BLOCK
    early = judge_span(before, expectations())
    rows = before.between(-np.inf, over)
    for name in ("flag", "outcomes", "decided", "clean"):
        now, then = getattr(early, name)[rows], getattr(whole, name)[everything.between(-np.inf, over)]
        assert np.array_equal(now, then), name


@pytest.mark.parametrize(("after", "outcome_then"), [((90.0, 85.0), 1), ((21.0, 20.0), 3)])
def test_a_spike_is_suspect_until_its_block_is_over_and_then_what_followed_it_counts(after, outcome_then):
    value = [20.0, 21.0, 20.0, 21.0, 20.0, 95.0, *after]
    rows = StationReadings.of(
        ONE, parameter="PM2.5", time=T0 + 300 * np.arange(len(value)), value=value, unit="ug/m3"
    )
    assert outcome(judge_span(rows, expectations()), "PM2.5", 25, "spike") == 3
    is_over = judge_span(rows, expectations(), newest=T0 + BLOCK)
    assert outcome(is_over, "PM2.5", 25, "spike") == outcome_then


def test_what_follows_a_spike_in_the_next_block_does_not_count():
    time = T0 + BLOCK - 300.0 * np.arange(6, -3, -1)
    value = [20.0, 21.0, 20.0, 21.0, 20.0, 95.0, 90.0, 85.0, 80.0]
    rows = StationReadings.of(ONE, parameter="PM2.5", time=time, value=value, unit="ug/m3")
    judged = judge_span(rows, expectations(), newest=T0 + 2 * BLOCK)
    minute = (BLOCK - 300) / 60
    assert outcome(judged, "PM2.5", minute, "spike") == 3


@settings(max_examples=examples(15))
@given(st.floats(0.1, 0.9), st.floats(0.0, 0.5))
def test_a_span_with_its_past_and_its_statistics_is_judged_as_within_everything(share, length):
    everything, asked = fortnight(), expectations()
    whole = judge_span(everything, asked)
    known = statistics_of(everything, asked)
    start = T0 + share * 14 * 86400
    end = start + length * 14 * 86400
    block_end = (end // BLOCK + 1) * BLOCK
    around = everything.take(everything.between(start - asked.look_back(ONE), block_end))
    judged = judge_span(around, asked, start, end, statistics=known, newest=everything.newest)
    same(judged, whole, everything.between(start, end))


def test_the_statistics_are_those_of_the_clean_readings():
    everything, asked = fortnight(), expectations()
    judged = judge_span(everything, asked)
    found = statistics_of(everything, asked)["CO"].within(block_of(T0), block_of(T0) + 3)
    rows = np.flatnonzero((everything.parameter == "CO") & (everything.time < T0 + 4 * BLOCK))
    expected = summarize(
        everything.series[rows], everything.time[rows], everything.value[rows], judged.clean[rows]
    )[everything.parameters.index("CO")]
    assert found.median.tolist() == expected.median.tolist()
    assert found.count.tolist() == expected.count.tolist()
    assert 50 < found.count.max() < 72


def test_the_baseline_does_not_depend_on_baseline_tests():
    severe = EVERY_TEST.replace("stuck: {tolerance: 0.5}", "stuck: {tolerance: 100}")
    ordinary, suspicious = (
        judge_span(fortnight(), expectations()),
        judge_span(fortnight(), expectations(text=severe)),
    )
    assert (suspicious.flag == Flag.SUSPECT).sum() > 2 * (ordinary.flag == Flag.SUSPECT).sum()
    assert np.array_equal(ordinary.clean, suspicious.clean)


# Roll-up


@given(arrays(np.uint8, (7, len(TESTS)), elements=st.sampled_from([0, 1, 2, 3, 4, 9])), st.data())
def test_many_rows_are_rolled_up_as_one_is(outcomes, data):
    needed = data.draw(arrays(np.bool_, outcomes.shape))
    names = list(TESTS)
    for row, flag in enumerate(roll_up_rows(outcomes, needed).tolist()):
        tests = {name: int(each) for name, each in zip(names, outcomes[row], strict=True) if each}
        assert flag == roll_up(tests, {name for name, must in zip(names, needed[row], strict=True) if must})


def test_a_test_that_crashes_never_looks_like_a_pass(monkeypatch):
    def broken(window, **_):
        raise ZeroDivisionError("spread of nothing")

    crashes = []
    monkeypatch.setitem(stretch.PLAIN_TESTS, "spike", replace(TESTS["spike"], judge=broken))
    rows = stored(*(reading(5 * i, 20.0 + i) for i in range(5)))
    judged = judge_span(rows, expectations(), on_crash=lambda test, error: crashes.append((test, str(error))))
    assert crashes == [("spike", "spread of nothing")]
    assert set(judged.flag.tolist()) == {Flag.NOT_EVALUATED}


# Decisions


def decision(flag, *, start=0, end=10, parameters=(), hour=0, withdrawn=None):
    return Decision(
        id=f"{hour}",
        station=ONE,
        start=START + timedelta(minutes=start),
        end=START + timedelta(minutes=end),
        flag=flag,
        by="Lan",
        why="span gas",
        decided_at=START + timedelta(hours=hour),
        parameters=parameters,
        withdrawn=withdrawn,
    )


def test_a_decision_wins_over_every_test_in_its_span_for_its_parameters():
    rows = stored(*(reading(5 * i, 20.0 + i, code) for i in range(4) for code in ("PM2.5", "CO")))
    judged = judge_span(rows, expectations(), decisions=[decision(Flag.FAIL, parameters=("CO",))])
    assert judged.flag.tolist() == [4, 4, 1, 1, 1, 1, 1, 1]
    assert judged.tests(0)["decision"] == 4
    assert "decision" not in judged.tests(2)
    assert judged.clean.tolist() == [False, False, True, True, True, True, True, True]


def test_of_several_decisions_the_last_counts():
    rows = stored(reading(0, 20.0))
    both = [decision(Flag.FAIL), decision(Flag.SUSPECT, hour=1)]
    assert judge_span(rows, expectations(), decisions=both).flag.tolist() == [3]


def test_what_a_person_accepts_is_clean_but_not_what_was_no_measurement():
    wild = stored(reading(0, 5000.0), reading(5, 20.0, status="01"), reading(10, np.nan))
    judged = judge_span(wild, expectations(), decisions=[decision(Flag.GOOD, end=60)])
    assert (judged.flag.tolist(), judged.clean.tolist()) == ([1, 1, 1], [True, False, False])


# Neighbours


def test_the_neighbours_of_a_station_are_those_of_its_type_nearby():
    known = registry()
    assert neighbours_of(known, ONE) == ["HN_HAI_KHIKXQ"]
    assert neighbours_of(known, ONE, radius_km=2.9) == []
    assert neighbours_of(known, "XX_NOBODY") == []


def test_a_reading_is_compared_with_the_finished_hours_of_its_neighbours():
    rows = stored(*(reading(5 * i, 20.0 + i % 3) for i in range(30)))
    other = stored(*(reading(5 * i, 90.0 + i % 2) for i in range(30)))
    heard = []

    def neighbours(first, last):
        heard.append((first, last))
        return combine_hours(rows.newest, [hour_medians(other, other.newest)])

    judged = judge_span(rows, expectations(), neighbours=neighbours)
    hour = int(T0 // HOUR)
    assert heard == [(hour, hour + 2)]
    assert [outcome(judged, "PM2.5", minute, "neighbours") for minute in (0, 115, 120)] == [3, 3, 2]


def test_the_hour_of_a_neighbour_is_its_lower_middle_value_without_calibrations():
    rows = stored(
        reading(0, 1.0), reading(5, 4.0), reading(10, 3.0), reading(15, 2.0),
        reading(20, 900.0, status="01"), reading(25, np.nan), reading(60, 7.0),
    )  # fmt: skip
    hours, medians = hour_medians(rows, rows.newest)["PM2.5"]
    assert (hours.tolist(), medians.tolist()) == ([T0 // HOUR], [2.0])


def test_an_hour_nobody_measured_is_not_known():
    median, count = Hours(np.array([5]), np.array([2.0]), np.array([1.0])).at(np.array([4, 5, 6]))
    assert np.array_equal(median, [np.nan, 2.0, np.nan], equal_nan=True)
    assert count.tolist() == [0.0, 1.0, 0.0]


# Explanations


def test_an_explanation_names_the_numbers_of_every_test_and_the_rules():
    rows = stored(
        *(reading(5 * i, 20.0 + i % 2) for i in range(12)), reading(60, 320.0), reading(60, 5.0, "CO")
    )
    asked = expectations()
    co, pm = explain_readings(rows, asked, T0 + 3600, statistics={})
    assert (co.parameter, co.flag, pm.parameter, pm.flag) == ("CO", Flag.GOOD, "PM2.5", Flag.SUSPECT)
    says = {each.test: (int(each.outcome), each.says) for each in pm.tests}
    assert says["spike"] == (3, "320 is 299 from the median 21 of 5 readings, limits 50 and 500")
    assert says["own_range"] == (2, "too little is known of the series")
    assert pm.rules == rules().version
    assert "gap" not in says


def test_an_explanation_says_who_decided_what():
    rows = stored(reading(0, 20.0))
    decisions = [decision(Flag.GOOD), decision(Flag.FAIL, hour=1), decision(Flag.SUSPECT, start=30, end=60)]
    [only] = explain_readings(rows, expectations(), T0, parameter="PM2.5", statistics={}, decisions=decisions)
    assert (only.flag, only.tests[0].test, only.tests[0].says) == (Flag.FAIL, "decision", "Lan: span gas")
    assert explain_readings(rows, expectations(), T0, parameter="CO", statistics={}) == []


def test_readings_not_judged_before_carry_no_flag():
    assert stored(reading(0, 20.0)).flag.tolist() == [NOT_JUDGED]
