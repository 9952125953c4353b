"""What the present lane does with a batch, against a ministry that is one object."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from quantrac.domain.ids import file_id
from quantrac.io.records import Done
from quantrac.testing.builders import NOON
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.deliveries import RejectedSet
from services.forwarder.delivery import Delivery, DeliveryItem, cut_deliveries
from services.forwarder.ministry import DeliveryRefused, MinistryAway
from services.forwarder.present import PresentHandler
from support.forwarder import (
    FakeMinistry,
    Lanes,
    done,
    flagged_file,
    not_now,
    ranges,
    receipts,
    record,
)
from support.receipts import CONFIRMED, receipt_of


def forwarder(ministry: FakeMinistry) -> PresentHandler:
    return Lanes(ministry).present


def refuse_content(poison: str, status: int = 422) -> Callable[[Delivery], None]:
    def behave(delivery: Delivery) -> None:
        if any(item.flagged.file_name == poison for item in delivery.items):
            raise DeliveryRefused(status, "cannot be read")

    return behave


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


def test_each_partition_is_delivered_on_its_own_in_order_of_offset() -> None:
    ministry = FakeMinistry()
    batch = [
        record(flagged_file("A", "a1"), partition=2, offset=7),
        record(flagged_file("B", "b1"), partition=0, offset=3),
        record(flagged_file("A", "a2"), partition=2, offset=8),
        record(flagged_file("B", "b2"), partition=0, offset=4),
    ]
    done(forwarder(ministry).handle(batch))
    assert sorted(ministry.files) == [["a1", "a2"], ["b1", "b2"]]


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


def test_a_set_whose_newest_reading_is_an_hour_old_is_left_to_the_backlog_lane() -> None:
    ministry, hour = FakeMinistry(), timedelta(hours=1)
    batch = [
        record(flagged_file("A", "old", at=NOON - hour), offset=4),
        record(flagged_file("A", "fresh", at=NOON - hour + timedelta(seconds=1)), offset=5),
        record(flagged_file("A", "old, no readings", readings=0, at=NOON - hour), offset=6),
        record(flagged_file("B", "old", at=NOON - 30 * hour), partition=2, offset=9),
        record(flagged_file("A", "of the future", at=NOON + hour), offset=7),
    ]
    verdict = forwarder(ministry).handle(batch)
    assert ministry.files == [["fresh", "of the future"]]
    assert [(r.partition, r.first, r.end, r.excluded) for r in ranges(verdict)] == [
        (0, 4, 7, [5]),
        (2, 9, 10, []),
    ]
    assert [r.key for r in done(verdict).records if r.topic == "late-range"] == [b"0", b"2"]


def test_a_message_that_has_waited_a_minute_is_left_to_the_backlog_lane_unread() -> None:
    ministry = FakeMinistry()
    lanes = Lanes(ministry)
    broken = record(b"{")
    lanes.pass_time(60.0)
    done(lanes.present.handle([record(flagged_file("A", "1.txt", at=lanes.now))]))
    assert ministry.files == [["1.txt"]]
    lanes.pass_time(0.1)
    verdict = lanes.present.handle([broken, record(flagged_file("A", "2.txt", at=lanes.now), offset=1)])
    assert ministry.files == [["1.txt"]]
    assert [(r.first, r.end) for r in ranges(verdict)] == [(0, 2)]
    assert done(verdict).dead == []


def test_a_late_range_says_what_within_it_needs_no_delivery_any_more() -> None:
    old = NOON - timedelta(days=1)
    batch = [
        record(flagged_file("A", "fresh"), offset=0),
        record(flagged_file("A", "old", at=old), offset=1),
        record(b"broken", offset=2),
        record(flagged_file("", "of no station"), offset=3),
        record(flagged_file("A", "fresh too"), offset=4),
        record(flagged_file("A", "old too", at=old), offset=7),
        record(flagged_file("A", "the last"), offset=8),
    ]
    verdict = forwarder(FakeMinistry()).handle(batch)
    (left,) = ranges(verdict)
    assert (left.first, left.end, left.excluded) == (1, 8, [2, 3, 4])
    assert len(done(verdict).dead) == 1


def test_a_delivery_that_fails_is_left_to_the_backlog_lane_and_the_others_are_confirmed() -> None:
    def behave(delivery: Delivery) -> None:
        if delivery.items[0].record.partition == 1:
            raise MinistryAway("ReadTimeout: slow")

    batch = [
        record(flagged_file("A", "a"), partition=0, offset=2),
        record(flagged_file("B", "b"), partition=1, offset=5),
        record(flagged_file("B", "b2"), partition=1, offset=6),
    ]
    verdict = forwarder(FakeMinistry(behave)).handle(batch)
    assert [[f.station for f in kept.files] for kept in receipts(verdict)] == [["A"]]
    assert [(r.partition, r.first, r.end, r.excluded) for r in ranges(verdict)] == [(1, 5, 7, [])]


def test_while_the_ministry_is_away_what_is_fresh_is_held_for_a_minute_and_then_left() -> None:
    def away(_: Delivery) -> None:
        raise MinistryAway("ConnectError: refused")

    ministry = FakeMinistry(away)
    lanes = Lanes(ministry)
    for n in range(2):  # a connection or two may break
        assert ranges(lanes.present.handle([record(flagged_file("A", f"{n}.txt"), offset=n)]))
    batch = [record(flagged_file("A", "2.txt"), offset=2)]
    held = not_now(lanes.present.handle(batch))
    assert (held.reason, held.retry_after, held.is_usual) == ("ConnectError: refused", 1.0, True)
    sent = len(ministry.deliveries)
    assert not_now(lanes.present.handle(batch)) == held
    assert len(ministry.deliveries) == sent
    lanes.pass_time(60.1)
    assert [(r.first, r.end) for r in ranges(lanes.present.handle(batch))] == [(2, 3)]
    assert len(ministry.deliveries) == sent


def test_once_the_ministry_is_back_what_was_held_goes_at_once() -> None:
    up = False

    def behave(_: Delivery) -> None:
        if not up:
            raise MinistryAway("503: later", retry_after=5.0)

    lanes = Lanes(FakeMinistry(behave))
    batch = [record(flagged_file("A", "1.txt"))]
    not_now(lanes.present.handle(batch))
    up = True
    not_now(lanes.present.handle(batch))
    lanes.pass_time(6.0)
    (kept,) = receipts(lanes.present.handle(batch))
    assert (kept.sent_at, kept.tries) == (NOON, 2)


def test_the_same_batch_gives_the_same_verdict() -> None:
    batch = [record(flagged_file("A", "1.txt")), record(b"{}", offset=1)]
    assert forwarder(FakeMinistry()).handle(batch) == forwarder(FakeMinistry()).handle(batch)
