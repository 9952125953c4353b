"""How long after the province's 226 a reading is in the ministry's API, at a country's pace of files.

    python benchmarks/to_the_ministry.py [--stations 2000] [--minutes 3]

The demo's two tiers by `quantrac up`, and beside the demo's own stations so many more in the province's
registry, which asks the ministry to take them. Each has sent one file, so that all roles have met all. Then
files of 15 readings come by FTP, a login each, spread evenly over the stations' five minutes. A file's time
runs from the answer 226 until the API answers all its readings. The APIs of both tiers are asked about some
of the files every half second, so a time is up to so much too long. Takes some minutes beside the run; Linux.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import psutil
from country import INTERVAL, LINES, PARAMETERS, message
from curve import Country
from loggers import LONGEST_SESSION_S, PASSWORD, File, send_by_ftp
from pipeline import cpu
from stack import is_ready, processes, quantrac, start

from quantrac.domain.times import to_iso
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.passwords import hash_password
from quantrac.io.records import Record
from quantrac.local.datadir import DataDir
from quantrac.local.preparation import demo_api_key
from quantrac.local.stack import Stack
from quantrac.local.status import StackStatus
from quantrac.local.waiting import wait_until
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry import record_key

PACE_OF_COUNTRY = 2_000 / INTERVAL.total_seconds()
"""Files a second of 2,000 stations."""
TARGET_S = 10.0
SAMPLE_EVERY_S, POLL_S = 1.5, 0.5
LONGEST_S, LONGEST_ARRIVAL_S, CATCH_UP_S = 600.0, 120.0, 120.0
PARALLEL = 20
"""First files that are sent at the same time."""

APPROVED = (
    "SELECT count() FROM registry_requests FINAL WHERE state = 'approved' AND startsWith(station, 'QT_')"
)
MET = "SELECT uniqExact(station) FROM latest_readings WHERE startsWith(station, 'QT_')"


@dataclass
class Fleet:
    """The stations' loggers, and how long their files took."""

    stations: list[Station]
    ftp: int
    """Port of the province's FTP door."""
    apis: dict[str, httpx.AsyncClient]
    """By tier."""
    waits: dict[str, list[float]] = field(default_factory=dict)
    """Tier → seconds from the 226 to the API's answer, of the files that it was asked about."""
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    async def send_first(self) -> None:
        """Let every station send the file of the interval before, some at the same time."""
        at, room = interval_start() - INTERVAL, asyncio.Semaphore(PARALLEL)

        async def send(station: Station) -> None:
            async with room:
                await self._send(station, at)

        async with asyncio.TaskGroup() as group:
            for station in self.stations:
                group.create_task(send(station))

    async def send_at_pace(self, seconds: float) -> int:
        """Send as many files a second as the stations do; returns how many, once those asked about came."""
        rate = len(self.stations) / INTERVAL.total_seconds()
        count, every = round(rate * seconds), max(1, round(rate * SAMPLE_EVERY_S))
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(begun + number / rate - time.monotonic())
                station = self.stations[number % len(self.stations)]
                group.create_task(self._follow(station, is_sample=number % every == 0))
        return count

    async def _follow(self, station: Station, *, is_sample: bool) -> None:
        at = interval_start()
        answered = await self._send(station, at)
        if is_sample:
            await asyncio.gather(*(self._watch(tier, station, at, answered) for tier in self.apis))

    async def _send(self, station: Station, at: datetime) -> float:
        """Send a station's file of an interval; returns the moment of the 226 (monotonic, s)."""
        values = [abs(usual + spread * self._random.standard_normal()) for *_, usual, spread in PARAMETERS]
        record = message("", station.code, at, at, values)
        file = File(station.code.lower(), record.headers["name"].decode(), record.value or b"")
        async with asyncio.timeout(LONGEST_SESSION_S):
            return (await send_by_ftp(self.ftp, file)).answered

    async def _watch(self, tier: str, station: Station, at: datetime, answered: float) -> None:
        """Ask a tier's API until it answers all readings of a file."""
        async with asyncio.timeout(LONGEST_ARRIVAL_S):
            while await self._count_latest(tier, station, at) < LINES:
                await asyncio.sleep(POLL_S)
        self.waits.setdefault(tier, []).append(time.monotonic() - answered)

    async def _count_latest(self, tier: str, station: Station, at: datetime) -> int:
        answer = await self.apis[tier].get(f"/v1/stations/{station.code}/latest")
        items = answer.json()["items"] if answer.is_success else []
        return sum(item["measured_at"] == to_iso(at) for item in items)


def interval_start() -> datetime:
    """Return the present interval's start, UTC: the stamp of the files that are due."""
    seconds = INTERVAL.total_seconds()
    return datetime.fromtimestamp(time.time() // seconds * seconds, UTC)


def register(stack: Stack, stations: list[Station]) -> None:
    """Add stations, and an account for each, to the province's registry."""
    secret = hash_password(PASSWORD)
    accounts = [Account(name=s.code.lower(), password_hash=secret, stations=(s.code,)) for s in stations]
    topic = f"{stack.tiers[0].prefix}station-registry"
    entries: list[Station | Account] = [*stations, *accounts]
    producer = KafkaProducer(stack.broker.connection)
    producer.produce([Record(topic, record_key(e), e.model_dump_json().encode()) for e in entries])
    producer.flush()


async def run(data: DataDir, count: int, minutes: float) -> None:
    """Register the stations, let them send, and print how long it took."""
    stack = Stack.read(data)
    databases = {tier.name: ClickHouse(stack.clickhouse(tier)) for tier in stack.tiers}
    headers, urls = {"X-Api-Key": demo_api_key(data)}, stack.urls()
    apis = {
        tier: httpx.AsyncClient(base_url=urls[tier]["api"], headers=headers, timeout=30) for tier in databases
    }
    fleet = Fleet(Country(count).stations, stack.ports["province.ftp"], apis)

    def number(tier: str, question: str) -> int:
        return int(databases[tier].query(question).rows[0][0])

    begun = time.monotonic()
    register(stack, fleet.stations)
    await_true(lambda: number("province", APPROVED) == count, "approvals")
    print(f"{count:,} stations approved by the ministry after {time.monotonic() - begun:.0f} s")
    begun = time.monotonic()
    await fleet.send_first()
    sent = time.monotonic() - begun
    await_true(lambda: number("ministry", MET) == count, "the first file of every station")
    print(f"first files sent in {sent:.0f} s, all at the ministry after {time.monotonic() - begun:.0f} s")
    status = StackStatus(stack)
    wait_until(lambda: not any(status.lag().values()), CATCH_UP_S, 1)
    left = {group: lag for group, lag in status.lag().items() if lag}
    print(f"unfinished before the run: {left or 'nothing'}")

    running = processes(data)
    before, begun = cpu(running), time.monotonic()
    busy_before, load = busy_seconds(), os.getloadavg()[0]
    files = await fleet.send_at_pace(60 * minutes)
    seconds = time.monotonic() - begun
    spent = {name: after - before[name] for name, after in cpu(running).items()}
    busy = busy_seconds() - busy_before
    print_waits(fleet, files, files / (60 * minutes))
    print(
        f"processors in use: {sum(spent.values()) / seconds:.2f} of {os.cpu_count()} by the stack,"
        f" {busy / seconds:.2f} by all on the machine; load {load:.1f} before, {os.getloadavg()[0]:.1f} after"
    )
    for name, used in sorted(spent.items(), key=lambda item: -item[1])[:10]:
        print(f"  {name:30} {1e3 * used / files:6.1f} ms CPU a file")
    for api in apis.values():
        await api.aclose()


def print_waits(fleet: Fleet, files: int, rate: float) -> None:
    """Print each tier's times, and whether the ministry's meet the target."""
    share = rate / PACE_OF_COUNTRY
    print(f"\n{files:,} files of {LINES} readings, {rate:.2f} files/s: {share:.2f} of 2,000 stations' pace")
    print(f"{'seconds from the 226 to the API of':36} {'p50':>6} {'p95':>6} {'max':>6}")
    for tier in fleet.apis:
        waits = fleet.waits[tier]
        p50, p95, longest = np.percentile(waits, [50, 95, 100])
        print(f"  the {tier:30} {p50:6.2f} {p95:6.2f} {longest:6.2f}  of {len(waits)} files")
    met = np.percentile(fleet.waits["ministry"], 95) <= TARGET_S
    print(f"{'met' if met else 'MISSED'}: p95 ≤ {TARGET_S:.0f} s at the ministry")


def busy_seconds() -> float:
    """Return the seconds that the machine's processors have worked so far, whatever for."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


def await_true(holds: Callable[[], bool], description: str) -> None:
    """Wait until a condition holds, or give up."""
    if not wait_until(holds, LONGEST_S, 0.5):
        sys.exit(f"{description}: not within {LONGEST_S:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=2_000)
    parser.add_argument("--minutes", type=float, default=3.0)
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory(prefix="quantrac-bench-") as folder:
        data = DataDir(Path(folder))
        try:
            start(data)
            await_true(lambda: is_ready(data), "the start")
            asyncio.run(run(data, options.stations, options.minutes))
        finally:
            quantrac("down", data)


if __name__ == "__main__":
    main()
