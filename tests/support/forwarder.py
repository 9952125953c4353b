"""Both lanes of a forwarder over a broker in memory, for tests that give them a ministry."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from quantrac.domain.readings import FlaggedSet, Reject
from quantrac.io.records import Done, Handler, NotNow, Record
from quantrac.io.runner import DeadLetterLimit, Runner
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import NOON, flagged_reading, flagged_set
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.deliveries import DeliveryReceipt, Receipt
from schemas.messages.late_ranges import LateRange
from services.forwarder.backlog import RANGES, BacklogHandler
from services.forwarder.backoff import Backoff
from services.forwarder.breaker import CircuitBreaker
from services.forwarder.delivery import MAX_SETS, Delivery
from services.forwarder.ministry import Ministry
from services.forwarder.present import PresentHandler
from services.forwarder.sender import Sender
from support.receipts import receipt_of

PARTITIONS = 3


def flagged_file(
    station: str, name: str, *, readings: int = 1, rejects: int = 0, at: datetime = NOON
) -> FlaggedSet:
    """Return a set of a station with so many readings and rejects, measured at ``at``."""
    return flagged_set(
        *[flagged_reading(measured_at=at)] * readings,
        station=station,
        file_name=name,
        received_at=at,
        rejects=[Reject(line=3, text="12,4x", reason="value-not-a-number")] * rejects,
    )


def record(
    content: FlaggedSet | bytes, *, partition: int = 0, offset: int = 0, at: datetime = NOON
) -> Record:
    """Return the message of a set, produced at ``at``."""
    value = content if isinstance(content, bytes) else encode_flagged_set(content)
    return Record("qa-flagged", b"k", value, {"file_id": b"f"}, partition, offset, at.timestamp())


class FakeMinistry:
    """Accepts everything unless ``behave`` raises or gives another receipt."""

    def __init__(self, behave: Callable[[Delivery], Receipt | None] = lambda _: None) -> None:
        self.behave = behave
        self.deliveries: list[Delivery] = []
        """All that were sent."""
        self.taken: list[Delivery] = []
        """Those that have a receipt."""

    def deliver(self, delivery: Delivery) -> Receipt:
        self.deliveries.append(delivery)
        receipt = self.behave(delivery) or receipt_of(delivery)
        self.taken.append(delivery)
        return receipt

    @property
    def files(self) -> list[list[str]]:
        """The names of the files of each delivery that was sent."""
        return [[item.flagged.file_name for item in d.items] for d in self.deliveries]

    @property
    def files_taken(self) -> list[str]:
        return [item.flagged.file_name for d in self.taken for item in d.items]


class Lanes:
    """Both lanes, their clocks stopped: :meth:`pass_time` puts them forward."""

    def __init__(
        self,
        ministry: Ministry,
        broker: FakeBroker | None = None,
        *,
        account: str = "hanoi",
        limit: DeadLetterLimit | None = None,
    ) -> None:
        self.broker = broker or FakeBroker(PARTITIONS)
        self.now = NOON
        self.breaker = CircuitBreaker(Backoff(lambda _, high: high), monotonic=self._monotonic)
        self.senders = [
            Sender(
                ministry=ministry,
                breaker=self.breaker,
                target="mae",
                account=account,
                receipt_topic="delivery-receipt",
                clock=lambda: self.now,
                monotonic=self._monotonic,
            )
            for _ in range(2)
        ]
        self.present = PresentHandler(sender=self.senders[0], late_topic="late-range", clock=lambda: self.now)
        self.backlog = BacklogHandler(sender=self.senders[1], read_span=self.read_span, limit=limit)

    def _monotonic(self) -> float:
        return self.now.timestamp()

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def read_span(self, partition: int, first: int, end: int) -> Iterator[Record]:
        for message in self.broker.records("qa-flagged"):
            if message.partition == partition and first <= message.offset < end:
                yield message

    def put(self, *records: Record) -> None:
        """Write messages to qa-flagged, each to its partition."""
        producer = self.broker.producer()
        producer.produce(records)
        producer.flush()

    def try_present(self) -> int:
        """Let the present lane take a batch and try it once; returns how many messages are done with."""
        return self._try("forwarder.forward", "qa-flagged", self.present, MAX_SETS)

    def try_backlog(self) -> int:
        """Let the backlog lane try a batch of ranges once; returns how many of them are done with."""
        return self._try("forwarder.backlog", "late-range", self.backlog, RANGES)

    def _try(self, group: str, topic: str, handler: Handler, batch_size: int) -> int:
        once = threading.Event()
        once.set()
        runner = Runner(
            service="forwarder.forward",
            consumer=self.broker.consumer(group, [topic]),
            producer=self.broker.producer(),
            handler=handler,
            batch_size=batch_size,
            poll_timeout=0,
        )
        return runner.step(once)

    @property
    def receipts(self) -> list[DeliveryReceipt]:
        records = self.broker.records("delivery-receipt")
        return [DeliveryReceipt.model_validate_json(r.value or b"") for r in records]

    @property
    def ranges(self) -> list[LateRange]:
        records = self.broker.records("late-range")
        return [LateRange.model_validate_json(r.value or b"") for r in records]

    @property
    def dead(self) -> list[Record]:
        return self.broker.records("qa-flagged.dlq")

    @property
    def confirmed(self) -> list[str]:
        """The ids of the files that receipts prove."""
        return [file.file_id for kept in self.receipts for file in kept.files]


def done(verdict: Done | NotNow) -> Done:
    assert isinstance(verdict, Done), verdict
    return verdict


def not_now(verdict: Done | NotNow) -> NotNow:
    assert isinstance(verdict, NotNow), verdict
    return verdict


def receipts(verdict: Done | NotNow) -> list[DeliveryReceipt]:
    """Return the receipts that a verdict writes."""
    written = [r for r in done(verdict).records if r.topic == "delivery-receipt"]
    return [DeliveryReceipt.model_validate_json(r.value or b"") for r in written]


def ranges(verdict: Done | NotNow) -> list[LateRange]:
    """Return the late ranges that a verdict writes."""
    written = [r for r in done(verdict).records if r.topic == "late-range"]
    return [LateRange.model_validate_json(r.value or b"") for r in written]
