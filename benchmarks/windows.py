"""CPU seconds that 30,000 dirty hours cost the windows: every series of a country, over a whole stored year.

The database is the real engine in a process of its own, filled on the server. Each dirty hour is recomputed
from 12 readings, its eight 8-hour means and its day from stored hours, its month and year from 365 stored
days.
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta

import psutil
from country import PARAMETERS, stations

from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.records import Done, Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.migrate import migrate_tables
from schemas.limits import load_national
from schemas.window_codec import encode_window_dirty
from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.averages.step import AverageStep
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=2_000)
    count: int = parser.parse_args().stations
    registered = stations(count)
    registry = Registry(stations={each.code: each.to_domain() for each in registered})
    batch = [
        Record("d", s.code.encode(), encode_window_dirty(s.code, [(code, HOUR) for code, *_ in PARAMETERS]))
        for s in registered
    ]
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "quantrac.local.clickhouse_server", "--data", folder, "--port", "0"]
        environment = {**os.environ, "QUANTRAC_CLICKHOUSE_PASSWORD": "benchmark"}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                port = int(process.stdout.readline().rpartition(":")[2])
                settings = ClickHouseSettings(port=port, user="quantrac", password="benchmark", database="b")
                migrate_tables(settings)
                database = ClickHouse(settings)
                fill(database, count * len(PARAMETERS))
                now = HOUR + timedelta(minutes=58)

                def clock() -> datetime:
                    return now

                handler = WindowsHandler(
                    [
                        AverageStep(ClickHouseAverages(database), registry, aggregated="a", clock=clock),
                        IndexStep(ClickHouseIndices(database), registry, aggregated="a", clock=clock),
                        ExceedanceStep(
                            ClickHouseExceedances(database),
                            registry,
                            load_national(),
                            aggregated="a",
                            clock=clock,
                        ),
                    ]
                )
                server = psutil.Process(process.pid)
                print(f"\n{count * len(PARAMETERS):,} dirty hours of {count:,} stations")
                flush(handler, batch, server, "hour under way")
                flush(handler, batch, server, "the same again")
                now = HOUR + timedelta(days=50)
                database.command(
                    "INSERT INTO readings SELECT * REPLACE (value + 1 AS value, 2 AS version) FROM readings"
                )
                flush(handler, batch, server, "corrected 50 days later")
                versions = database.query("SELECT count() FROM average_versions FINAL").rows[0][0]
                print(f"  {versions:,} versions of averages that are over")
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
