"""Writes messages.

The partitioner is ``murmur2_random`` everywhere: the library's default places only one key in nine where Java
clients, aiokafka and Faust would, and two topics keyed alike must be partitioned alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from confluent_kafka import KafkaError, Message
from confluent_kafka import Producer as _Producer

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.error_log import log_error
from quantrac.io.records import DeliveryFailed, Record


class KafkaProducer:
    """Idempotent, acknowledged by all in-sync replicas; zstd level 1 makes JSON smaller than Avro here."""

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
                "linger.ms": linger_ms,
                "delivery.timeout.ms": round(delivery_timeout * 1000),
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": 200_000,
                # Of the uncompressed message; the topics themselves say how large one may be.
                "message.max.bytes": 64 << 20,
                # Errors only: that a broker still loads its coordinator is no news to a person.
                "log_level": 3,
                "error_cb": log_error,
            }
        )
        self._failed: str | None = None

    def produce(self, records: Sequence[Record]) -> None:
        """Queue messages; waits for room when the queue is full."""
        for record in records:
            while True:
                try:
                    self._send(record, self._note_delivery)
                    break
                except BufferError:
                    self._producer.poll(0.5)
        self._producer.poll(0)

    def send(self, record: Record, on_delivery: Callable[[str | None], None]) -> None:
        """Queue one message; ``on_delivery(None | reason)`` is called from :meth:`poll`."""
        self._send(record, lambda error, _: on_delivery(error.str() if error else None))

    def poll(self, seconds: float) -> None:
        """Serve delivery reports for up to ``seconds``."""
        self._producer.poll(seconds)

    def flush(self) -> None:
        """Wait for every delivery report; see :class:`quantrac.io.records.Producer`."""
        while self._producer.flush(1.0):
            pass
        failed, self._failed = self._failed, None
        if failed is not None:
            raise DeliveryFailed(failed)

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

        self._send(record, on_delivery)
        self.flush()
        return written[0]

    def _send(self, record: Record, callback: Callable[[KafkaError | None, Message], None]) -> None:
        self._producer.produce(
            record.topic,
            key=record.key,
            value=record.value,
            headers=list(record.headers.items()),
            on_delivery=callback,
        )

    def _note_delivery(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = f"{message.topic()}: {error.str()}"
