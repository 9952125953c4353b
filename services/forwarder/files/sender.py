"""Sends what waits in the outbox, again and again until the target has it: one loop and one connection."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from zlib import crc32

from quantrac.io.outbox import Outbox, OutboxUnavailable
from quantrac.io.outbox_files import Entry, State
from quantrac.io.progress import Progress
from services.forwarder.backoff import Backoff
from services.forwarder.files.target import (
    CouldNotConnect,
    FileRefused,
    FileTarget,
    TargetError,
    TransferError,
)

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
"""Between two looks at an outbox in which nothing is due."""
LONGEST_WAIT = timedelta(hours=1)
"""Between two tries of one file."""
BLOCKING_TRIES = 5
"""After so many transfer errors in a row the station's other files wait no longer for one."""
MOST_REFUSALS = 10
"""After so many refusals in a row it is the target that is to blame, not the files."""
FRESH = timedelta(hours=1)
"""How old what belongs to the present is at most."""

_SHORTEST_PAUSE = 0.001
"""Seconds; none at all would mean to go on with the next station."""

_STATES: dict[type[TargetError], State] = {
    CouldNotConnect: State.COULD_NOT_CONNECT,
    TransferError: State.TRANSFER_ERROR,
    FileRefused: State.REFUSED,
}


class Sender:
    """Sends the files of some of the stations, those of a station one after the other.

    ``share`` is this sender's number and the number of all: each has stations of its own. With
    ``present_first`` a station's files of the last hour go before older ones, else all of them go in the
    order of their times.
    """

    def __init__(
        self,
        outbox: Outbox,
        target: FileTarget,
        *,
        clock: Callable[[], datetime],
        share: tuple[int, int] = (0, 1),
        present_first: bool = False,
        backoff: Backoff | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.progress = progress or Progress(name=f"files {share[0]}")
        self._outbox, self._target, self._clock = outbox, target, clock
        self._share, self._present_first = share, present_first
        self._backoff = backoff or Backoff()
        self._refusals = 0
        """In a row."""

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop`` is set."""
        try:
            while not stop.is_set():
                stop.wait(self.step(stop))
        finally:
            self._target.close()

    def step(self, stop: threading.Event) -> float:
        """Send one file of each station that has one due; returns the seconds before the next step."""
        self.progress.round()
        try:
            return self._send_due(stop)
        except OutboxUnavailable as error:
            log.warning("the outbox cannot be read or written: %s", error)
            self.progress.begin(1)
            self.progress.postpone(f"the outbox: {error}")
            return IDLE_SECONDS

    def _send_due(self, stop: threading.Event) -> float:
        entries = self._next_files()
        if not entries:
            self._target.close()  # servers break off a connection on which nothing is said
            self.progress.end()
            return IDLE_SECONDS
        for entry in entries:
            if stop.is_set():
                break
            self.progress.begin(len(entries))
            if pause := self._send(entry):
                return pause
        return 0.0

    def _next_files(self) -> list[Entry]:
        number, count = self._share
        fresh_from = self._clock() - FRESH if self._present_first else None
        files = self._outbox.next_files(fresh_from)
        return [entry for entry in files if crc32(entry.group.encode()) % count == number]

    def _send(self, entry: Entry) -> float:
        """Send a file and note what became of it; returns the seconds to wait before the next one."""
        content = self._outbox.content(entry)
        if content is None:  # it has changed since, and comes with the next step
            return 0.0
        try:
            self._target.send(entry.folder, entry.name, content)
        except TargetError as error:
            return self._note_failure(entry, error)
        self._outbox.mark(entry, State.SENT)
        self._backoff.reset()
        self._refusals = 0
        self.progress.end()
        return 0.0

    def _note_failure(self, entry: Entry, error: TargetError) -> float:
        state, reason = _STATES[type(error)], str(error)
        log.warning("%s is not sent, %s: %s", entry.name, state.value, reason)
        wait = timedelta()  # of a target that is away no file is to blame
        if state is not State.COULD_NOT_CONNECT:
            wait = min(LONGEST_WAIT, timedelta(seconds=2 ** min(entry.tries + 1, 12)))
        is_aside = state is State.REFUSED or (
            state is State.TRANSFER_ERROR and entry.tries + 1 >= BLOCKING_TRIES
        )
        self._outbox.mark(entry, state, reason, due_at=self._clock() + wait, is_aside=is_aside)
        self.progress.postpone(reason)
        self._refusals += state is State.REFUSED
        if state is State.REFUSED and self._refusals < MOST_REFUSALS:
            return 0.0
        return max(_SHORTEST_PAUSE, self._backoff.next())
