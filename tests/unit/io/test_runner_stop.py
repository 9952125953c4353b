import threading
from collections.abc import Sequence

from quantrac.io.records import NotNow, Record
from quantrac.io.runner import Runner
from quantrac.testing.broker import FakeBroker


class Never:
    """A handler whose other side never answers; tells the role to stop at its second try."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop, self._tries = stop, 0

    def handle(self, batch: Sequence[Record]) -> NotNow:
        self._tries += 1
        if self._tries == 2:
            self._stop.set()
        return NotNow("busy", 60.0)


def test_the_wait_of_a_role_hears_its_stop() -> None:
    broker, stop = FakeBroker(), threading.Event()
    producer = broker.producer()
    producer.produce([Record("in", b"k", b"1")])
    producer.flush()
    consumer = broker.consumer("group", ["in"])
    Runner(service="test.role", consumer=consumer, producer=producer, handler=Never(stop)).run(stop)
    assert consumer.waited == [60.0, 0.0]
    assert broker.committed("group", "in") == 0
