"""Faust (faust-streaming), fenced in: collects the messages of a topic and hands them over by a timer.

A message is acknowledged only after the batch it was handed over in has been processed, so the topic's own
offsets are the state: nothing else has to be recovered, and a crash repeats what was collected. What the
messages mean is the handler's; it has the same shape as everywhere else.
"""

import asyncio
import logging
import threading
from typing import Any

import faust

from quantrac.io.records import Record
from quantrac.io.runner import BatchProcessor

log = logging.getLogger(__name__)

# More than the country's stations: past that the stream waits, and Kafka keeps the rest.
_LARGEST_BATCH = 5_000


class StreamRunner:
    """Processes what a topic brought, every ``interval`` seconds."""

    def __init__(
        self,
        bootstrap: str,
        *,
        group: str,
        topic: str,
        processor: BatchProcessor,
        interval: float,
        folder: str,
    ) -> None:
        self._processor, self._interval = processor, interval
        self._collected: list[Any] = []
        self._room = asyncio.Event()
        self._app = faust.App(
            group,
            broker=f"kafka://{bootstrap}",
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
            consumer_auto_offset_reset="earliest",
            stream_wait_empty=False,
        )
        source = self._app.topic(topic, key_type=bytes, value_type=bytes)
        self._app.agent(source, concurrency=1)(self._collect)
        self._app.timer(interval=interval)(self._process)
        self.ready = False
        """Whether messages are taken in."""

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop`` is set; raises what made the stream crash."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: threading.Event) -> None:
        await self._app.start()
        try:
            while not stop.is_set() and not self._app.should_stop:
                await asyncio.sleep(0.2)
                self.ready = bool(self._app.consumer.assignment())
        finally:
            await self._app.stop()
        if self._app.crash_reason is not None:
            raise self._app.crash_reason

    async def _collect(self, stream: Any) -> None:
        # Nothing may be raised here: the library acknowledges a message whose agent failed.
        async for event in stream.noack().events():
            self._collected.append(event)
            while len(self._collected) >= _LARGEST_BATCH:
                self._room.clear()
                await self._room.wait()

    async def _process(self) -> None:
        events = list(self._collected)
        if not events:
            return
        batch = [_record(event.message) for event in events]
        not_now = await asyncio.to_thread(self._processor.process, batch)
        if not_now is not None:
            log.warning("not now: %s; again in %.1f s", not_now.reason, self._interval)
            return
        for event in events:
            event.ack()
        del self._collected[: len(events)]
        self._room.set()


def _record(message: Any) -> Record:
    headers = dict(message.headers or ())
    return Record(
        message.topic, message.key or b"", message.value, headers, message.partition, message.offset
    )
