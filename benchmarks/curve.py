"""The cost curve: registries of 2,000, 20,000 and 100,000 stations, with files at their pace.

Every station sends a file of 15 lines every five minutes. Each size has a broker and an engine of its own,
and one process of every role. The roles are started with the registry in its topic and take one file of every
station, so that all have met all; then files come at their pace for some minutes, or at the most that
``--files-per-second`` allows: the figures are per file, so they hold for the whole pace. At the end the roles
are started again over what they have stored, beside the files of the first stations.

Memory is PSS (pages that several processes share are counted once), in MB. Linux only.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import psutil
from country import INTERVAL, LINES, PARAMETERS, message, stations
from machine import Machine, machine, process
from pipeline import STORED, cpu, prepare, ready

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.records import Record
from quantrac.local.ports import free_port
from quantrac.local.waiting import wait_until
from schemas.keys import new_key
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry import record_key

SIZES = (2_000, 20_000, 100_000)
ROLES = {
    "parse": ["-m", "services.receiver", "parse"],
    "validate": ["-m", "services.validator", "validate"],
    "rejudge": ["-m", "services.validator", "rejudge"],
    "sink": ["-m", "services.aggregator", "sink"],
    "windows": ["-m", "services.aggregator", "windows"],
    "watch": ["-m", "services.aggregator", "watch"],
    "api": ["-m", "services.api"],
}
GROUPS = {
    "parse": ("receiver.parse", "raw-file"),
    "validate": ("validator.validate", "parsed-reading"),
    "rejudge": ("validator.rejudge", "rejudge"),
    "sink": ("aggregator.sink", "qa-flagged"),
    "windows": ("aggregator.windows", "window-dirty"),
    "watch": ("aggregator.watch", "qa-flagged"),
}
NAME = "curve"
WIDTHS = (8, 7, 8, 17, 7, 11)
FILES_AN_HOUR = 12_000  # of 1,000 stations
WRITTEN_TOGETHER = 2_000
STEP_S = 0.25
CATCH_UP_S = 120.0
REJUDGE_S = 180.0
ANSWERS = 500
LONGEST_S = 1_800.0
PASSWORD_HASH = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b27VA"
ON_DISK = "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = currentDatabase()"


class Country:
    """Stations all over the country, and the files that they send, each the next of its station."""

    def __init__(self, count: int) -> None:
        random = np.random.default_rng(1)
        places = random.uniform((8.6, 102.2), (23.3, 109.4), (count, 2)).round(4).tolist()
        self.stations = [
            station.model_copy(update={"latitude": latitude, "longitude": longitude})
            for station, (latitude, longitude) in zip(stations(count), places, strict=True)
        ]
        self._random = random
        self._usual = np.array([value for *_, value, _ in PARAMETERS])
        self._spread = np.array([spread for *_, spread in PARAMETERS])
        now = datetime.now(UTC).replace(second=0, microsecond=0)
        self._start = now - timedelta(minutes=now.minute % 5) - 2 * INTERVAL
        self._sent = 0

    def registry(self) -> Iterator[Station | Account]:
        """Yield every station, and the account that sends for it."""
        for station in self.stations:
            yield station
            yield Account(name=station.code.lower(), password_hash=PASSWORD_HASH, stations=(station.code,))

    def files(self, count: int) -> list[Record]:
        """Return the next files, station by station, interval by interval."""
        values = np.abs(self._usual + self._spread * self._random.standard_normal((count, LINES))).tolist()
        records = []
        for row in values:
            interval, index = divmod(self._sent, len(self.stations))
            at = self._start + interval * INTERVAL
            received_at = max(at, datetime.now(UTC) - timedelta(seconds=1))
            received_at = received_at.replace(microsecond=received_at.microsecond // 1000 * 1000)
            code = self.stations[index].code
            records.append(message(f"{NAME}.raw-file", code, at, received_at, row))
            self._sent += 1
        return records


@dataclass
class Roles:
    """The processes of the roles, the ports of their health, and how they started."""

    processes: dict[str, psutil.Popen]
    ports: dict[str, int]
    starts: dict[str, tuple[float, float]]
    """Seconds from the start of the process until it was ready, and its CPU seconds until then."""

    def are_dead(self) -> bool:
        """Tell whether a process has ended."""
        return any(process.poll() is not None for process in self.processes.values())


def run(machine: Machine, count: int, minutes: float, most: float) -> None:
    """Measure one size and print it."""
    database, country = prepare(machine, NAME), Country(count)
    token, key = new_key("benchmark")
    admin = KafkaAdmin(machine.kafka)
    machine.write(
        [
            Record(f"{NAME}.station-registry", record_key(entry), entry.model_dump_json().encode())
            for entry in (key, *country.registry())
        ]
    )
    rate = min(count / INTERVAL.total_seconds(), most)
    with roles(machine, one_by_one=True) as running:
        sent = write(machine, country, count)
        wait_stored(running, database, sent)
        everything = running.processes | machine.engines
        left = catch_up(running, admin)
        print_size(count, rate)
        print(f"  after the first file of every station: unfinished: {left}")
        print_rejudge(running, admin, machine.engines["clickhouse"])
        # Its requests come once an hour and are priced apart; what waits must not burden the files.
        running.processes["rejudge"].suspend()
        before, since = cpu(everything), time.monotonic()
        sent += write_at_pace(machine, country, rate, minutes * 60)
        behind = sent - files_stored(database)
        finished = time.monotonic()
        wait_stored(running, database, sent)
        late, left = time.monotonic() - finished, catch_up(running, admin)
        spent = {name: after - before[name] for name, after in cpu(everything).items()}
        memory = {name: found.memory_full_info().pss / 1e6 for name, found in everything.items()}
        print(f"  over {time.monotonic() - since:.0f} s:")
        print_table(count, sent - count, running.starts, spent, memory)
        print(f"  behind at the end: {behind:,} files, all stored {late:.1f} s later; unfinished: {left}")
        print_answers(running, token)
        print_disk(machine, database, sent, count)
        asked = messages(admin, "rejudge")
        running.processes["rejudge"].resume()
    begin = time.monotonic()
    with roles(machine, one_by_one=False) as running:
        sent += write(machine, country, min(count, 1_000))
        wait_stored(running, database, sent)
        print(f"  second start, all roles at once: new files stored after {time.monotonic() - begin:.1f} s")
        catch_up(running, admin)
        seconds = ", ".join(f"{name} {used:.1f}" for name, used in cpu(running.processes).items())
        print(f"  CPU s of it: {seconds}")
        later = messages(admin, "rejudge") - asked
        print(f"  requests to judge again: {asked:,} before, {later:,} after it")


@contextmanager
def roles(machine: Machine, *, one_by_one: bool) -> Iterator[Roles]:
    """Run every role, and return once all are ready; one by one, each has the machine to itself meanwhile."""
    running = Roles({}, {}, {})
    begins: dict[str, float] = {}
    with ExitStack() as stack:
        for name, arguments in ROLES.items():
            running.ports[name] = port = free_port()
            variable = "QUANTRAC_API_PORT" if name == "api" else "QUANTRAC_HEALTH_PORT"
            environment = machine.environment(NAME) | {variable: str(port)}
            begins[name] = time.monotonic()
            log = machine.folder / f"{name}.log"
            running.processes[name] = stack.enter_context(process(arguments, environment, log))
            if one_by_one:
                await_ready(running, name, log, begins[name])
        for name in running.processes.keys() - running.starts.keys():
            await_ready(running, name, machine.folder / f"{name}.log", begins[name])
        yield running


def await_ready(running: Roles, name: str, log: Path, begin: float) -> None:
    """Wait until a role can work, and note how long that took."""
    started = running.processes[name]
    assert wait_until(lambda: ready(running.ports[name]) or started.poll() is not None, LONGEST_S, 0.2)
    assert started.poll() is None, log.read_text()
    running.starts[name] = time.monotonic() - begin, cpu({name: started})[name]


def write(machine: Machine, country: Country, count: int) -> int:
    """Write as many files at once; returns how many."""
    for first in range(0, count, WRITTEN_TOGETHER):
        machine.write(country.files(min(WRITTEN_TOGETHER, count - first)))
    return count


def write_at_pace(machine: Machine, country: Country, rate: float, seconds: float) -> int:
    """Write ``rate`` files a second; returns how many they were."""
    begin, sent = time.monotonic(), 0
    while (elapsed := time.monotonic() - begin) < seconds:
        due = round(rate * elapsed) - sent
        if due > 0:
            sent += write(machine, country, due)
        time.sleep(STEP_S)
    return sent


def files_stored(database: ClickHouse) -> int:
    """Return how many files are stored whole: readings, summary and bytes."""
    readings, files, contents = database.query(STORED).rows[0]
    return int(min(readings // LINES, files, contents))


def wait_stored(running: Roles, database: ClickHouse, count: int) -> None:
    """Wait until so many files are stored, or a role has died."""

    def is_over() -> bool:
        return files_stored(database) >= count or any(
            p.poll() is not None for p in running.processes.values()
        )

    assert wait_until(is_over, LONGEST_S, 0.5), f"{files_stored(database):,} of {count:,} files came"


def catch_up(running: Roles, admin: KafkaAdmin) -> str:
    """Wait, but not for long, until no role has anything left to do; says what is left."""
    left: dict[str, int] = {}

    def is_idle() -> bool:
        left.clear()
        left.update({name: lag for name, lag in lags(admin).items() if lag})
        return not left.keys() - {"rejudge"} or running.are_dead()

    wait_until(is_idle, CATCH_UP_S, 1.0)
    return ", ".join(f"{name} {lag:,} messages" for name, lag in left.items()) or "nothing"


def lags(admin: KafkaAdmin) -> dict[str, int]:
    """Return how many messages wait for each role."""
    lags = {name: admin.lag(f"{NAME}.{group}", f"{NAME}.{topic}") for name, (group, topic) in GROUPS.items()}
    return {name: lag or 0 for name, lag in lags.items()}


def messages(admin: KafkaAdmin, topic: str) -> int:
    """Return how many messages a topic has had."""
    return sum(admin.end_offsets([f"{NAME}.{topic}"]).values())


def print_size(count: int, rate: float) -> None:
    """Print what is run."""
    share = rate * INTERVAL.total_seconds() / count
    print(f"\n{count:,} stations: {rate:.1f} files/s, {share:.0%} of their pace")


def print_rejudge(running: Roles, admin: KafkaAdmin, engine: psutil.Process) -> None:
    """Print what the first files of all stations ask of the role rejudge, and what an answer costs."""
    asked, sampled = messages(admin, "rejudge"), {"rejudge": running.processes["rejudge"], "engine": engine}
    answered, before = asked - lags(admin)["rejudge"], cpu(sampled)

    def is_over() -> bool:
        return messages(admin, "rejudge") - lags(admin)["rejudge"] >= min(asked, answered + ANSWERS)

    wait_until(is_over, REJUDGE_S, 1.0)
    more = messages(admin, "rejudge")
    count, after = more - lags(admin)["rejudge"] - answered, cpu(sampled)
    print(f"  rejudge: {asked:,} requests, {more:,} with those that its answers made; {count:,} answered")
    if count:
        spent = ", ".join(f"{1e3 * (after[name] - before[name]) / count:.1f} ms {name}" for name in after)
        print(f"  CPU of each answer: {spent}")


def print_table(
    count: int,
    files: int,
    starts: Mapping[str, tuple[float, float]],
    spent: Mapping[str, float],
    memory: Mapping[str, float],
) -> None:
    """Print a line for each process: its start, its CPU for each file, its memory."""
    head = ("ready s", "CPU s", "µs/file", "CPU s/1,000 st·h", "MB", "kB/station")
    print(f"  {'':12} " + " ".join(f"{title:>{width}}" for title, width in zip(head, WIDTHS, strict=True)))
    spent = {**spent, "together": sum(spent.values())}
    memory = {**memory, "together": sum(memory.values())}
    for name, seconds in spent.items():
        start = [f"{number:.1f}" for number in starts.get(name, ())] or ["", ""]
        cost = [f"{1e6 * seconds / files:.0f}", f"{FILES_AN_HOUR * seconds / files:.1f}"]
        size = [f"{memory[name]:.0f}", f"{1e3 * memory[name] / count:.1f}"]
        cells = zip([*start, *cost, *size], WIDTHS, strict=True)
        print(f"  {name:12} " + " ".join(f"{cell:>{width}}" for cell, width in cells))


def print_answers(running: Roles, token: str) -> None:
    """Print what pages of the API cost."""
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{running.ports['api']}/v1", headers={"X-Api-Key": token}, timeout=60
    )
    api = {"api": running.processes["api"]}
    for path in ("/stations?limit=1000", "/latest"):
        seconds, used = [], []
        for _ in range(5):
            before, begin = cpu(api)["api"], time.monotonic()
            client.get(path).raise_for_status()
            seconds.append(time.monotonic() - begin)
            used.append(cpu(api)["api"] - before)
        print(f"  GET {path:22} {1e3 * min(seconds):6.0f} ms, {1e3 * min(used):4.0f} ms CPU of the API")
    client.close()


def print_disk(machine: Machine, database: ClickHouse, files: int, count: int) -> None:
    """Print what a file takes on disk, and what that is a day."""
    blocks = (path.stat().st_blocks for path in (machine.folder / "kafka").rglob("*.log"))
    for name, size in (
        ("ClickHouse", float(database.query(ON_DISK).rows[0][0])),
        ("Kafka", 512.0 * sum(blocks)),
    ):
        day = size / files * 288 * count / 1e9
        print(f"  on disk in {name:12} {size / files:6.0f} bytes a file: {day:6.2f} GB a day")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="stations, separated by commas")
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--files-per-second", type=float, default=100.0, help="most that are written")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}")
    for count in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as running:
            run(running, count, options.minutes, options.files_per_second)


if __name__ == "__main__":
    main()
