"""The way of one upload, whichever door it came through.

1. the handler decides station and headers
2. an exact resend of what the broker has ends here: nothing is written and nothing produced
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
class UploadOutcome:
    """How far one upload has come. Two futures say it: on disk, then with the broker."""

    file_id: str
    station: str | None
    is_resend: bool
    """Whether the broker had the very same file already; then both futures are done."""
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

    def offer(self, upload: Upload) -> UploadOutcome:
        """Begin to take one upload in, without waiting; raises ``ValueError`` for a refused file name."""
        received_at = self._clock()
        outcome, record = self._decide(upload, received_at)
        if outcome.is_resend:
            _finish(outcome)
        else:
            name = f"{received_at.timestamp() * 1000:013.0f}-{outcome.file_id[:16]}"
            self._writers.submit(self._write, name, record, outcome)
        return outcome

    def preview(self, upload: Upload) -> UploadOutcome:
        """Return what :meth:`offer` would decide, as if all were done, and keep nothing; raises like it."""
        outcome, _ = self._decide(upload, self._clock())
        _finish(outcome)
        return outcome

    def _decide(self, upload: Upload, received_at: datetime) -> tuple[UploadOutcome, Record]:
        """Take the first two steps; the futures of the outcome are running."""
        content_id = file_id(upload.content)
        # 1.
        record = self._handler.record(upload, content_id, received_at)
        owner = record.key.decode()
        station = record.headers.get("station")
        # 2.: the ledger remembers files by owner, which step 1 has decided
        is_resend = self._ledger.first_receipt(owner, content_id) is not None
        outcome = UploadOutcome(content_id, station.decode() if station else None, is_resend, record=record)
        for future in (outcome.spooled, outcome.confirmed):
            future.set_running_or_notify_cancel()  # a caller that stops waiting can no longer cancel it
        return outcome, record

    @property
    def has_room(self) -> bool:
        """Whether the spool has room for another file."""
        return not self._spool.is_full

    def close(self) -> None:
        """Finish the writes under way."""
        self._writers.shutdown()

    def _write(self, name: str, record: Record, outcome: UploadOutcome) -> None:
        # 3.
        try:
            self._spool.put(name, record)
        except Exception as error:  # whatever it is, the door must answer
            outcome.spooled.set_exception(error)
            return
        # 4.: the sender comes first, so that an answered file can no longer be forgotten by this process
        self.sender.offer(name, lambda: outcome.confirmed.set_result(None))
        outcome.spooled.set_result(None)

    def _remember(self, record: Record) -> None:
        headers = RawFileHeaders.from_headers(record.headers)
        self._ledger.add(record.key.decode(), headers.file_id, headers.received_at)


def _finish(outcome: UploadOutcome) -> None:
    for future in (outcome.spooled, outcome.confirmed):
        future.set_result(None)
