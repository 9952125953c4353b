"""What the supervisor says about itself and its processes, in a file that other commands read."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil


class Phase(StrEnum):
    """Where a process is in its life."""

    WAITING = "waiting"  # for those it comes after
    STARTING = "starting"  # runs, has not answered yet
    READY = "ready"
    UNREADY = "unready"  # runs, has answered before, does not now
    BACKOFF = "backoff"  # died, starts again soon
    FAILED = "failed"  # died again and again; still tried, at the longest interval
    STOPPED = "stopped"
    LEFT_OUT = "left out"  # of this start; whoever asked for that may run it by hand


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One supervised process; `started_at` is UTC, `pid` None while it does not run.

    `reason` says why it is not ready, how it ended, or what a ready one waits for; empty = nothing.
    """

    name: str
    phase: Phase = Phase.WAITING
    pid: int | None = None
    restarts: int = 0
    started_at: datetime | None = None
    reason: str = ""

    @property
    def is_awaited(self) -> bool:
        """Whether the stack is not ready as long as this process is not."""
        return self.phase not in {Phase.READY, Phase.LEFT_OUT}


@dataclass(frozen=True, slots=True)
class StackState:
    """The supervisor and all its processes; `created` is the supervisor's start as psutil gives it."""

    pid: int
    created: float
    processes: tuple[ProcessState, ...]
    urls: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether every process answers that is not left out."""
        return not any(process.is_awaited for process in self.processes)

    def is_running(self) -> bool:
        """Whether the supervisor that wrote this is alive; another process with its old pid is told apart.

        One that has ended but whose parent has not noticed, which in a container may never happen, is not.
        """
        try:
            process = psutil.Process(self.pid)
            return process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - self.created) < 1
        except psutil.NoSuchProcess:
            return False


def write_state(file: Path, state: StackState) -> None:
    """Replace the file in one step; a reader sees the old state or the new one."""
    temporary = file.with_suffix(".tmp")
    temporary.write_text(json.dumps(asdict(state), default=datetime.isoformat, indent=2) + "\n")
    temporary.replace(file)


def read_state(file: Path) -> StackState | None:
    """Read the state last written, None when there was never one."""
    try:
        state = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    processes = tuple(_read_process(process) for process in state.pop("processes"))
    return StackState(processes=processes, **state)


def _read_process(fields: dict[str, Any]) -> ProcessState:
    started_at = fields["started_at"]
    return ProcessState(
        name=fields["name"],
        phase=Phase(fields["phase"]),
        pid=fields["pid"],
        restarts=fields["restarts"],
        started_at=datetime.fromisoformat(started_at) if started_at else None,
        reason=fields.get("reason", ""),  # a supervisor of an earlier version wrote none
    )
