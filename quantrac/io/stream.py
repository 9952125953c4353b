"""Faust (faust-streaming), fenced in: collects the messages of topics and hands them over by a timer.

A message is acknowledged only after all of it has been processed, so the topics' own offsets are the state:
nothing else has to be recovered, and a crash repeats what was collected. What the messages mean is the
handler's; it has the same shape as everywhere else. What of them is handed over next, a queue decides.

Topics with equally many partitions are shared out alike (the library's own assignor does so): messages of one
key come to one member, whichever of the topics they are in.
"""

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import faust
from aiokafka.partitioner import murmur2  # type: ignore[import-untyped]
from faust.types.auth import CredentialsT

from quantrac.io.acknowledgements import Acknowledgements
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.partitions import GroupAssignment, Offsets, Partition
from quantrac.io.progress import NO_PARTITIONS, Progress
from quantrac.io.records import Record
from quantrac.io.runner import BatchProcessor
from quantrac.io.work_queue import WholeQueue, WorkQueue

log = logging.getLogger(__name__)

# A broker that takes longer to say where its topics end is away.
_ANSWER_SECONDS = 5.0


class StreamRunner:
    """Processes what topics brought, every ``interval`` seconds."""

    def __init__(
        self,
        connection: KafkaConnection,
        *,
        group: str,
        topics: Sequence[str],
        processor: BatchProcessor,
        interval: float,
        folder: str,
        start: Literal["earliest", "latest"] = "earliest",
        on_tick: Callable[[GroupAssignment], None] | None = None,
        progress: Progress | None = None,
        queue: WorkQueue | None = None,
    ) -> None:
        """``start`` is where a group begins that has committed nothing.

        ``queue`` decides what of the messages is processed together; without one it is all of them. While it
        has more than that, the rest follows at once.

        With ``on_tick`` the processor is called at every tick, with an empty batch where nothing came, each
        time after ``on_tick`` got this member's assignment. There is no tick while no partition is assigned
        to it, or while the broker does not answer.
        """
        if connection.is_local:  # the client warns at each connection of what does not leave the machine
            logging.getLogger("aiokafka.conn").addFilter(lambda line: "in the clear" not in str(line.msg))
        self._processor, self._interval, self._on_tick = processor, interval, on_tick
        self._progress = progress or Progress()
        self._queue, self._acknowledgements = queue or WholeQueue(), Acknowledgements()
        self._room = asyncio.Event()
        self._start, self._start_committed, self._generation = start, 0, 0
        self._positions: dict[Partition, int] = {}
        self._app = faust.App(
            group,
            broker=f"kafka://{connection.bootstrap}",
            broker_credentials=_credentials(connection),
            store="memory://",
            datadir=folder,
            web_enabled=False,
            autodiscover=False,
            topic_disable_leader=True,
            topic_allow_declare=False,  # `quantrac migrate` makes the topics
            key_serializer="raw",
            value_serializer="raw",
            # A member that was killed keeps its partitions this long.
            broker_session_timeout=10.0,
            broker_heartbeat_interval=3.0,
            broker_request_timeout=20.0,
            consumer_auto_offset_reset=start,
            stream_wait_empty=False,
        )
        source = self._app.topic(*topics, key_type=bytes, value_type=bytes)
        self._app.agent(source, concurrency=1)(self._collect)
        self._app.timer(interval=interval)(self._process)
        self._app.on_partitions_assigned.connect(self._on_assigned)
        self._has_partitions = False

    def problem(self) -> str:
        """Say why no messages are taken in, or nothing is made of them; empty = nothing is wrong."""
        return self._progress.problem() if self._has_partitions else NO_PARTITIONS

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set; raises what made the stream crash."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        await self._app.start()
        try:
            while not stop.is_set() and not self._app.should_stop:
                await asyncio.sleep(0.2)
                self._has_partitions = bool(self._app.consumer.assignment())
        finally:
            await self._app.stop()
        if self._app.crash_reason is not None:
            raise self._app.crash_reason

    async def _on_assigned(self, _: Any, assigned: Collection[Any], **__: Any) -> None:
        self._generation += 1
        self._positions.clear()
        partitions = {Partition(*partition) for partition in assigned}
        self._acknowledgements.retain(partitions)
        self._queue.retain(lambda record: Partition(record.topic, record.partition) in partitions)

    async def _collect(self, stream: Any) -> None:
        # Nothing may be raised here: the library acknowledges a message whose agent failed.
        async for event in stream.noack().events():
            record = _record(event.message)
            if self._acknowledgements.add(record, event):
                self._queue.put(record)
            self._positions[Partition(record.topic, record.partition)] = record.offset + 1
            while self._queue.is_full:
                self._room.clear()
                await self._room.wait()

    async def _process(self) -> None:
        self._progress.round()
        if self._on_tick is not None:
            assignment = await self._read_assignment()
            if assignment is None:
                self._progress.idle(None)
                return
            self._on_tick(assignment)
        batch = self._queue.take()
        if not batch and self._on_tick is None:
            if self._progress.is_count_due():
                self._progress.idle(await self._find_unread())
            return
        while await self._process_batch(batch) and self._queue.has_more and not self._app.should_stop:
            batch = self._queue.take()

    async def _process_batch(self, batch: Sequence[Record]) -> bool:
        """Process what was taken from the queue; tell whether it is done."""
        self._progress.begin(len(batch))
        not_now = await asyncio.to_thread(self._processor.process, batch)
        if not_now is not None:
            self._progress.postpone(not_now.reason)
            return False
        self._acknowledgements.finish(self._queue.finish())
        self._progress.end()
        self._room.set()
        return True

    async def _find_unread(self) -> Offsets | None:
        consumer = self._app.consumer
        partitions = consumer.assignment()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                ends = await consumer.highwaters(*partitions)
                positions = {partition: await consumer.position(partition) for partition in partitions}
        except Exception as error:  # whatever the client raises in a rebalance or without a broker
            log.warning("kafka: what is unread is not known: %r", error)
            return None
        if None in positions.values():
            return None
        return self._select_unread(ends, positions)

    def _select_unread(self, ends: Mapping[Any, int], positions: Mapping[Any, int]) -> Offsets:
        """Return the position of each partition whose end has not been collected."""
        # What the client has fetched and nobody has collected is unread just as well.
        reached = {p: min(positions[p], self._positions.get(Partition(*p), end)) for p, end in ends.items()}
        return {Partition(*p): offset for p, offset in reached.items() if offset < ends[p]}

    async def _read_assignment(self) -> GroupAssignment | None:
        consumer, generation = self._app.consumer, self._generation
        partitions = consumer.assignment()
        if not partitions:
            return None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                ends = await consumer.highwaters(*partitions)
                positions = {partition: await consumer.position(partition) for partition in partitions}
            if self._start == "latest" and generation != self._start_committed:
                await self._commit_start(
                    {p: position for p, position in positions.items() if p not in self._positions}
                )
                self._start_committed = generation
        except Exception as error:  # whatever the client raises in a rebalance or without a broker
            log.warning("kafka: the assignment of this member is not known: %r", error)
            return None
        if generation != self._generation or None in positions.values():
            return None
        unread = self._select_unread(ends, positions)
        self._progress.idle(unread)
        topics = {topic for topic, _ in partitions}
        # Not by `consumer.topic_partitions`: only the group's leader is told those.
        client = consumer._thread._ensure_consumer()
        count = min(len(client.partitions_for_topic(topic) or ()) for topic in topics)
        if not count:
            return None
        # Equal in every topic, but for the moment of a rebalance.
        numbers = frozenset.intersection(
            *(frozenset(i for t, i in partitions if t == topic) for topic in topics)
        )
        is_assigned = partial(_is_in_partitions, count=count, numbers=numbers)
        offsets = {Partition(*p): position for p, position in positions.items()}
        return GroupAssignment(generation, offsets, not unread, is_assigned)

    async def _commit_start(self, positions: Mapping[Any, int]) -> None:
        """Commit where a new group begins: else its lag counts what it passed over."""
        thread = self._app.consumer._thread
        client = thread._ensure_consumer()
        new = {
            partition: position
            for partition, position in positions.items()
            if await thread.call_thread(client.committed, partition) is None
        }
        if new:
            await thread.commit(new)


def _credentials(connection: KafkaConnection) -> CredentialsT | None:
    tls = ssl.create_default_context(cafile=connection.ca_file) if connection.has_tls else None
    if not connection.has_login:
        return None if tls is None else faust.SSLCredentials(tls)
    return faust.SASLCredentials(
        username=connection.user,
        password=connection.password,
        mechanism=connection.sasl_mechanism,
        ssl_context=tls,
    )


def _is_in_partitions(key: bytes, *, count: int, numbers: frozenset[int]) -> bool:
    """Tell whether the partition (of ``count``) that every producer here puts a key into is one of these."""
    return (murmur2(key) & 0x7FFFFFFF) % count in numbers


def _record(message: Any) -> Record:
    headers = dict(message.headers or ())
    return Record(
        message.topic,
        message.key or b"",
        message.value,
        headers,
        message.partition,
        message.offset,
        message.timestamp,
    )
