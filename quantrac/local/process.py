"""One supervised process: started, asked whether it is ready, started again when it dies."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor, Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from quantrac.io.health import Health
from quantrac.io.logs import one_line
from quantrac.local.child import tie_command
from quantrac.local.state import Phase, ProcessState

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
HEALTHY_AFTER_S = 60.0  # ready for so long, a process has earned a quick restart again
FAILED_AFTER = 5  # deaths in a row
CHECK_STARTING_S = 0.1
CHECK_READY_S = 5.0
LONGEST_CHECK_S = 15.0  # a check that hangs would leave the last answer standing
LOG_LIMIT_BYTES = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """What to run: `env` comes on top of the supervisor's own.

    `after` names those that must be ready before it starts; `uses` those it waits for by itself, so that it
    may start beside them. It stops before both.
    `health` is asked from a worker thread, until it is first ready every 0.1 s and then every 5 s; it should
    answer within about 2 s, and an exception counts as not ready.
    A process not ready within `ready_timeout_s` of its start is killed and started again; the time counts
    only while all those in `after` and `uses` are ready.
    """

    name: str
    argv: list[str]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # it holds passwords
    health: Callable[[], Health] = lambda: Health(True)
    after: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    ready_timeout_s: float = 60.0
    stop_timeout_s: float = 15.0

    @property
    def outlived_by(self) -> frozenset[str]:
        """Names of those that stop only after this one."""
        return frozenset({*self.after, *self.uses})

    def without(self, names: Collection[str]) -> "ProcessSpec":
        """Return the same process, waiting for none of these."""
        after, uses = (
            tuple(name for name in group if name not in names) for group in (self.after, self.uses)
        )
        return replace(self, after=after, uses=uses)


def backoff_s(deaths: int) -> float:
    """Seconds to wait after so many deaths in a row: 0.5, doubling to 30.

    >>> [backoff_s(deaths) for deaths in (1, 2, 3, 7, 100)]
    [0.5, 1.0, 2.0, 30.0, 30.0]
    """
    return min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(deaths - 1, 16))


def cut_log(log: Path, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Move a log that has grown past the limit to `NAME.log.1` and let it begin again.

    The writer keeps its file open for appending, so the content is copied and the file emptied; a line
    written between the two is lost, and on a full disk the old content is.
    """
    if log.exists() and log.stat().st_size > limit_bytes:
        with suppress(OSError):
            shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)


class SupervisedProcess:
    """The life of one process, moved on by `step`; all times are monotonic seconds given by the caller."""

    def __init__(self, spec: ProcessSpec, log: Path, clock: Callable[[], datetime]) -> None:
        self.spec = spec
        self.state = ProcessState(spec.name)
        self._log = log
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._check: Future[Health] | None = None
        self._next_check = 0.0
        self._asked_at = 0.0
        self._left = 0.0
        self._stepped = 0.0
        self._ready_since: float | None = None
        self._deaths = 0
        self._retry_at = 0.0
        self._kill_at: float | None = None
        self._problem = ""

    @property
    def is_running(self) -> bool:
        """Whether there is a process now."""
        return self._process is not None

    def start(self, now: float) -> None:
        """Start the process in a session of its own, its output appended to the log."""
        try:
            self._process = self._spawn()
        except OSError as error:  # no memory, no space, no process numbers left: all may pass
            self._note_death(now, f"could not be started: {error.strerror}")
            return
        self._check, self._ready_since = None, None
        self._stepped = self._next_check = now
        self._left = self.spec.ready_timeout_s
        self._set(Phase.STARTING, pid=self._process.pid, started_at=self._clock())

    def step(self, now: float, checks: Executor, *, supported: bool = True) -> None:
        """Notice death, readiness and the end of a back-off; never waits.

        ``supported`` tells whether all those it waits for are ready.
        """
        if self._process is None:
            if self.state.phase in {Phase.BACKOFF, Phase.FAILED} and now >= self._retry_at:
                self._set(self.state.phase, self.state.reason, restarts=self.state.restarts + 1)
                self.start(now)
        elif self._process.poll() is not None:
            self._note_death(now, f"ended with status {self._process.returncode}")
        else:
            self._ask_health(now, checks)
            self._left -= now - self._stepped if supported else 0.0
            self._stepped = now
            if self.state.phase is Phase.STARTING and self._left < 0:
                reason = f": {self.state.reason}" if self.state.reason else ""
                self._write_line(f"not ready within {self.spec.ready_timeout_s:g} s, killed{reason}")
                self._left = self.spec.ready_timeout_s
                self.kill()

    def stop(self, now: float) -> None:
        """Ask the process to end; asked again, kill it once its time is over."""
        if self._kill_at is None:
            self._kill_at = now + self.spec.stop_timeout_s
            self._signal(signal.SIGTERM)
        elif now >= self._kill_at:
            self.kill()
        self.reap()

    def kill(self) -> None:
        """End the process and whatever it has started, at once."""
        self._signal(signal.SIGKILL)

    def reap(self) -> None:
        """Note that a process asked to end has ended."""
        if self._process is None or self._process.poll() is not None:
            self._forget()
            self._set(Phase.STOPPED, pid=None)

    def _spawn(self) -> subprocess.Popen[bytes]:
        cut_log(self._log)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                tie_command(self.spec.argv),
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.spec.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _ask_health(self, now: float, checks: Executor) -> None:
        if self._check is None:
            if now >= self._next_check:
                cut_log(self._log)
                self._check, self._asked_at = checks.submit(self.spec.health), now
        elif self._check.done():
            error = self._check.exception()
            health = Health(False, f"{type(error).__name__}: {error}") if error else self._check.result()
            self._check = None
            self._note_error(error)
            self._note_answer(now, health)
        elif now - self._asked_at > LONGEST_CHECK_S:
            self._note_answer(
                now, Health(False, f"no answer about its health for {now - self._asked_at:.0f} s")
            )

    def _note_error(self, error: BaseException | None) -> None:
        problem = f"{type(error).__name__}: {error}" if error else ""
        if problem and problem != self._problem:
            self._write_line(f"is not ready: {problem}")
        self._problem = problem

    def _note_answer(self, now: float, health: Health) -> None:
        if health.ready:
            self._ready_since = self._ready_since or now
            if now - self._ready_since >= HEALTHY_AFTER_S:
                self._deaths = 0
            self._set(Phase.READY, health.reason)
        elif self.state.phase is Phase.STARTING:
            self._set(Phase.STARTING, health.reason)
        else:
            self._ready_since = None
            self._set(Phase.UNREADY, health.reason)
        self._next_check = now + (CHECK_STARTING_S if self.state.phase is Phase.STARTING else CHECK_READY_S)

    def _note_death(self, now: float, how: str) -> None:
        self._forget()
        self._deaths += 1
        delay = backoff_s(self._deaths)
        self._retry_at = now + delay
        self._write_line(f"{how}, starts again in {delay:g} s")
        self._set(Phase.FAILED if self._deaths >= FAILED_AFTER else Phase.BACKOFF, how, pid=None)

    def _forget(self) -> None:
        self.kill()  # what the process had started and left behind
        self._process = None

    def _write_line(self, sentence: str) -> None:
        time = self._clock().isoformat(timespec="milliseconds")
        with suppress(OSError), self._log.open("a") as log:  # a full disk must not end the supervisor
            log.write(f"{time} supervisor: {self.spec.name} {one_line(sentence)}\n")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):  # macOS refuses for a group of dead processes
                os.killpg(self._process.pid, number)

    def _set(self, phase: Phase, reason: str = "", **changes: Any) -> None:
        self.state = replace(self.state, phase=phase, reason=reason, **changes)
