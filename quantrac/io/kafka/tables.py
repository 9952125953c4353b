"""A topic read from its beginning; a compacted one as a table: what Kafka Streams calls a global table."""

import logging
import threading
from collections.abc import Callable, Mapping

from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Consumer as _Consumer

from quantrac.io.health import Unavailable
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.messages import to_record
from quantrac.io.kafka.readers import read_position, table_consumer
from quantrac.io.progress import STALLED_SECONDS, Progress
from quantrac.io.records import Record

log = logging.getLogger(__name__)

_REOPEN_SECONDS = 1.0
_RETRY_SECONDS = 0.5
_NO_ANSWER = "the broker does not answer; see whether it runs, and whether it is reached from here"
_NO_TOPIC = (
    "the broker has no topic of this name; see whether the prefix is right, and whether topics were made"
)
_NO_MESSAGES = "the broker knows the topic, but its messages do not come; see the broker's log"


class TopicReader:
    """Follows a topic from its beginning; ``apply`` gets every record.

    Runs in its own thread; :meth:`start` returns once everything that was in the topic has been applied. A
    record that makes ``apply`` raise is logged and left out; a client that fails is opened anew and reads
    from the beginning again.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        apply: Callable[[Record], None],
        *,
        stalled_seconds: float = STALLED_SECONDS,
    ) -> None:
        """``stalled_seconds`` without a look at the topic are a :meth:`problem`."""
        self._connection, self._topic, self._apply = connection, topic, apply
        self._progress = Progress(stalled_seconds, name=f"table {topic}")
        self._stop = threading.Event()
        self._caught_up = threading.Event()
        self._positions: Mapping[int, int] = {}
        self._applied = 0
        """Records so far."""
        self._obstacle = _NO_ANSWER
        """Why nothing has come so far."""
        self._thread = threading.Thread(target=self._follow, name=f"table-{topic}", daemon=True)

    def start(self, timeout: float = 30.0) -> None:
        """Catch up, however long the topic is.

        Raises :class:`Unavailable` after ``timeout`` seconds in which no record of it came.
        """
        self.begin()
        applied = 0
        while not self._caught_up.wait(timeout):
            if self._applied == applied:
                raise Unavailable(
                    f"nothing of the topic {self._topic} could be read for {timeout:.0f} s from "
                    f"{self._connection.bootstrap}: {self._obstacle}"
                )
            applied = self._applied

    def begin(self) -> None:
        """Begin to read, and wait for nothing."""
        self._thread.start()

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
        return self.standstill()

    def standstill(self) -> str:
        """Say why the topic is not read on; empty = it is, though perhaps it has not been read to its end."""
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
        consumer = table_consumer(self._connection)
        try:
            watermarks = self._open(consumer)
            while not self._stop.is_set():
                self._progress.round()
                for message in consumer.consume(500, 0.5 if self._caught_up.is_set() else 0.1):
                    if message.error() is None:
                        self._apply_one(to_record(message))
                positions = {p: read_position(consumer, self._topic, p) for p in watermarks}
                if all(positions[p] >= high for p, (low, high) in watermarks.items() if high > low):
                    # The position of an empty partition is not a number yet.
                    self._positions = {p: max(positions[p], high) for p, (_, high) in watermarks.items()}
                    self._caught_up.set()
        finally:
            consumer.close()

    def _open(self, consumer: _Consumer) -> Mapping[int, tuple[int, int]]:
        """Assign every partition from its beginning; returns its number -> first offset and end offset."""
        while not self._stop.is_set():
            try:
                topic = consumer.list_topics(self._topic, timeout=5).topics[self._topic]
                watermarks = {
                    p: consumer.get_watermark_offsets(TopicPartition(self._topic, p), timeout=5)
                    for p in topic.partitions
                }
            except KafkaException as error:
                self._obstacle = f"{error.args[0].str()}; {_NO_ANSWER}"
                log.warning("%s: %s", self._topic, error.args[0].str())
                self._stop.wait(_RETRY_SECONDS)  # a broker that has just made the topic refuses at once
                continue
            self._obstacle = _describe(topic.error)
            if watermarks:
                consumer.assign([TopicPartition(self._topic, p, OFFSET_BEGINNING) for p in watermarks])
                return watermarks
            self._stop.wait(_RETRY_SECONDS)
        return {}

    def _apply_one(self, record: Record) -> None:
        self._applied += 1
        try:
            self._apply(record)
        # One bad record must not blind the service to all the others.
        except ValueError as error:
            log.error("%s: record %r left out: %s", self._topic, record.key, error)
        except Exception:
            log.exception("%s: record %r left out", self._topic, record.key)


def _describe(error: KafkaError | None) -> str:
    """Say what the broker's answer about a topic means for who waits for its messages."""
    if error is None:
        return _NO_MESSAGES
    return _NO_TOPIC if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART else error.str()


class TableReader(TopicReader):
    """Follows a compacted topic from its beginning; ``apply(key, value)`` gets every record."""

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        apply: Callable[[bytes, bytes | None], None],
        *,
        stalled_seconds: float = STALLED_SECONDS,
    ) -> None:
        """``stalled_seconds`` without a look at the topic are a :meth:`problem`."""
        super().__init__(
            connection,
            topic,
            lambda record: apply(record.key, record.value),
            stalled_seconds=stalled_seconds,
        )
