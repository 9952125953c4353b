"""Starts processes in order, keeps them running, stops them in reverse order, and leaves none behind.

One thread decides, a few workers ask the processes whether they are ready. Each process is tied to the
supervisor (see `child`), so that even a supervisor killed -9 leaves no orphan.
"""

import os
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType

import psutil

from quantrac.local.datadir import DataDir
from quantrac.local.process import ProcessSpec, SupervisedProcess
from quantrac.local.state import Phase, ProcessState, StackState, write_state

_PAUSE_STARTING_S = 0.05
_PAUSE_S = 0.25  # between looks whether all still live
_CHECK_THREADS = 4


def start_order(specs: Sequence[ProcessSpec]) -> list[ProcessSpec]:
    """Order the processes so that each comes after those it names; otherwise as given.

    Raises ValueError for a name used twice, an unknown name in `after` or `uses` and a circle.
    """
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise ValueError(f"Two processes have the same name: {', '.join(names)}.")
    for spec in specs:
        for name in spec.outlived_by:
            if name not in names:
                raise ValueError(f"{spec.name} comes after {name}, which is not among the processes.")
    ordered: list[ProcessSpec] = []
    waiting = list(specs)
    while waiting:
        done = {spec.name for spec in ordered}
        free = [spec for spec in waiting if done.issuperset(spec.outlived_by)]
        if not free:
            raise ValueError(f"These processes wait for each other: {', '.join(s.name for s in waiting)}.")
        ordered += free
        waiting = [spec for spec in waiting if spec not in free]
    return ordered


class Supervisor:
    """Runs the processes of one data folder, whose lock the caller holds.

    `urls` goes into the state as it is; `on_change` is called with every new state. Those in
    `left_out_names` are not started and not waited for; the state names them.
    """

    def __init__(
        self,
        specs: Sequence[ProcessSpec],
        data: DataDir,
        urls: Mapping[str, str] | None = None,
        on_change: Callable[[StackState], None] = lambda state: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        left_out_names: Collection[str] = (),
    ) -> None:
        data.create()
        started_specs = [spec.without(left_out_names) for spec in specs if spec.name not in left_out_names]
        self._processes = [
            SupervisedProcess(spec, data.logs / f"{spec.name}.log", clock)
            for spec in start_order(started_specs)
        ]
        self._left_out_states = tuple(
            ProcessState(spec.name, Phase.LEFT_OUT, reason=f"`quantrac env {spec.name}` prints how to run it")
            for spec in specs
            if spec.name in left_out_names
        )
        self._data = data
        self._urls = dict(urls or {})
        self._on_change = on_change
        self._created = psutil.Process().create_time()
        self._published: StackState | None = None
        self._stop_requests = 0

    @property
    def state(self) -> StackState:
        """The state as of the last look."""
        processes = (*(process.state for process in self._processes), *self._left_out_states)
        return StackState(pid=os.getpid(), created=self._created, processes=processes, urls=self._urls)

    def request_stop(self) -> None:
        """Let `run` stop everything in order and return; asked twice, it kills instead. For any thread."""
        self._stop_requests += 1

    def run(self) -> None:
        """Start everything and keep it running until a stop is requested; returns when all have ended.

        Every process is tied to the thread that calls this.
        """
        with ThreadPoolExecutor(_CHECK_THREADS, thread_name_prefix="ready") as checks:
            try:
                while not self._stop_requests:
                    self._step(checks)
                    time.sleep(self._pause())
            finally:
                checks.shutdown(wait=False, cancel_futures=True)
                self._stop_all()

    def _step(self, checks: ThreadPoolExecutor) -> None:
        now = time.monotonic()
        ready = {process.spec.name for process in self._processes if process.state.phase is Phase.READY}
        for process in self._processes:
            if process.state.phase is Phase.WAITING:
                if ready.issuperset(process.spec.after):
                    process.start(now)
            else:
                process.step(now, checks, supported=ready.issuperset(process.spec.outlived_by))
        self._publish()

    def _pause(self) -> float:
        starting = any(process.state.phase in {Phase.WAITING, Phase.STARTING} for process in self._processes)
        return _PAUSE_STARTING_S if starting else _PAUSE_S

    def _stop_all(self) -> None:
        while any(process.is_running for process in self._processes):
            survivors = {
                name for process in self._processes if process.is_running for name in process.spec.outlived_by
            }
            for process in self._processes:
                if self._stop_requests > 1:
                    process.kill()
                if process.spec.name not in survivors or self._stop_requests > 1:
                    process.stop(time.monotonic())
            self._publish()
            time.sleep(_PAUSE_STARTING_S)
        for process in self._processes:
            process.reap()
        self._publish()

    def _publish(self) -> None:
        state = self.state
        if state == self._published:
            return
        with suppress(OSError):  # a full disk must not end the supervisor; the next change is written again
            write_state(self._data.state_file, state)
        self._published = state
        self._on_change(state)


@contextmanager
def stop_on_signals(supervisor: Supervisor) -> Iterator[None]:
    """Turn SIGTERM and Ctrl-C into stop requests; the second one kills. For the main thread."""

    def handle(number: int, frame: FrameType | None) -> None:
        supervisor.request_stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
