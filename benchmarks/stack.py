"""Measures the one-machine demo stack: starts, memory, idle load, stop. Takes 2 to 7 minutes; Linux only.

It runs in a temporary folder, by the commands a person types. Memory is given as RSS (pages that several
processes share counted in each) and PSS (counted once), CPU in percent of one core.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import psutil

from quantrac.local.datadir import DataDir
from quantrac.local.preparation import demo_api_key
from quantrac.local.stack import Stack
from quantrac.local.status import StackStatus
from quantrac.local.waiting import wait_until

LATEST = "/v1/stations/HN_DEMO_KHI001/latest"
PATIENCE_S = 180.0
IDLE_S = 60
STATION_CYCLE_S = 300
REST_S = 20  # after a start the loggers offer their last hour again
QUIET_FROM_S = 40  # after a whole five minutes: by then the demo's stations have sent and all is stored


def main() -> None:
    """Make one run and print what it took."""
    memory = psutil.virtual_memory().total / 2**30
    print(f"{os.cpu_count()} cores, {memory:.0f} GiB of memory, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory(prefix="quantrac-bench-") as folder:
        data = DataDir(Path(folder))
        try:
            run(data)
        finally:
            quantrac("down", data)


def run(data: DataDir) -> None:
    """Start twice; measure the first hour's memory after the first start, the rest after the second."""
    begin = start(data)
    print(f"first start to ready             {seconds_until(lambda: is_ready(data), begin):6.1f} s")
    wait_until_stored(data)
    print_memory("memory after the first hour's files", data)
    print(f"stop                             {seconds_of(lambda: quantrac('down', data)):6.1f} s")

    begin = start(data)
    print(f"second start to the first reading{seconds_until(lambda: is_read(data), begin):6.1f} s")
    print(f"second start to ready            {seconds_until(lambda: is_ready(data), begin):6.1f} s")
    wait_for_a_quiet_minute()
    print_idle(data)
    print_memory("memory when idle", data)
    print(f"stop                             {seconds_of(lambda: quantrac('down', data)):6.1f} s")


def start(data: DataDir) -> float:
    """Start the stack; return the time (monotonic, s) just before."""
    begin = time.monotonic()
    quantrac("up", data, "--demo", "--detach")
    return begin


def quantrac(command: str, data: DataDir, *arguments: str) -> None:
    """Run one command of the stack's."""
    subprocess.run(
        [sys.executable, "-m", "quantrac.cli", command, "--data", str(data.root), *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
        # The demo's past of a week would be sent and stored meanwhile.
        env=os.environ | {"QUANTRAC_DEMO_PAST_DAYS": "0"},
    )


def is_ready(data: DataDir) -> bool:
    """Tell whether every process answers."""
    state = data.read_state()
    return state is not None and state.is_ready


def is_read(data: DataDir) -> bool:
    """Tell whether the API gives a reading."""
    url = Stack.read(data).urls()["province"]["api"] + LATEST
    try:
        answer = CLIENT.get(url, headers={"X-Api-Key": demo_api_key(data)})
    except httpx.TransportError:
        return False
    return answer.is_success and bool(answer.json()["items"])


CLIENT = httpx.Client(timeout=5)


def wait_until_stored(data: DataDir) -> None:
    """Wait until no group has anything left to do; the broker's client ends here, before the broker does."""
    status = StackStatus(Stack.read(data))
    if not wait_until(lambda: is_read(data) and not any(status.lag().values()), PATIENCE_S, every_s=0.5):
        sys.exit(f"not all stored within {PATIENCE_S:.0f} s")


def seconds_until(holds: Callable[[], bool], begin: float) -> float:
    """Wait for a condition and return how long after ``begin`` it came."""
    if not wait_until(holds, PATIENCE_S, every_s=0.1):
        sys.exit(f"gave up after {PATIENCE_S:.0f} s")
    return time.monotonic() - begin


def seconds_of(action: Callable[[], None]) -> float:
    """Return how long an action takes."""
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def processes(data: DataDir) -> Mapping[str, psutil.Process]:
    """Return every process of the stack by name, the supervisor among them."""
    state = data.read_state()
    if state is None:
        sys.exit("the stack has ended by itself")
    pids = {process.name: process.pid for process in state.processes if process.pid} | {
        "supervisor": state.pid
    }
    return {name: psutil.Process(pid) for name, pid in pids.items()}


def print_memory(title: str, data: DataDir) -> None:
    """Print RSS and PSS by process, in MiB."""
    found = {name: process.memory_full_info() for name, process in processes(data).items()}
    print(f"\n{title:32} {'RSS':>6} {'PSS':>6} MiB")
    for name, memory in found.items():
        print(f"  {name:30} {memory.rss >> 20:6} {memory.pss >> 20:6}")
    total = [sum(getattr(memory, kind) for memory in found.values()) >> 20 for kind in ("rss", "pss")]
    print(f"  {'total':30} {total[0]:6} {total[1]:6}\n")


def wait_for_a_quiet_minute() -> None:
    """Wait until no station is due for as long as the idle load is measured."""
    time.sleep(REST_S)
    since_due = time.time() % STATION_CYCLE_S
    if not QUIET_FROM_S <= since_due <= STATION_CYCLE_S - IDLE_S - 5:
        time.sleep((QUIET_FROM_S - since_due) % STATION_CYCLE_S)


def print_idle(data: DataDir) -> None:
    """Print the CPU time that each process uses while nothing arrives."""
    running = processes(data)
    before = {name: cpu_seconds(process) for name, process in running.items()}
    time.sleep(IDLE_S)
    used = {name: (cpu_seconds(process) - before[name]) / IDLE_S for name, process in running.items()}
    print(f"\n{f'idle over {IDLE_S} s':32} {'CPU':>6} of one core")
    for name, share in used.items():
        print(f"  {name:30} {share:6.2%}")
    print(f"  {'total':30} {sum(used.values()):6.2%}")


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time a process has used so far."""
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main()
