"""Takes spool entries to Kafka, in the order they were received, for as long as it takes.

An entry leaves the spool only when the broker has confirmed it. With the broker away entries wait on the
disk; after a failed delivery everything under way comes home first, so that the order holds, and is then sent
again after a pause that doubles up to half a minute.
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

# On their way at a time: enough to fill the producer's batches, little to hold in memory.
_WINDOW_FILES = 500
_WINDOW_BYTES = 16 << 20
_LONGEST_PAUSE = 30.0
_FAREWELL = 3.0


class Producer(Protocol):
    """Where entries go."""

    def send(self, record: Record, on_delivery: Callable[[str | None], None]) -> None:
        """Queue one message; raises ``BufferError`` when the queue is full."""
        ...

    def poll(self, seconds: float) -> None:
        """Call ``on_delivery(None | reason)`` for what has been decided, waiting up to ``seconds``."""
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
        self._offered: deque[tuple[str, Callable[[], None]]] = deque()
        self._news = threading.Event()
        self._waiting = spool.names()  # a sorted list is a heap
        self._in_flight: dict[str, Record] = {}
        self._in_flight_bytes = 0
        self._failed: list[str] = []
        self._callbacks: dict[str, Callable[[], None]] = {}
        self._pause, self._resume_at = 1.0, 0.0

    def offer(self, name: str, on_sent: Callable[[], None]) -> None:
        """Announce an entry that is in the spool; ``on_sent`` is called once the broker has it."""
        self._offered.append((name, on_sent))
        self._news.set()

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop`` is set; what is not confirmed soon after is sent again at the next start."""
        while not stop.is_set():
            if not self._in_flight and not self._sendable():
                self._news.wait(0.2)
            self.step()
        until = self._monotonic() + _FAREWELL
        while self._in_flight and self._monotonic() < until:
            self._producer.poll(0.02)

    def step(self) -> None:
        """Send what may be sent now, then serve delivery reports."""
        self._news.clear()
        self.progress.round()
        while self._offered:
            name, on_sent = self._offered.popleft()
            self._callbacks[name] = on_sent
            heapq.heappush(self._waiting, name)
        if self._failed and not self._in_flight:
            self._rewind()
        while self._sendable() and self._send(heapq.heappop(self._waiting)):
            pass
        self._producer.poll(0.02 if self._in_flight else 0)
        # From the last confirmation on, or from the first file that waits for one.
        if self._waiting or self._in_flight or self._failed:
            self.progress.begin(len(self._waiting) + len(self._in_flight) + len(self._failed))
        else:
            self.progress.end()

    def _sendable(self) -> bool:
        room = len(self._in_flight) < _WINDOW_FILES and self._in_flight_bytes < _WINDOW_BYTES
        return bool(self._waiting) and room and not self._failed and self._monotonic() >= self._resume_at

    def _send(self, name: str) -> bool:
        try:
            record = self._spool.read(name)
            self._producer.send(record, partial(self._delivered, name))
        except ValueError as error:
            log.error("%s; set aside", error)
            self._spool.set_aside(name)
            return True
        except BufferError:
            heapq.heappush(self._waiting, name)
            return False
        self._in_flight[name] = record
        self._in_flight_bytes += len(record.value or b"")
        return True

    def _delivered(self, name: str, reason: str | None) -> None:
        record = self._in_flight.pop(name)
        self._in_flight_bytes -= len(record.value or b"")
        if reason is not None:
            log.warning("%s not delivered, stays in the spool: %s", name, reason)
            self._failed.append(name)
            self.progress.postpone(reason)
            return
        self.progress.end()
        self._pause = 1.0
        # The entry goes last: a crash in between sends the same message once more.
        self._on_confirmed(record)
        self._spool.remove(name)
        if on_sent := self._callbacks.pop(name, None):
            on_sent()

    def _rewind(self) -> None:
        self._resume_at = self._monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._waiting += self._failed
        self._failed = []
        heapq.heapify(self._waiting)
