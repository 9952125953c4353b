"""What the judge remembers: late and repeated readings, runs of equal values, a restart."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.readings import Provisional
from quantrac.testing.rules import FixedRuleBook, FixedRules
from support.effort import examples
from support.judging import (
    DAY,
    START,
    STATION,
    a_set,
    chunks,
    few_values,
    flags,
    judge,
    later,
    minute,
    provisional,
    reading,
    registry,
    sizes,
)


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
    since = [s.readings[0].equal_since for s in flagged]
    assert since == [START, START + timedelta(minutes=181), START + timedelta(minutes=181)]


def shown(values, statuses=None, *, step=5):
    """Files of one reading each; None is a missing value."""
    statuses = statuses or ["00"] * len(values)
    pairs = enumerate(zip(values, statuses, strict=True))
    return [
        a_set(reading(step * i, float("nan") if value is None else value, status=status))
        for i, (value, status) in pairs
    ]


def test_missing_values_and_device_errors_neither_break_a_run_nor_belong_to_one():
    values = [7.2, 7.2, None, 7.2, 0.0, 0.0, 7.2, 7.3]
    statuses = ["00", "00", "00", "00", "02", "01", "00", "00"]
    flagged = judge(shown(values, statuses))
    since = [s.readings[0].equal_since for s in flagged]
    assert since == [START, START, minute(10), START, minute(20), minute(25), START, minute(35)]
    assert provisional(later(flagged)) == [None] * 7


def test_a_device_error_that_shows_the_value_of_the_run_is_not_judged_by_it():
    flagged = judge(shown([7.2] * 5, ["00", "00", "02", "00", "00"], step=15))
    assert [s.readings[0].tests["flat_line"] for s in flagged] == [1, 1, 2, 3, 4]


def test_a_long_silence_ends_a_run_also_where_empty_rows_fill_it():
    values = [7.2, *[None] * 9, 7.2]
    flagged = judge(shown(values, step=20))
    assert flagged[-1].readings[0].equal_since == minute(200)


def test_a_run_before_more_empty_rows_than_are_remembered_is_left_to_the_store():
    values = [7.2, *[None] * 20, 7.2, 7.2, 7.3]
    flagged = judge(shown(values))
    assert [s.readings[0].equal_since for s in flagged[-3:]] == [None, None, minute(115)]
    assert provisional(flagged[-3:]) == [["late"], ["late"], None]


def test_a_late_device_error_within_a_run_changes_nothing_of_it():
    sets = [a_set(reading(i, 7.0)) for i in (0, 5, 15, 20)]
    late = a_set(reading(10, 0.0, status="02"), received=30)
    flagged = judge([*sets, late, a_set(reading(25, 7.0))])
    assert flagged[-1].readings[0].equal_since == minute(0)


def test_a_correction_that_takes_a_reading_out_of_a_run_leaves_the_rest_of_it():
    sets = [a_set(reading(i, 7.0)) for i in (0, 5, 10)]
    out = a_set(reading(5, 7.0, status="02"), received=20)
    flagged = judge([*sets, out, a_set(reading(25, 7.0))])
    assert flagged[-1].readings[0].equal_since == minute(0)


silences = st.lists(
    st.tuples(
        st.integers(0, 70),
        st.sampled_from([7.2, 7.2, 7.3, float("nan")]),
        st.sampled_from(["00", "00", "02", "02", "01"]),
    ),
    min_size=1,
    max_size=90,
)


@settings(max_examples=examples(60))
@given(silences, sizes)
def test_the_cut_into_batches_changes_no_run_that_errors_and_gaps_are_in(slots, cut):
    sets = [a_set(reading(5 * slot, value, status=status)) for slot, value, status in slots]
    one, other = (Judge(registry(), FixedRuleBook(), Memory()) for _ in range(2))
    one_by_one = [flagged for a_file in sets for flagged in one.judge([a_file])]
    in_parts = [flagged for part in chunks(sets, cut) for flagged in other.judge(part)]
    # A missing value equals none, so that what is compared is what was said of it.
    said = [[(s.readings[0].equal_since, s.readings[0].tests, s.provisional) for s in each]
            for each in (one_by_one, in_parts)]  # fmt: skip
    assert said[0] == said[1]


@settings(max_examples=examples(60))
@given(silences)
def test_a_long_file_is_taken_in_as_its_readings_one_by_one(slots):
    readings = {5 * slot: reading(5 * slot, value, status=status) for slot, value, status in slots}
    ordered = [readings[at] for at in sorted(readings)]
    together = judge([a_set(*ordered, received=500)])[0].readings
    one_by_one = judge([a_set(each, received=500) for each in ordered])
    assert [(r.equal_since, r.tests) for r in together] == [
        (s.readings[0].equal_since, s.readings[0].tests) for s in one_by_one
    ]


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
    assert last.provisional == Provisional(minute(0), minute(65 + DAY), ["late"])


def test_a_corrected_reading_replaces_the_first_one_as_history():
    first = [a_set(reading(5 * i, 700.0)) for i in range(4)]
    corrected = [a_set(reading(5 * i, 20.0 + i % 2), received=18) for i in range(4)]
    assert flags(judge([*first, *corrected, a_set(reading(20, 20.5))]))[-1] == 1


def test_a_sent_reading_that_comes_again_gets_the_same_flag():
    sets = [a_set(reading(5 * i, v)) for i, v in enumerate([20.0, 20.0, 21.0, 20.0, 300.0, 300.0])]
    memory = Memory()
    first = judge(sets, memory=memory)
    again = judge(sets, memory=memory)
    assert [s.readings for s in again] == [s.readings for s in first]
    assert [s.provisional and s.provisional.causes for s in again] == [["late"]] * 6


def test_a_late_reading_that_breaks_a_remembered_run_moves_its_beginning():
    sets = [a_set(reading(i, 7.0)) for i in (0, 5, 15, 20)]
    flagged = judge([*sets, a_set(reading(10, 8.0), received=30), a_set(reading(25, 7.0))])
    assert [s.readings[0].equal_since for s in flagged] == [
        minute(0), minute(0), minute(0), minute(0), minute(10), minute(15),
    ]  # fmt: skip
    assert provisional(later(flagged)) == [None, None, None, ["late"], None]


def test_a_late_reading_that_joins_two_runs_makes_them_one():
    sets = [a_set(reading(0, 7.0)), a_set(reading(100, 7.0)), a_set(reading(290, 7.0))]
    flagged = judge([*sets, a_set(reading(200, 7.0), received=300), a_set(reading(295, 7.0))])
    assert [s.readings[0].equal_since for s in flagged] == [
        minute(0), minute(0), minute(290), minute(0), minute(0),
    ]  # fmt: skip


class Strict(FixedRules):
    def thresholds(self, *scope):
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


def test_a_thousand_readings_of_one_second_replace_one_another():
    first = a_set(reading(-5, 20.0))
    _, flagged = judge([first, a_set(*(reading(0, float(i)) for i in range(1000)), reading(5, 999.0))])
    assert flagged.readings[-1].equal_since == minute(0)
    assert flagged.provisional == Provisional(minute(-360), minute(DAY), ["block", "late"])


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
    revised = [replace(s, revision=1, cause="late") for s in flagged[2:5]]
    with_them, without = Memory(), Memory()
    with_them.remember([*flagged, *revised])
    without.remember(flagged)
    more = [a_set(reading(100 + 5 * i, 20.0)) for i in range(20)]
    assert judge(more, memory=with_them) == judge(more, memory=without)


def test_names_that_nobody_registered_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("quantrac.domain.qa.live.memory.MOST_SERIES", 40)
    memory = Memory()
    judged = Judge(registry(), FixedRuleBook(), memory)
    for i in range(100):
        judged.judge([a_set(reading(i, 20.0, f"Spam {i}")), a_set(reading(i, 20.0 + i % 2))])
        assert memory.count <= 40
    # The station's own series was never idle.
    [only] = judged.judge([a_set(reading(100, 20.5))])
    assert only.readings[0].tests["spike"] == 1
    [again] = judged.judge([a_set(reading(101, 20.0, "Spam 0"))])
    assert again.provisional.causes == ["late", "memory"]


def test_there_is_room_for_every_registered_station(monkeypatch):
    monkeypatch.setattr("quantrac.domain.qa.live.memory.MOST_SERIES", 0)
    known = registry()
    known.stations |= {f"S{i}": replace(known.stations[STATION], code=f"S{i}") for i in range(20)}
    memory = Memory(known)
    judged = Judge(known, FixedRuleBook(), memory)
    for i in range(4):
        flagged = judged.judge([a_set(reading(5 * i, 20.0 + i % 2), station=code) for code in known.stations])
    assert memory.count == 21
    assert {s.readings[0].tests["spike"] for s in flagged} == {1}


def test_parameters_beyond_what_a_station_may_have_are_judged_without_a_past(monkeypatch):
    monkeypatch.setattr("quantrac.domain.qa.live.series.MOST_PARAMETERS", 3)
    sets = [a_set(*(reading(5 * i, 20.0, f"Spam {n}") for n in range(5))) for i in range(5)]
    last = judge(sets)[-1]
    assert [r.tests["spike"] for r in last.readings] == [1, 1, 1, 2, 2]
    assert last.provisional.causes == ["late"]


@settings(max_examples=examples(100))
@given(st.lists(st.tuples(few_values, st.sampled_from(["00", "00", "02"])), min_size=40, max_size=70), sizes)
def test_a_restored_judge_goes_on_like_one_that_never_stopped(values, cut):
    sets = [
        a_set(reading(20 * i, value, status=code), reading(20 * i, round(value), "CO"))
        for i, (value, code) in enumerate(values)
    ]
    never = Judge(registry(), FixedRuleBook(), Memory())
    before = never.judge(sets[:30])
    memory = Memory()
    memory.remember(before[-16 - cut[0] :])
    restored = Judge(registry(), FixedRuleBook(), memory)
    assert [s for part in chunks(sets[30:], cut) for s in restored.judge(part)] == never.judge(sets[30:])
