"""The role ``deliveries`` of the ministry: one HTTP door, behind which provinces' sets go to qa-flagged.

Its parts are built by ``wiring``; here is what runs, when it is ready, and in which order it ends.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from quantrac.io.health import Health, first_problem
from quantrac.io.http_server import HttpServer
from quantrac.io.progress import Progress
from quantrac.io.role import Table
from quantrac.io.threads import Loop, run_threads
from services.receiver.access.logins import Logins

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DeliveriesHealth:
    """Whether deliveries are taken: the registry is known and its loops turn."""

    registry_table: Table
    loops: Sequence[Progress]

    def read(self) -> Health:
        """Return the health now; the broker may be away meanwhile."""
        problem = first_problem([self.registry_table.problem, *(loop.problem for loop in self.loops)])
        return Health(not problem, problem)


class DeliveriesRole:
    """The provinces' deliveries → qa-flagged."""

    def __init__(
        self,
        *,
        registry_table: Table,
        logins: Logins,
        server: HttpServer,
        health: DeliveriesHealth,
        writes: Loop,
        refused: Loop,
    ) -> None:
        """``writes`` serves the broker's reports, ``refused`` makes alerts of refused logins."""
        self._writes, self._refused = writes, refused
        self._table, self._logins, self._server = registry_table, logins, server
        self.health = health.read

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; the door does not open before the registry is known."""
        self._table.start()
        log.info("http on %s:%d", *self._server.address)
        try:
            loops = {"http": self._server.run, "writes": self._writes, "refused logins": self._refused}
            run_threads(loops, stop)
        finally:
            self._logins.close()
            self._table.close()
