"""One simulated logger: measures, keeps, sends, and forgets only what was acknowledged."""

import logging
from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import Protocol, Self

from quantrac.domain.registry.stations import Station
from quantrac.local.simulator.backlog import Backlog
from quantrac.local.simulator.faults import is_silent
from quantrac.local.simulator.files import day_folder, moment_of, station_file
from quantrac.local.simulator.ftp_sender import NotAcknowledged

RESENT_PER_CYCLE = 3  # what loggers in the field send of their backlog after the current file

log = logging.getLogger(__name__)


class Sender(Protocol):
    """What a logger needs of a connection; ``FtpSender`` is one."""

    def send(self, folder: str, name: str, content: bytes) -> str:
        """Send one file; raises NotAcknowledged."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


class DataLogger:
    """The logger of one station; ``connect`` gives a connection to its server, opened when first used."""

    def __init__(
        self, station: Station, seed: int, backlog: Backlog, connect: Callable[[], Sender], stop: Event
    ) -> None:
        self.station = station
        self.backlog = backlog
        self._seed = seed
        self._connect = connect
        self._stop = stop

    def measure(self, time: datetime) -> str:
        """Write the file of ``time`` (aware) into the backlog and return its name."""
        name, content = station_file(self.station, time, self._seed)
        self.backlog.add(name, content)
        return name

    def cycle(self, time: datetime, resend: int | None = RESENT_PER_CYCLE) -> bool:
        """Measure, then send: the current file first, then up to ``resend`` old ones, oldest first.

        ``None`` resends all. While the line is silent nothing is sent. Returns whether all that was to be
        sent was acknowledged.
        """
        current = self.measure(time)
        if is_silent(moment_of(self.station, time, self._seed)):
            return False
        waiting = [name for name in self.backlog.names() if name != current]
        return self._send([current, *waiting[:resend]])

    def _send(self, names: list[str]) -> bool:
        with self._connect() as sender:
            for name in names:
                if self._stop.is_set():
                    return False
                try:
                    sender.send(day_folder(name), name, self.backlog.read(name))
                except NotAcknowledged as error:
                    log.warning("%s not acknowledged: %s", name, error)
                    return False  # the line is down: the rest waits for the next cycle
                self.backlog.remove(name)
        return True
