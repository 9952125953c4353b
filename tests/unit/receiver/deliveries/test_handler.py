"""What the ministry does with a delivery: lines judged, sets produced, receipts given and remembered."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from quantrac.domain.bounds import MEASURED_AHEAD
from quantrac.domain.ids import file_id, traceparent
from quantrac.domain.parsing import parse_file
from quantrac.domain.readings import Provisional
from quantrac.domain.registry.accounts import Account
from quantrac.domain.registry.registry import Registry
from quantrac.io.records import DeliveryFailed, Record
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import NOON, flagged_reading, flagged_set, station, station_file
from schemas.codecs.sets import decode_flagged_set, encode_flagged_set
from schemas.messages.deliveries import MOST_SETS, DeliveryReceipt, Receipt, RejectedSet
from schemas.topics import LARGEST_MESSAGE_BYTES
from services.receiver.deliveries import handler as handler_module
from services.receiver.deliveries.confirmed_writes import ConfirmedWrites
from services.receiver.deliveries.handler import (
    CLOCK_ALLOWANCE,
    MOST_AT_ONCE,
    BrokerAway,
    DeliveryHandler,
    NoProvinces,
)
from services.receiver.deliveries.judge import TooManySets
from services.receiver.deliveries.ledger import RETENTION, DeliveryLedger
from services.receiver.deliveries.receipts import ReceiptWriter
from support.waiting import LIMIT

HANOI = Account(name="hanoi", password_hash="$argon2id$", role="province", provinces=("01",))
SIGNED = "e30.e30.c2ln"
STATIONS = {
    "A": station("A"),
    "B": station("B"),
    "FAR": station("FAR", province="24"),
}


class Receipts(dict[tuple[str, str], Receipt]):
    def find(self, account: str, delivery_id: str) -> Receipt | None:
        return self.get((account, delivery_id))

    def add(self, receipt: Receipt) -> None:
        self[receipt.account, receipt.delivery_id] = receipt


class DeliveriesBench:
    """A delivery handler with its doubles at hand; each look at the clock is a minute later."""

    def __init__(self) -> None:
        self.broker, self.ledger, self.now = FakeBroker(partitions=1), Receipts(), NOON
        self.writes = ConfirmedWrites(self.broker.producer(), seconds=0.5)
        self.deliveries = DeliveryHandler(
            writes=self.writes,
            ledger=self.ledger,
            receipts=ReceiptWriter("mae", lambda payload: SIGNED),
            clock=self.clock,
            topic="qa-flagged",
            receipt_topic="delivery-receipt",
            registry=Registry(stations=STATIONS),
        )

    @property
    def receipts(self) -> list[DeliveryReceipt]:
        """What the ministry keeps of its receipts."""
        records = self.broker.records("delivery-receipt")
        return [DeliveryReceipt.model_validate_json(record.value or b"") for record in records]

    @property
    def flagged(self) -> list[Record]:
        return self.broker.records("qa-flagged")

    def clock(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def accept(self, *lines: bytes, account: Account = HANOI) -> Receipt:
        return self.deliveries.accept(account, b"\n".join(lines))

    def reasons(self, *lines: bytes, account: Account = HANOI) -> list[tuple[int, str]]:
        return [(r.line, r.reason) for r in self.accept(*lines, account=account).rejected]


def line(station: str, name: str = "1.txt") -> bytes:
    """Return the line of a set in a delivery."""
    return encode_flagged_set(
        flagged_set(flagged_reading(35.2), station=station, file_name=name, received_at=NOON)
    )


@pytest.fixture
def bench() -> Iterator[DeliveriesBench]:
    bench, stop = DeliveriesBench(), threading.Event()
    thread = threading.Thread(target=bench.writes.run, args=(stop,))
    thread.start()
    yield bench
    stop.set()
    thread.join()


def test_a_revision_and_an_provisional_set_are_taken_like_any(bench: DeliveriesBench) -> None:
    provisional, revision = decode_flagged_set(line("A")), decode_flagged_set(line("A"))
    provisional.provisional = Provisional(NOON, NOON + timedelta(hours=24), ["late"])
    revision.revision, revision.cause = 1, "late"
    assert bench.accept(encode_flagged_set(provisional), encode_flagged_set(revision)).accepted == 2
    assert [record.value for record in bench.flagged] == [
        encode_flagged_set(provisional),
        encode_flagged_set(revision),
    ]


def test_accepted_sets_are_produced_as_they_came_under_their_stations_key(bench: DeliveriesBench) -> None:
    receipt = bench.accept(line("A", "1.txt"), line("B", "2.txt"))
    delivery_id = file_id(line("A", "1.txt") + b"\n" + line("B", "2.txt"))
    contents = f"1\tA\t{file_id(b'1.txt')}\t0\t1\n2\tB\t{file_id(b'2.txt')}\t0\t1\n"
    assert receipt == Receipt(
        delivery_id=delivery_id,
        ministry="mae",
        account="hanoi",
        received_at=NOON + timedelta(minutes=2),
        accepted=2,
        waiting=[],
        rejected=[],
        contents=file_id(contents.encode()),
        duplicate=False,
        signed=SIGNED,
    )
    first, second = bench.flagged
    assert (first.topic, first.key, first.value) == ("qa-flagged", b"A", line("A", "1.txt"))
    assert first.headers == {
        "file_id": file_id(b"1.txt").encode(),
        "traceparent": traceparent(file_id(b"1.txt")).encode(),
        "delivery_id": delivery_id.encode(),
        "account": b"hanoi",
    }
    assert (second.key, second.value) == (b"B", line("B", "2.txt"))


def test_the_ministry_keeps_each_receipt_with_its_files_and_what_it_rejected(bench: DeliveriesBench) -> None:
    receipt = bench.accept(line("A", "1.txt"), line("FAR", "2.txt"), b"{}")
    (kept,) = bench.receipts
    assert [record.key for record in bench.broker.records("delivery-receipt")] == [kept.delivery_id.encode()]
    assert (kept.account, kept.target, kept.confirmed_at) == ("hanoi", "mae", receipt.received_at)
    assert (kept.sent_at, kept.tries, kept.receipt) == (None, 0, SIGNED)
    assert [(f.line, f.station, f.file_id, f.readings) for f in kept.files] == [
        (1, "A", file_id(b"1.txt"), 1)
    ]
    assert [(f.line, f.station, f.file_id, f.received_at) for f in kept.rejected] == [
        (2, "FAR", file_id(b"2.txt"), NOON),
        (3, "", "", None),
    ]


def test_the_sets_of_a_station_keep_their_order(bench: DeliveriesBench) -> None:
    bench.accept(line("A", "1"), line("B", "2"), line("A", "3"), line("A", "4"))
    assert [r.value for r in bench.flagged if r.key == b"A"] == [
        line("A", "1"),
        line("A", "3"),
        line("A", "4"),
    ]


def test_a_delivery_seen_before_gets_the_same_receipt_and_produces_nothing(bench: DeliveriesBench) -> None:
    first = bench.accept(line("A"), b"{}")
    again = bench.accept(line("A"), b"{}")
    assert again.duplicate
    assert again.model_copy(update={"duplicate": False}) == first
    assert len(bench.flagged) == 1


def test_another_account_does_not_get_the_receipt_of_the_first(bench: DeliveriesBench) -> None:
    bench.accept(line("A"))
    hue = replace(HANOI, name="hue", stations=("B",))
    assert bench.reasons(line("A"), account=hue) == [(1, "account hue may not deliver for station A")]


def test_a_bad_line_does_not_take_the_good_lines_with_it(bench: DeliveriesBench) -> None:
    receipt = bench.accept(line("A", "1"), b"not json", b"", line("A", "3"))
    assert receipt.accepted == 2
    assert [r.line for r in receipt.rejected] == [2, 3]
    assert receipt.rejected[0].reason == "not a flagged set: JSON is malformed: invalid character (byte 4)"
    assert len(bench.flagged) == 2


def test_a_line_break_at_the_end_is_no_line_of_its_own(bench: DeliveriesBench) -> None:
    assert bench.deliveries.accept(HANOI, line("A") + b"\n").rejected == []


@pytest.mark.parametrize(
    ("wrong", "right", "reason"),
    [
        (
            b'"file_id":"' + b"x" * 64,
            b'"file_id":"' + file_id(b"1.txt").encode(),
            r"not a flagged set: file_id: String should match pattern '^[0-9a-f]{64}$'",
        ),
        (
            b'"measured_at":"2026-03-25T05:00:00"',
            b'"measured_at":"2026-03-25T05:00:00Z"',
            "not a flagged set: Expected `datetime` with a timezone component - at `$.readings.measured_at`",
        ),
        (
            b'"value":["35.2"]',
            b'"value":[35.2]',
            "not a flagged set: Expected `float`, got `str` - at `$.readings.value[0]`",
        ),
        (b'"station":""', b'"station":"A"', "the set has no station"),
    ],
)
def test_a_set_that_breaks_the_contract_is_rejected_with_the_place(
    bench: DeliveriesBench, wrong: bytes, right: bytes, reason: str
) -> None:
    assert right in line("A")
    assert bench.reasons(line("A").replace(right, wrong)) == [(1, reason)]
    assert bench.flagged == []


def test_a_field_that_a_newer_province_adds_is_let_through(bench: DeliveriesBench) -> None:
    newer = line("A").replace(b'"rules":', b'"judged_by":"somebody","rules":')
    assert bench.accept(newer).accepted == 1
    assert bench.flagged[0].value == newer


def test_a_set_too_large_for_the_broker_is_rejected(bench: DeliveriesBench) -> None:
    large = line("A").replace(b'"text":["35.2"]', b'"text":["' + b"3" * LARGEST_MESSAGE_BYTES + b'"]')
    assert bench.reasons(large) == [
        (1, f"not a flagged set: {len(large)} bytes, more than 33554432"),
    ]


def test_an_account_delivers_for_the_stations_of_its_provinces_alone(bench: DeliveriesBench) -> None:
    assert bench.reasons(line("A"), line("FAR"), line("XX_NOPE_1"), line("B")) == [
        (2, "account hanoi may not deliver for province 24, where station FAR is"),
        (3, "station XX_NOPE_1 is not in the ministry's registry"),
    ]
    assert [record.key for record in bench.flagged] == [b"A", b"B"]


def test_an_account_that_names_no_province_delivers_nothing_and_is_told_why(bench: DeliveriesBench) -> None:
    with pytest.raises(NoProvinces, match="account hanoi names no province in the registry"):
        bench.accept(line("A"), account=replace(HANOI, provinces=(), stations=("A",)))
    assert bench.ledger == {}
    assert bench.flagged == []


def test_a_set_received_after_the_ministrys_clock_is_rejected_beyond_the_setting(
    bench: DeliveriesBench,
) -> None:
    soon, future = decode_flagged_set(line("A")), decode_flagged_set(line("A"))
    soon.received_at = NOON + timedelta(minutes=1) + CLOCK_ALLOWANCE
    future.received_at = soon.received_at + timedelta(milliseconds=1)
    assert bench.reasons(encode_flagged_set(soon), encode_flagged_set(future)) == [
        (2, "received_at: 2026-03-25T05:11:00.001000+00:00 lies after the ministry's clock")
    ]


def test_a_set_is_taken_with_every_time_that_the_stations_door_believes(bench: DeliveriesBench) -> None:
    ahead, beyond = decode_flagged_set(line("A")), decode_flagged_set(line("A"))
    ahead.readings.measured_at = [NOON + MEASURED_AHEAD]
    beyond.readings.measured_at = [NOON + MEASURED_AHEAD + timedelta(seconds=1)]
    reason = (
        "received_at: 2026-03-25T05:00:00+00:00 lies over 366 days before"
        " a reading of 2027-03-26T05:00:01+00:00"
    )
    assert bench.reasons(encode_flagged_set(ahead), encode_flagged_set(beyond)) == [(2, reason)]
    for flagged, rejects in ((ahead, 0), (beyond, 1)):
        content = station_file(at=flagged.readings.measured_at[0])
        assert len(parse_file(content, "1.txt", STATIONS["A"], NOON).rejects) == rejects


def test_a_set_nested_too_deeply_is_rejected(bench: DeliveriesBench) -> None:
    deep = line("A").replace(b'"outcomes":["1"]', b'"outcomes":' + b"[" * 100_000)
    ((number, reason),) = bench.reasons(deep)
    assert number == 1
    assert reason.startswith("not a flagged set: ")


def test_an_account_delivers_only_for_its_stations_when_it_names_any(bench: DeliveriesBench) -> None:
    limited = replace(HANOI, stations=("A",))
    assert bench.reasons(line("A"), line("B"), account=limited) == [
        (2, "account hanoi may not deliver for station B")
    ]


def test_a_broker_that_is_away_leaves_no_receipt_behind(bench: DeliveriesBench) -> None:
    bench.broker.away = True
    with pytest.raises(BrokerAway, match=r"the broker did not confirm the sets: no answer for 0\.5 s"):
        bench.accept(line("A"))
    assert (bench.ledger, bench.receipts) == ({}, [])
    bench.broker.away = False
    assert not bench.accept(line("A")).duplicate


def test_a_delivery_with_too_many_lines_is_refused_whole(bench: DeliveriesBench) -> None:
    assert len(bench.accept(*[b"{}"] * MOST_SETS).rejected) == MOST_SETS
    with pytest.raises(TooManySets, match="2000 sets"):
        bench.accept(*[b"{}"] * (MOST_SETS + 1))


def test_the_same_delivery_sent_twice_at_once_is_produced_once(bench: DeliveriesBench) -> None:
    start = threading.Barrier(4)
    receipts: list[Receipt] = []

    def send() -> None:
        start.wait()
        receipts.append(bench.accept(line("A")))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(r.duplicate for r in receipts) == [False, True, True, True]
    assert len(bench.flagged) == 1


class HeldWrites:
    """Writes that end when the test says so."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Semaphore(0), threading.Semaphore(0)
        self.failure = ""

    def write(self, records: Sequence[Record]) -> None:
        self.begun.release()
        assert self.go_on.acquire(timeout=LIMIT)
        if self.failure:
            raise DeliveryFailed(self.failure)


@pytest.fixture
def held() -> tuple[DeliveryHandler, HeldWrites]:
    writes = HeldWrites()
    handler = DeliveryHandler(
        writes=writes,
        ledger=Receipts(),
        receipts=ReceiptWriter("mae", lambda payload: SIGNED),
        clock=lambda: NOON,
        topic="qa-flagged",
        receipt_topic="delivery-receipt",
        registry=Registry(stations=STATIONS),
    )
    return handler, writes


def test_deliveries_wait_for_the_broker_beside_each_other(held: tuple[DeliveryHandler, HeldWrites]) -> None:
    handler, writes = held
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(handler.accept, HANOI, line("A", name)) for name in "123"]
        for _ in answers:
            assert writes.begun.acquire(timeout=LIMIT)
        assert not any(answer.done() for answer in answers)
        writes.go_on.release(2 * len(answers))
        assert [answer.result(LIMIT).duplicate for answer in answers] == [False] * 3


def test_a_delivery_that_fails_fails_for_everybody_who_sent_it_at_once_and_may_come_again(
    held: tuple[DeliveryHandler, HeldWrites],
) -> None:
    handler, writes = held
    writes.failure = "Message timed out"
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(handler.accept, HANOI, line("A")) for _ in range(2)]
        assert writes.begun.acquire(timeout=LIMIT)
        writes.go_on.release(2)
        for answer in answers:
            with pytest.raises(BrokerAway, match="Message timed out"):
                answer.result(LIMIT)
    writes.failure = ""
    writes.go_on.release(2)
    assert not handler.accept(HANOI, line("A")).duplicate


def test_more_deliveries_than_there_is_room_for_are_told_to_come_back(
    held: tuple[DeliveryHandler, HeldWrites], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler, writes = held
    monkeypatch.setattr(handler_module, "_TURN_SECONDS", 0.05)
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        answers = [pool.submit(handler.accept, HANOI, line("A", str(n))) for n in range(MOST_AT_ONCE)]
        for _ in answers:
            assert writes.begun.acquire(timeout=LIMIT)
        with pytest.raises(BrokerAway, match="other deliveries are still waiting"):
            handler.accept(HANOI, line("A", "one more"))
        with pytest.raises(BrokerAway, match="the same delivery is still waiting"):
            handler.accept(HANOI, line("A", "0"))
        writes.go_on.release(2 * MOST_AT_ONCE)
        for answer in answers:
            answer.result(LIMIT)


def test_the_log_counts_rejected_sets_and_shows_nothing_of_them(
    bench: DeliveriesBench, caplog: pytest.LogCaptureFixture
) -> None:
    receipt = bench.accept(line("A"), b"secret content", line("FAR"))
    assert [record.getMessage() for record in caplog.records] == [
        f"delivery {receipt.delivery_id} of account hanoi: 2 of 3 sets are rejected"
    ]


def ledger_receipt(delivery_id: str = "a" * 64) -> Receipt:
    return Receipt(
        delivery_id=delivery_id,
        ministry="mae",
        account="hanoi",
        received_at=NOON,
        accepted=1,
        waiting=[1],
        rejected=[RejectedSet(line=2, reason="no")],
        contents="c" * 64,
        duplicate=False,
        signed=SIGNED,
    )


def test_the_ledger_gives_the_receipt_back_after_a_restart(tmp_path: Path) -> None:
    receipt = ledger_receipt()
    ledger = DeliveryLedger(tmp_path / "spool" / "deliveries.sqlite")
    ledger.add(receipt)
    ledger.close()
    ledger = DeliveryLedger(tmp_path / "spool" / "deliveries.sqlite")
    assert ledger.find("hanoi", "a" * 64) == receipt
    assert ledger.find("hue", "a" * 64) is None
    ledger.close()


def test_the_ledger_forgets_after_two_days(tmp_path: Path) -> None:
    ledger = DeliveryLedger(tmp_path / "deliveries.sqlite")
    old = ledger_receipt()
    new = ledger_receipt("b" * 64).model_copy(update={"received_at": NOON + RETENTION + timedelta(seconds=1)})
    ledger.add(old)
    ledger.add(new)
    assert ledger.find("hanoi", "a" * 64) is None
    assert ledger.find("hanoi", "b" * 64) == new
    ledger.close()
