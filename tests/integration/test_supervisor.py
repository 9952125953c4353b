import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from quantrac.local.state import read_state
from support.waiting import LIMIT, stays_false, wait_until

# The stack of these tests: `second` comes after `first`, which is ready once its file `up` is there;
# `beside` uses `first` without waiting for it, `stubborn` ignores SIGTERM, `forking` has a child of its own.
STACK = """
import sys
from pathlib import Path
from quantrac.io.health import Health
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError
from quantrac.local.process import ProcessSpec
from quantrac.local.supervisor import Supervisor, stop_on_signals

root, wanted = Path(sys.argv[1]), sys.argv[2:]
left_out_names = [name.removeprefix("without-") for name in wanted if name.startswith("without-")]
python = lambda code: [sys.executable, "-c", code]
SLEEP = "import os, time; print('pid', os.getpid()); time.sleep(600)"
LAST_LOOK = '''
import os, signal, sys, time
def end(*_):
    time.sleep(0.3)  # the other one would be gone by now
    os.kill(int(open(%r).read().split()[1]), 0)
    print("the other one is there")
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("waits")
time.sleep(600)
'''
specs = {
    "first": ProcessSpec(
        name="first",
        argv=python(SLEEP),
        env={"ANSWER": "42"},
        health=lambda: Health((root / "up").exists()),
        stop_timeout_s=5,
    ),
    "second": ProcessSpec(name="second", argv=python(SLEEP), after=("first",)),
    "beside": ProcessSpec(
        name="beside",
        argv=python(LAST_LOOK % str(root / "logs" / "first.log")),
        health=lambda: Health("waits" in (root / "logs" / "beside.log").read_text()),
        uses=("first",),
    ),
    "stubborn": ProcessSpec(
        name="stubborn",
        argv=python("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf'); " + SLEEP),
        health=lambda: Health("deaf" in (root / "logs" / "stubborn.log").read_text()),
        stop_timeout_s=float(600 if "patient" in wanted else 0.3),
    ),
    "forking": ProcessSpec(
        name="forking",
        argv=python("import subprocess, sys; subprocess.run([sys.executable, '-c', %r])" % SLEEP),
        health=lambda: Health("pid" in (root / "logs" / "forking.log").read_text()),
    ),
    "absent": ProcessSpec(name="absent", argv=["/no/such/command"], health=lambda: Health(False)),
    "dependent": ProcessSpec(
        name="dependent",
        argv=python(SLEEP),
        health=lambda: Health(False),
        uses=("first",),
        ready_timeout_s=0.5,
    ),
    "silent": ProcessSpec(
        name="silent", argv=python(SLEEP), health=lambda: Health(False, "is deaf"), ready_timeout_s=0.5
    ),
}
try:
    with DataDir(root).lock():
        supervisor = Supervisor(
            [specs[name] for name in wanted if name in specs],
            DataDir(root),
            {"api": "http://127.0.0.1:1"},
            left_out_names=left_out_names,
        )
        with stop_on_signals(supervisor):
            supervisor.run()
except LocalError as error:
    raise SystemExit(str(error))
"""


class Stack:
    def __init__(self, root: Path, process: "subprocess.Popen[str]"):
        self.root = root
        self.process = process

    def get(self, name):
        state = read_state(self.root / "run" / "state.json")
        return next((each for each in state.processes if each.name == name), None) if state else None

    def wait(self, name, phase):
        wait_until(
            lambda: (found := self.get(name)) is not None and found.phase == phase, lambda: self.get(name)
        )
        return self.get(name)

    def log(self, name):
        path = self.root / "logs" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def wait_for_log(self, name, text):
        """Wait for what a process, or the supervisor about it, writes: later than the state says so."""
        wait_until(lambda: text in self.log(name), lambda: self.log(name))

    def pids(self):
        return [child.pid for child in psutil.Process(self.process.pid).children(recursive=True)]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        assert self.process.wait(LIMIT) == 0


@contextmanager
def running(root, *names):
    process = subprocess.Popen(
        [sys.executable, "-c", STACK, str(root), *names],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Stack(root, process)
    finally:
        process.kill()
        process.communicate()


def wait_for_end(pids):
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_a_process_left_out_is_named_and_neither_started_nor_waited_for(tmp_path):
    with running(tmp_path, "second", "first", "without-first") as stack:
        stack.wait("second", "ready")
        process = stack.get("first")
        assert (process.phase, process.pid) == ("left out", None)
        assert process.reason == "`quantrac env first` prints how to run it"
        assert len(stack.pids()) == 1
        assert read_state(tmp_path / "run" / "state.json").is_ready


def test_a_process_starts_once_the_one_before_it_is_ready(tmp_path):
    with running(tmp_path, "second", "first") as stack:
        stack.wait("first", "starting")
        assert stack.get("second").phase == "waiting"
        (tmp_path / "up").touch()
        first, second = stack.wait("first", "ready"), stack.wait("second", "ready")
        assert first.started_at < second.started_at
        stack.stop()
        assert [stack.get(name).phase for name in ("first", "second")] == ["stopped", "stopped"]


def test_a_process_is_not_killed_for_what_it_waits_for(tmp_path):
    with running(tmp_path, "dependent", "first") as stack:
        stack.wait("dependent", "starting")
        assert stays_false(lambda: "killed" in stack.log("dependent"), 2.0)
        (tmp_path / "up").touch()
        stack.wait("first", "ready")
        stack.wait_for_log("dependent", "not ready within 0.5 s, killed")


def test_a_process_that_waits_by_itself_starts_beside_the_one_it_uses_and_stops_before_it(tmp_path):
    with running(tmp_path, "beside", "first") as stack:
        stack.wait("beside", "ready")
        assert stack.get("first").phase == "starting"
        (tmp_path / "up").touch()
        stack.wait("first", "ready")
        stack.wait_for_log("first", "pid ")
        stack.stop()
        stack.wait_for_log("beside", "the other one is there")


def test_what_is_killed_starts_again(tmp_path):
    (tmp_path / "up").touch()
    with running(tmp_path, "first") as stack:
        before = stack.wait("first", "ready")
        stack.wait_for_log("first", f"pid {before.pid}\n")
        os.kill(before.pid, signal.SIGKILL)
        # The back-off itself is over after half a second, perhaps before this test looks.
        wait_until(lambda: stack.get("first").restarts == 1, lambda: stack.get("first"))
        after = stack.wait("first", "ready")
        assert after.restarts == 1
        assert after.pid != before.pid
        stack.wait_for_log("first", "supervisor: first ended with status -9, starts again in 0.5 s")
        stack.wait_for_log("first", f"pid {after.pid}\n")
        assert stack.log("first").count("pid ") == 2


def test_a_command_that_is_not_there_is_tried_again_and_the_log_says_why(tmp_path):
    with running(tmp_path, "absent") as stack:
        wait_until(lambda: (process := stack.get("absent")) is not None and process.restarts >= 2)
        stack.wait_for_log("absent", "/no/such/command could not be started: No such file or directory")
        stack.stop()


def test_a_process_that_never_answers_is_killed_and_started_again(tmp_path):
    with running(tmp_path, "silent") as stack:
        stack.wait_for_log("silent", "supervisor: silent not ready within 0.5 s, killed: is deaf")
        wait_until(lambda: stack.get("silent").restarts >= 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_no_process_even_a_deaf_or_a_forked_one(tmp_path, number):
    with running(tmp_path, "stubborn", "forking") as stack:
        stack.wait("stubborn", "ready")
        stack.wait("forking", "ready")
        pids = stack.pids()
        assert len(pids) == 3
        stack.stop(number)
        wait_for_end(pids)


def test_what_a_dead_process_had_started_is_not_left_behind(tmp_path):
    with running(tmp_path, "forking") as stack:
        leader = stack.wait("forking", "ready").pid
        (left_behind,) = [pid for pid in stack.pids() if pid != leader]
        os.kill(leader, signal.SIGKILL)
        wait_for_end([left_behind])
        stack.stop(signal.SIGTERM)


def test_a_second_ctrl_c_does_not_wait(tmp_path):
    with running(tmp_path, "stubborn", "patient") as stack:
        stack.wait("stubborn", "ready")
        pids = stack.pids()
        stack.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            stack.process.wait(0.5)
        stack.stop(signal.SIGINT)
        wait_for_end(pids)


def test_a_supervisor_killed_9_leaves_no_orphan(tmp_path):
    (tmp_path / "up").touch()
    with running(tmp_path, "first", "second", "stubborn") as stack:
        for name in ("first", "second", "stubborn"):
            stack.wait(name, "ready")
        pids = stack.pids()
        assert len(pids) == 3
        stack.process.kill()
        wait_for_end(pids)


def test_a_second_start_in_the_same_folder_is_refused_with_the_pid_of_the_first(tmp_path):
    (tmp_path / "up").touch()
    with running(tmp_path, "first") as stack:
        stack.wait("first", "ready")
        with running(tmp_path, "first") as second:
            _, error = second.process.communicate(timeout=LIMIT)
        assert second.process.returncode == 1
        assert error == f"{tmp_path} is in use by process {stack.process.pid}; stop that one first.\n"


def test_the_state_file_tells_another_command_what_runs(tmp_path):
    (tmp_path / "up").touch()
    with running(tmp_path, "first") as stack:
        first = stack.wait("first", "ready")
        state = json.loads((tmp_path / "run" / "state.json").read_text())
        assert state["pid"] == stack.process.pid
        assert state["urls"] == {"api": "http://127.0.0.1:1"}
        assert psutil.Process(first.pid).environ()["ANSWER"] == "42"
        stack.wait_for_log("first", f"pid {first.pid}\n")


def test_where_the_kernel_does_not_help_the_watcher_kills_the_command(tmp_path):
    parent = """
import subprocess, sys, time
watch = "import os, sys; from quantrac.local.child import watch_over; watch_over(os.getppid(), sys.argv[1:])"
subprocess.Popen([sys.executable, "-c", watch, "sleep", "600"])
time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", parent])
    pids = []

    def both_run():
        pids[:] = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
        return len(pids) == 2

    try:
        wait_until(both_run)
    finally:
        process.kill()
        process.wait()
    wait_for_end(pids)
