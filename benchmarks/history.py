"""Years of hourly history: from a file to acknowledged by Kafka, and what each stage after that carries.

    python benchmarks/history.py [ROWS]

A made-up table of one station with ten parameters. The broker is the real one; the stages are the real
handlers without broker and database, and CPU time, so that neighbours on the machine matter less.
"""

import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import stages
from country import PARAMETERS, stations

from quantrac.cli.importing.mapping import read_mapping
from quantrac.cli.importing.sending import Receipts, StoredFiles, send
from quantrac.cli.importing.sources import Sources
from quantrac.domain.registry.registry import Registry
from quantrac.io.kafka.admin import KafkaAdmin
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.records import Record
from quantrac.local.broker import running_broker
from quantrac.migrate import missing_topics
from schemas import rules
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic
from services.receiver.parse.handler import ParseHandler
from services.validator.validate.handler import ValidateHandler

ROWS, COLUMNS = 262_800, 10  # three times ten years of hours
PARSE_BATCH, BATCH, SINK_BATCH = 100, 500, 2_000


class NothingStored:
    """A database that knows no file yet."""

    def query(self, sql: str, parameters: dict[str, Any]) -> Any:
        return type("Rows", (), {"rows": []})()

    def insert(self, table: str, columns: dict[str, Any], *, token: str) -> None:
        pass


class Kept:
    """A producer that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def produce(self, records: list[Record]) -> None:
        self.records += records

    def flush(self) -> None:
        pass


def write_table(path: Path, rows: int) -> None:
    """Write a wide table of hours, the last of them yesterday."""
    random, start = np.random.default_rng(5), datetime(2026, 1, 1, tzinfo=UTC) - timedelta(hours=rows)
    used = PARAMETERS[:COLUMNS]
    values = random.normal([p[3] for p in used], [p[4] for p in used], (rows, COLUMNS)).round(2).tolist()
    lines = (
        f"{start + timedelta(hours=n):%Y-%m-%d %H:%M},{','.join(map(str, row))}\n"
        for n, row in enumerate(values)
    )
    path.write_text("".join(["time," + ",".join(p[0] for p in used) + "\n", *lines]))


def import_table(sources: Sources, producer: Any) -> tuple[float, float, int]:
    """Import; returns seconds, CPU seconds of this process, files."""
    database = NothingStored()
    wall, cpu = time.perf_counter(), time.process_time()
    sent = send(
        sources.files(lambda _: None),
        topic="raw-file-backlog",
        account="import by benchmark",
        stored=StoredFiles(database),
        receipts=Receipts(database),
        producer=producer,
    )
    return time.perf_counter() - wall, time.process_time() - cpu, sent.files


def main(rows: int) -> None:
    """Print rows and readings a second."""
    entry = stations(1)[0].to_domain()
    registry = Registry(stations={entry.code: entry})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / f"{entry.code}.csv", rows)
        sources = Sources([folder / f"{entry.code}.csv"], read_mapping(None), registry, entry.code)
        (folder / "kafka").mkdir()
        with running_broker(folder / "kafka") as kafka:
            admin = KafkaAdmin(kafka)
            admin.create(missing_topics(admin, prefix="", size="local", replication=1))
            for _ in range(3):
                wall, cpu, files = import_table(sources, KafkaProducer(kafka))
                print(
                    f"{rows:,} rows of {COLUMNS} in {files:,} files acknowledged by Kafka in {wall:.2f} s, "
                    f"{cpu:.2f} CPU s: {rows / wall:,.0f} rows/s, {rows / cpu:,.0f} a CPU second"
                )
        kept = Kept()
        import_table(sources, kept)
    raw = [Record(r.topic, r.key, r.value, r.headers, 0, 0) for r in kept.records[: 40_000 // 50]]
    parse = ParseHandler(registry, "p")
    parsed, parse_cost = stages.through(parse.handle, raw, PARSE_BATCH)
    validate = ValidateHandler(registry, rules.RuleBook(rules.load()), topic="qa-flagged")
    flagged, validate_cost = stages.through(validate.handle, parsed, BATCH)
    sink = SinkHandler(NothingStored(), tables_by_topic(str, rejudges=True))
    sink_cost = stages.through(sink.handle, flagged, SINK_BATCH)[1]
    for stage, cost in (("parse", parse_cost), ("validate", validate_cost), ("sink", sink_cost)):
        a_second = 50 * 1e6 / cost  # rows of a part
        print(f"{stage:9} {a_second:9,.0f} rows/s {COLUMNS * a_second:11,.0f} readings/s, CPU time")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
