"""A member of a consumer group."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka import Consumer as _Consumer

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.error_log import log_error
from quantrac.io.kafka.messages import to_record
from quantrac.io.progress import NO_PARTITIONS
from quantrac.io.records import Record

log = logging.getLogger(__name__)

# A broker that takes longer to say where partitions end is away.
_ANSWER_SECONDS = 5.0


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
                "error_cb": log_error,
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
        return [to_record(message) for message in (*first, *rest) if self._usable(message)]

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
        log_error(error)
        return False
