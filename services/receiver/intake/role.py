"""The role ``intake``: the doors of the stations, the spool behind them, and the way to the broker.

Its parts are built by ``wiring``; here is what runs together, when it is ready, and in which order it ends.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from quantrac.io.health import Health, first_problem, unless
from quantrac.io.progress import Progress
from quantrac.io.role import Table
from quantrac.io.threads import Loop, run_threads
from services.receiver.access.logins import Logins
from services.receiver.intake.intake import Intake
from services.receiver.intake.uploads import Uploads

log = logging.getLogger(__name__)

_HOUSEKEEPING_SECONDS = 3600.0


class Door(Protocol):
    """A way for files to come in; it hands them to the uploads or the intake."""

    def run(self, stop: threading.Event) -> None:
        """Take files until ``stop`` is set."""
        ...


class Server(Door, Protocol):
    """A door that listens on an address: FTP, SFTP or HTTP."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port it listens on."""
        ...


@dataclass(frozen=True, slots=True)
class IntakeHealth:
    """Whether another file can be accepted: the registry is known, the spool has room, every loop turns."""

    registry_table: Table
    intake: Intake
    loops: Sequence[Progress]
    """One for each door and for the uploads: a door that hangs takes nothing while its process lives."""

    def read(self) -> Health:
        """Return the health now. With the broker away files are still accepted, and the reason names it."""
        full = unless(lambda: self.intake.has_room, "the spool is full")
        checks = [self.registry_table.problem, full, *(loop.problem for loop in self.loops)]
        problem = first_problem(checks)
        return Health(not problem, problem or self.intake.sender.progress.problem())


class IntakeRole:
    """FTP, SFTP, HTTP, watched folder → spool → raw-file."""

    def __init__(
        self,
        *,
        registry_table: Table,
        intake: Intake,
        uploads: Uploads,
        logins: Logins,
        servers: Mapping[str, Server],
        watched_folder: Door | None,
        health: IntakeHealth,
        prune_hourly: Sequence[Callable[[datetime], object]],
        closing: Sequence[Callable[[], None]],
        clock: Callable[[], datetime],
        refused: Loop | None = None,
    ) -> None:
        """``servers`` are the doors by name; ``closing`` is called after everything else has ended.

        ``refused`` makes alerts of refused logins.
        """
        self._refused = refused
        self._table, self._intake, self._uploads, self._logins = registry_table, intake, uploads, logins
        self._servers, self._watched_folder, self.health = servers, watched_folder, health.read
        self._prune_hourly, self._closing, self._clock = prune_hourly, closing, clock

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; no door opens before the registry is known."""
        self._table.start()
        for name, server in self._servers.items():
            log.info("%s on %s:%d", name, *server.address)
        try:
            run_threads(self._loops(), stop)
        finally:
            self._logins.close()
            self._uploads.close()
            self._intake.close()
            self._table.close()
            for close in self._closing:
                close()

    def _loops(self) -> dict[str, Loop]:
        loops: dict[str, Loop] = {name: server.run for name, server in self._servers.items()}
        if self._watched_folder is not None:
            loops["folder"] = self._watched_folder.run
        if self._refused is not None:
            loops["refused logins"] = self._refused
        return loops | {
            "uploads": self._uploads.run,
            "sender": self._intake.sender.run,
            "housekeeping": self._keep_house,
        }

    def _keep_house(self, stop: threading.Event) -> None:
        while not stop.is_set():
            for prune in self._prune_hourly:
                prune(self._clock())
            stop.wait(_HOUSEKEEPING_SECONDS)
