"""How fast a province catches up with its ministry, and how long a fresh reading takes meanwhile.

    python benchmarks/deliveries.py [--sets 40000] [--far-sets 20000]

A real broker, the forwarder and the ministry's door as processes. The province's qa-flagged is filled while
the forwarder is suspended, with sets whose readings are months old; the clock runs from the moment it goes
on until the ministry's qa-flagged has all of them. Meanwhile a fresh set is written every half second: how
long until it is there? The same over a long way: 100 ms there and back, with the limit that 1 % loss gives
each TCP stream, by a relay that delays (`tc netem` needs a kernel module that not every machine has).
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
from country import LINES, PARAMETERS, message, raw_files, stations
from machine import process
from pipeline import cpu, ready
from slow_link import SlowLink, slow_link, stream_limit
from stages import through

from quantrac.domain.registry.registry import Registry
from quantrac.io.kafka.admin import KafkaAdmin, TopicSettings
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.consumer import KafkaConsumer
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.passwords import hash_password
from quantrac.io.records import Record
from quantrac.io.settings import kafka_environment
from quantrac.local.broker import running_broker
from quantrac.local.ports import free_port
from quantrac.local.waiting import wait_until
from schemas import rules
from schemas.messages.registry.accounts import Account
from schemas.registry import record_key
from services.receiver.parse.handler import ParseHandler
from services.validator.validate.handler import ValidateHandler

STATIONS, PARTITIONS = 2_000, 6
TOPICS = (
    *("qa-flagged", "late-range", "delivery-receipt", "qa-flagged.dlq", "station-registry", "alert"),
    *("registry-request", "unapproved-set"),
)
ROUND_TRIP_S, LOSS = 0.1, 0.01
FRESH_EVERY_S = 0.5
LONGEST_RUN_S = 600.0
ACCOUNT, PASSWORD = "province", "benchmark"


def flagged_sets(count: int, at: datetime | None = None) -> list[Record]:
    """Return the messages of so many files: months old, or one of each station measured at ``at``."""
    registered = stations(STATIONS)
    registry = Registry(stations={s.code: s.to_domain() for s in registered})
    if at is None:
        raw = list(raw_files("raw-file", count, registered))
    else:
        usual = [value for *_, value, _ in PARAMETERS]
        raw = [message("raw-file", station.code, at, at, usual) for station in registered[:count]]
    parsed, _ = through(ParseHandler(registry, "parsed-reading").handle, raw, 500)
    validator = ValidateHandler(registry, rules.RuleBook(rules.load()), topic="qa-flagged")
    return through(validator.handle, parsed, 500)[0]


@dataclass
class Run:
    """One catch-up."""

    sets: int
    seconds: float = 0.0
    cpu: Mapping[str, float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    """Seconds of each fresh set, from its message in the province to that at the ministry."""

    def print(self, title: str) -> None:
        rate = self.sets * LINES / self.seconds
        print(f"\n{title}: {self.sets:,} sets of {LINES} readings in {self.seconds:.1f} s")
        print(f"  {rate:,.0f} readings/s")
        for name, seconds in self.cpu.items():
            print(f"  {name:10} {seconds:6.2f} CPU s {1e6 * seconds / self.sets:7.1f} µs/set")
        p50, p95 = np.percentile(self.waits, [50, 95]) if self.waits else (float("nan"),) * 2
        print(f"  a fresh set meanwhile: median {p50:.2f} s, p95 {p95:.2f} s (of {len(self.waits)})")


class Fresh:
    """Writes a fresh set now and then, and notes when it has come to the ministry."""

    def __init__(self, kafka: KafkaConnection, run: str, sets: Sequence[Record]) -> None:
        self._kafka, self._run, self._sets = kafka, run, sets
        self._written: dict[tuple[bytes, bytes], float] = {}
        self.waits: list[float] = []

    @contextmanager
    def flow(self) -> Iterator[None]:
        stop = threading.Event()
        threads = [threading.Thread(target=loop, args=(stop,)) for loop in (self._write, self._watch)]
        for thread in threads:
            thread.start()
        yield
        stop.set()
        for thread in threads:
            thread.join()

    def _write(self, stop: threading.Event) -> None:
        producer = KafkaProducer(self._kafka)
        for fresh in self._sets:
            self._written[fresh.key, fresh.headers["file_id"]] = time.monotonic()
            producer.produce([renamed(fresh, f"{self._run}-hn.qa-flagged")])
            producer.flush()
            if stop.wait(FRESH_EVERY_S):
                return

    def _watch(self, stop: threading.Event) -> None:
        topic = f"{self._run}-mae.qa-flagged"
        consumer = KafkaConsumer(self._kafka, group=f"{topic}.watch", instance="0", topics=[topic])
        while not stop.is_set():
            for record in consumer.consume(10_000, 0.05):
                written = self._written.pop((record.key, record.headers["file_id"]), None)
                if written is not None:
                    self.waits.append(time.monotonic() - written)
        consumer.close()


def renamed(record: Record, topic: str) -> Record:
    return Record(topic, record.key, record.value, record.headers)


def catch_up(
    kafka: KafkaConnection,
    folder: Path,
    name: str,
    old: Sequence[Record],
    fresh: Sequence[Record],
    *,
    far: bool,
) -> tuple[Run, SlowLink | None]:
    """Let a forwarder send ``old`` to a ministry while ``fresh`` comes in."""
    prefixes = {tier: f"{name}-{tier}." for tier in ("hn", "mae")}
    topics = [TopicSettings(p + t, PARTITIONS, 1, {}) for p in prefixes.values() for t in TOPICS]
    KafkaAdmin(kafka).create(topics)
    account = Account(name=ACCOUNT, password_hash=hash_password(PASSWORD), role="province", provinces=("01",))
    registry = [*stations(STATIONS), account]
    write(
        kafka,
        [
            Record(f"{prefixes['mae']}station-registry", record_key(r), r.model_dump_json().encode())
            for r in registry
        ],
    )
    door, health = free_port(), {role: free_port() for role in ("door", "forwarder")}
    run = Run(len(old))
    with ExitStack() as stack:
        common = kafka_environment(kafka) | {"QUANTRAC_LOG_LEVEL": "WARNING", "QUANTRAC_MINISTRY_NAME": "mae"}
        started = {
            "door": stack.enter_context(
                process(
                    ["-m", "services.receiver", "deliveries"],
                    common
                    | {
                        "QUANTRAC_TIER": "ministry",
                        "QUANTRAC_TOPIC_PREFIX": prefixes["mae"],
                        "QUANTRAC_SPOOL": str(folder / f"{name}-spool"),
                        "QUANTRAC_HTTP_PORT": str(door),
                        "QUANTRAC_HEALTH_PORT": str(health["door"]),
                    },
                    folder / f"{name}-door.log",
                )
            )
        }
        link = None
        if far:
            limit = stream_limit(ROUND_TRIP_S, LOSS)
            link = stack.enter_context(slow_link(door, round_trip_s=ROUND_TRIP_S, bytes_a_second=limit))
        started["forwarder"] = stack.enter_context(
            process(
                ["-m", "services.forwarder", "forward"],
                common
                | {
                    "QUANTRAC_TOPIC_PREFIX": prefixes["hn"],
                    "QUANTRAC_FORWARDER_DATA": str(folder / f"{name}-forwarder"),
                    "QUANTRAC_MINISTRY_URL": f"http://127.0.0.1:{link.port if link else door}",
                    "QUANTRAC_MINISTRY_ACCOUNT": ACCOUNT,
                    "QUANTRAC_MINISTRY_PASSWORD": PASSWORD,
                    "QUANTRAC_HEALTH_PORT": str(health["forwarder"]),
                },
                folder / f"{name}-forwarder.log",
            )
        )
        for role, port in health.items():
            log = folder / f"{name}-{role}.log"
            assert wait_until(lambda port=port: ready(port), 180), log.read_text()
        started["forwarder"].suspend()
        write(kafka, [renamed(record, f"{prefixes['hn']}qa-flagged") for record in old])
        started["broker"] = next(c for c in psutil.Process(os.getpid()).children() if "java" in c.name())
        flow, admin = Fresh(kafka, name, fresh), KafkaAdmin(kafka)
        before, start = cpu(started), time.perf_counter()
        started["forwarder"].resume()
        with flow.flow():
            assert wait_until(
                lambda: delivered(admin, prefixes["mae"]) >= len(old) + len(flow.waits), LONGEST_RUN_S, 0.2
            ), (folder / f"{name}-forwarder.log").read_text()
            run.seconds = time.perf_counter() - start
            after = cpu(started)
        run.cpu = {role: after[role] - before[role] for role in after}
        run.waits = flow.waits
        print(f"  memory of the forwarder: {started['forwarder'].memory_info().rss / 2**20:.0f} MiB")
    return run, link


def delivered(admin: KafkaAdmin, prefix: str) -> int:
    return sum(admin.end_offsets([f"{prefix}qa-flagged"]).values())


def write(kafka: KafkaConnection, records: Sequence[Record]) -> None:
    producer = KafkaProducer(kafka)
    producer.produce(records)
    producer.flush()


def main() -> None:
    """Measure both and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=40_000)
    parser.add_argument("--far-sets", type=int, default=20_000)
    options = parser.parse_args()
    old = flagged_sets(max(options.sets, options.far_sets))
    with tempfile.TemporaryDirectory() as name, running_broker(Path(name)) as kafka:
        folder = Path(name)
        fresh = flagged_sets(STATIONS, datetime.now(UTC).replace(microsecond=0))
        near, _ = catch_up(kafka, folder, "near", old[: options.sets], fresh, far=False)
        near.print("Over loopback")
        far, link = catch_up(kafka, folder, "far", old[: options.far_sets], fresh, far=True)
        far.print(
            f"{ROUND_TRIP_S * 1000:.0f} ms there and back, streams limited as by {LOSS:.0%} loss (a relay)"
        )
    assert link is not None
    limit = stream_limit(ROUND_TRIP_S, LOSS)
    wire = link.sent_bytes / far.seconds
    print(f"  {link.sent_bytes / far.sets / LINES:.1f} bytes on the wire a reading")
    print(f"  {wire / 1000:,.0f} kB/s, {wire / limit:.1f} of the {limit / 1000:,.0f} of one TCP stream")


if __name__ == "__main__":
    main()
