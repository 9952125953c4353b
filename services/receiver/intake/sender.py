"""Takes spool entries to Kafka, in the order they were received, for as long as it takes.

An entry leaves the spool only when the broker has confirmed it. With the broker away entries wait on the
disk. After a failed delivery the sender first waits for the reports of everything in flight, so that the
order holds, and sends again after a pause that doubles up to half a minute.
"""

import heapq
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Protocol

from quantrac.io.progress import Progress
from quantrac.io.records import Record
from services.receiver.intake.spool import Spool

log = logging.getLogger(__name__)

# In flight at a time: enough to fill the producer's batches, little to hold in memory.
_WINDOW_FILES = 500
_WINDOW_BYTES = 16 << 20
_LONGEST_PAUSE_SECONDS = 30.0
_LAST_REPORTS_SECONDS = 3.0


class Producer(Protocol):
    """What the sender needs of a Kafka producer."""

    def send(self, record: Record, on_delivery: Callable[[str | None], None]) -> None:
        """Queue one message; raises ``BufferError`` when the queue is full."""
        ...

    def poll(self, seconds: float) -> None:
        """Call ``on_delivery(None | reason)`` for each delivery report; waits up to ``seconds`` for one."""
        ...


class Sender:
    """Sends entries and reports each confirmed one once; everything but :meth:`offer` runs in one thread."""

    def __init__(
        self,
        spool: Spool,
        producer: Producer,
        on_confirmed: Callable[[Record], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        progress: Progress | None = None,
    ) -> None:
        self.progress = progress or Progress(name="spool", monotonic=monotonic)
        self._spool, self._producer, self._on_confirmed = spool, producer, on_confirmed
        self._monotonic = monotonic
        self._announcements: deque[tuple[str, Callable[[], None]]] = deque()
        self._wake = threading.Event()
        self._queue = spool.names()  # a sorted list is a heap
        self._in_flight: dict[str, Record] = {}
        self._in_flight_bytes = 0
        self._failures: list[str] = []
        self._on_sent: dict[str, Callable[[], None]] = {}
        self._pause, self._resume_at = 1.0, 0.0

    def offer(self, name: str, on_sent: Callable[[], None]) -> None:
        """Announce an entry that is in the spool; ``on_sent`` is called once the broker has it."""
        self._announcements.append((name, on_sent))
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop`` is set; what is not confirmed soon after is sent again at the next start."""
        while not stop.is_set():
            if not self._in_flight and not self._may_send():
                self._wake.wait(0.2)
            self.step()
        until = self._monotonic() + _LAST_REPORTS_SECONDS
        while self._in_flight and self._monotonic() < until:
            self._producer.poll(0.02)

    def step(self) -> None:
        """Send what may be sent now, then handle delivery reports."""
        self._wake.clear()
        self.progress.round()
        while self._announcements:
            name, on_sent = self._announcements.popleft()
            self._on_sent[name] = on_sent
            heapq.heappush(self._queue, name)
        if self._failures and not self._in_flight:
            self._rewind()
        while self._may_send() and self._send(heapq.heappop(self._queue)):
            pass
        self._producer.poll(0.02 if self._in_flight else 0)
        # From the last confirmation on, or from the first file that waits for one.
        if self._queue or self._in_flight or self._failures:
            self.progress.begin(len(self._queue) + len(self._in_flight) + len(self._failures))
        else:
            self.progress.end()

    def _may_send(self) -> bool:
        has_room = len(self._in_flight) < _WINDOW_FILES and self._in_flight_bytes < _WINDOW_BYTES
        return bool(self._queue) and has_room and not self._failures and self._monotonic() >= self._resume_at

    def _send(self, name: str) -> bool:
        try:
            record = self._spool.read(name)
            self._producer.send(record, partial(self._handle_report, name))
        except ValueError as error:
            log.error("%s; set aside", error)
            self._spool.set_aside(name)
            return True
        except BufferError:
            heapq.heappush(self._queue, name)
            return False
        self._in_flight[name] = record
        self._in_flight_bytes += len(record.value or b"")
        return True

    def _handle_report(self, name: str, reason: str | None) -> None:
        record = self._in_flight.pop(name)
        self._in_flight_bytes -= len(record.value or b"")
        if reason is not None:
            log.warning("%s not delivered, stays in the spool: %s", name, reason)
            self._failures.append(name)
            self.progress.postpone(reason)
            return
        self.progress.end()
        self._pause = 1.0
        # The entry goes last: a crash in between sends the same message once more.
        self._on_confirmed(record)
        self._spool.remove(name)
        if on_sent := self._on_sent.pop(name, None):
            on_sent()

    def _rewind(self) -> None:
        self._resume_at = self._monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
        self._queue += self._failures
        self._failures = []
        heapq.heapify(self._queue)
