"""The role ``deliveries`` of the ministry: one HTTP door, behind which provinces' sets go to qa-flagged.

Its parts are built by ``wiring``; here is what runs, when it is ready, and in which order it ends.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from quantrac.io.health import Check, Health, first_problem
from quantrac.io.http_server import HttpServer
from quantrac.io.role import Table
from quantrac.io.threads import Loop, run_threads
from services.receiver.access.logins import Logins

log = logging.getLogger(__name__)


class SetsReader(Protocol):
    """What is needed of :class:`quantrac.io.kafka.tables.TopicReader`."""

    def begin(self) -> None:
        """Begin to read, and wait for nothing."""
        ...

    def close(self) -> None:
        """Stop reading."""
        ...


@dataclass(frozen=True, slots=True)
class DeliveriesHealth:
    """Whether deliveries are taken: the registry is known and the loops turn."""

    checks: Sequence[Check]

    def read(self) -> Health:
        """Return the health now; the broker may be away meanwhile."""
        problem = first_problem(self.checks)
        return Health(not problem, problem)


class DeliveriesRole:
    """The provinces' deliveries → qa-flagged, or unapproved-set."""

    def __init__(
        self,
        *,
        tables: Sequence[Table],
        sets_reader: SetsReader,
        logins: Logins,
        server: HttpServer,
        health: DeliveriesHealth,
        loops: Mapping[str, Loop],
    ) -> None:
        """``loops`` run beside the door. ``sets_reader`` follows the sets that wait; the door opens before it
        has come to their end.
        """
        self._tables, self._sets_reader, self._loops = tables, sets_reader, loops
        self._logins, self._server = logins, server
        self.health = health.read

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set; the door does not open before registry and requests are known."""
        for table in self._tables:
            table.start()
        self._sets_reader.begin()
        log.info("http on %s:%d", *self._server.address)
        try:
            run_threads({"http": self._server.run, **self._loops}, stop)
        finally:
            self._logins.close()
            self._sets_reader.close()
            for table in self._tables:
                table.close()
