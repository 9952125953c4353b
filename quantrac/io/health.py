"""Whether a role can do its work: what it says, and how it is known at once."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus

log = logging.getLogger(__name__)

_READY_SECONDS = 1.0
_UNREADY_SECONDS = 0.2


class Unavailable(Exception):
    """What a role cannot begin without does not answer; the message is a sentence with what to look at."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a role can do its work, and in one sentence what is wrong; empty = nothing."""

    ready: bool
    reason: str = ""
    """A role may be ready and still have something to say: what it has taken waits for somebody else."""


Check = Callable[[], str]
"""Says in one sentence why a role is not ready; empty = nothing speaks against it."""


def unless(holds: Callable[[], bool], sentence: str) -> Check:
    """Make a check that says ``sentence`` unless something holds."""
    return lambda: "" if holds() else sentence


def first_problem(checks: Iterable[Check]) -> str:
    """Return the first sentence that a check says; those after it are not asked."""
    return next((problem for check in checks if (problem := check())), "")


def health_answer(health: Health) -> tuple[HTTPStatus, dict[str, str]]:
    """Return status and body of ``/health/ready``."""
    body = {"status": "ok" if health.ready else "not ready"}
    if health.reason:
        body["reason"] = health.reason
    return HTTPStatus.OK if health.ready else HTTPStatus.SERVICE_UNAVAILABLE, body


class WatchedHealth:
    """Health looked up by a thread of its own and answered from memory, however busy everything else is.

    ``look_up`` may take its time. An answer older than ``stale_seconds`` is not ready: then the look-up
    itself hangs.
    """

    def __init__(
        self,
        look_up: Callable[[], Health],
        *,
        stale_seconds: float = 15.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look_up, self._stale_seconds, self._monotonic = look_up, stale_seconds, monotonic
        self._last = Health(False, "health has not been looked up yet"), monotonic()
        self._closed = threading.Event()

    def start(self) -> None:
        """Begin to look things up."""
        threading.Thread(target=self._run, name="health-look-up", daemon=True).start()

    def close(self) -> None:
        """Look nothing up any more."""
        self._closed.set()

    def refresh(self) -> None:
        """Look things up once; an error is one more reason not to be ready."""
        try:
            health = self._look_up()
        except Exception as error:
            log.exception("health cannot be looked up")
            health = Health(False, f"health cannot be looked up: {error}")
        self._last = health, self._monotonic()

    def health(self) -> Health:
        """Return what was looked up last."""
        health, looked_up_at = self._last
        age = self._monotonic() - looked_up_at
        if age > self._stale_seconds:
            return Health(False, f"health has not been looked up for {age:.0f} s")
        return health

    def _run(self) -> None:
        self.refresh()
        while not self._closed.wait(_READY_SECONDS if self._last[0].ready else _UNREADY_SECONDS):
            self.refresh()
