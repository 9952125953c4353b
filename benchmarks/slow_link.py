"""A long way between two processes, as a relay: every connection has its delay and its limit.

Not a network: where `tc netem` is there, a delay and a loss of real packets say more. What loss does to a
connection is put in as its limit (Mathis et al. 1997): segment / round trip · √(3/2) / √loss.
"""

import asyncio
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

SEGMENT_BYTES = 1_460
_CHUNK = 16 << 10


def stream_limit(round_trip_s: float, loss: float) -> float:
    """Return the bytes a second of one TCP stream.

    >>> round(stream_limit(0.1, 0.01) / 1000)
    179
    """
    return SEGMENT_BYTES / round_trip_s * math.sqrt(1.5 / loss)


@dataclass
class SlowLink:
    """The relay, and what has gone through it."""

    port: int = 0
    sent_bytes: int = 0
    """Towards the ministry, HTTP headers among them."""
    connections: int = 0


@contextmanager
def slow_link(target: int, *, round_trip_s: float, bytes_a_second: float) -> Iterator[SlowLink]:
    """Relay to a port of this machine; the limit is that of each connection in each direction."""
    link, loop, ready = SlowLink(), asyncio.new_event_loop(), threading.Event()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_upstream: bool) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(1_000)

        async def deliver() -> None:
            while True:
                time, part = await queue.get()
                await asyncio.sleep(time - loop.time())
                if not part:
                    writer.close()
                    return
                writer.write(part)
                await writer.drain()

        task, free_at = asyncio.create_task(deliver()), loop.time() + round_trip_s  # the handshake
        with suppress(OSError):
            while part := await reader.read(_CHUNK):
                free_at = max(free_at, loop.time()) + len(part) / bytes_a_second
                link.sent_bytes += len(part) * is_upstream
                await queue.put((free_at + round_trip_s / 2, part))
                await asyncio.sleep(free_at - loop.time())
        await queue.put((loop.time() + round_trip_s / 2, b""))
        with suppress(OSError):
            await task

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link.connections += 1
        with suppress(OSError, asyncio.CancelledError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
            await asyncio.gather(
                pump(reader, far_writer, is_upstream=True), pump(far_reader, writer, is_upstream=False)
            )

    async def serve() -> None:
        server = await asyncio.start_server(relay, "127.0.0.1", 0)
        link.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.create_task(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    yield link
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
