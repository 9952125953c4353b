"""What dirty hours cost the windows: 30,000 of a country at once, and a year of two stations.

The database is the real engine in a process of its own, filled on the server. Each dirty hour is recomputed
from 12 readings, its eight 8-hour means and its day from stored hours, its month and year from 365 stored
days. The year of two stations is a backlog: how long its batches take, and how long the present waits.
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psutil
from country import PARAMETERS, stations

from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.records import Done, Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.migrate import migrate_tables
from schemas.codecs.window_dirty import encode_window_dirty
from schemas.limits import load_national
from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.averages.step import AverageStep
from services.aggregator.windows.dirty_queue import DirtyQueue
from services.aggregator.windows.exceedances.queries import ClickHouseExceedances
from services.aggregator.windows.exceedances.step import ExceedanceStep
from services.aggregator.windows.handler import WindowsHandler
from services.aggregator.windows.indices.queries import ClickHouseIndices
from services.aggregator.windows.indices.step import IndexStep

HOUR = datetime(2026, 11, 20, 5, tzinfo=UTC)
YEAR_START = datetime(2025, 12, 31, 17, tzinfo=UTC)
SERIES = """
FROM numbers({first}, {count}) AS series CROSS JOIN numbers({steps}) AS step
"""
NAMES = """
concat('QT_', leftPad(toString(intDiv(series.number, 15)), 4, '0'), '_KHIKXQ') AS station,
{codes}[1 + series.number % 15] AS parameter
"""


def fill(database: ClickHouse, series: int) -> None:
    """Store the readings of the hour, the hours around it and the days of its year."""
    codes = str([code for code, *_ in PARAMETERS])
    names = NAMES.replace("{codes}", codes)
    stamp = f"toDateTime({int(HOUR.timestamp())}, 'UTC')"

    def at(steps: int, first: int, count: int) -> str:
        return SERIES.format(steps=steps, first=first, count=count)

    values = "randCanonical(step.number + series.number) * 50 + 10"
    database.command(
        "INSERT INTO readings (station, parameter, measured_at, value, unit, status, flag, rules, version)"
        f" SELECT {names}, {stamp} + step.number * 300, {values}, 'µg/m3', '00', 1, 'r', 1"
        f" {at(12, 0, series)}"
    )
    columns = (
        "station, parameter, period, starts_at, ends_at, unit, mean, minimum, maximum, count, received,"
        " expected, completeness, computed_at, version"
    )
    for period, begin, length, steps, expected in (
        ("hour", int(HOUR.timestamp()) - 19 * 3600, 3600, 45, 12),
        ("day", int(YEAR_START.timestamp()), 86400, 365, 24),
    ):
        for first in range(0, series, 3_000):
            start = f"toDateTime({begin} + step.number * {length}, 'UTC')"
            database.command(
                f"INSERT INTO averages ({columns}) SELECT {names}, '{period}', {start}, {start} + {length},"
                f" 'µg/m3', {values}, 0, 99, {expected}, {expected}, {expected}, 1, now(), 1"
                f" {at(steps, first, min(3_000, series - first))}"
            )


def flush(handler: WindowsHandler, batch: list[Record], server: psutil.Process, title: str) -> None:
    """Hand in the batch once and print what it cost."""
    gc.collect()
    before, begun, others = time.process_time(), time.perf_counter(), server.cpu_times()
    done = handler.handle(batch)
    spent, wall, after = time.process_time() - before, time.perf_counter() - begun, server.cpu_times()
    assert isinstance(done, Done) and not done.dead, done
    engine = after.user + after.system - others.user - others.system
    told = sum(len(record.value or b"") for record in done.records)
    print(
        f"  {title:40} {spent:5.2f} s CPU, {wall:5.2f} s, engine {engine:5.2f} s CPU,"
        f" {len(done.records):,} messages of {told / 1e6:.1f} MB"
    )


def handler_of(database: ClickHouse, registry: Registry, clock: Callable[[], datetime]) -> WindowsHandler:
    steps = {"aggregated": "a", "clock": clock}
    return WindowsHandler(
        [
            AverageStep(ClickHouseAverages(database), registry, **steps),
            IndexStep(ClickHouseIndices(database), registry, **steps),
            ExceedanceStep(ClickHouseExceedances(database), registry, load_national(), **steps),
        ],
        registry,
    )


def compute_country(settings: ClickHouseSettings, server: psutil.Process, count: int) -> None:
    """Compute one hour of every series of a country, again, and after a correction."""
    registered = stations(count)
    registry = Registry(stations={station.code: station.to_domain() for station in registered})
    batch = [
        Record("d", s.code.encode(), encode_window_dirty(s.code, [(code, HOUR) for code, *_ in PARAMETERS]))
        for s in registered
    ]
    database = ClickHouse(settings)
    fill(database, count * len(PARAMETERS))
    now = HOUR + timedelta(minutes=58)
    handler = handler_of(database, registry, lambda: now)
    print(f"\n{count * len(PARAMETERS):,} dirty hours of {count:,} stations")
    flush(handler, batch, server, "hour under way")
    flush(handler, batch, server, "the same again")
    now = HOUR + timedelta(days=50)
    database.command("INSERT INTO readings SELECT * REPLACE (value + 1 AS value, 2 AS version) FROM readings")
    flush(handler, batch, server, "corrected 50 days later")
    versions = database.query("SELECT count() FROM average_versions FINAL").rows[0][0]
    print(f"  {versions:,} versions of averages that are over")


def compute_backlog(settings: ClickHouseSettings, server: psutil.Process) -> None:
    """Compute a year of two stations, 17,100 hourly files of 9 lines, while a third goes on measuring."""
    registered = stations(3)
    registry = Registry(stations={station.code: station.to_domain() for station in registered})
    database = ClickHouse(settings)
    codes = [code for code, *_ in PARAMETERS[:9]]
    database.command(
        "INSERT INTO readings (station, parameter, measured_at, value, unit, status, flag, rules, version)"
        f" SELECT {NAMES.replace('{codes}', str([code for code, *_ in PARAMETERS]))},"
        f" toDateTime({int(HOUR.timestamp())}, 'UTC') - step.number * 3600,"
        " randCanonical(step.number + series.number) * 50 + 10, 'µg/m3', '00', 1, 'r', 1"
        f" {SERIES.format(first=0, count=45, steps=8_550)} WHERE series.number % 15 < 9"
    )
    queue = DirtyQueue(clock=HOUR.timestamp)
    handler = handler_of(database, registry, lambda: HOUR + timedelta(hours=1))
    # As the sink sends them: some 36 files of a station a batch, the oldest first.
    offset = 0
    for first in range(8_549, -1, -36):
        for station in registered[:2]:
            hours = [HOUR - timedelta(hours=back) for back in range(first, max(first - 36, -1), -1)]
            value = encode_window_dirty(station.code, [(code, hour) for code in codes for hour in hours])
            queue.put(Record("d", station.code.encode(), value, {}, 0, offset, time.time()))
            offset += 1
    print(f"\n{2 * 9 * 8_550:,} dirty hours of two stations in {offset} messages; with each batch a live one")
    spent, begun, before = time.process_time(), time.perf_counter(), server.cpu_times()
    lengths, waits = [], []
    live = encode_window_dirty(registered[2].code, [(code, HOUR) for code in codes])
    came: dict[int, float] = {}
    while batch := queue.take():
        at = time.perf_counter()
        if queue.has_more:  # the worst moment: a batch has just begun
            queue.put(Record("d", registered[2].code.encode(), live, {}, 1, offset, time.time()))
            came[offset] = at
            offset += 1
        done = handler.handle(batch)
        assert isinstance(done, Done) and not done.dead, done
        lengths.append(time.perf_counter() - at)
        waits += [time.perf_counter() - came.pop(r.offset) for r in queue.finish() if r.offset in came]
    after = server.cpu_times()
    engine = after.user + after.system - before.user - before.system
    spent, wall = time.process_time() - spent, time.perf_counter() - begun
    print(
        f"  {spent:.1f} s CPU, {wall:.1f} s, engine {engine:.1f} s CPU; {len(lengths)} batches,"
        f" the longest {max(lengths):.1f} s; a live hour waited {max(waits):.1f} s at most"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=2_000)
    parser.add_argument("--only", choices=("country", "backlog"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "quantrac.local.clickhouse_server", "--data", folder, "--port", "0"]
        environment = {**os.environ, "QUANTRAC_CLICKHOUSE_PASSWORD": "benchmark"}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                port = int(process.stdout.readline().rpartition(":")[2])
                settings = ClickHouseSettings(port=port, user="quantrac", password="benchmark", database="b")
                migrate_tables(settings)
                server = psutil.Process(process.pid)
                if arguments.only != "backlog":
                    compute_country(settings, server, arguments.stations)
                if arguments.only != "country":
                    settings = settings.model_copy(update={"database": "backlog"})
                    migrate_tables(settings)
                    compute_backlog(settings, server)
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
