"""A real installation: from `quantrac init` to a folder that was moved, with nothing in the environment."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from quantrac.local.ports import choose_ports
from support.running_stack import PASSWORD, RunningStack
from support.waiting import wait_until

pytestmark = pytest.mark.chaos  # two starts of a stack of its own take a minute

CODE = "HN_REAL_KHI001"
STATION: dict[str, Any] = {
    "code": CODE,
    "name": "Trạm khí",
    "type": "ambient-air",
    "province": "01",
    "latitude": 21.0,
    "longitude": 105.8,
    "parameters": [{"code": "PM2.5", "unit": "µg/m3"}],
}
BARE = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME") if name in os.environ} | {
    "PATH": os.defpath
}
NOTIFY = """
targets:
  - name: control-room
    webhook: {url: "http://127.0.0.1:9/", secret_env: CONTROL_SECRET}
"""


def test_it_starts_all_that_its_file_asks_for_and_goes_on_elsewhere_after_a_move(
    two_stacks: tuple[RunningStack, RunningStack], tmp_path: Path
) -> None:
    first, second = two_stacks
    ports = choose_ports({"ftp": 0, "sftp": 0, "http": 0, "api": 0})
    (tmp_path / "notify.yaml").write_text(NOTIFY)
    options = [option for name, port in ports.items() for option in (f"--{name}-port", str(port))]
    options += ["--listen", "127.0.0.2", "--notify", str(tmp_path / "notify.yaml"), "--raw-file-days", "5"]
    first.init(*options, "--ministry", "http://127.0.0.1:9", "--account", "province-01")
    refused = first.quantrac("up", check=False, env=BARE)
    assert refused.returncode == 1
    assert "ministry.password_file: the file is missing or empty" in refused.stderr
    assert "notify.targets: notify.yaml: targets[1] control-room: secret_env" in refused.stderr
    (first.data / "ministry-password").write_text("secret\n")
    (first.data / "notify-secrets").write_text(f"CONTROL_SECRET=whsec_{'A' * 32}\n")

    started = first.quantrac("up", "--detach", env=BARE | {"QUANTRAC_FTP_HOST": "127.0.0.3"})
    assert "QUANTRAC_FTP_HOST of this shell does not count" in started.stderr
    first.quantrac("status", "--wait", "--timeout", "180")
    status = first.status()
    names = {process["name"] for process in status["processes"]}
    assert {"province.forwarder.forward", "province.aggregator.notify"} <= names
    assert [note for note in status["notes"] if "configured" in note or "no section" in note] == []
    assert status["urls"]["province"]["ftp"] == f"ftp://127.0.0.2:{ports['ftp']}"
    wait_until(lambda: retention_days(first, "raw-file") == 5, "the days of raw files", every_s=0.5)
    assert retention_days(first, "qa-flagged") == 30

    (tmp_path / "registry").mkdir()
    first.register(tmp_path / "registry", [STATION], tiers=["province"])
    file = tmp_path / f"{CODE}_20260325000000.txt"
    file.write_bytes(b"PM2.5\t12.50\tug/m3\t20260325000000\t00\r\n")
    environment = BARE | {"QUANTRAC_PASSWORD": PASSWORD}
    assert "226" in first.quantrac("put", str(file), env=environment).stdout
    wait_until(lambda: averages(first) == 1, first.status, every_s=1)
    counts = first.status()["counts"]

    # As the page for operators says: stop, copy, start.
    first.quantrac("down")
    assert {process["state"] for process in first.status()["processes"]} == {"stopped"}
    shutil.copytree(first.data, second.data, symlinks=True)  # as `rsync -a` does
    shutil.rmtree(first.data)
    second.quantrac("up", "--detach", env=BARE)
    second.quantrac("status", "--wait", "--timeout", "180")
    assert second.status()["counts"] == counts
    assert {process["name"] for process in second.status()["processes"]} == names
    assert second.status()["urls"] == status["urls"]
    assert "226" in second.quantrac("put", str(file), env=environment).stdout


def retention_days(stack: RunningStack, topic: str) -> float:
    admin = AdminClient(stack.stack.broker.connection.librdkafka())
    resource = ConfigResource(ResourceType.TOPIC, topic)
    (future,) = admin.describe_configs([resource]).values()
    return int(future.result(timeout=30)["retention.ms"].value) / 86_400_000


def averages(stack: RunningStack) -> int:
    """Return the stored hourly averages; 0 while the store does not answer."""
    return int(stack.status()["counts"].get("province", {}).get("averages", 0))
