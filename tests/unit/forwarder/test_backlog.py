"""What the backlog lane does with late ranges, against a ministry that is one object."""

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

import pytest

from quantrac.domain.ids import file_id
from quantrac.io.records import Record
from quantrac.io.runner import DeadLetterLimit, DeadLetterLimitReached
from quantrac.testing.builders import NOON
from schemas.messages.deliveries import RejectedSet
from schemas.messages.late_ranges import LateRange
from services.forwarder.delivery import Delivery
from services.forwarder.ministry import DeliveryRefused, MinistryAway
from support.forwarder import (
    PARTITIONS,
    FakeMinistry,
    Lanes,
    done,
    flagged_file,
    not_now,
    receipts,
    record,
)
from support.receipts import receipt_of

OLD = NOON - timedelta(days=1)


def late(partition: int, first: int, end: int, *, offset: int = 0, excluded: Iterable[int] = ()) -> Record:
    message = LateRange(partition=partition, first=first, end=end, excluded=list(excluded))
    return Record("late-range", b"%d" % partition, message.model_dump_json().encode(), {}, 0, offset)


def lanes_with(ministry: FakeMinistry, sets: int, *, partitions: int = 1, **settings: object) -> Lanes:
    """Return lanes whose qa-flagged holds so many old sets in each of some partitions: p0-0, p0-1, …"""
    lanes = Lanes(ministry, **settings)  # type: ignore[arg-type]
    lanes.put(
        *(
            record(flagged_file("A", f"p{partition}-{number}", at=OLD), partition=partition)
            for partition in range(partitions)
            for number in range(sets)
        )
    )
    return lanes


def names(first: int, end: int, partition: int = 0) -> list[str]:
    return [f"p{partition}-{number}" for number in range(first, end)]


def away_while(is_away: Callable[[], bool], error: Exception | None = None) -> Callable[[Delivery], None]:
    def behave(_: Delivery) -> None:
        if is_away():
            raise error or MinistryAway("ConnectError: refused")

    return behave


def test_ranges_of_a_partition_are_one_stream_of_deliveries_in_order_of_offset() -> None:
    ministry = FakeMinistry()
    lanes = lanes_with(ministry, 12, partitions=2)
    batch = [
        late(0, 6, 12, excluded=[7, 8], offset=1),
        late(1, 3, 5, offset=2),
        late(0, 0, 4, offset=3),
    ]
    verdict = done(lanes.backlog.handle(batch))
    assert sorted(ministry.files) == [["p0-0", "p0-1", "p0-2", "p0-3", "p0-6", *names(9, 12)], names(3, 5, 1)]
    assert [len(kept.files) for kept in receipts(verdict)] == [8, 2]


def test_what_two_ranges_have_in_common_is_sent_once() -> None:
    ministry = FakeMinistry()
    lanes = lanes_with(ministry, 8)
    done(lanes.backlog.handle([late(0, 0, 5), late(0, 2, 8, offset=1), late(0, 3, 4, offset=2)]))
    assert ministry.files == [names(0, 8)]


def test_what_is_no_range_and_what_is_no_set_are_dead_letters_and_the_rest_goes_on() -> None:
    ministry = FakeMinistry()
    lanes = Lanes(ministry)
    lanes.put(record(b"{"), record(flagged_file("", "of no station")), record(flagged_file("A", "good")))
    no_range = Record("late-range", b"0", b'{"partition":0,"first":4,"end":4}', {}, 0, 1)
    verdict = done(lanes.backlog.handle([late(0, 0, 3), no_range]))
    assert ministry.files == [["good"]]
    assert sorted((d.record.topic, d.record.offset, d.reason) for d in verdict.dead) == [
        ("late-range", 1, "not a late range: Value error, first must lie before end"),
        ("qa-flagged", 0, "not a flagged set: Input data was truncated"),
    ]


def test_a_ministry_that_is_away_is_waited_for_and_nothing_is_lost() -> None:
    away = True
    ministry = FakeMinistry(away_while(lambda: away))
    lanes = lanes_with(ministry, 5)
    batch = [late(0, 0, 5)]
    first = not_now(lanes.backlog.handle(batch))
    assert (first.reason, first.retry_after, first.is_usual) == ("ConnectError: refused", 1.0, False)
    not_now(lanes.backlog.handle(batch))
    not_now(lanes.backlog.handle(batch))
    assert lanes.breaker.is_open
    waiting = not_now(lanes.backlog.handle(batch))
    assert waiting.is_usual
    assert len(ministry.deliveries) == 3
    away = False
    lanes.pass_time(2)
    (kept,) = receipts(lanes.backlog.handle(batch))
    assert (kept.sent_at, kept.tries) == (NOON, 4)
    assert ministry.files_taken == names(0, 5)


def test_what_is_confirmed_is_not_sent_again_when_the_rest_has_to_wait() -> None:
    up = False
    ministry = FakeMinistry()

    def behave(delivery: Delivery) -> None:
        if delivery.items[0].record.partition == 1 and not up:
            raise MinistryAway("ReadTimeout")

    ministry.behave = behave
    lanes = lanes_with(ministry, 2, partitions=2)
    batch = [late(0, 0, 2), late(1, 0, 2, offset=1)]
    not_now(lanes.backlog.handle(batch))
    up = True
    verdict = lanes.backlog.handle(batch)
    assert sorted(ministry.files_taken) == [*names(0, 2), *names(0, 2, 1)]
    assert len(receipts(verdict)) == 2


def test_a_batch_that_comes_otherwise_after_a_rebalance_is_sent_anew() -> None:
    up = False
    ministry = FakeMinistry()

    def behave(delivery: Delivery) -> None:
        if delivery.items[0].record.partition == 1 and not up:
            raise MinistryAway("ReadTimeout")

    ministry.behave = behave
    lanes = lanes_with(ministry, 2, partitions=2)
    not_now(lanes.backlog.handle([late(0, 0, 2), late(1, 0, 2, offset=1)]))
    up = True
    (kept,) = receipts(lanes.backlog.handle([late(1, 0, 2, offset=1)]))
    assert [f.file_id for f in kept.files] == [file_id(name.encode()) for name in names(0, 2, 1)]


def test_a_long_batch_is_sent_in_rounds_so_that_the_group_sees_its_member_alive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.forwarder.sender.cut_deliveries", cut_by_two)
    ministry = FakeMinistry()
    lanes = lanes_with(ministry, 6)

    def behave(_: Delivery) -> None:
        lanes.pass_time(11)

    ministry.behave = behave
    batch = [late(0, 0, 6)]
    for _ in range(2):
        assert not_now(lanes.backlog.handle(batch)).is_usual
    kept = receipts(lanes.backlog.handle(batch))
    assert [len(r.files) for r in kept] == [2, 2, 2]
    assert ministry.files == [names(0, 2), names(2, 4), names(4, 6)]


def cut_by_two(items: Iterable[object]) -> Iterator[Delivery]:
    from services.forwarder.delivery import cut_deliveries

    return cut_deliveries(items, max_sets=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_halving_isolates_exactly_the_poison_set(status: int) -> None:
    def behave(delivery: Delivery) -> None:
        if any(item.flagged.file_name == "p0-5" for item in delivery.items):
            raise DeliveryRefused(status, "cannot be read")

    ministry = FakeMinistry(behave)
    lanes = lanes_with(ministry, 8)
    verdict = done(lanes.backlog.handle([late(0, 0, 8)]))
    assert [(d.record.offset, d.reason) for d in verdict.dead] == [
        (5, f"the ministry refused the set: {status}: cannot be read")
    ]
    assert ministry.files_taken == [*names(0, 5), *names(6, 8)]


def test_a_set_that_only_ever_fails_becomes_a_dead_letter_while_the_ministry_takes_others() -> None:
    def behave(delivery: Delivery) -> None:
        if any(item.flagged.file_name == "p0-5" for item in delivery.items):
            raise MinistryAway("500: Internal Server Error")

    ministry = FakeMinistry(behave)
    lanes = lanes_with(ministry, 8)
    batch = [late(0, 0, 8)]
    for number in range(200):
        verdict = lanes.backlog.handle(batch)
        if type(verdict).__name__ == "Done":
            break
        lanes.pass_time(61)
        lanes.present.handle(
            [record(flagged_file("B", f"{number}.txt", at=lanes.now), offset=number, at=lanes.now)]
        )
    assert [(d.record.offset, d.reason) for d in done(verdict).dead] == [
        (5, "the ministry took others and not this set: 500: Internal Server Error")
    ]
    assert [name for name in ministry.files_taken if name.startswith("p0")] == [*names(0, 5), *names(6, 8)]


def test_a_set_is_never_to_blame_while_the_ministry_takes_nothing() -> None:
    lanes = lanes_with(FakeMinistry(away_while(lambda: True, MinistryAway("500: broken"))), 1)
    for _ in range(100):
        not_now(lanes.backlog.handle([late(0, 0, 1)]))
        lanes.pass_time(61)


def test_a_ministry_that_goes_away_while_halving_finds_the_confirmed_half_confirmed() -> None:
    up = False

    def behave(delivery: Delivery) -> None:
        if any(item.flagged.file_name == "p0-3" for item in delivery.items):
            raise DeliveryRefused(422, "cannot be read")
        if delivery.items[0].record.offset == 2 and not up:
            raise MinistryAway("503: later")

    ministry = FakeMinistry(behave)
    lanes = lanes_with(ministry, 4)
    batch = [late(0, 0, 4)]
    not_now(lanes.backlog.handle(batch))
    up = True
    assert [d.record.offset for d in done(lanes.backlog.handle(batch)).dead] == [3]
    assert ministry.files_taken == names(0, 3)


def test_a_ministry_that_refuses_every_set_stops_the_service_before_the_topic_is_empty() -> None:
    ministry = FakeMinistry(
        lambda d: receipt_of(d, [RejectedSet(line=n, reason="no") for n in range(1, len(d.items) + 1)])
    )
    lanes = lanes_with(ministry, 20, limit=DeadLetterLimit(consecutive=10))
    with pytest.raises(DeadLetterLimitReached, match="10 dead letters in a row"):
        lanes.backlog.handle([late(0, 0, 20)])


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_password_dead_letters_nothing_and_says_what_to_mend(status: int) -> None:
    ministry = FakeMinistry(away_while(lambda: True, DeliveryRefused(status, "unknown account")))
    lanes = lanes_with(ministry, 1)
    for _ in range(5):
        verdict = not_now(lanes.backlog.handle([late(0, 0, 1)]))
        assert verdict.reason == (
            f"mae refused the account ({status}: unknown account); nothing is lost, and"
            " deliveries go on once QUANTRAC_MINISTRY_ACCOUNT, its password and its provinces there are right"
        )
    assert len(ministry.deliveries) == 3


def test_a_wrong_address_dead_letters_nothing() -> None:
    lanes = lanes_with(FakeMinistry(away_while(lambda: True, DeliveryRefused(404, "Not Found"))), 1)
    verdict = not_now(lanes.backlog.handle([late(0, 0, 1)]))
    assert verdict.reason == "mae refused the delivery (404: Not Found); is QUANTRAC_MINISTRY_URL right?"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"delivery_id": "0" * 64}, "it is for 0000"),
        ({"ministry": "another"}, "it is of 'another', QUANTRAC_MINISTRY_NAME is 'mae'"),
        ({"account": "hue"}, "it is for account 'hue', 'hanoi' had sent the delivery"),
        ({"accepted": 1}, "it speaks of 1 sets and 0 rejects, 2 sets were sent"),
        ({"accepted": 1, "rejected": [RejectedSet(line=3, reason="?")]}, "2 sets were sent"),
        ({"waiting": [3]}, "it names lines that wait and are none of the accepted ones"),
        (
            {"accepted": 1, "rejected": [RejectedSet(line=2, reason="?")], "waiting": [2]},
            "it names lines that wait and are none of the accepted ones",
        ),
        ({"contents": "0" * 64}, "its contents are not the sets that were sent"),
        (
            {"accepted": 1, "rejected": [RejectedSet(line=2, reason="?")]},
            "its contents are not the sets that were sent",
        ),
    ],
)
def test_a_receipt_that_does_not_cover_the_delivery_proves_nothing(
    changes: dict[str, object], reason: str
) -> None:
    lanes = lanes_with(FakeMinistry(lambda d: receipt_of(d).model_copy(update=changes)), 2)
    said = not_now(lanes.backlog.handle([late(0, 0, 2)])).reason
    assert said.startswith("the receipt is not accepted: ")
    assert reason in said


def test_a_bad_receipt_is_never_the_fault_of_a_set() -> None:
    def behave(delivery: Delivery) -> object:
        is_bad = delivery.items[0].flagged.file_name == "p0-0"
        return receipt_of(delivery).model_copy(update={"account": "hue"}) if is_bad else None

    ministry = FakeMinistry(behave)  # type: ignore[arg-type]
    lanes = lanes_with(ministry, 1)
    for number in range(50):
        not_now(lanes.backlog.handle([late(0, 0, 1)]))
        lanes.pass_time(61)
        lanes.present.handle(
            [record(flagged_file("B", f"{number}.txt", at=lanes.now), offset=number, at=lanes.now)]
        )


def test_messages_that_the_retention_took_are_said_once_and_not_waited_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    away = True
    ministry = FakeMinistry(away_while(lambda: away))
    lanes = lanes_with(ministry, 10)
    read_span = lanes.read_span
    lanes.backlog._read_span = lambda p, first, end: read_span(p, max(first, 4), end)
    batch = [late(0, 1, 3), late(0, 3, 9, offset=1)]
    with caplog.at_level(logging.ERROR):
        not_now(lanes.backlog.handle(batch))
        away = False
        done(lanes.backlog.handle(batch))
    assert ministry.files_taken == names(4, 9)
    assert [r.getMessage().partition(";")[0] for r in caplog.records] == [
        "2 messages of qa-flagged[0] from 1 up to 3 are deleted and were not delivered",
        "1 messages of qa-flagged[0] from 3 up to 4 are deleted and were not delivered",
    ]


def test_a_broker_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = lanes_with(FakeMinistry(), 1)

    def time_out(*_: int) -> Iterator[Record]:
        raise TimeoutError("kafka: qa-flagged[0]: timed out")
        yield

    lanes.backlog._read_span = time_out
    assert not_now(lanes.backlog.handle([late(0, 0, 1)])).reason == "kafka: qa-flagged[0]: timed out"


def test_no_more_than_a_delivery_of_each_partition_is_in_memory() -> None:
    most, read, sent = 0, 0, 0
    ministry = FakeMinistry()
    lanes = lanes_with(ministry, 3_500)
    read_span = lanes.read_span

    def count(partition: int, first: int, end: int) -> Iterator[Record]:
        nonlocal read, most
        for message in read_span(partition, first, end):
            read += 1
            most = max(most, read - sent)
            yield message

    def behave(delivery: Delivery) -> None:
        nonlocal sent
        sent += len(delivery.items)

    lanes.backlog._read_span, ministry.behave = count, behave
    done(lanes.backlog.handle([late(0, n, n + 500, offset=n) for n in range(0, 3_500, 500)]))
    assert sent == 3_500
    assert most <= 1_001


@pytest.mark.parametrize("partitions", [1, PARTITIONS])
def test_the_present_goes_first_however_long_the_backlog_is(partitions: int) -> None:
    """The ministry is away for a day; it first takes what is fresh, and nothing is missing at the end."""
    up = False
    ministry = FakeMinistry(away_while(lambda: not up))
    lanes = lanes_with(ministry, 500, partitions=partitions)
    while lanes.try_present():
        pass
    lanes.try_backlog()
    lanes.pass_time(86_400)
    up = True
    lanes.put(record(flagged_file("A", "fresh", at=lanes.now), at=lanes.now))
    while lanes.try_present():
        pass
    assert ministry.files_taken == ["fresh"]
    while lanes.try_backlog():
        pass
    expected = {name for p in range(partitions) for name in names(0, 500, p)}
    assert set(ministry.files_taken) == expected | {"fresh"}
    assert len(lanes.confirmed) == len(expected) + 1
