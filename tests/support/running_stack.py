"""What a test does with the whole stack: type commands, send files, ask both tiers."""

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.passwords import hash_password
from quantrac.local.datadir import DataDir
from quantrac.local.demo import account_name
from quantrac.local.preparation import demo_api_key
from quantrac.local.simulator import FtpSender
from quantrac.local.simulator.ftp_sender import parse_address
from quantrac.local.stack import Stack
from quantrac.local.status import StackStatus
from support.waiting import LIMIT

PASSWORD = "only-in-this-test"


class RunningStack:
    """What a test does with the stack: type commands, send files, ask both tiers."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._status: StackStatus | None = None

    def quantrac(
        self, *arguments: str, check: bool = True, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run one command in the stack's folder."""
        result = subprocess.run(
            [sys.executable, "-m", "quantrac.cli", *arguments, "--data", str(self.data)],
            capture_output=True,
            text=True,
            timeout=2 * LIMIT,  # `status --wait` has a limit of its own
            check=False,
            **options,
        )
        assert not check or result.returncode == 0, f"{arguments}: {result.stdout}{result.stderr}"
        return result

    def init(self, *options: str) -> None:
        """Make its folder with a configuration."""
        command = [sys.executable, "-m", "quantrac.cli", "init", str(self.data), *options]
        subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)

    def up(self, *options: str, demo: bool = True) -> None:
        """Start it and wait until all is ready."""
        self._status = None
        self.quantrac("up", "--detach", *(["--demo"] if demo else []), *options)
        self.quantrac("status", "--wait", "--timeout", str(LIMIT))

    def status(self) -> dict[str, Any]:
        """Return what ``quantrac status --json`` prints, without a command's half second of CPU."""
        self._status = self._status or StackStatus(self.stack)
        return self._status.read()

    @property
    def stack(self) -> Stack:
        return Stack.read(DataDir(self.data))

    def database(self, tier: str) -> ClickHouse:
        return ClickHouse(self.stack.clickhouse(next(t for t in self.stack.tiers if t.name == tier)))

    def api(self, tier: str = "province", key: str | None = None) -> httpx.Client:
        key = key or demo_api_key(DataDir(self.data))
        return httpx.Client(
            base_url=self.stack.urls()[tier]["api"], headers={"X-Api-Key": key}, timeout=LIMIT
        )

    def register(
        self,
        folder: Path,
        stations: Iterable[Mapping[str, Any]],
        tiers: Iterable[str] = ("province", "ministry"),
    ) -> None:
        """Add stations, each with an account of its own, while the tiers run."""
        stations = list(stations)
        accounts = [
            {
                "name": account_name(station["code"]),
                "password_hash": hash_password(PASSWORD),
                "stations": [station["code"]],
            }
            for station in stations
        ]
        registry = {"stations": stations, "accounts": accounts}
        (folder / "registry.yaml").write_text(json.dumps(registry), encoding="utf-8")  # YAML holds JSON
        for tier in tiers:
            # Real series of other countries are replayed too.
            self.quantrac("registry", "import", str(folder), "--tier", tier, "--territory", "any")

    def sender(self, code: str) -> FtpSender:
        address = parse_address(self.stack.urls()["province"]["ftp"].removeprefix("ftp://"))
        return FtpSender(*address, account_name(code), PASSWORD)
