"""Sends a sequence of files in order, as fast as the server acknowledges them."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from quantrac.local.simulator.data_logger import Sender
from quantrac.local.simulator.files import day_folder
from quantrac.local.simulator.ftp_sender import NotAcknowledged

WAITS_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Before each further try of one file: a minute in all, enough for a server to start again."""


def replay(
    files: Iterable[tuple[str, bytes]],
    sender: Sender,
    waits_s: Sequence[float] = WAITS_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[str, str]]:
    """Send files one after another; yield each name with the server's answer once it is acknowledged.

    A file that is not acknowledged is sent again after each wait, and nothing overtakes it. Raises
    NotAcknowledged when the last try fails too.
    """
    for name, content in files:
        yield name, _send(sender, name, content, waits_s, sleep)


def _send(
    sender: Sender, name: str, content: bytes, waits_s: Sequence[float], sleep: Callable[[float], None]
) -> str:
    for wait_s in waits_s:
        try:
            return sender.send(day_folder(name), name, content)
        except NotAcknowledged:
            sleep(wait_s)
    return sender.send(day_folder(name), name, content)
