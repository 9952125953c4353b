"""Faust (faust-streaming), fenced in: collects the messages of topics and hands them over by a timer.

A message is acknowledged only after the batch it was handed over in has been processed, so the topics' own
offsets are the state: nothing else has to be recovered, and a crash repeats what was collected. What the
messages mean is the handler's; it has the same shape as everywhere else.

Topics with equally many partitions are shared out alike (the library's own assignor does so): messages of one
key come to one member, whichever of the topics they are in.
"""

import asyncio
import logging
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import faust
from aiokafka.partitioner import murmur2  # type: ignore[import-untyped]
from faust.types.auth import CredentialsT

from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.progress import NO_PARTITIONS, Progress
from quantrac.io.records import Record, Standing
from quantrac.io.runner import BatchProcessor

log = logging.getLogger(__name__)

# More than the country's stations: past that the stream waits, and Kafka keeps the rest.
_LARGEST_BATCH = 5_000

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
        on_tick: Callable[[Standing], None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """``start`` is where a group begins that has committed nothing.

        With ``on_tick`` the processor is called at every tick, with an empty batch where nothing came, each
        time after ``on_tick`` was told where this member stands. There is no tick while it owns no partition,
        or while the broker does not answer.
        """
        if connection.is_local:  # the client warns at each connection of what does not leave the machine
            logging.getLogger("aiokafka.conn").addFilter(lambda line: "in the clear" not in str(line.msg))
        self._processor, self._interval, self._on_tick = processor, interval, on_tick
        self._progress = progress or Progress()
        self._collected: list[Any] = []
        self._room = asyncio.Event()
        self._start, self._begun, self._assignment = start, 0, 0
        self._taken: dict[tuple[str, int], int] = {}
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
        self._assigned = False

    def problem(self) -> str:
        """Say why no messages are taken in, or nothing is made of them; empty = nothing is wrong."""
        return self._progress.problem() if self._assigned else NO_PARTITIONS

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set; raises what made the stream crash."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        await self._app.start()
        try:
            while not stop.is_set() and not self._app.should_stop:
                await asyncio.sleep(0.2)
                self._assigned = bool(self._app.consumer.assignment())
        finally:
            await self._app.stop()
        if self._app.crash_reason is not None:
            raise self._app.crash_reason

    async def _on_assigned(self, *_: Any, **__: Any) -> None:
        self._assignment += 1
        self._taken.clear()

    async def _collect(self, stream: Any) -> None:
        # Nothing may be raised here: the library acknowledges a message whose agent failed.
        async for event in stream.noack().events():
            self._collected.append(event)
            self._taken[event.message.topic, event.message.partition] = event.message.offset + 1
            while len(self._collected) >= _LARGEST_BATCH:
                self._room.clear()
                await self._room.wait()

    async def _process(self) -> None:
        self._progress.round()
        if self._on_tick is not None:
            standing = await self._standing()
            if standing is None:
                self._progress.idle(None)
                return
            self._on_tick(standing)
        elif not self._collected:
            if self._progress.is_count_due():
                self._progress.idle(await self._waiting())
            return
        events = list(self._collected)
        batch = [_record(event.message) for event in events]
        self._progress.begin(len(batch))
        not_now = await asyncio.to_thread(self._processor.process, batch)
        if not_now is not None:
            log.warning("not now: %s; again in %.1f s", not_now.reason, self._interval)
            self._progress.postpone(not_now.reason)
            return
        for event in events:
            event.ack()
        del self._collected[: len(events)]
        self._progress.end()
        self._room.set()

    async def _waiting(self) -> dict[tuple[str, int], int] | None:
        consumer = self._app.consumer
        owned = consumer.assignment()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                ends = await consumer.highwaters(*owned)
                positions = {place: await consumer.position(place) for place in owned}
        except Exception as error:  # whatever the client raises in a rebalance or without a broker
            log.warning("kafka: what waits is not known: %r", error)
            return None
        if None in positions.values():
            return None
        return self._before(ends, positions)

    def _before(self, ends: Mapping[Any, int], positions: Mapping[Any, int]) -> dict[tuple[str, int], int]:
        """Return the position of each partition whose end has not been collected."""
        # What the client has fetched and nobody has collected waits just as well.
        reached = {p: min(positions[p], self._taken.get(tuple(p), end)) for p, end in ends.items()}
        return {tuple(p): at for p, at in reached.items() if at < ends[p]}

    async def _standing(self) -> Standing | None:
        consumer, assignment = self._app.consumer, self._assignment
        owned = consumer.assignment()
        if not owned:
            return None
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                ends = await consumer.highwaters(*owned)
                positions = {place: await consumer.position(place) for place in owned}
            if self._start == "latest" and assignment != self._begun:
                await self._begin({place: at for place, at in positions.items() if place not in self._taken})
                self._begun = assignment
        except Exception as error:  # whatever the client raises in a rebalance or without a broker
            log.warning("kafka: where this member stands is not known: %r", error)
            return None
        if assignment != self._assignment or None in positions.values():
            return None
        waiting = self._before(ends, positions)
        self._progress.idle(waiting)
        topics = {topic for topic, _ in owned}
        # Not by `consumer.topic_partitions`: only the group's leader is told those.
        client = consumer._thread._ensure_consumer()
        count = min(len(client.partitions_for_topic(topic) or ()) for topic in topics)
        if not count:
            return None
        mine = frozenset.intersection(*(frozenset(p for t, p in owned if t == topic) for topic in topics))
        owns = partial(_owns, count=count, partitions=mine)
        return Standing(assignment, {tuple(p): at for p, at in positions.items()}, not waiting, owns)

    async def _begin(self, positions: Mapping[Any, int]) -> None:
        """Commit where a new group begins: else its lag counts what it passed over."""
        thread = self._app.consumer._thread
        client = thread._ensure_consumer()
        new = {
            place: at
            for place, at in positions.items()
            if await thread.call_thread(client.committed, place) is None
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


def _owns(key: bytes, *, count: int, partitions: frozenset[int]) -> bool:
    """Tell whether the partition that every producer here puts a key into is one of these."""
    return (murmur2(key) & 0x7FFFFFFF) % count in partitions


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
