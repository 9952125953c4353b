"""The rule book: which rule set judges which reading, while the registry's records come and go."""

import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantrac.domain.registry.registry import Registry
from schemas.examples import example
from schemas.messages.registry.activations import Activation
from schemas.registry import apply_record, record_key
from schemas.rules import RuleBook, RuleSet, from_content
from schemas.rules.book import activation

T0 = datetime(2026, 3, 25, tzinfo=UTC)


def rule_set(days: int) -> RuleSet:
    return from_content(f'{{"national": {{"tests": {{"age": {{"days": {days}}}}}}}, "required": []}}')


DEFAULT = rule_set(1)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def put(registry: Registry, record: Activation) -> None:
    apply_record(registry, record_key(record), record.model_dump_json().encode())


def switch(days: int, *, decided: float, received_from: float) -> Activation:
    return activation(rule_set(days), by="lan", why="trial", now=at(decided), received_from=at(received_from))


def replay(days: int, *, decided: float, start: float, end: float) -> Activation:
    span = (at(start), at(end))
    return activation(rule_set(days), by="lan", why="trial", now=at(decided), measured=span)


def days(book: RuleBook, received: float, measured: float) -> object:
    found = book.rules(at(received), at(measured))
    return found.thresholds("", "X", "pH", at(measured))["age"]["days"]


def test_without_a_registry_the_default_judges_everything() -> None:
    book = RuleBook(DEFAULT)
    assert (book.edition, book.changes_received, book.changes_measured) == (0, (), ())
    assert book.rules(T0, T0) is DEFAULT


def test_a_switch_judges_what_is_received_from_its_time_on_whenever_it_was_measured() -> None:
    registry = Registry()
    put(registry, switch(7, decided=0, received_from=10))
    book = RuleBook(DEFAULT, registry)
    assert days(book, 9.99, 20) == 1
    assert days(book, 10, -5000) == 7
    assert book.changes_received == (at(10),)
    assert book.changes_measured == ()


def test_a_replay_judges_what_was_measured_in_its_span_whenever_it_was_received() -> None:
    registry = Registry()
    put(registry, replay(7, decided=0, start=10, end=20))
    book = RuleBook(DEFAULT, registry)
    assert [days(book, 5000, measured) for measured in (9.99, 10, 19.99, 20)] == [1, 7, 7, 1]
    assert book.changes_measured == (at(10), at(20))
    assert book.changes_received == ()


def test_of_activations_that_apply_the_last_decided_counts_in_whatever_order_they_come() -> None:
    records = [
        switch(7, decided=0, received_from=60),
        switch(8, decided=1, received_from=30),
        replay(9, decided=2, start=0, end=10),
    ]
    for order in (records, records[::-1]):
        registry = Registry()
        for record in order:
            put(registry, record)
        book = RuleBook(DEFAULT, registry)
        assert [days(book, received, 100) for received in (29, 30, 60)] == [1, 8, 8]
        assert days(book, 60, 5) == 9


def days_before(book: RuleBook, record: Activation) -> list[object]:
    return [
        rules.thresholds("", "X", "pH", T0)["age"]["days"]
        for rules in book.rule_sets_before(record.to_domain())
    ]


def test_a_switch_replaces_what_judged_at_its_time_of_receipt() -> None:
    first, second = switch(7, decided=0, received_from=60), switch(8, decided=1, received_from=90)
    registry = Registry()
    for record in (first, second):
        put(registry, record)
    book = RuleBook(DEFAULT, registry)
    assert [days_before(book, record) for record in (first, second)] == [[1], [7]]


def test_a_replay_replaces_every_rule_set_under_which_its_readings_can_have_come() -> None:
    switched, replayed = switch(7, decided=0, received_from=10), replay(7, decided=30, start=-60, end=20)
    late = replay(9, decided=31, start=12, end=20)
    registry = Registry()
    for record in (switched, replayed, late):
        put(registry, record)
    book = RuleBook(DEFAULT, registry)
    assert days_before(book, replayed) == [1, 7]
    assert days_before(book, late) == [7]


def test_the_edition_grows_with_each_activation_and_with_nothing_else() -> None:
    registry = Registry()
    book = RuleBook(DEFAULT, registry)
    editions = [book.edition]
    first = switch(7, decided=0, received_from=1)
    for _ in range(2):  # the same record comes again, as after a restart of the reader
        put(registry, first)
        editions.append(book.edition)
    put(registry, switch(8, decided=2, received_from=3))
    editions.append(book.edition)
    apply_record(registry, b"station/HN_DEMO_KHI001", example("station-registry.station.json"))
    editions.append(book.edition)
    apply_record(registry, record_key(first), None)
    editions.append(book.edition)
    assert editions == [0, 1, 1, 2, 2, 3]
    assert days(book, 2, 0) == 1


def test_between_two_readings_of_the_edition_nothing_changes() -> None:
    registry = Registry()
    book = RuleBook(DEFAULT, registry)
    put(registry, switch(7, decided=0, received_from=1))
    assert (days(book, 5, 0), book.changes_received) == (1, ())
    assert book.edition == 1
    assert (days(book, 5, 0), book.changes_received) == (7, (at(1),))


def test_an_activation_whose_content_is_no_rule_set_is_left_out_and_replaces_none(
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry = Registry()
    good = switch(7, decided=0, received_from=1)
    put(registry, good)
    book = RuleBook(DEFAULT, registry)
    with caplog.at_level(logging.ERROR):
        put(registry, good.model_copy(update={"content": good.content.replace("age", "aeg")}))
        assert book.edition == 1
        assert days(book, 5, 0) == 7
    assert [record.getMessage() for record in caplog.records] == [
        f"rules/{good.id} left out: content, line 1: unknown test 'aeg'; the nearest is 'age'"
    ]


def test_an_activation_whose_version_is_not_that_of_its_content_is_left_out() -> None:
    registry = Registry()
    bad = switch(7, decided=0, received_from=1).model_copy(update={"version": "0" * 12})
    put(registry, bad)
    assert RuleBook(DEFAULT, registry).activations == ()


def test_activations_of_the_same_rules_share_them() -> None:
    registry = Registry()
    for record in (switch(7, decided=0, received_from=1), replay(7, decided=2, start=0, end=1)):
        put(registry, record)
    (_, first), (_, second) = RuleBook(DEFAULT, registry).activations
    assert first is second


def test_a_record_that_says_neither_span_or_both_is_refused() -> None:
    registry = Registry()
    good = switch(7, decided=0, received_from=1)
    for wrong in ({"received_from": None}, {"measured_from": at(0)}):
        with pytest.raises(ValueError, match="either received_from, or measured_from and measured_to"):
            put(registry, good.model_copy(update=wrong))
    assert registry.rules == {}


def test_a_switch_comes_ten_seconds_ahead_at_the_earliest() -> None:
    usual = activation(DEFAULT, by="lan", why="trial", now=T0)
    assert usual.received_from == T0 + timedelta(seconds=10)
    with pytest.raises(ValueError, match="comes too soon: rules switch 10 s from now at the earliest"):
        activation(DEFAULT, by="lan", why="trial", now=T0, received_from=at(0.1))


def test_the_example_is_an_activation_that_a_rule_book_takes() -> None:
    registry = Registry()
    record = Activation.model_validate_json(example("station-registry.rules.json"))
    put(registry, record)
    [(_, rules)] = RuleBook(DEFAULT, registry).activations
    assert rules.required == {"status", "unit"}
    pm = rules.thresholds("ambient-air", "HN_DEMO_KHI001", "PM2.5", T0)
    assert pm["against_other"] == {"other": "PM10", "at_most": 1, "tolerance": 10}


times = st.integers(-50, 50)


@given(
    st.lists(st.tuples(st.booleans(), times, st.integers(1, 40)), max_size=6),
    st.lists(st.tuples(times, times), min_size=1),
)
def test_rules_are_constant_between_the_changes_a_book_names(
    made: list[tuple[bool, int, int]], asked: list[tuple[int, int]]
) -> None:
    registry = Registry()
    for number, (is_switch, start, length) in enumerate(made, start=2):
        decided = -100 + number
        put(
            registry,
            switch(number, decided=decided, received_from=start)
            if is_switch
            else replay(number, decided=decided, start=start, end=start + length),
        )
    book = RuleBook(DEFAULT, registry)

    def begin(changes: object, moment: datetime) -> datetime:
        return max((each for each in changes if each <= moment), default=at(-9999))

    for received, measured in asked:
        earliest = begin(book.changes_received, at(received)), begin(book.changes_measured, at(measured))
        assert book.rules(at(received), at(measured)) is book.rules(*earliest)
