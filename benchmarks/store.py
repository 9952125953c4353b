"""What the sink stores in a second, beside clickhouse-connect's plain inserts; what a reading takes on disk.

Three rates over the same readings, in turns: plain inserts of rows by clickhouse-connect, which is the limit
for a Python client; the sink's own inserts of prepared columns; and the role itself from the topic
``qa-flagged``, with decoding, files, rejects, dirty hours and commits. The bytes are those of real
measurements (Beijing, hourly, and the Logan River, every 15 minutes) after a full merge, column by column.
"""

import argparse
import csv
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import clickhouse_connect
import numpy as np
import psutil
from country import LINES, raw_files, stations
from machine import Machine, machine, process
from pipeline import cpu, prepare, ready
from stages import chunks, consumed, through

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.readings import FlaggedSet, Reading, Readings, ReadingSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StationType
from quantrac.io.records import Record
from quantrac.local.ports import free_port
from quantrac.local.waiting import wait_until
from schemas import rules
from schemas.codecs.sets import decode_flagged_set, encode_reading_set
from schemas.messages.registry.stations import Station, StationParameter
from services.aggregator.sink.tables.readings import READING, reading_columns, reading_rows
from services.receiver.parse.handler import ParseHandler
from services.validator.validate.handler import ValidateHandler

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
BATCH = 2_000
RUNS = 3
UNITS = {"DO": "mg/L", "EC": "µS/cm", "pH": "", "Turbidity": "NTU", "WaterLevel": "cm", "Temp": "°C"}
AIR = {"PM2.5": "PM2.5", "PM10": "PM10", "SO2": "SO2", "NO2": "NO2", "CO": "CO", "O3": "O3", "TEMP": "Temp"}
RIVER = {"temp": "Temp", "cond": "EC", "ph": "pH", "do": "DO", "turb": "Turbidity", "stage": "WaterLevel"}

ON_DISK = """
SELECT column, sum(column_data_compressed_bytes) AS bytes
FROM system.parts_columns WHERE active AND database = currentDatabase() AND table = 'readings'
GROUP BY column ORDER BY bytes DESC
"""


def flagged_records(count: int) -> list[Record]:
    """Return ``count`` files of a made-up country as the validator writes them."""
    registered = stations(2_000)
    registry = Registry(stations={s.code: s.to_domain() for s in registered})
    raw = [consumed(record) for record in raw_files("raw-file", count, registered)]
    parsed, _ = through(ParseHandler(registry, "parsed-reading").handle, raw, 500)
    validator = ValidateHandler(registry, rules.RuleBook(rules.load()), topic="qa-flagged")
    return through(validator.handle, parsed, 500)[0]


def inserts(machine: Machine, sets: Sequence[FlaggedSet]) -> None:
    """Print rows a second of plain inserts and of the sink's, each the median of some runs in turns."""
    database = prepare(machine, "inserts")
    settings = machine.clickhouse
    plain = clickhouse_connect.get_client(
        host=settings.host,
        port=settings.port,
        username=settings.user,
        password=settings.password,
        database="inserts",
    )
    columns = [reading_columns(batch) for batch in chunks(sets, BATCH)]
    tuples = [[row for s in batch for row in reading_rows(s)] for batch in chunks(sets, BATCH)]

    def by_row() -> None:
        for block in tuples:
            plain.insert("readings", block, column_names=READING)

    def by_column() -> None:
        for number, block in enumerate(columns):
            database.insert("readings", block, token=f"{time.monotonic_ns()}-{number}")

    count = sum(map(len, tuples))
    rates: dict[str, list[float]] = {"clickhouse-connect, rows": [], "the sink's insert, arrays": []}
    for _ in range(RUNS):
        for name, insert in zip(rates, (by_row, by_column), strict=True):
            rates[name].append(count / timed(insert))
    print(f"\n{count:,} prepared rows in batches of {BATCH * LINES:,}, median of {RUNS} runs in turns")
    medians = {name: statistics.median(found) for name, found in rates.items()}
    limit = medians["clickhouse-connect, rows"]
    for name, rate in medians.items():
        print(f"  {name:28} {rate:11,.0f} rows/s  {rate / limit:5.2f} of plain inserts")


def from_topic(machine: Machine, records: Sequence[Record], expected: int) -> None:
    """Print readings a second of the role ``sink`` alone, from the topic to durable rows."""
    database = prepare(machine, "topic")
    port = free_port()
    environment = machine.environment("topic") | {"QUANTRAC_HEALTH_PORT": str(port)}
    with process(["-m", "services.aggregator", "sink"], environment, machine.folder / "sink.log") as sink:
        assert wait_until(lambda: ready(port), 60), (machine.folder / "sink.log").read_text()
        sink.suspend()
        machine.write([Record("topic.qa-flagged", r.key, r.value, r.headers) for r in records])
        watched: dict[str, psutil.Process] = {"sink": sink, **machine.engines}
        before = cpu(watched)

        def complete() -> bool:
            return bool(database.query("SELECT count() FROM readings").rows[0][0] == expected)

        def store() -> None:
            sink.resume()
            assert wait_until(complete, 300, 0.1), "not every row came"

        seconds = timed(store)
        spent = {name: after - before[name] for name, after in cpu(watched).items()}
    print(
        f"\n{expected:,} readings of {len(records):,} files from qa-flagged, the sink alone: {seconds:.2f} s"
    )
    print(f"  {expected / seconds:,.0f} readings/s = {len(records) / seconds:,.0f} files/s")
    print("  CPU s: " + ", ".join(f"{name} {each:.2f}" for name, each in spent.items()))


def bytes_on_disk(machine: Machine) -> None:
    """Print what real readings take, by column, after a full merge."""
    if not SHARED.is_dir():
        print("\nBytes a reading: skipped, no real measurements in shared/data beside the project.")
        return
    sources = {
        "Beijing, 3 stations, hourly": ("beijing_prsa", beijing, StationType.AMBIENT_AIR, AIR),
        "Logan River, 3 stations, 15 min": ("lro_river_qc", logan, StationType.SURFACE_WATER, RIVER),
    }
    for number, (title, (folder, read, medium, names)) in enumerate(sources.items()):
        database = prepare(machine, f"disk{number}")
        # A small part keeps its columns in one file, whose sizes nobody tells.
        database.command("ALTER TABLE readings MODIFY SETTING min_bytes_for_wide_part = 0")
        count = 0
        for station, path in enumerate(sorted((SHARED / folder).glob("*.csv"))):
            entry = Station(
                code=f"QT_{number}00{station}_REAL01",
                name=path.stem,
                type=medium,
                province="01",
                latitude=21,
                longitude=105,
                interval_minutes=60 if number == 0 else 15,
                parameters=tuple(
                    StationParameter(code=code, unit=unit_of(code, medium)) for code in names.values()
                ),
            )
            for block in judged(entry, read(path, names), medium):
                columns = reading_columns(block)
                database.insert("readings", columns)
                count += len(columns["value"])
        database.command("OPTIMIZE TABLE readings FINAL")
        found = database.query(ON_DISK).rows
        stored = database.query("SELECT count() FROM readings").rows[0][0]
        total = sum(size for _, size in found)
        print(f"\n{title}: {stored:,} readings of {count:,} sent, {total / stored:.2f} bytes a reading")
        print("  " + ", ".join(f"{name} {size / stored:.2f}" for name, size in found))


def unit_of(code: str, medium: StationType) -> str:
    """Return the unit that the archives give a parameter in."""
    return UNITS.get(code, "µg/m3") if medium is StationType.AMBIENT_AIR else UNITS[code]


Row = tuple[datetime, dict[str, str]]


def beijing(path: Path, names: dict[str, str]) -> Iterator[Row]:
    """Yield the rows of one station's four years."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime(int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"]), tzinfo=UTC)
            yield at, {names[name]: row[name] for name in names if row[name] != "NA"}


def logan(path: Path, names: dict[str, str]) -> Iterator[Row]:
    """Yield the rows of one station as its sensors sent them."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["datetime"]).replace(tzinfo=UTC)
            yield at, {names[name]: row[name] for name in names if row[name] not in {"", "NULL", "-9999"}}


def judged(station: Station, found: Iterator[Row], medium: StationType) -> Iterator[list[FlaggedSet]]:
    """Yield a station's rows as the validator flags them, each received some seconds after its time."""
    registry = Registry(stations={station.code: station.to_domain()})
    validator = ValidateHandler(registry, rules.RuleBook(rules.load()), topic="qa-flagged")
    random = np.random.default_rng(1)
    for part in iter(lambda: list(itertools.islice(found, 5_000)), []):
        records = []
        for at, texts in part:
            received = at + timedelta(milliseconds=int(random.integers(2_000, 60_000)))
            readings = Readings.of(
                Reading(line, code, float(text), text, unit_of(code, medium), at, "00")
                for line, (code, text) in enumerate(texts.items(), start=1)
            )
            file_id = f"{station.code}{at.timestamp():.0f}".encode().hex().ljust(64, "0")[:64]
            read = ReadingSet(
                station.code,
                file_id,
                shortest_decimal(at.timestamp()),
                "a",
                "ftp",
                received,
                "f",
                Readings.of(readings),
            )
            records.append(
                consumed(Record("parsed-reading", station.code.encode(), encode_reading_set(read)))
            )
        given, _ = through(validator.handle, records, 500)
        yield [decode_flagged_set(record.value or b"") for record in given]


def timed(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=40_000)
    files: int = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as running:
        records = flagged_records(files)
        inserts(running, [decode_flagged_set(record.value or b"") for record in records[:20_000]])
        from_topic(running, records, files * LINES)
        bytes_on_disk(running)


if __name__ == "__main__":
    main()
