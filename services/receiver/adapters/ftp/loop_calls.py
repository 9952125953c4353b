"""Lets other threads run a function in the thread of pyftpdlib's event loop."""

import logging
import socket
from collections import deque
from collections.abc import Callable

from pyftpdlib.ioloop import AsyncChat, IOLoop

log = logging.getLogger(__name__)


class LoopCalls(AsyncChat):  # type: ignore[misc]  # pyftpdlib is untyped
    """Runs functions in the loop's thread; any thread may put one."""

    def __init__(self, ioloop: IOLoop) -> None:
        reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._calls: deque[Callable[[], None]] = deque()
        super().__init__(reader, ioloop)

    def put(self, call: Callable[[], None]) -> None:
        """Run ``call`` in the loop as soon as possible; after the loop's end it is not run."""
        self._calls.append(call)
        try:
            self._writer.send(b"\0")
        except BlockingIOError:
            pass  # a full pipe wakes the loop just as well
        except OSError:
            log.debug("the loop has ended")

    def handle_read(self) -> None:
        """Run the functions that were put."""
        self.socket.recv(4096)
        while self._calls:
            call = self._calls.popleft()
            try:
                call()
            except Exception:
                log.exception("an answer could not be given")

    def close(self) -> None:
        """Close both ends."""
        super().close()
        self._writer.close()
