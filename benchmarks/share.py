"""What the data share costs: a month of one station, and a day of a province's stations.

226 stations with 15 parameters every five minutes for four days, one of them for a month, all delivered. Each
question is asked several times; the processor's time of the server goes beside the time waited, for on a
busy machine only the former says anything. Beside them what is still to be delivered, by the API's statement.
"""

import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from machine import machine
from pipeline import prepare

from quantrac.io.clickhouse import ClickHouse
from schemas.clickhouse.data_share import read_shares
from services.api.deliveries.query import select_lag

STATIONS, PARAMETERS, STEPS = 226, 15, 288
START = datetime(2026, 3, 1, tzinfo=UTC)
TIMES = 5

_CODE = "concat('HN_S', leftPad(toString({station}), 3, '0'), '_KHI001')"
# Every file comes 20 seconds after its readings were measured, each of another millisecond.
_RECEIVED = f"toUInt64({int(START.timestamp())} + {{step}} * 300 + 20) * 1000 + {{station}}"


def load(database: ClickHouse) -> None:
    """Fill the tables on the server."""
    parameter = "concat('P', toString(number % 15))"
    code = _CODE.format(station=f"intDiv(number, {PARAMETERS})")
    database.command(
        "INSERT INTO stations (code, type, province, interval_seconds, version)"
        f" SELECT {_CODE.format(station='number')}, 'ambient-air', '01', 300, 1 FROM numbers({STATIONS})"
    )
    database.command(
        "INSERT INTO station_parameters (station, parameter, valid_from, version)"
        f" SELECT {code}, {parameter}, toDateTime(0), 1 FROM numbers({STATIONS * PARAMETERS})"
    )
    fill(database, STATIONS, first_day=0, days=4)
    fill(database, 1, first_day=4, days=27)
    for table in ("readings", "files", "receipts"):
        database.command(f"OPTIMIZE TABLE {table} FINAL")


def fill(database: ClickHouse, stations: int, *, first_day: int, days: int) -> None:
    """Insert the readings, files and receipts of some days."""
    series = stations * PARAMETERS
    station, step = f"intDiv(number % {series}, 15)", f"({first_day * STEPS} + intDiv(number, {series}))"
    received = _RECEIVED.format(step=step, station=station)
    database.command(
        "INSERT INTO readings (station, parameter, measured_at, value, flag, version)"
        f" SELECT {_CODE.format(station=station)}, concat('P', toString(number % 15)),"
        f" toDateTime(intDiv({received}, 1000) - 20), rand() / 1e8, 1, {received} * 1024"
        f" FROM numbers({series * STEPS * days})"
    )
    station, step = f"number % {stations}", f"({first_day * STEPS} + intDiv(number, {stations}))"
    code, received = _CODE.format(station=station), _RECEIVED.format(step=step, station=station)
    at, file = f"fromUnixTimestamp64Milli(toInt64({received}), 'UTC')", f"hex(SHA256(toString({received})))"
    files = f"FROM numbers({stations * STEPS * days})"
    database.command(
        f"INSERT INTO files (station, received_at, file_id, readings) SELECT {code}, {at}, {file}, 15 {files}"
    )
    database.command(
        "INSERT INTO receipts (station, file_id, target, received_at, confirmed_at, readings)"
        f" SELECT {code}, {file}, 'ministry', {at}, {at}, 15 {files}"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as running:
        database = prepare(running, "share")
        load(database)
        server = running.engines["clickhouse"]
        day, month = timedelta(days=1), timedelta(days=31)
        questions = {
            "a month of one station": lambda: read_shares(database, ["HN_S000_KHI001"], START, START + month),
            "a day of 226 stations": lambda: read_shares(database, [], START + day, START + 2 * day),
            "the lag of 226 stations": lambda: select_lag(
                database, stations=None, start=START, end=START + month, limit=1_000
            ),
        }
        print(f"{'':28} {'waited':>9} {'processor':>10}   median of {TIMES}")
        for question, ask in questions.items():
            ask()
            waited, worked = [], []
            for _ in range(TIMES):
                begun, before = time.perf_counter(), server.cpu_times()
                ask()
                waited.append(time.perf_counter() - begun)
                after = server.cpu_times()
                worked.append(after.user + after.system - before.user - before.system)
            median = statistics.median(waited) * 1e3, statistics.median(worked) * 1e3
            print(f"  {question:26} {median[0]:6.0f} ms {median[1]:7.0f} ms")


if __name__ == "__main__":
    main()
