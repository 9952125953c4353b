"""A national burst and a late correction, from the message to what SQL shows, with the real roles.

2,000 stations send one file of 15 parameters at once: how long after the last one is every reading stored and
every average of its hour and day there? Then one station, which has sent a whole day of 50 days ago, corrects
one reading of it: how long until the hour, its eight 8-hour means, the day, the month and the year show it?
The roles from parsing to the averages run as processes on one machine with the broker and the engine.
"""

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from country import INTERVAL, LINES, PARAMETERS, ZONE, message, raw_files, stations
from machine import Machine, machine, process
from pipeline import cpu, prepare, ready

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.records import Record
from quantrac.local.ports import free_port
from quantrac.local.waiting import wait_until
from schemas.registry import record_key

STATIONS = 2_000
LATE = timedelta(days=50)
LONGEST_S = 180.0
ROLES = {
    "parse": ["-m", "services.receiver", "parse"],
    "validate": ["-m", "services.validator", "validate"],
    "rejudge": ["-m", "services.validator", "rejudge"],
    "sink": ["-m", "services.aggregator", "sink"],
    "windows": ["-m", "services.aggregator", "windows"],
}
# An hour counts what it received; so does the day that it is part of.
AVERAGED = """
SELECT count(), sum(received) FROM averages FINAL WHERE period = {period:String}
"""
CORRECTED = """
SELECT period, count() FROM averages FINAL
WHERE station = {station:String} AND parameter = 'PM2.5' AND computed_at >= {since:DateTime64(3, 'UTC')}
GROUP BY period
"""


def burst(running: Machine, database: ClickHouse, roles: Mapping[str, psutil.Process], topic: str) -> None:
    """Send three files of every station, an interval after the other; print the times of the last two."""
    records = list(raw_files(topic, 3 * STATIONS, stations(STATIONS)))
    for number, title in enumerate(
        ("first files of 2,000 stations", "national burst", "national burst again")
    ):
        before = cpu({**roles, **running.engines})
        running.write(records[number * STATIONS : (number + 1) * STATIONS])
        expected = (number + 1) * STATIONS * LINES
        begun = time.perf_counter()
        stored = waited(lambda n=expected: stored_rows(database) == n, begun)
        hours = waited(lambda n=expected: averaged(database, "hour", n), begun)
        days = waited(lambda n=expected: averaged(database, "day", n), begun)
        spent = {name: after - before[name] for name, after in cpu({**roles, **running.engines}).items()}
        print(f"\n{title}: seconds after the last file was written")
        print(f"  readings stored {stored:.1f}, hours averaged {hours:.1f}, days averaged {days:.1f}")
        print("  CPU s: " + ", ".join(f"{name} {each:.1f}" for name, each in spent.items()))
        wait_until_merged(database)


def correction(running: Machine, database: ClickHouse, topic: str) -> None:
    """Send a day of 50 days ago, then one of its readings anew; print when all its averages show it."""
    station, now = stations(1)[0].code, datetime.now(UTC).replace(microsecond=0)
    midnight = datetime.combine((now - LATE).astimezone(ZONE), datetime.min.time(), ZONE).astimezone(UTC)
    values = [value for *_, value, _ in PARAMETERS]
    files = [
        message(topic, station, midnight + n * INTERVAL, now + timedelta(milliseconds=n), values)
        for n in range(288)
    ]
    before = stored_rows(database)
    running.write(files)
    begun = time.perf_counter()
    waited(lambda: stored_rows(database) == before + 288 * LINES, begun)
    wait_until_merged(database)
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    corrected = [values[0] + 12, *values[1:]]
    running.write([message(topic, station, midnight + 100 * INTERVAL, moment, corrected)])
    begun = time.perf_counter()
    asked = {"station": station, "since": f"{moment:%Y-%m-%d %H:%M:%S.%f}"[:-3]}
    wanted = {"hour": 1, "8h": 8, "day": 1, "month": 1, "year": 1}
    seconds = waited(lambda: dict(database.query(CORRECTED, asked).rows) == wanted, begun)
    print(f"\ncorrection of one reading {LATE.days} days back: all twelve averages after {seconds:.1f} s")


def stored_rows(database: ClickHouse) -> int:
    found: int = database.query("SELECT uniqExact(station, parameter, measured_at) FROM readings").rows[0][0]
    return found


def averaged(database: ClickHouse, period: str, readings: int) -> bool:
    """Tell whether the averages hold every reading."""
    return bool(database.query(AVERAGED, {"period": period}).rows[0][1] == readings)


def waited(done: Callable[[], bool], begun: float) -> float:
    """Wait until ``done``; returns the seconds since ``begun``."""
    assert wait_until(done, LONGEST_S, 0.1), "it did not come"
    return time.perf_counter() - begun


def wait_until_merged(database: ClickHouse) -> None:
    """Wait until the averages stand still: flags judged again, and their averages, are through."""
    last: Sequence[object] = ()
    for _ in itertools.count():
        found = database.query("SELECT count(), max(computed_at) FROM averages").rows[0]
        if found == last:
            return
        last = found
        time.sleep(6)  # longer than the windows gather, and a look of theirs takes


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as running, ExitStack() as stack:
        database = prepare(running, "burst")
        topic = "burst.raw-file"
        running.write(
            [
                Record("burst.station-registry", record_key(each), each.model_dump_json().encode())
                for each in stations(STATIONS)
            ]
        )
        roles: dict[str, psutil.Process] = {}
        for role, arguments in ROLES.items():
            port = free_port()
            environment = running.environment("burst") | {"QUANTRAC_HEALTH_PORT": str(port)}
            log = running.folder / f"{role}.log"
            roles[role] = stack.enter_context(process(arguments, environment, log))
            assert wait_until(lambda port=port: ready(port), 60), log.read_text()
        burst(running, database, roles, topic)
        correction(running, database, topic)


if __name__ == "__main__":
    main()
