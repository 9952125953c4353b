"""The way of one upload, whichever door it came through.

1. an exact resend of what the broker has → known, and nothing else happens
2. the handler decides station and headers
3. the spool has it on the disk           → FTP answers 226
4. the broker has confirmed it            → the ledger knows it, the spool entry goes, HTTP answers 201

Dying between any two steps costs nothing: before 3 the sender had no answer and sends again; after it the
spool is sent again at the next start, as the very same message.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

from quantrac.domain.ids import file_id
from quantrac.io.progress import Progress
from quantrac.io.records import Record
from schemas.messages.raw_file import RawFileHeaders
from services.receiver.intake.handler import IntakeHandler, RisingClock, Upload
from services.receiver.intake.ledger import Ledger
from services.receiver.intake.sender import Producer, Sender
from services.receiver.intake.spool import Spool

# Flushes to the disk that run side by side are merged by the file system into one.
_WRITERS = 8


@dataclass(frozen=True, slots=True)
class Ticket:
    """What became of one upload; the two futures say when."""

    file_id: str
    station: str | None
    known: bool
    """Whether the broker had it already; then both futures are done."""
    spooled: Future[None] = field(default_factory=Future)
    """Done when the file is safe on disk; carries ``SpoolFull`` or ``OSError`` if it could not be kept."""
    confirmed: Future[None] = field(default_factory=Future)
    """Done when the broker has it; stays open for as long as the broker is away."""
    record: Record | None = None
    """What goes to Kafka, or has gone there; absent while the upload waits to be renamed."""


class Intake:
    """Accepts uploads from any thread without making it wait."""

    def __init__(
        self,
        *,
        handler: IntakeHandler,
        spool: Spool,
        ledger: Ledger,
        producer: Producer,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
        progress: Progress | None = None,
    ) -> None:
        self._handler, self._spool, self._ledger = handler, spool, ledger
        self._clock = RisingClock(clock)
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="spool")
        self.sender = Sender(spool, producer, self._remember, monotonic=monotonic, progress=progress)

    def offer(self, upload: Upload) -> Ticket:
        """Take one upload on its way; raises ``ValueError`` for a file name that cannot be kept."""
        file = file_id(upload.content)
        received_at = self._clock()
        # 1. and 2.: the ledger is asked by the owner that the handler decides
        record = self._handler.record(upload, file, received_at)
        owner = record.key.decode()
        station = record.headers.get("station")
        known = self._ledger.first_received(owner, file) is not None
        ticket = Ticket(file, station.decode() if station else None, known, record=record)
        for future in (ticket.spooled, ticket.confirmed):
            future.set_running_or_notify_cancel()  # from now on no impatient waiter can cancel it
            if known:
                future.set_result(None)
        if not known:
            name = f"{received_at.timestamp() * 1000:013.0f}-{file[:16]}"
            self._writers.submit(self._keep, name, record, ticket)
        return ticket

    @property
    def ready(self) -> bool:
        """Whether there is room for another file."""
        return not self._spool.full

    def close(self) -> None:
        """Finish the writes under way."""
        self._writers.shutdown()

    def _keep(self, name: str, record: Record, ticket: Ticket) -> None:
        # 3.
        try:
            self._spool.put(name, record)
        except Exception as error:  # whatever it is, the door must answer
            ticket.spooled.set_exception(error)
            return
        # 4.: the sender comes first, so that an answered file can no longer be forgotten by this process
        self.sender.offer(name, lambda: ticket.confirmed.set_result(None))
        ticket.spooled.set_result(None)

    def _remember(self, record: Record) -> None:
        headers = RawFileHeaders.from_headers(record.headers)
        self._ledger.add(record.key.decode(), headers.file_id, headers.received_at)
