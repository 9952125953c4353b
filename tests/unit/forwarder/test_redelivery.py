"""What becomes of sets that a comparison sends again."""

from datetime import timedelta

from quantrac.testing.builders import NOON
from schemas.messages.deliveries import Receipt, RejectedSet
from services.forwarder.delivery import Delivery
from services.forwarder.ministry import MinistryAway
from services.forwarder.redelivery import RedeliveryHandler
from support.forwarder import FakeMinistry, Lanes, done, flagged_file, not_now, receipts, record
from support.receipts import receipt_of


def handler(ministry: FakeMinistry) -> RedeliveryHandler:
    return RedeliveryHandler(sender=Lanes(ministry).senders[0])


def test_sets_are_delivered_whatever_their_age_and_kept_with_their_receipts() -> None:
    ministry = FakeMinistry()
    old = NOON - timedelta(days=400)
    batch = [
        record(flagged_file("A", "1.txt", at=old), at=old),
        record(flagged_file("B", "2.txt"), partition=1),
    ]
    verdict = handler(ministry).handle(batch)
    assert sorted(ministry.files) == [["1.txt"], ["2.txt"]]
    assert sorted(file.station for message in receipts(verdict) for file in message.files) == ["A", "B"]


def test_a_batch_waits_for_a_ministry_that_is_away_and_goes_whole_after_it() -> None:
    def be_away(_: Delivery) -> None:
        raise MinistryAway("no answer")

    ministry = FakeMinistry(be_away)
    redelivery, batch = handler(ministry), [record(flagged_file("A", "1.txt"))]
    assert "no answer" in not_now(redelivery.handle(batch)).reason
    ministry.behave = lambda _: None
    assert list(done(redelivery.handle(batch)).dead) == []
    assert ministry.files_taken == ["1.txt"]


def test_what_is_no_set_and_what_the_ministry_rejects_are_dead_letters_and_the_rest_goes_on() -> None:
    def reject_first(delivery: Delivery) -> Receipt:
        return receipt_of(delivery, rejected=[RejectedSet(line=1, reason="its station is unknown")])

    batch = [record(b"{"), *(record(flagged_file("A", f"{n}.txt"), offset=n) for n in (1, 2))]
    verdict = done(handler(FakeMinistry(reject_first)).handle(batch))
    reasons = [letter.reason for letter in verdict.dead]
    assert len(reasons) == 2 and "not a flagged set" in reasons[0] and "its station is unknown" in reasons[1]
    assert [file.line for message in receipts(verdict) for file in message.files] == [2]
