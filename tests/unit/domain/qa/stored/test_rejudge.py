"""Rejudging: what a request to judge stored readings again gives."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from quantrac.domain.qa.baseline.blocks import BLOCK, BOUNDS, NOTHING, BlockStatistics, block_of
from quantrac.domain.qa.baseline.update import BaselineUpdate, Span, finished_blocks, join_spans
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored import stretch
from quantrac.domain.qa.stored.rejudge import rejudge
from quantrac.domain.qa.stored.span import judge_span
from quantrac.domain.readings import Flag, FlaggedReading, FlaggedReadings, FlaggedSet, Reading
from quantrac.domain.registry.decisions import Decision
from quantrac.testing.history import HistoryInMemory, statistics_of
from support.qa import EVERY_TEST, ONE, OTHER, START, a_set, expectations, files, reading, registry, rules

T0 = START.timestamp()
FIRST = block_of(T0)


def judged_good(each, flag=Flag.GOOD):
    """The set as if the live form had flagged every reading of it the same."""
    names = Reading.__dataclass_fields__
    readings = FlaggedReadings.of(
        FlaggedReading(**{name: getattr(one, name) for name in names}, flag=flag, tests={}, equal_since=None)
        for one in each.readings
    )
    head = ("station", "file_id", "file_name", "account", "transport", "received_at", "format")
    return FlaggedSet(
        **{name: getattr(each, name) for name in head}, rules="old", readings=FlaggedReadings.of(readings)
    )


def history_of(*sets):
    history = HistoryInMemory()
    for each in sets:
        history.insert(judged_good(each))
    return history


def asked(start=0.0, end=1e9, cause="late"):
    """A span in minutes after the start."""
    return Span(T0 + 60 * start, T0 + 60 * end, frozenset({cause}))


def rejudged(history, span, *, known=None, text=EVERY_TEST, station=ONE):
    known = known or registry()
    return rejudge(history, known, expectations(known, text), station, span)


def days(count, station=ONE, seed=7):
    return files(station, hours=24 * count, seed=seed)


def steady(first, last, median):
    block = np.arange(first, last + 1)
    one = np.ones(len(block))
    return BlockStatistics(
        block, one * median, one, one * median - 1, one * median + 1, np.full(len(block), 72)
    )


# BaselineUpdate


def test_the_block_of_the_newest_reading_is_not_finished():
    assert finished_blocks(asked(), T0 + 2 * BLOCK) == (FIRST, FIRST + 1)
    assert finished_blocks(asked(end=360), T0 + 9 * BLOCK) == (FIRST, FIRST)
    first, last = finished_blocks(asked(), T0 + 60)
    assert first > last


def update_of(stored, computed, span, newest):
    """What the finished blocks of a span change, and the spans to judge again."""
    update = BaselineUpdate(stored)
    update.replace(computed, *finished_blocks(span, newest))
    return update, join_spans(span, update.moved_blocks(block_of(newest)), np.nextafter(newest, np.inf))


def test_statistics_that_are_stored_already_change_nothing():
    known = {"CO": steady(FIRST - 100, FIRST + 3, 5.0)}
    update, spans = update_of(known, known, asked(end=720), T0 + 4 * BLOCK)
    assert update.changed == {}
    assert spans == [asked(end=720)]


def test_the_bounds_of_the_current_and_the_next_block_are_published():
    known = {"CO": steady(FIRST - 100, FIRST, 5.0)}
    computed = {"CO": steady(FIRST, FIRST + 1, 5.0), "PM2.5": steady(FIRST + 1, FIRST + 1, 7.0)}
    update, _ = update_of(known, computed, asked(end=720), T0 + 2 * BLOCK + 300)
    bounds = update.bounds(FIRST + 2, FIRST + 3)
    own_high = BOUNDS.index("own_high")
    assert set(bounds) == {FIRST + 2, FIRST + 3}
    assert bounds[FIRST + 3]["CO"][own_high] == 5.0
    assert np.isnan(bounds[FIRST + 3]["PM2.5"][own_high])
    assert {code: each.block.tolist() for code, each in update.changed.items()} == {
        "CO": [FIRST + 1],
        "PM2.5": [FIRST + 1],
    }


def test_blocks_whose_bounds_moved_join_the_span():
    known = {"CO": steady(FIRST - 100, FIRST + 20, 5.0)}
    computed = {"CO": steady(FIRST, FIRST, 9.0)}
    _, spans = update_of(known, computed, asked(end=360), T0 + 20 * BLOCK + 300)
    # The extreme median counts until two of 120 lie beyond the limit: from 100 blocks known on one does.
    assert [(span.start, sorted(span.causes)) for span in spans[:2]] == [
        (T0, ["late"]),
        (T0 + 2 * BLOCK, ["baseline"]),
    ]
    assert spans[1].end == T0 + 10 * BLOCK  # eight blocks of the recent past


def test_a_block_that_lost_its_last_clean_reading_is_stored_as_empty():
    update, _ = update_of({"CO": steady(FIRST, FIRST, 5.0)}, {}, asked(end=360), T0 + BLOCK)
    assert update.changed["CO"].count.tolist() == [0]
    assert len(update.statistics["CO"]) == 0


def test_the_statistics_of_a_first_request_are_those_of_all_that_is_stored():
    history = history_of(*days(3))
    answer = rejudged(history, asked(cause="block"))
    everything = history.readings(ONE, T0, T0 + 3 * 86400)
    expected = statistics_of(everything, expectations())
    for code in ("CO", "PM10", "PM2.5"):
        finished = expected[code].within(FIRST, block_of(everything.newest) - 1)
        assert answer.changed[code].median.tolist() == finished.median.tolist()
    history.store(ONE, answer.changed)
    assert rejudged(history, asked(cause="block")).changed == {}


# Revising


def test_only_readings_with_another_flag_are_sent_again():
    calm = [a_set(reading(5 * i, 20.0 + i % 3), reading(5 * i, 7.0 + i % 2, "CO", line=2)) for i in range(10)]
    spike = a_set(reading(50, 300.0), reading(50, 7.5, "CO", line=2))
    [revision] = rejudged(history_of(*calm, spike), asked()).revisions
    [only] = revision.readings
    assert (only.parameter, only.flag, only.tests["spike"], only.text) == ("PM2.5", 3, 3, "300.0")
    assert (revision.file_id, revision.received_at) == (spike.file_id, spike.received_at)
    assert (revision.revision, revision.cause, revision.rules) == (1, "late", rules().version)
    assert revision.rejects == []


def test_the_second_revision_of_a_reading_has_the_next_number():
    calm = [a_set(reading(5 * i, 20.0 + i % 3)) for i in range(10)]
    history = history_of(*calm, a_set(reading(50, 300.0)))
    [first] = rejudged(history, asked()).revisions
    history.insert(first)
    assert rejudged(history, asked()).revisions == ()
    gentle = EVERY_TEST.replace("spike: {suspect: 50", "spike: {suspect: 400").replace(
        "suspect: 200,", "suspect: 400,"
    )
    [second] = rejudged(history, asked(cause="replay"), text=gentle).revisions
    assert (second.revision, second.cause, second.readings[0].flag) == (2, "replay", 1)


def test_revisions_go_by_file_and_name_its_lines_in_order():
    wild = a_set(reading(50, 5000.0, line=2), reading(50, 9000.0, "CO", line=1))
    worse = a_set(reading(55, 9000.0, line=1))
    first, second = rejudged(history_of(wild, worse), asked()).revisions
    assert [each.line for each in first.readings] == [1, 2]
    assert (first.file_id, second.file_id) == (wild.file_id, worse.file_id)


def test_a_span_beyond_the_newest_reading_is_judged_as_far_as_there_are_readings():
    history = history_of(a_set(reading(0, 9000.0)))
    [revision] = rejudged(history, asked(-1e7, 1e7)).revisions
    assert revision.readings[0].flag == Flag.FAIL
    assert rejudged(HistoryInMemory(), asked()).revisions == ()


def test_readings_outside_the_span_are_left_alone():
    history = history_of(*(a_set(reading(5 * i, 9000.0)) for i in range(6)))
    revisions = rejudged(history, asked(10, 20)).revisions
    assert [each.readings[0].measured_at for each in revisions] == [
        START + timedelta(minutes=m) for m in (10, 15)
    ]


def test_a_decision_revises_and_its_withdrawal_revises_back():
    known = registry()
    history = history_of(*(a_set(reading(5 * i, 20.0 + i % 3)) for i in range(3)))
    word = Decision("1", ONE, START, START + timedelta(minutes=5), Flag.FAIL, "Lan", "span gas", START)
    known.decide("1", word)
    [revision] = rejudged(history, asked(cause="decision"), known=known).revisions
    assert (revision.readings[0].flag, revision.readings[0].tests["decision"]) == (4, 4)
    history.insert(revision)
    known.decide("1", None)
    [back] = rejudged(history, asked(cause="decision"), known=known).revisions
    assert (back.readings[0].flag, back.revision, "decision" in back.readings[0].tests) == (1, 2, False)


def test_a_reading_whose_file_is_not_stored_stops_the_work():
    history = history_of(a_set(reading(0, 9000.0)))
    history._files.clear()
    with pytest.raises(LookupError, match="no file received at"):
        rejudged(history, asked())


def test_a_long_span_is_rejudged_as_at_once():
    history = history_of(*days(40, seed=11))
    answer = rejudged(history, asked(cause="replay"))
    everything = StationReadings.of_sets(ONE, days(40, seed=11))
    whole = judge_span(everything, expectations())
    revised = {
        (each.parameter, each.measured_at.timestamp()): each.flag
        for revision in answer.revisions
        for each in revision.readings
    }
    # Both stations are near each other, but only one has readings.
    wanted = zip(everything.parameter, everything.time.tolist(), whole.flag.tolist(), strict=True)
    assert revised == {(code, time): flag for code, time, flag in wanted if flag != Flag.GOOD}
    assert len(revised) > 100


def test_what_was_over_before_a_silence_that_nobody_remembers_is_rejudged_when_it_ends():
    back = a_set(reading(3 * 1440, 20.0))
    day, span = days(1), (3 * 1440, 3 * 1440 + 1)
    late = rejudged(history_of(*day, back), asked(*span, "late"))
    assert (late.changed, late.revisions) == ({}, ())
    answer = rejudged(history_of(*day, back), asked(*span, "memory"))
    assert {code: each.block.tolist() for code, each in answer.changed.items()} == {
        code: [FIRST + 3] for code in ("CO", "PM10", "PM2.5")
    }
    revised = [each.measured_at for revision in answer.revisions for each in revision.readings]
    assert revised
    assert min(revised) >= START + timedelta(hours=18)
    assert answer.neighbours[OTHER].start == T0 + 18 * 3600
    assert rejudged(history_of(back), asked(*span, "memory")).changed == {}


# Neighbours


def test_an_hour_that_changed_is_rejudged_at_the_neighbours_too_and_goes_no_further():
    history = history_of(*days(1), *days(1, OTHER, seed=8))
    answer = rejudged(history, asked(65, 70))
    hour = Span(T0 + 3600, T0 + 7200, frozenset({"neighbour"}))
    assert answer.neighbours == {OTHER: hour}
    assert rejudged(history, hour, station=OTHER).neighbours == {}
    assert rejudged(history, asked(65, 70, "decision")).neighbours == {}


def test_without_a_rule_that_compares_neighbours_nobody_is_told():
    silent = EVERY_TEST.replace("neighbours: {tolerance: 15, at_least: 1}", "neighbours: off")
    assert rejudged(history_of(*days(1), *days(1, OTHER)), asked(65, 70), text=silent).neighbours == {}


def test_the_neighbours_hours_come_from_the_history():
    near = [a_set(reading(5 * i, 90.0 + i % 2), station=OTHER) for i in range(30)]
    here = [a_set(reading(5 * i, 20.0 + i % 3)) for i in range(30)]
    revisions = rejudged(history_of(*near, *here), asked(cause="neighbours")).revisions
    suspects = [each for revision in revisions for each in revision.readings]
    assert {each.tests["neighbours"] for each in suspects} == {3}
    assert max(each.measured_at for each in suspects) == START + timedelta(minutes=115)


def test_a_series_without_a_clean_reading_has_no_statistics():
    assert update_of({}, {"CO": NOTHING}, asked(end=360), T0 + BLOCK)[0].changed == {}


# One pass


def test_a_late_reading_costs_one_reading_of_its_span_and_one_run_of_each_plain_test(monkeypatch):
    history = history_of(*days(3))
    first = rejudged(history, asked(cause="block"))
    for revision in first.revisions:
        history.insert(revision)
    history.store(ONE, first.changed)
    spans, rows = [], []

    def read(station, start, end, read=history.readings):
        spans.append((station, start, end))
        return read(station, start, end)

    def judge(window, judge=TESTS["status"].judge, **thresholds):
        rows.append(len(window))
        return judge(window, **thresholds)

    monkeypatch.setattr(history, "readings", read)
    monkeypatch.setitem(stretch.PLAIN_TESTS, "status", replace(TESTS["status"], judge=judge))
    answer = rejudged(history, asked(1440 + 30, 2880))
    assert (answer.changed, answer.revisions) == ({}, ())
    # Whole blocks are summed up, and the tests look back a day.
    assert [span for span in spans if span[0] == ONE] == [(ONE, T0, T0 + 2 * 86400)]
    assert len(rows) == 1


def test_a_value_that_stands_is_no_older_than_what_the_tests_of_the_span_look_back_to():
    calm = [a_set(reading(60 * hour, 30.0)) for hour in range(24 * 4)]
    history = history_of(*calm)
    start = 24 * 60 * 3 + 90
    revisions = rejudged(history, asked(start, start + 200)).revisions
    [first, *_] = [one for revision in revisions for one in revision.readings]
    assert first.measured_at == START + timedelta(days=3, hours=2)
    assert first.equal_since == START + timedelta(days=2, hours=2), (
        "a day before the span, whole blocks or not"
    )
