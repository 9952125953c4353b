"""Several requests over one producer: each waits for its own reports, and learns of its own failures."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from quantrac.io.records import DeliveryFailed, Record
from quantrac.testing.broker import FakeBroker
from services.receiver.deliveries.confirmed_writes import ConfirmedWrites
from support.waiting import wait_until


class HeldReports:
    """A producer whose reports come when the test says so, in any order."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Record, Callable[[str | None], None]]] = []
        self.ready: list[tuple[Callable[[str | None], None], str | None]] = []

    def send(self, record: Record, on_delivery: Callable[[str | None], None]) -> None:
        self.waiting.append((record, on_delivery))

    def report(self, value: bytes, reason: str | None = None) -> None:
        (item,) = [item for item in self.waiting if item[0].value == value]
        self.waiting.remove(item)
        self.ready.append((item[1], reason))

    def poll(self, seconds: float) -> None:
        if not self.ready:
            threading.Event().wait(0.01)
        while self.ready:
            on_delivery, reason = self.ready.pop(0)
            on_delivery(reason)


def records(*values: bytes) -> list[Record]:
    return [Record("topic", b"k", value) for value in values]


@pytest.fixture
def producer() -> HeldReports:
    return HeldReports()


@pytest.fixture
def writes(producer: HeldReports) -> Iterator[ConfirmedWrites]:
    writes, stop = ConfirmedWrites(producer, seconds=30), threading.Event()
    thread = threading.Thread(target=writes.run, args=(stop,))
    thread.start()
    yield writes
    stop.set()
    thread.join()


def test_a_request_ends_with_its_own_reports_while_another_still_waits(
    writes: ConfirmedWrites, producer: HeldReports
) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(writes.write, records(*pair)) for pair in ((b"1", b"2"), (b"3", b"4")))
        wait_until(lambda: len(producer.waiting) == 4)
        producer.report(b"3")
        producer.report(b"1")
        producer.report(b"4")
        second.result(30)
        assert not first.done()
        producer.report(b"2")
        first.result(30)


def test_the_failure_of_one_request_is_no_failure_of_another(
    writes: ConfirmedWrites, producer: HeldReports
) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(writes.write, records(value)) for value in (b"1", b"2"))
        wait_until(lambda: len(producer.waiting) == 2)
        producer.report(b"1", "Message timed out")
        producer.report(b"2")
        second.result(30)
        with pytest.raises(DeliveryFailed, match="Message timed out"):
            first.result(30)


def test_a_request_without_messages_ends_at_once(writes: ConfirmedWrites) -> None:
    writes.write([])


def test_a_broker_that_does_not_report_is_waited_for_as_long_as_is_said() -> None:
    broker = FakeBroker()
    broker.away = True
    with pytest.raises(DeliveryFailed, match=r"no answer for 0\.05 s"):
        ConfirmedWrites(broker.producer(), seconds=0.05).write(records(b"1"))


def test_a_full_queue_is_a_broker_that_is_away() -> None:
    class Full(HeldReports):
        def send(self, record: Record, on_delivery: Callable[[str | None], None]) -> None:
            raise BufferError

    with pytest.raises(DeliveryFailed, match="too many messages wait for the broker"):
        ConfirmedWrites(Full(), seconds=30).write(records(b"1"))
