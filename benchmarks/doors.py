"""What the receiver's doors take: 2,000 loggers at once by FTP and by SFTP, beside two plain FTP servers.

A real broker, the real intake process, a registry of stations with an account each, all on this machine.
What is timed is what the loggers see; every file must then stand in raw-file, once. The ratios compare
unpaced runs of 20 parallel connections, the median of three taken in turns.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import ftp_servers
import psutil
from country import LINES, stations
from loggers import LONGEST_RUN_S, PASSWORD, files_of
from machine import process

from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.passwords import hash_password
from quantrac.io.records import Record
from quantrac.io.settings import kafka_environment
from quantrac.local.broker import running_broker
from quantrac.local.ports import choose_ports, is_listening
from quantrac.local.waiting import wait_until
from quantrac.migrate import missing_topics
from schemas.messages.registry.accounts import Account
from schemas.messages.registry.stations import Station
from schemas.registry import record_key

LOGGERS = Path(__file__).with_name("loggers.py")
FTP_WITHIN_S, SFTP_WITHIN_S, ANSWER_WITHIN_S = 5.0, 20.0, 5.0
PARALLEL, TURNS = 20, 3  # with 100, vsftpd left some loggers without an answer here
TARGET_RATIO = 1.5
ARRIVAL_S = 60.0
"""How long files may take from the answer to raw-file."""


@dataclass
class Doors:
    """The intake at work, and what has come of it."""

    count: int
    intake: psutil.Process
    consumer: KafkaConsumer
    ftp: int
    sftp: int
    arrived: dict[str, int] = field(default_factory=dict)
    """File id → how often it stands in raw-file."""
    round: int = 0

    def send(self, title: str, kind: str, *options: str) -> dict[str, Any]:
        """Let every logger send a new file; prints and returns what they saw."""
        round_, self.round = self.round, self.round + 1
        before = _cpu(self.intake)
        seen = loggers(kind, self.sftp if kind == "sftp" else self.ftp, round_, self.count, *options)
        lost = self._missing(round_)
        spent = _cpu(self.intake) - before
        assert not lost and seen["answered"] == self.count, (title, lost, seen)
        _row(title, seen, spent)
        return seen

    def _missing(self, round_: int) -> int:
        """Return how many files of a round do not stand in raw-file, once."""
        wanted = [record.headers["file_id"].decode() for record in files_of(round_, self.count)]
        until = time.monotonic() + ARRIVAL_S
        while any(file not in self.arrived for file in wanted) and time.monotonic() < until:
            for record in self.consumer.consume(1_000, 0.1):
                file = record.headers["file_id"].decode()
                self.arrived[file] = self.arrived.get(file, 0) + 1
        return sum(self.arrived.get(file) != 1 for file in wanted)


def loggers(kind: str, port: int, round_: int, count: int, *options: str) -> dict[str, Any]:
    """Run the loggers in a process of their own."""
    command = [sys.executable, str(LOGGERS), kind, str(port), str(round_), "--count", str(count), *options]
    result = subprocess.run(command, stdout=subprocess.PIPE, timeout=LONGEST_RUN_S + 60, check=True)
    seen: dict[str, Any] = json.loads(result.stdout)
    return seen


@contextmanager
def doors(folder: Path, count: int) -> Iterator[Doors]:
    """Run a broker and an intake that knows every station."""
    (folder / "kafka").mkdir()
    with ExitStack() as stack:
        kafka = stack.enter_context(running_broker(folder / "kafka"))
        admin = KafkaAdmin(kafka)
        admin.create(missing_topics(admin, prefix="", size="local", replication=1))
        _register(kafka, count)
        ports = choose_ports({"ftp": 0, "sftp": 0, "http": 0})
        settings = {
            "SPOOL": str(folder / "spool"),
            "SFTP_ENABLED": "true",
            "LATE_AFTER_HOURS": "1000000",  # the files' times are made up
            "LOG_LEVEL": "WARNING",
            **{f"{name.upper()}_PORT": str(port) for name, port in ports.items()},
        }
        environment = {f"QUANTRAC_{name}": value for name, value in settings.items()}
        environment |= kafka_environment(kafka)
        log = folder / "intake.log"
        intake = stack.enter_context(process(["-m", "services.receiver", "intake"], environment, log))
        assert wait_until(lambda: is_listening(ports["http"]), 60), log.read_text()
        consumer = KafkaConsumer(kafka, group="doors", instance="0", topics=["raw-file"])
        stack.callback(consumer.close)
        yield Doors(count, intake, consumer, ports["ftp"], ports["sftp"])


def _register(kafka: KafkaConnection, count: int) -> None:
    # One password for all: hashing takes as long as checking, and what is measured is the checking.
    secret = hash_password(PASSWORD)
    registered = stations(count)
    accounts = [
        Account(name=station.code.lower(), password_hash=secret, stations=(station.code,))
        for station in registered
    ]
    records: list[Station | Account] = [*registered, *accounts]
    producer = KafkaProducer(kafka)
    producer.produce(
        [Record("station-registry", record_key(one), one.model_dump_json().encode()) for one in records]
    )
    producer.flush()


def paced(running: Doors) -> None:
    """Let the country send, as it does every five minutes."""
    print(f"{running.count:,} loggers, an account each, one file of {LINES} lines; all in raw-file, once")
    print(f"  {'':37} {'answered':>8} {'all after':>9} {'slowest':>8}  CPU: intake  loggers")
    within = ("--within", str(FTP_WITHIN_S))
    running.send("FTP, within 5 s, first logins ever", "ftp", *within)
    runs = {"FTP": (running.send("FTP, within 5 s", "ftp", *within), FTP_WITHIN_S)}
    runs["SFTP"] = (running.send("SFTP, within 20 s", "sftp", "--within", str(SFTP_WITHIN_S)), SFTP_WITHIN_S)
    for door, (seen, window) in runs.items():
        late = max(seen["slowest_s"], seen["seconds"] - window)
        print(f"  {door}: {_verdict(late <= ANSWER_WITHIN_S)} every answer within {ANSWER_WITHIN_S:.0f} s")


def beside(running: Doors, folder: Path) -> None:
    """Compare with servers that only write files."""
    print(f"\nThe same files unpaced, {PARALLEL} connections at a time")
    unpaced = ("--parallel", str(PARALLEL))
    accounts = [station.code.lower() for station in stations(running.count)]
    seconds: dict[str, list[float]] = {"receiver": []}
    reasons = {name: ftp_servers.why_not(name) for name in ftp_servers.SERVERS}
    for turn in range(TURNS):
        seconds["receiver"].append(running.send("receiver", "ftp", *unpaced)["seconds"])
        for name in [name for name, reason in reasons.items() if not reason]:
            place = folder / f"{name}-{turn}"
            try:
                with ftp_servers.running(name, place, accounts) as port:
                    options = ftp_servers.SERVERS[name][2]
                    seen = loggers("ftp", port, turn, running.count, *unpaced, *options)
            except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
                reasons[name] = "it did not answer every logger in time"
                continue
            _row(name, seen)
            if not ftp_servers.stored(place) == seen["answered"] == running.count:
                reasons[name] = f"it took {ftp_servers.stored(place):,} of {running.count:,} files"
                continue
            seconds.setdefault(name, []).append(seen["seconds"])
    for name, reason in reasons.items():
        if reason:
            print(f"  {name}: not measured, {reason}")
        else:
            ratio = median(seconds["receiver"]) / median(seconds[name])
            print(f"  receiver ÷ {name} = {ratio:.2f} {_verdict(ratio <= TARGET_RATIO)} ≤ {TARGET_RATIO}")


def memory(running: Doors) -> None:
    """Show what open connections cost."""
    command = [sys.executable, str(LOGGERS), "idle", str(running.ftp), "0", "--count", str(running.count)]
    before = running.intake.memory_info().rss
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as idle:
        try:
            assert idle.stdout is not None
            opened = int(idle.stdout.readline())  # the loggers give up by themselves
            with_all = running.intake.memory_info().rss
        finally:
            idle.terminate()
    each = (with_all - before) / opened / 1024
    print(f"\nResident memory of the intake: {before >> 20} MiB, with {opened:,} open FTP connections")
    print(f"  {with_all >> 20} MiB = {each:.1f} KiB a connection")


def _row(title: str, seen: dict[str, Any], spent: float | None = None) -> None:
    cpu = f"{spent:9.2f} s" if spent is not None else f"{'':11}"
    print(
        f"  {title:37} {seen['answered']:8,} {seen['seconds']:7.2f} s {seen['slowest_s']:6.2f} s "
        f"{cpu} {seen['cpu_s']:6.2f} s",
        flush=True,
    )


def _verdict(met: bool) -> str:
    return "met:" if met else "MISSED:"


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loggers", type=int, default=2_000)
    count: int = parser.parse_args().loggers
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"{os.cpu_count()} cores, load before {load}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the other servers' users must get in
        with doors(folder, count) as running:
            paced(running)
            beside(running, folder)
            memory(running)


if __name__ == "__main__":
    main()
