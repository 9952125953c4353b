"""Faust (faust-streaming), fenced in: collects messages by key in a table and hands them over by a timer.

What is collected lives in a table whose changelog is a Kafka topic; the library flushes the changelog
before it commits offsets, so a crash loses nothing that was taken in. What the collected values mean is the
caller's.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import faust

from quantrac.io.records import Record

log = logging.getLogger(__name__)


class Collector:
    """Merges messages by key and flushes what is collected every few seconds.

    ``merge(collected or None, message) -> collected`` may raise ``ValueError`` for a bad message, which
    then goes to ``<topic>.dlq``. ``flush(collected by key) -> records`` runs in a thread of its own; when it
    raises one of ``not_now``, everything stays collected until the next tick.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        group: str,
        topic: str,
        partitions: int,
        merge: Callable[[bytes | None, bytes], bytes],
        flush: Callable[[Mapping[bytes, bytes]], Sequence[Record]],
        not_now: tuple[type[Exception], ...],
        interval: float,
        folder: str,
    ) -> None:
        self._merge, self._flush, self._not_now, self._interval = merge, flush, not_now, interval
        self._app = faust.App(
            group,
            broker=f"kafka://{bootstrap}",
            store="memory://",
            datadir=folder,
            web_enabled=False,
            autodiscover=False,
            topic_partitions=partitions,
            topic_replication_factor=1,
            topic_disable_leader=True,
            key_serializer="raw",
            value_serializer="raw",
            broker_session_timeout=10.0,
            broker_heartbeat_interval=3.0,
            broker_request_timeout=20.0,
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=False,
            stream_recovery_delay=0.0,
        )
        self._topic = self._app.topic(topic, key_type=bytes, value_type=bytes, partitions=partitions)
        self._dead = self._app.topic(f"{topic}.dlq", key_type=bytes, value_type=bytes)
        self._table: Any = self._app.Table(
            "collected", key_type=bytes, value_type=bytes, partitions=partitions, use_partitioner=True
        )
        self._app.agent(self._topic, concurrency=1)(self._collect)
        self._app.timer(interval=interval)(self._tick)
        self.ready = False
        """Whether the table has been recovered and messages are taken in."""

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        await self._app.start()
        try:
            while not stop.is_set() and not self._app.should_stop:
                await asyncio.sleep(0.2)
                self.ready = self._app.tables.recovery.completed.is_set()
        finally:
            await self._app.stop()
        if self._app.crash_reason is not None:
            raise self._app.crash_reason

    async def _collect(self, stream: Any) -> None:
        async for event in stream.events():
            # Nothing may be raised here: the library acknowledges a message whose agent failed.
            try:
                self._table[event.key] = self._merge(self._table.get(event.key), event.value)
            except ValueError as error:
                log.error("dead letter: %s", error)
                await self._dead.send(
                    key=event.key, value=event.value, headers={"reason": str(error).encode()}
                )

    async def _tick(self) -> None:
        taken: dict[bytes, bytes] = dict(self._table.items())
        if not taken:
            return
        try:
            records = await asyncio.to_thread(self._flush, taken)
        except self._not_now as error:
            log.warning("not now: %s; again in %.1f s", error, self._interval)
            return
        for record in records:
            await self._app.send(record.topic, key=record.key, value=record.value)
        for key, value in taken.items():
            # A message that came while flushing has changed the value: that key stays for the next tick.
            if self._table.get(key) == value:
                self._table.pop(key)
