"""Files a second from raw-file to flagged rows in ClickHouse, with the real broker, engine and roles.

The roles are started and take one file of every station, so that all have met all; then they are suspended
while the backlog is written, and the clock runs from the moment they go on until every row is there. The CPU
seconds are those of that time. The bare pipeline does the least that could be called the same work.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import stages
from bare import TABLE
from country import LINES, raw_files, stations
from machine import Machine, machine, process

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.records import Record
from quantrac.local.ports import free_port
from quantrac.local.waiting import wait_until
from quantrac.migrate import migrate_tables, missing_topics
from schemas.registry import record_key

STATIONS = 2_000
LONGEST_RUN_S = 300.0
REST_S = 2.0  # commits and merges of the first files
POLL_S = 0.2  # each look costs the database 6 ms
ROLES = {
    "parse": ["-m", "services.receiver", "parse"],
    "validate": ["-m", "services.validator", "validate"],
    "sink": ["-m", "services.aggregator", "sink"],
}
WINDOWS = {"windows": ["-m", "services.aggregator", "windows"]}
BARE = {role: [str(Path(__file__).with_name("bare.py")), role] for role in ("parse", "check", "store")}

STORED = "SELECT (SELECT count() FROM readings), (SELECT count() FROM files), (SELECT count() FROM raw_files)"
# Each reading once, with a flag and with what says why.
FLAGGED = """
SELECT count(), uniqExact(station, parameter, measured_at),
       countIf(flag IN (1, 2, 3, 4, 9) AND tests LIKE '{%' AND rules != '') FROM readings
"""


@dataclass(frozen=True)
class Outcome:
    """One run: how long, and the CPU seconds of each process meanwhile."""

    files: int
    seconds: float
    cpu: Mapping[str, float]

    @property
    def rate(self) -> float:
        """Files a second."""
        return self.files / self.seconds

    def print(self, title: str) -> None:
        """Print the rate, and where the time went."""
        print(f"\n{title}: {self.files:,} files of {LINES} lines in {self.seconds:.2f} s")
        print(f"  {self.rate:,.0f} files/s = {self.rate * LINES:,.0f} readings/s")
        for name, seconds in [*self.cpu.items(), ("together", sum(self.cpu.values()))]:
            print(f"  {name:12} {seconds:6.2f} CPU s {1e6 * seconds / self.files:7.1f} µs/file")


def real(machine: Machine, name: str, files: int, roles: Mapping[str, list[str]]) -> Outcome:
    """Run the backlog through the roles; checks that every reading is there once and flagged."""
    database = prepare(machine, name)
    records = [
        Record(f"{name}.station-registry", record_key(station), station.model_dump_json().encode())
        for station in stations(STATIONS)
    ]
    machine.write(records)
    outcome = run(machine, name, files, roles, lambda n: database.query(STORED).rows[0] == (n * LINES, n, n))
    rows = (STATIONS + files) * LINES
    assert database.query(FLAGGED).rows[0] == (rows, rows, rows)
    return outcome


def print_bytes(machine: Machine, name: str, files: int) -> None:
    """Print what a file takes in each topic on the broker's disk; batches of a backlog compress well."""
    print("\nBytes a file on the broker's disk, a backlog in large batches")
    for topic in ("raw-file", "parsed-reading", "qa-flagged"):
        logs = (machine.folder / "kafka").rglob(f"{name}.{topic}-*/*.log")
        print(f"  {topic:16} {sum(log.stat().st_size for log in logs) / (STATIONS + files):7.0f}")


def bare(machine: Machine, name: str, files: int) -> Outcome:
    """Run the backlog through the bare pipeline."""
    database = prepare(machine, name)
    database.command(TABLE)
    count = "SELECT count() FROM bare"
    return run(machine, name, files, BARE, lambda n: database.query(count).rows[0][0] == n * LINES)


def prepare(machine: Machine, name: str) -> ClickHouse:
    """Make the topics and tables of one run."""
    admin = KafkaAdmin(machine.kafka)
    admin.create(missing_topics(admin, prefix=f"{name}.", size="local", replication=1))
    settings = machine.clickhouse.model_copy(update={"database": name})
    migrate_tables(settings)
    return ClickHouse(settings)


def run(
    machine: Machine, name: str, files: int, roles: Mapping[str, list[str]], complete: Callable[[int], bool]
) -> Outcome:
    """Run one file a station, then the backlog; ``complete(files)`` tells when so many are stored."""
    records = list(raw_files(f"{name}.raw-file", STATIONS + files, stations(STATIONS)))
    with ExitStack() as stack:
        started: dict[str, psutil.Popen] = {}
        for role, arguments in roles.items():
            port = free_port()
            environment = machine.environment(name) | {"QUANTRAC_HEALTH_PORT": str(port)}
            log = machine.folder / f"{name}-{role}.log"
            started[role] = stack.enter_context(process(arguments, environment, log))
            assert wait_until(lambda port=port: ready(port), 60), log.read_text()
        machine.write(records[:STATIONS])
        await_rows(started, lambda: complete(STATIONS))
        time.sleep(REST_S)
        for each in started.values():
            each.suspend()
        machine.write(records[STATIONS:])
        before = cpu(started | machine.engines)
        start = time.perf_counter()
        for each in started.values():
            each.resume()
        await_rows(started, lambda: complete(STATIONS + files))
        seconds = time.perf_counter() - start
        after = cpu(started | machine.engines)
    return Outcome(files, seconds, {each: after[each] - before[each] for each in after})


def await_rows(roles: Mapping[str, psutil.Popen], complete: Callable[[], bool]) -> None:
    """Wait until all is stored, or a role has died."""

    def over() -> bool:
        return complete() or any(role.poll() is not None for role in roles.values())

    assert wait_until(over, LONGEST_RUN_S, POLL_S), "not every row came"


def ready(port: int) -> bool:
    """Tell whether a role's health endpoint says that it can work."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def cpu(processes: Mapping[str, psutil.Process]) -> dict[str, float]:
    """Return the CPU seconds of each process so far."""
    times = {name: process.cpu_times() for name, process in processes.items()}
    return {name: found.user + found.system for name, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    files: int = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as running:
        pipeline = real(running, "pipeline", files, ROLES)
        pipeline.print("raw-file to flagged rows")
        print_bytes(running, "pipeline", files)
        windows = real(running, "windows", files, ROLES | WINDOWS)
        windows.print("The same with averages computed meanwhile")
        least = bare(running, "bare", files)
        least.print("Bare pipeline")
    shares = pipeline.rate / least.rate, windows.rate / least.rate
    print("\nThe pipeline has {:.2f} of the bare pipeline's rate, with averages {:.2f}.".format(*shares))
    stages.report(min(files, 10_000))


if __name__ == "__main__":
    main()
