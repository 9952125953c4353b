"""A member of a consumer group."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka import Consumer as _Consumer

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.error_log import log_error
from quantrac.io.kafka.messages import to_record
from quantrac.io.partitions import Offsets, Partition
from quantrac.io.progress import NO_PARTITIONS
from quantrac.io.records import Record

log = logging.getLogger(__name__)

# A broker that takes longer to say where partitions end is away.
_ANSWER_SECONDS = 5.0

MOST_BYTES = 32 << 20
"""Of the values of a batch: where files are large, it ends before its number of messages."""
_GATHERED_TOGETHER = 500


class KafkaConsumer:
    """One static member of a consumer group, committing by hand.

    Static membership (``instance``) lets a process that was killed come back to its partitions at once
    instead of waiting for the session to expire. ``on_assign`` gets the numbers of the partitions newly
    assigned to this member, before any of their messages.
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
        fetch_bytes: int = 1 << 20,
    ) -> None:
        """``fetch_bytes`` is the most of one partition that comes in one answer of the broker.

        Where few small messages are taken at a time, a small number mixes the partitions in a batch.
        """
        self._gather_seconds = gather_seconds
        self._assignment: set[Partition] = set()
        self._generation = 0
        self._is_paused = False
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
                "max.partition.fetch.bytes": fetch_bytes,
                # After that much is held, ask again soon: the default of 1 s lets a fast reader run dry.
                "fetch.queue.backoff.ms": 20,
                "error_cb": log_error,
            }
        )
        self._consumer.subscribe(
            list(topics), on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke
        )

    def consume(self, limit: int, timeout: float) -> list[Record]:
        """Wait for the first message, then gather what the broker has beyond it: some :data:`MOST_BYTES`.

        Raises ``KafkaException`` once this member can never get a message again: a broker that was killed
        may take a static member that comes back for a second one and fence the first. The process then has to
        start anew.
        """
        messages = self._consume(1, timeout)
        size, end = sum(map(len, messages)), time.monotonic() + self._gather_seconds
        while messages and (count := min(limit - len(messages), _GATHERED_TOGETHER)) and size < MOST_BYTES:
            part = self._consume(count, max(0.0, end - time.monotonic()))
            messages += part
            size += sum(map(len, part))  # of a message the length of its value
            if len(part) < count:
                break
        return [to_record(message) for message in messages]

    def _consume(self, limit: int, timeout: float) -> list[Message]:
        return [message for message in self._consumer.consume(limit, timeout) if self._is_usable(message)]

    def commit(self, batch: Sequence[Record]) -> bool:
        """Commit synchronously; a rebalance in between leaves the batch to the next member."""
        positions = {(r.topic, r.partition): r.offset + 1 for r in batch}
        offsets = [TopicPartition(topic, number, offset) for (topic, number), offset in positions.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            log.warning("commit refused, the batch will come again: %s", error.args[0].str())
            return False
        return True

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Poll paused partitions, so that the group sees this member alive; raises like :meth:`consume`."""
        self._is_paused = True
        self._consumer.pause(self._consumer.assignment())
        deadline = time.monotonic() + seconds
        while not stop.is_set() and (remaining := deadline - time.monotonic()) > 0:
            message = self._consumer.poll(min(remaining, 0.5))
            if message is not None and self._is_usable(message):
                # Nobody would handle it, and the next commit would pass over it; a new start reads it again.
                raise RuntimeError(f"{message.topic()}[{message.partition()}] is not paused")
        self._is_paused = False
        self._consumer.resume(self._consumer.assignment())

    def filter_assigned(self, batch: Sequence[Record]) -> list[Record]:
        """Filter a batch after a rebalance; see :class:`quantrac.io.records.Consumer`."""
        return [record for record in batch if (record.topic, record.partition) in self._assignment]

    def find_unread(self) -> Offsets | None:
        """Compare positions with the end offsets; see :class:`quantrac.io.records.Consumer`."""
        answers = self._consumer.position([TopicPartition(t, p) for t, p in self._assignment])
        try:
            # A partition of which nothing came has no position yet: it begins at the committed offset.
            new = [p for p in answers if p.offset < 0]
            committed = self._consumer.committed(new, timeout=_ANSWER_SECONDS) if new else []
            positions = {Partition(p.topic, p.partition): int(p.offset) for p in (*answers, *committed)}
            # Where nothing is committed, at its first offset.
            firsts = self._offsets([p for p, offset in positions.items() if offset < 0], OFFSET_BEGINNING)
            ends = self._offsets(list(positions), OFFSET_END)
        except KafkaException as error:
            log.warning("kafka: what is unread is not known: %s", error.args[0].str())
            return None
        positions |= firsts
        return {p: positions[p] for p, end in ends.items() if end > positions[p]}

    def _offsets(self, partitions: Sequence[Partition], time: int) -> dict[Partition, int]:
        # One request a broker, where the watermarks of each partition would be one each.
        queries = [TopicPartition(topic, number, time) for topic, number in partitions]
        answers = self._consumer.offsets_for_times(queries, timeout=_ANSWER_SECONDS) if queries else []
        return {Partition(p.topic, p.partition): int(p.offset) for p in answers}

    def close(self) -> None:
        """Close the connection; a static member keeps its partitions until its session expires."""
        self._consumer.close()

    def problem(self) -> str:
        """Say that the group has assigned no partition to this member; empty = it has."""
        return "" if self._assignment else NO_PARTITIONS

    def generation(self) -> int:
        """Return a number that rises whenever partitions come or go."""
        return self._generation

    def _assign(self, consumer: _Consumer, partitions: list[TopicPartition]) -> None:
        self._generation += 1
        if self._on_assign is not None and partitions:
            self._on_assign([p.partition for p in partitions])
        consumer.incremental_assign(partitions)
        # librdkafka keeps the pause of a partition it loses: lost in a wait and given back after it, it would
        # stay silent for good. One that comes during a wait has to be paused like the others.
        (consumer.pause if self._is_paused else consumer.resume)(partitions)
        self._assignment |= {Partition(p.topic, p.partition) for p in partitions}

    def _revoke(self, _: _Consumer, partitions: list[TopicPartition]) -> None:
        self._generation += 1
        self._assignment -= {Partition(p.topic, p.partition) for p in partitions}

    @staticmethod
    def _is_usable(message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        # A consumer's fatal error comes under this code, without the mark.
        if error.fatal() or error.code() == KafkaError._FATAL:
            raise KafkaException(error)
        log_error(error)
        return False
