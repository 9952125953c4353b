"""What the forwarder does with a batch, against a ministry that is one object."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from quantrac.domain.ids import file_id
from quantrac.domain.readings import FlaggedSet, Reject
from quantrac.io.records import Done, NotNow, Record
from quantrac.testing.builders import NOON, flagged_reading, flagged_set
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.deliveries import DeliveryReceipt, Receipt, RejectedSet
from services.forwarder.backoff import Backoff
from services.forwarder.delivery import Delivery, DeliveryItem, cut_deliveries
from services.forwarder.handler import ForwardHandler
from services.forwarder.ministry import DeliveryRefused, MinistryAway
from support.receipts import CONFIRMED, receipt_of


def flagged_file(station: str, name: str, readings: int = 1, rejects: int = 0) -> FlaggedSet:
    """Return a set of a station with so many readings and rejects."""
    return flagged_set(
        *[flagged_reading()] * readings,
        station=station,
        file_name=name,
        received_at=NOON,
        rejects=[Reject(line=3, text="12,4x", reason="value-not-a-number")] * rejects,
    )


def record(content: FlaggedSet | bytes, *, partition: int = 0, offset: int = 0) -> Record:
    value = content if isinstance(content, bytes) else encode_flagged_set(content)
    return Record("qa-flagged", b"k", value, {"file_id": b"f"}, partition, offset)


class FakeMinistry:
    """Accepts everything unless ``behave`` raises or gives another receipt."""

    def __init__(self, behave: Callable[[Delivery], Receipt | None] = lambda _: None) -> None:
        self.behave = behave
        self.deliveries: list[Delivery] = []

    def deliver(self, delivery: Delivery) -> Receipt:
        self.deliveries.append(delivery)
        return self.behave(delivery) or receipt_of(delivery)

    @property
    def files(self) -> list[list[str]]:
        return [[item.flagged.file_name for item in d.items] for d in self.deliveries]


def forwarder(ministry: FakeMinistry, clock: Callable[[], datetime] = lambda: NOON) -> ForwardHandler:
    longest = Backoff(uniform=lambda _, high: high)
    return ForwardHandler(
        ministry=ministry,
        target="mae",
        account="hanoi",
        receipt_topic="delivery-receipt",
        clock=clock,
        backoff=longest,
    )


def refuse_content(poison: str, status: int = 422) -> Callable[[Delivery], None]:
    def behave(delivery: Delivery) -> None:
        if any(item.flagged.file_name == poison for item in delivery.items):
            raise DeliveryRefused(status, "cannot be read")

    return behave


def done(verdict: Done | NotNow) -> Done:
    assert isinstance(verdict, Done)
    return verdict


def not_now(verdict: Done | NotNow) -> NotNow:
    assert isinstance(verdict, NotNow)
    return verdict


def receipts(verdict: Done | NotNow) -> list[DeliveryReceipt]:
    return [DeliveryReceipt.model_validate_json(r.value or b"") for r in done(verdict).records]


def test_a_delivery_is_one_set_a_line_and_named_by_its_sha256() -> None:
    ministry = FakeMinistry()
    first, second = flagged_file("A", "1.txt"), flagged_file("B", "2.txt")
    done(forwarder(ministry).handle([record(first), record(second, offset=1)]))
    assert len(ministry.deliveries) == 1
    assert ministry.deliveries[0].body == encode_flagged_set(first) + b"\n" + encode_flagged_set(second)
    assert ministry.deliveries[0].id == file_id(
        encode_flagged_set(first) + b"\n" + encode_flagged_set(second)
    )


def test_a_revision_is_delivered_and_its_receipt_is_one_beside_the_files() -> None:
    ministry = FakeMinistry()
    first, revision = flagged_file("A", "1.txt", readings=15), flagged_file("A", "1.txt", readings=1)
    revision.revision, revision.cause = 1, "late"
    verdict = forwarder(ministry).handle([record(first), record(revision, offset=1)])
    assert ministry.deliveries[0].body == encode_flagged_set(first) + b"\n" + encode_flagged_set(revision)
    (kept,) = receipts(verdict)
    assert [(f.file_id, f.readings, f.revision) for f in kept.files] == [
        (file_id(b"1.txt"), 15, 0),
        (file_id(b"1.txt"), 1, 1),
    ]


def test_a_delivery_is_kept_with_its_receipt_and_all_its_files() -> None:
    ministry = FakeMinistry(lambda d: receipt_of(d, waiting=[2]))
    batch = [
        record(flagged_file("A", "1.txt", readings=15)),
        record(flagged_file("B", "2.txt"), offset=1),
        record(flagged_file("A", "3.txt", readings=2), offset=2),
    ]
    verdict = done(forwarder(ministry).handle(batch))
    (delivery,) = ministry.deliveries
    assert [(r.topic, r.key) for r in verdict.records] == [("delivery-receipt", delivery.id.encode())]
    (kept,) = receipts(verdict)
    assert (kept.delivery_id, kept.account, kept.target) == (delivery.id, "hanoi", "mae")
    assert (kept.sent_at, kept.confirmed_at, kept.tries) == (NOON, CONFIRMED, 1)
    assert kept.bytes == len(delivery.body)
    assert [(f.line, f.station, f.file_id, f.readings, f.received_at, f.waiting) for f in kept.files] == [
        (1, "A", file_id(b"1.txt"), 15, NOON, False),
        (2, "B", file_id(b"2.txt"), 1, NOON, True),
        (3, "A", file_id(b"3.txt"), 2, NOON, False),
    ]
    assert kept.rejected == []


def test_the_tries_of_a_delivery_are_counted_from_the_first_time_it_was_sent() -> None:
    now, answers = [NOON], [False, False, True]

    def answer(_: Delivery) -> None:
        now[0] += timedelta(seconds=10)
        if not answers.pop(0):
            raise MinistryAway("503: later")

    handler = forwarder(FakeMinistry(answer), lambda: now[0])
    batch = [record(flagged_file("A", "1.txt"))]
    not_now(handler.handle(batch))
    not_now(handler.handle(batch))
    (kept,) = receipts(handler.handle(batch))
    assert (kept.sent_at, kept.tries) == (NOON, 3)


def test_each_partition_is_delivered_on_its_own_in_order_of_offset() -> None:
    ministry = FakeMinistry()
    batch = [
        record(flagged_file("A", "a1"), partition=2, offset=7),
        record(flagged_file("B", "b1"), partition=0, offset=3),
        record(flagged_file("A", "a2"), partition=2, offset=8),
        record(flagged_file("B", "b2"), partition=0, offset=4),
    ]
    done(forwarder(ministry).handle(batch))
    assert ministry.files == [["b1", "b2"], ["a1", "a2"]]


def test_a_batch_is_cut_by_count_and_by_size() -> None:
    items = [
        DeliveryItem(record(flagged_file("A", f"{n}.txt"), offset=n), flagged_file("A", f"{n}.txt"))
        for n in range(5)
    ]
    line = len(items[0].line)
    assert [len(d.items) for d in cut_deliveries(items, max_sets=2)] == [2, 2, 1]
    assert [len(d.items) for d in cut_deliveries(items, max_bytes=3 * line + 2)] == [3, 2]
    assert [len(d.items) for d in cut_deliveries(items, max_bytes=1)] == [1, 1, 1, 1, 1]
    assert list(cut_deliveries([])) == []


def test_a_set_written_over_several_lines_still_takes_one_line() -> None:
    spread = encode_flagged_set(flagged_file("A", "1.txt")).replace(b'"readings":', b'\n  "readings":\n')
    ministry = FakeMinistry()
    done(forwarder(ministry).handle([record(spread), record(flagged_file("A", "2.txt"), offset=1)]))
    assert len(ministry.deliveries[0].body.split(b"\n")) == 2


def test_a_set_with_rejects_only_is_delivered_so_that_counts_match() -> None:
    ministry = FakeMinistry()
    verdict = forwarder(ministry).handle([record(flagged_file("A", "1.txt", readings=0, rejects=1))])
    assert ministry.files == [["1.txt"]]
    assert receipts(verdict)[0].files[0].readings == 0


def test_a_set_without_a_station_stays_in_the_province() -> None:
    ministry = FakeMinistry()
    verdict = forwarder(ministry).handle(
        [record(flagged_file("", "1.txt")), record(flagged_file("A", "2.txt"))]
    )
    assert ministry.files == [["2.txt"]]
    assert done(verdict).dead == []
    assert done(forwarder(ministry).handle([record(flagged_file("", "1.txt"))])) == Done([], [])


def test_a_message_that_is_no_flagged_set_is_a_dead_letter_and_the_rest_goes_on() -> None:
    ministry = FakeMinistry()
    broken = record(b'{"station": 7}')
    verdict = done(forwarder(ministry).handle([broken, record(flagged_file("A", "2.txt"), offset=1)]))
    assert [(d.record, d.reason) for d in verdict.dead] == [
        (broken, "not a flagged set: Expected `str`, got `int` - at `$.station`")
    ]
    assert ministry.files == [["2.txt"]]


def test_a_set_that_the_ministry_rejects_is_a_dead_letter_and_stands_apart_in_the_receipt() -> None:
    ministry = FakeMinistry(lambda d: receipt_of(d, [RejectedSet(line=2, reason="the set has no station")]))
    batch = [record(flagged_file(s, f"{s}.txt"), offset=n) for n, s in enumerate("ABC")]
    verdict = done(forwarder(ministry).handle(batch))
    (kept,) = receipts(verdict)
    assert [(f.line, f.station) for f in kept.files] == [(1, "A"), (3, "C")]
    assert [(f.line, f.station, f.file_id, f.received_at, f.reason) for f in kept.rejected] == [
        (2, "B", file_id(b"B.txt"), NOON, "the set has no station")
    ]
    assert [(d.record, d.reason) for d in verdict.dead] == [
        (batch[1], "the ministry rejected the set: the set has no station")
    ]


def test_a_ministry_that_is_away_is_waited_for_ever_longer_up_to_a_minute() -> None:
    def away(_: Delivery) -> None:
        raise MinistryAway("ConnectError: refused")

    handler = forwarder(FakeMinistry(away))
    batch = [record(flagged_file("A", "1.txt"))]
    waits = [not_now(handler.handle(batch)).retry_after for _ in range(9)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert not_now(handler.handle(batch)).reason == "ConnectError: refused"


def test_the_wait_is_spread_over_its_whole_length() -> None:
    assert Backoff(uniform=lambda low, high: low).next() == 0.0
    assert all(0.0 <= Backoff().next() <= 1.0 for _ in range(100))


def test_what_the_ministry_asks_to_wait_is_waited_at_least() -> None:
    backoff = Backoff(uniform=lambda low, high: high)
    assert backoff.next(at_least=5.0) == 6.0
    assert backoff.next(at_least=3600.0) == 60.0


def test_an_answer_ends_the_back_off() -> None:
    answers: list[bool] = [False, False, True, False]

    def sometimes(_: Delivery) -> None:
        if not answers.pop(0):
            raise MinistryAway("503: later")

    handler = forwarder(FakeMinistry(sometimes))
    verdicts = [handler.handle([record(flagged_file("A", f"{n}.txt"))]) for n in range(4)]
    assert [v.retry_after if isinstance(v, NotNow) else None for v in verdicts] == [1.0, 2.0, None, 1.0]


def test_a_repeated_batch_does_not_send_again_what_was_confirmed() -> None:
    up = False

    def second_partition_fails(delivery: Delivery) -> None:
        if delivery.items[0].record.partition == 1 and not up:
            raise MinistryAway("ReadTimeout")

    ministry = FakeMinistry(second_partition_fails)
    handler = forwarder(ministry)
    batch = [record(flagged_file("A", "a"), partition=0), record(flagged_file("B", "b"), partition=1)]
    not_now(handler.handle(batch))
    up = True
    verdict = handler.handle(batch)
    assert ministry.files == [["a"], ["b"], ["b"]]
    assert [[f.station for f in kept.files] for kept in receipts(verdict)] == [["A"], ["B"]]


def test_a_duplicate_receipt_proves_as_much_as_the_first() -> None:
    ministry = FakeMinistry(lambda d: receipt_of(d, duplicate=True))
    verdict = forwarder(ministry).handle([record(flagged_file("A", "1.txt"))])
    assert [r.confirmed_at for r in receipts(verdict)] == [CONFIRMED]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_halving_isolates_exactly_the_poison_set(status: int) -> None:
    ministry = FakeMinistry(refuse_content("5.txt", status))
    batch = [record(flagged_file("A", f"{n}.txt"), offset=n) for n in range(8)]
    verdict = done(forwarder(ministry).handle(batch))
    assert [(d.record.offset, d.reason) for d in verdict.dead] == [
        (5, f"the ministry refused the set: {status}: cannot be read")
    ]
    confirmed = [file.file_id for r in receipts(verdict) for file in r.files]
    assert confirmed == [file_id(f"{n}.txt".encode()) for n in (0, 1, 2, 3, 4, 6, 7)]
    assert ministry.files[-1] == ["6.txt", "7.txt"]
    assert len(ministry.deliveries) == 7


def test_a_ministry_that_goes_away_while_halving_finds_the_confirmed_half_confirmed() -> None:
    up = False

    def behave(delivery: Delivery) -> None:
        refuse_content("3.txt")(delivery)
        if delivery.items[0].record.offset == 2 and not up:
            raise MinistryAway("503: later")

    ministry = FakeMinistry(behave)
    handler = forwarder(ministry)
    batch = [record(flagged_file("A", f"{n}.txt"), offset=n) for n in range(4)]
    not_now(handler.handle(batch))
    up = True
    assert [d.record.offset for d in done(handler.handle(batch)).dead] == [3]
    assert ministry.files.count(["0.txt", "1.txt"]) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_password_dead_letters_nothing_and_says_what_to_mend(status: int) -> None:
    def behave(_: Delivery) -> None:
        raise DeliveryRefused(status, "unknown account or wrong password")

    verdict = not_now(forwarder(FakeMinistry(behave)).handle([record(flagged_file("A", "1.txt"))]))
    assert verdict.reason == (
        f"mae refused the account ({status}: unknown account or wrong password); nothing is lost, and"
        " deliveries go on once QUANTRAC_MINISTRY_ACCOUNT, its password and its provinces there are right"
    )
    assert verdict.retry_after == 1.0


def test_a_wrong_address_dead_letters_nothing() -> None:
    def behave(_: Delivery) -> None:
        raise DeliveryRefused(404, "Not Found")

    verdict = not_now(forwarder(FakeMinistry(behave)).handle([record(flagged_file("A", "1.txt"))]))
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
    ministry = FakeMinistry(lambda d: receipt_of(d).model_copy(update=changes))
    batch = [record(flagged_file("A", "1.txt")), record(flagged_file("A", "2.txt"), offset=1)]
    said = not_now(forwarder(ministry).handle(batch)).reason
    assert said.startswith("the receipt is not accepted: ")
    assert reason in said


def test_the_same_batch_gives_the_same_verdict() -> None:
    batch = [record(flagged_file("A", "1.txt")), record(b"{}", offset=1)]
    assert forwarder(FakeMinistry()).handle(batch) == forwarder(FakeMinistry()).handle(batch)
