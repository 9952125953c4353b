"""Writes the messages of several requests at once; each request waits for the reports of its own."""

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from quantrac.io.records import DeliveryFailed, Record

# How long the loop waits for a report before it looks whether it is to end.
_POLL_SECONDS = 0.2


class Producer(Protocol):
    """What is needed of :class:`quantrac.io.kafka.producer.ReportingProducer`."""

    def send(self, record: Record, on_delivery: Callable[[str | None], None]) -> None:
        """Queue one message; raises ``BufferError`` when the queue is full."""
        ...

    def poll(self, seconds: float) -> None:
        """Call ``on_delivery(None | reason)`` for each delivery report; waits up to ``seconds`` for one."""
        ...


class ConfirmedWrites:
    """One producer for all requests of a door; :meth:`run` must run in a thread of its own."""

    def __init__(
        self, producer: Producer, *, seconds: float, on_round: Callable[[], None] = lambda: None
    ) -> None:
        """``seconds`` is how long a request waits for its reports; ``on_round`` is called in every round."""
        self._producer, self._seconds, self._on_round = producer, seconds, on_round

    def write(self, records: Sequence[Record]) -> None:
        """Write messages and wait until the broker has confirmed every one.

        Raises ``DeliveryFailed`` where it has not; what was sent may be written all the same.
        """
        reports = _Reports(len(records))
        for record in records:
            try:
                self._producer.send(record, reports.add)
            except BufferError:
                raise DeliveryFailed("too many messages wait for the broker") from None
        reports.wait(self._seconds)

    def run(self, stop: threading.Event) -> None:
        """Serve the reports until ``stop`` is set."""
        while not stop.is_set():
            self._on_round()
            self._producer.poll(_POLL_SECONDS)


class _Reports:
    """The reports of one request's messages."""

    def __init__(self, count: int) -> None:
        self._missing, self._reason = count, ""
        self._complete = threading.Event()
        if not count:
            self._complete.set()

    def add(self, reason: str | None) -> None:
        """Note a report; all of them are noted by the thread of :meth:`ConfirmedWrites.run`."""
        self._missing -= 1
        self._reason = reason or self._reason
        if not self._missing:
            self._complete.set()

    def wait(self, seconds: float) -> None:
        if not self._complete.wait(seconds):
            raise DeliveryFailed(f"no answer for {seconds:g} s")
        if self._reason:
            raise DeliveryFailed(self._reason)
