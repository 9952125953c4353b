"""The ends of the stack that the other tests share: killed, started again, and brought down."""

import os
import signal

import psutil

from support.running_stack import RunningStack
from support.waiting import wait_until

STATION = "HN_DEMO_KHI001"


def test_a_supervisor_killed_leaves_no_orphan_and_a_second_start_goes_on(running: RunningStack) -> None:
    before = running.status()
    state = running.stack.data.read_state()
    assert state is not None
    os.kill(state.pid, signal.SIGKILL)
    pids = [process["pid"] for process in before["processes"]]
    wait_until(
        lambda: not [pid for pid in pids if psutil.pid_exists(pid)], "the end of every process", every_s=0.5
    )
    running.up()
    after = running.status()
    assert after["counts"]["province"]["rows"] >= before["counts"]["province"]["rows"]
    assert after["urls"] == before["urls"]
    with running.api() as api:
        assert api.get(f"/v1/stations/{STATION}/latest").raise_for_status().json()["items"]


def test_down_leaves_no_process(running: RunningStack) -> None:
    pids = [process["pid"] for process in running.status()["processes"]]
    running.quantrac("down")
    assert not [pid for pid in pids if psutil.pid_exists(pid)]
    assert running.status()["state"] == "stopped"
