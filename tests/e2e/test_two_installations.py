"""A province and a ministry as two installations: a file put at one is in the other's API."""

import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from quantrac.local.ports import choose_ports
from support.running_stack import PASSWORD, RunningStack
from support.tls import Pair
from support.waiting import LIMIT, wait_until

pytestmark = pytest.mark.chaos  # the starts of two stacks take a minute

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


def test_a_file_put_at_the_province_is_in_the_ministrys_api_and_keys_are_rotated_meanwhile(
    two_stacks: tuple[RunningStack, RunningStack], tmp_path: Path
) -> None:
    province, ministry = two_stacks
    ports = choose_ports(dict.fromkeys(("ftp", "sftp", "http", "api", "ministry-http", "ministry-api"), 0))
    pair, client = Pair(tmp_path), Pair(tmp_path, "client")
    for key in (pair.key, client.key):
        key.chmod(0o600)
    ministry.init(
        *("--tier", "ministry", "--http-port", str(ports["ministry-http"])),
        *("--api-port", str(ports["ministry-api"])),
        *("--certificate", str(pair.certificate), "--key", str(pair.key)),
    )
    change(ministry, "http.client_authority", str(client.certificate))
    ministry.up(demo=False)
    names = {process["name"] for process in ministry.status()["processes"]}
    assert "ministry.receiver.deliveries" in names
    assert not any(name.startswith("province.") for name in names)
    door = ministry.status()["urls"]["ministry"]["receiver"]
    assert door == f"https://127.0.0.1:{ports['ministry-http']}"
    password = ministry.quantrac("accounts", "create", "province-hn", "--province", "01").stdout
    api_key = ministry.quantrac("keys", "create", "--owner", "test").stdout.strip()
    register(ministry, tmp_path / "ministry-registry")

    options = [
        part for name in ("ftp", "sftp", "http", "api") for part in (f"--{name}-port", str(ports[name]))
    ]
    province.init(*options, "--ministry", door, "--account", "province-hn")
    change(province, "ministry.authorities", str(pair.certificate))
    (province.data / "ministry-password").write_text(password)
    province.up(demo=False)
    register(province, tmp_path / "province-registry")

    put(province, tmp_path, "20260325000000")
    with ministry.api("ministry", api_key) as api:
        wait_until(lambda: times(api) == ["2026-03-24T17:00:00Z"], "the reading", every_s=1)

        # Both passwords count; the province changes over without a restart, and the old one ends.
        new = ministry.quantrac("accounts", "rotate", "province-hn").stdout
        answers = [ask(door, pair, password=text) for text in (password, new, "guess")]
        assert answers == [415, 415, 401]
        (province.data / "ministry-password").write_text(new)
        ministry.quantrac("accounts", "retire", "province-hn")
        wait_until(lambda: ask(door, pair, password=password) == 401, "the old password is out", every_s=0.5)
        put(province, tmp_path, "20260325000500")
        wait_until(lambda: len(times(api)) == 2, "the reading after the rotation", every_s=1)

    assert ask(door, pair, client=client) == 401
    ministry.quantrac("accounts", "rotate", "province-hn", "--certificate", str(client.certificate))
    wait_until(lambda: ask(door, pair, client=client) == 415, "the certificate is in", every_s=0.5)


def change(stack: RunningStack, key: str, value: str) -> None:
    """Set a key (``section.key``) that the written file has commented out."""
    section, _, name = key.partition(".")
    file = stack.data / "quantrac.yaml"
    before, heading, keys = file.read_text().partition(f"\n{section}:\n")
    changed = re.sub(rf"^#  {name}: .*$", f"  {name}: {value}", keys, count=1, flags=re.MULTILINE)
    assert heading and changed != keys
    file.write_text(before + heading + changed)


def register(stack: RunningStack, folder: Path) -> None:
    folder.mkdir()
    (tier,) = (tier.name for tier in stack.stack.tiers)
    stack.register(folder, [STATION], tiers=[tier])


def put(stack: RunningStack, folder: Path, time: str) -> None:
    file = folder / f"{CODE}_{time}.txt"
    file.write_bytes(f"PM2.5\t12.50\tug/m3\t{time}\t00\r\n".encode())
    sent = stack.quantrac("put", str(file), env=os.environ | {"QUANTRAC_PASSWORD": PASSWORD})
    assert "226" in sent.stdout


def times(api: httpx.Client) -> list[str]:
    """Return the times of the station's readings at the ministry."""
    span = {"from": "2026-03-24T00:00Z", "to": "2026-03-26T00:00Z"}
    answer = api.get("/v1/readings", params={"station": CODE, "parameter": "PM2.5"} | span)
    assert answer.status_code == 200, answer.text
    return [reading["measured_at"] for reading in answer.json()["items"]]


def ask(door: str, server: Pair, *, client: Pair | None = None, password: str = "") -> int:
    """Send what is no delivery: who may deliver is answered 415, anybody else 401."""
    context = server.trusting()
    if client is not None:
        context.load_cert_chain(client.certificate, client.key)
    login = ("province-hn", password.strip()) if password else None
    with httpx.Client(verify=context, auth=login, timeout=LIMIT) as http:
        return http.post(f"{door}/v1/deliveries", json={}).status_code
