"""One role left out of the stack and run by hand, as in a debugger, with the environment that is printed."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.running_stack import RunningStack
from support.waiting import LIMIT, wait_until

pytestmark = pytest.mark.chaos  # a stack of its own takes a minute

CODE = "HN_HAND_KHI001"
STATION: dict[str, Any] = {
    "code": CODE,
    "name": "Trạm khí",
    "type": "ambient-air",
    "province": "01",
    "latitude": 21.0,
    "longitude": 105.8,
    "parameters": [{"code": "PM2.5", "unit": "µg/m3"}],
}
ROLE = "validator.validate"


@pytest.fixture
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    stack = RunningStack(tmp_path_factory.mktemp("a 'province'"))  # a name that a shell would take apart
    try:
        stack.up("--without", ROLE, demo=False)
        stack.register(tmp_path_factory.mktemp("registry"), [STATION], tiers=["province"])
        yield stack
    finally:
        stack.quantrac("down", check=False)


def test_a_file_gets_through_once_the_role_left_out_runs_by_hand(
    province: RunningStack, tmp_path: Path
) -> None:
    left_out = [process for process in province.status()["processes"] if process["state"] == "left out"]
    assert [process["name"] for process in left_out] == [f"province.{ROLE}"]
    assert province.status()["state"] == "ready"

    file = tmp_path / f"{CODE}_20260325000000.txt"
    file.write_bytes(b"PM2.5\t12.50\tug/m3\t20260325000000\t00\r\n")
    with province.sender(CODE) as sender:
        sender.send("2026/03/25", file.name, file.read_bytes())
    wait_until(
        lambda: province.status()["lag"]["validator.validate"] == 1,
        "a message for the role left out",
        every_s=0.5,
    )
    assert province.status()["counts"]["province"]["flagged"] == 0

    # The shell has nothing of ours: all that the role needs is printed.
    printed = province.quantrac("env", ROLE)
    assert printed.stderr == ""
    service, role = ROLE.split(".")
    script = f"{printed.stdout}\nexec {sys.executable} -m services.{service} {role}"
    by_hand = subprocess.Popen(["sh", "-c", script], env={"PATH": "/usr/bin:/bin"}, stderr=subprocess.PIPE)
    try:
        wait_until(
            lambda: province.status()["counts"]["province"]["rows"] == 1,
            "the row of one reading",
            every_s=0.5,
        )
        assert province.status()["counts"]["province"]["flagged"] == 1
        assert by_hand.poll() is None
    finally:
        by_hand.terminate()
        _, log = by_hand.communicate(timeout=LIMIT)
    assert by_hand.returncode == 0, log.decode()
