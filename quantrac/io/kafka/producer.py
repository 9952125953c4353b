"""Writes messages.

The partitioner is ``murmur2_random`` everywhere: the library's default places only one key in nine where Java
clients, aiokafka and Faust would, and two topics keyed alike must be partitioned alike.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from confluent_kafka import KafkaError, Message
from confluent_kafka import Producer as _Producer
from msgspec.structs import replace

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.error_log import log_error
from quantrac.io.records import DeliveryFailed, Record


class KafkaProducer:
    """Idempotent, acknowledged by all in-sync replicas; zstd level 1 makes JSON smaller than Avro here.

    A message that was written is not reported, only counted: :meth:`flush` waits for every one all the same.
    """

    _REPORTS: ClassVar[dict[str, Any]] = {"delivery.report.only.error": True}

    def __init__(
        self, connection: KafkaConnection, *, linger_ms: int = 20, delivery_timeout: float = 300.0
    ) -> None:
        """Connect; a message not confirmed within ``delivery_timeout`` seconds counts as failed."""
        self._producer = _Producer(
            {
                **connection.librdkafka(),
                "enable.idempotence": True,
                "acks": "all",
                "compression.type": "zstd",
                "compression.level": 1,
                # Nothing lingers once `flush` is called.
                "linger.ms": linger_ms,
                "delivery.timeout.ms": round(delivery_timeout * 1000),
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": 200_000,
                # Of the uncompressed message; the topics themselves say how large one may be.
                "message.max.bytes": 64 << 20,
                "error_cb": log_error,
                "on_delivery": self._note_delivery,
                **self._REPORTS,
            }
        )
        self._failed: str | None = None

    def produce(self, records: Sequence[Record]) -> None:
        """Queue messages; waits for room when the queue is full."""
        for record in records:
            while True:
                try:
                    self._queue(record)
                    break
                except BufferError:
                    self._producer.flush(0.1)  # the queue is full: no report of a success would end a poll
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until every message is confirmed; see :class:`quantrac.io.records.Producer`."""
        while self._producer.flush(1.0):
            pass
        failed, self._failed = self._failed, None
        if failed is not None:
            raise DeliveryFailed(failed)

    def _queue(
        self, record: Record, on_delivery: Callable[[KafkaError | None, Message], None] | None = None
    ) -> None:
        self._producer.produce(
            record.topic,
            key=record.key,
            value=record.value,
            headers=list(record.headers.items()),
            on_delivery=on_delivery,  # None is the client's own
        )

    def _note_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = f"{message.topic()}: {error.str()}"


class ReportingProducer(KafkaProducer):
    """A producer that also says of single messages what became of them, which costs 1.5 µs each."""

    _REPORTS: ClassVar[dict[str, Any]] = {}

    def send(self, record: Record, on_delivery: Callable[[str | None], None]) -> None:
        """Queue one message; ``on_delivery(None | reason)`` is called from :meth:`poll`."""
        self._queue(record, lambda error, _: on_delivery(error.str() if error else None))

    def poll(self, seconds: float) -> None:
        """Serve delivery reports for up to ``seconds``."""
        self._producer.poll(seconds)

    def write(self, record: Record) -> Record:
        """Write one message and wait; returns it with its partition and offset.

        Raises ``DeliveryFailed`` when the broker does not confirm it.
        """
        written: list[Record] = []

        def on_delivery(error: KafkaError | None, message: Message) -> None:
            if error is None:
                partition, offset = message.partition() or 0, message.offset() or 0
                written.append(replace(record, partition=partition, offset=offset))
            self._note_delivery(error, message)

        self._queue(record, on_delivery)
        self.flush()
        return written[0]
