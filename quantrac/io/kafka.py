"""Apache Kafka through confluent-kafka (librdkafka).

The partitioner is ``murmur2_random`` everywhere: the library's default places only one key in nine where Java
clients, aiokafka and Faust would, and two topics keyed alike must be partitioned alike.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka import Consumer as _Consumer
from confluent_kafka import Producer as _Producer
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]

from quantrac.io.kafka_connection import KafkaConnection
from quantrac.io.progress import NO_PARTITIONS, STALLED_SECONDS, Progress
from quantrac.io.records import DeliveryFailed, Record

log = logging.getLogger(__name__)

# A broker that takes longer to say where partitions end is away.
_ANSWER_SECONDS = 5.0
_REOPEN_SECONDS = 1.0


def _record(message: Message) -> Record:
    key = message.key()
    return Record(
        topic=message.topic() or "",
        key=key.encode() if isinstance(key, str) else key or b"",
        value=message.value(),
        headers=dict(message.headers() or ()),  # type: ignore[arg-type]  # bytes, as they were produced
        partition=message.partition() or 0,
        offset=message.offset() or 0,
    )


class _ErrorLog:
    """Logs the first error of each kind in ten seconds: a client without a broker reports 20 a second."""

    def __init__(self) -> None:
        self._logged: dict[int, float] = {}

    def __call__(self, error: KafkaError) -> None:
        now = time.monotonic()
        if now - self._logged.get(error.code(), -10.0) >= 10.0:
            self._logged[error.code()] = now
            log.warning("kafka: %s", error.str())


_log_error = _ErrorLog()


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
                "error_cb": _log_error,
            }
        )
        self._failed: str | None = None

    def produce(self, records: Sequence[Record]) -> None:
        """Queue messages; waits for room when the queue is full."""
        for record in records:
            while True:
                try:
                    self._send(record, self._delivered)
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
            self._delivered(error, message)

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

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failed = f"{message.topic()}: {error.str()}"


class KafkaConsumer:
    """One static member of a consumer group, committing by hand.

    Static membership (``instance``) lets a process that was killed come back to its partitions at once
    instead of waiting for the session to expire. ``on_assign`` gets the partition numbers newly given to
    this member, before any of their messages.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        group: str,
        instance: str,
        topics: Sequence[str],
        on_assign: Callable[[Sequence[int]], None] | None = None,
        # After the first message of a batch: fills it in a burst, short beside a file's whole way.
        gather_seconds: float = 0.02,
    ) -> None:
        self._gather_seconds = gather_seconds
        self._owned: set[tuple[str, int]] = set()
        self._waiting = False
        self._on_assign = on_assign
        self._consumer = _Consumer(
            {
                **connection.librdkafka(),
                "group.id": group,
                "group.instance.id": f"{group}-{instance}",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": 10_000,
                "max.poll.interval.ms": 300_000,
                # The default of 64 MiB a consumer would be most of a small machine's memory.
                "queued.max.messages.kbytes": 16_384,
                # After that much is held, ask again soon: the default of 1 s lets a fast reader run dry.
                "fetch.queue.backoff.ms": 20,
                "error_cb": _log_error,
            }
        )
        self._consumer.subscribe(
            list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    def consume(self, limit: int, timeout: float) -> list[Record]:
        """Wait for the first message, then gather what else is there.

        Raises ``KafkaException`` once this member can never get a message again: a broker that was killed
        may take a static member that comes back for a second one and fence the first. The process then has to
        start anew.
        """
        first = self._consumer.consume(1, timeout)
        rest = self._consumer.consume(limit - 1, self._gather_seconds) if first and limit > 1 else []
        return [_record(message) for message in (*first, *rest) if self._usable(message)]

    def commit(self, batch: Sequence[Record]) -> bool:
        """Commit synchronously; a rebalance in between leaves the batch to the next owner."""
        last = {(r.topic, r.partition): r.offset + 1 for r in batch}
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in last.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            log.warning("commit refused, the batch will come again: %s", error.args[0].str())
            return False
        return True

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Poll paused partitions, so that the group sees this member alive; raises like :meth:`consume`."""
        self._waiting = True
        self._consumer.pause(self._consumer.assignment())
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            message = self._consumer.poll(min(left, 0.5))
            if message is not None and self._usable(message):
                # Nobody would handle it, and the next commit would pass over it; a new start reads it again.
                raise RuntimeError(f"{message.topic()}[{message.partition()}] is not paused")
        self._waiting = False
        self._consumer.resume(self._consumer.assignment())

    def owned(self, batch: Sequence[Record]) -> list[Record]:
        """Filter a batch after a rebalance; see :class:`quantrac.io.records.Consumer`."""
        return [record for record in batch if (record.topic, record.partition) in self._owned]

    def waiting(self) -> Mapping[tuple[str, int], int] | None:
        """Ask the broker where the own partitions end; see :class:`quantrac.io.records.Consumer`."""
        positions = self._consumer.position([TopicPartition(t, p) for t, p in self._owned])
        try:
            # Nothing came of a partition that has no position yet: it begins where its group stands.
            new = [p for p in positions if p.offset < 0]
            started = self._consumer.committed(new, timeout=_ANSWER_SECONDS) if new else []
            begin = {(p.topic, p.partition): int(p.offset) for p in (*positions, *started)}
            firsts = self._offsets([place for place, at in begin.items() if at < 0], OFFSET_BEGINNING)
            ends = self._offsets(list(begin), OFFSET_END)
        except KafkaException as error:
            log.warning("kafka: what waits is not known: %s", error.args[0].str())
            return None
        begin |= firsts
        return {place: begin[place] for place, end in ends.items() if end > begin[place]}

    def _offsets(self, places: Sequence[tuple[str, int]], which: int) -> dict[tuple[str, int], int]:
        # One request a broker, where the watermarks of each partition would be one each.
        wanted = [TopicPartition(topic, partition, which) for topic, partition in places]
        answers = self._consumer.offsets_for_times(wanted, timeout=_ANSWER_SECONDS) if wanted else []
        return {(p.topic, p.partition): int(p.offset) for p in answers}

    def close(self) -> None:
        """Close the connection; a static member keeps its partitions until its session expires."""
        self._consumer.close()

    def problem(self) -> str:
        """Say that the group has given this member no partitions; empty = it has."""
        return "" if self._owned else NO_PARTITIONS

    def _assigned(self, consumer: _Consumer, partitions: list[TopicPartition]) -> None:
        if self._on_assign is not None and partitions:
            self._on_assign([p.partition for p in partitions])
        consumer.incremental_assign(partitions)
        # librdkafka keeps the pause of a partition it loses: lost in a wait and given back after it, it would
        # stay silent for good. One that comes during a wait has to be paused like the others.
        (consumer.pause if self._waiting else consumer.resume)(partitions)
        self._owned |= {(p.topic, p.partition) for p in partitions}

    def _revoked(self, _: _Consumer, partitions: list[TopicPartition]) -> None:
        self._owned -= {(p.topic, p.partition) for p in partitions}

    @staticmethod
    def _usable(message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        # A consumer's fatal error comes under this code, without the mark.
        if error.fatal() or error.code() == KafkaError._FATAL:
            raise KafkaException(error)
        _log_error(error)
        return False


def read_tail(connection: KafkaConnection, topic: str, partition: int, limit: int) -> Iterator[Record]:
    """Yield the last ``limit`` messages of one partition, oldest first, up to its end when called."""
    consumer = _reader(connection)
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        yield from _between(consumer, topic, partition, max(low, high - limit), high)
    finally:
        consumer.close()


def read_since(connection: KafkaConnection, topic: str, partition: int, since: datetime) -> Iterator[Record]:
    """Yield the messages of one partition written at ``since`` or later, up to its end when called."""
    consumer = _reader(connection)
    try:
        _, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        asked = TopicPartition(topic, partition, int(since.timestamp() * 1000))
        first = int(consumer.offsets_for_times([asked], timeout=10)[0].offset)
        if first >= 0:  # negative: nothing is that young
            yield from _between(consumer, topic, partition, first, high)
    finally:
        consumer.close()


def _between(consumer: _Consumer, topic: str, partition: int, position: int, end: int) -> Iterator[Record]:
    consumer.assign([TopicPartition(topic, partition, position)])
    while position < end:
        for message in consumer.consume(500, 0.1):  # the last, short batch waits so long
            if message.error() is None and (offset := message.offset() or 0) < end:
                yield _record(message)
                position = offset + 1
        position = max(position, min(end, _position(consumer, topic, partition)))


def _position(consumer: _Consumer, topic: str, partition: int) -> int:
    # Control records and compaction leave gaps; the reader's own position passes over them.
    return int(consumer.position([TopicPartition(topic, partition)])[0].offset)


def _reader(connection: KafkaConnection) -> _Consumer:
    """Return a consumer outside any group, for reading a topic as a table."""
    return _Consumer(
        {
            **connection.librdkafka(),
            "group.id": "none",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "queued.max.messages.kbytes": 4_096,
            # A table changes seldom; a change is still answered at once.
            "fetch.wait.max.ms": 2_000,
            # Its reader may start beside the broker, and then waits for nothing else.
            "reconnect.backoff.max.ms": 1_000,
            "error_cb": _log_error,
        }
    )


class TableReader:
    """Follows a compacted topic from its beginning, handing each record to ``apply(key, value)``.

    Runs in its own thread; :meth:`start` returns once everything that was in the topic has been applied. A
    record that makes ``apply`` raise is logged and left out; a client that fails is opened anew and reads
    from the beginning again.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        apply: Callable[[bytes, bytes | None], None],
        *,
        stalled_seconds: float = STALLED_SECONDS,
    ) -> None:
        """``stalled_seconds`` without a look at the topic are a :meth:`problem`."""
        self._connection, self._topic, self._apply = connection, topic, apply
        self._progress = Progress(stalled_seconds, name=f"table {topic}")
        self._stop = threading.Event()
        self._caught_up = threading.Event()
        self._positions: Mapping[int, int] = {}
        self._thread = threading.Thread(target=self._follow, name=f"table-{topic}", daemon=True)

    def start(self, timeout: float = 30.0) -> None:
        """Catch up; raises ``TimeoutError`` if the topic cannot be read in ``timeout`` seconds."""
        self._thread.start()
        if not self._caught_up.wait(timeout):
            raise TimeoutError(f"the topic {self._topic} could not be read within {timeout:.0f} s")

    def close(self) -> None:
        """Stop following."""
        self._stop.set()
        self._thread.join(timeout=5)

    def problem(self) -> str:
        """Say why the table may not be what the topic holds; empty = it is, as far as this can be told here.

        A thread that has died looks no more at the topic.
        """
        if not self._caught_up.is_set():
            return f"the topic {self._topic} has not been read yet"
        return self._progress.problem()

    def position(self, partition: int = 0) -> int:
        """Return the offset before which every record of a partition has been applied."""
        return self._positions.get(partition, 0)

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self._read()
            except Exception:  # a thread that ends would leave its service with a table that stands still
                log.exception("%s: reading failed, it begins anew", self._topic)
                self._stop.wait(_REOPEN_SECONDS)

    def _read(self) -> None:
        consumer = _reader(self._connection)
        try:
            marks = self._open(consumer)
            while not self._stop.is_set():
                self._progress.round()
                for message in consumer.consume(500, 0.5 if self._caught_up.is_set() else 0.1):
                    if message.error() is None:
                        self._apply_one(_record(message))
                reached = {p: _position(consumer, self._topic, p) for p in marks}
                if all(reached[p] >= high for p, (low, high) in marks.items() if high > low):
                    # The position of an empty partition is not a number yet.
                    self._positions = {p: max(reached[p], high) for p, (_, high) in marks.items()}
                    self._caught_up.set()
        finally:
            consumer.close()

    def _open(self, consumer: _Consumer) -> Mapping[int, tuple[int, int]]:
        """Assign every partition from its beginning; returns partition -> first offset and end offset."""
        while not self._stop.is_set():
            try:
                partitions = consumer.list_topics(self._topic, timeout=5).topics[self._topic].partitions
                marks = {
                    p: consumer.get_watermark_offsets(TopicPartition(self._topic, p), timeout=5)
                    for p in partitions
                }
            except KafkaException as error:
                log.warning("%s: %s", self._topic, error.args[0].str())
                continue
            if marks:
                consumer.assign([TopicPartition(self._topic, p, OFFSET_BEGINNING) for p in marks])
                return marks
            self._stop.wait(0.5)
        return {}

    def _apply_one(self, record: Record) -> None:
        try:
            self._apply(record.key, record.value)
        # One bad record must not blind the service to all the others.
        except ValueError as error:
            log.error("%s: record %r left out: %s", self._topic, record.key, error)
        except Exception:
            log.exception("%s: record %r left out", self._topic, record.key)


@dataclass(frozen=True, slots=True)
class TopicSettings:
    """What a topic needs to exist."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


class KafkaAdmin:
    """Creates topics and reads offsets."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._admin = AdminClient(connection.librdkafka())

    def existing(self, timeout: float = 10.0) -> dict[str, int]:
        """Return topic name -> partition count."""
        topics = self._admin.list_topics(timeout=timeout).topics
        return {name: len(topic.partitions) for name, topic in topics.items()}

    def create(self, topics: Sequence[TopicSettings]) -> None:
        """Create topics that do not exist yet; raises ``KafkaException`` if one is refused."""
        if not topics:
            return
        wanted = [
            NewTopic(
                t.name, num_partitions=t.partitions, replication_factor=t.replication, config=dict(t.config)
            )
            for t in topics
        ]
        for future in self._admin.create_topics(wanted).values():
            try:
                future.result(timeout=30)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise

    def ends(self, topics: Sequence[str]) -> dict[tuple[str, int], int]:
        """Return (topic, partition) -> end offset for the topics that exist."""
        existing = self.existing()
        wanted = {
            TopicPartition(name, partition): OffsetSpec.latest()  # type: ignore[no-untyped-call]
            for name in topics
            for partition in range(existing.get(name, 0))
        }
        if not wanted:
            return {}
        found = self._admin.list_offsets(wanted)
        return {(tp.topic, tp.partition): future.result(timeout=10).offset for tp, future in found.items()}

    def committed(self, group: str, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Return (topic, partition) -> committed offset; 0 where the group has committed nothing."""
        if not partitions:
            return {}
        # Not by the admin client: told that the group's coordinator has moved or is starting, librdkafka 2.16
        # looks for the consumer group of a client that has none, and the process dies.
        consumer = _Consumer({**self._connection.librdkafka(), "group.id": group})
        try:
            found = consumer.committed([TopicPartition(t, p) for t, p in partitions], timeout=10)
        finally:
            consumer.close()
        return {(tp.topic, tp.partition): max(int(tp.offset), 0) for tp in found}

    def lag(self, group: str, topic: str) -> int | None:
        """Return how many messages a group still has before it; ``None`` while the broker does not answer."""
        try:
            ends = self.ends([topic])
            committed = self.committed(group, list(ends))
        except (KafkaException, TimeoutError) as error:
            log.warning("kafka: the lag of %s is not known: %s", group, error)
            return None
        return sum(end - committed.get(place, 0) for place, end in ends.items())


class GroupProgress:
    """How far one consumer group has come in one topic; asks the broker each time."""

    def __init__(self, connection: KafkaConnection, group: str, topic: str) -> None:
        self._admin, self._group, self._topic = KafkaAdmin(connection), group, topic

    def ends(self) -> dict[tuple[str, int], int] | None:
        """Return (topic, partition) -> end offset; ``None`` while the broker does not answer."""
        return self._asked(lambda: self._admin.ends([self._topic]))

    def committed(self) -> dict[tuple[str, int], int] | None:
        """Return (topic, partition) -> committed offset; ``None`` while the broker does not answer."""
        return self._asked(lambda: self._admin.committed(self._group, list(self._admin.ends([self._topic]))))

    def _asked(self, ask: Callable[[], dict[tuple[str, int], int]]) -> dict[tuple[str, int], int] | None:
        try:
            return ask()
        except (KafkaException, TimeoutError) as error:
            log.warning("kafka: how far %s has come is not known: %s", self._group, error)
            return None
