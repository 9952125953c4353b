"""What analysts wait for on 50 million readings: median and 95th percentile of usual questions.

A week of 1,653 stations with 15 parameters every five minutes, and a month of daily means, made on the server
and merged; then some batches of the newest readings, of which ``latest_readings`` is left unmerged. Each
question is asked again and again by clickhouse-connect, of another series, station or parameter each time,
through the views that hide ``FINAL``; the plain count of all rows, asked in between, tells what the machine
gives meanwhile.
"""

import argparse
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from country import PARAMETERS
from machine import machine
from pipeline import prepare

from quantrac.io.clickhouse import ClickHouse
from services.api.readings.query import select_latest_readings

STEPS = 7 * 288
UNMERGED = 4
SERIES_A_BLOCK = 1_000
START = 1_763_000_100  # a day of November 2025
DAY_START = 1_761_930_000 - 30 * 86_400  # Vietnam's midnight, 30 days before 1 November 2025

CODES = [code for code, *_ in PARAMETERS]
NAMES = f"""
concat('QT_', leftPad(toString(intDiv(series.number, 15)), 4, '0'), '_KHIKXQ') AS station,
{CODES}[1 + series.number % 15] AS parameter
"""
# Two decimals and a slow walk, as analysers send them.
READINGS = f"""
INSERT INTO readings (station, parameter, measured_at, value, unit, status, flag, tests, rules, line, version)
SELECT {NAMES}, toDateTime({START} + step.number * 300, 'UTC'),
  round(40 + 20 * sin((step.number + series.number) / 40) + rand(series.number) / 4294967296, 2),
  'µg/m3', '00', if(rand() % 100 = 0, 3, 1), '{{{{}}}}', 'r', 1 + series.number % 15,
  (toUInt64({START}) + step.number * 300 + 4) * 1024000
FROM numbers({{first}}, {{count}}) AS series CROSS JOIN numbers({STEPS}) AS step
"""
LIVE = READINGS.replace(f"numbers({STEPS})", "numbers({step}, 1)")
DAYS = f"""
INSERT INTO averages (station, parameter, period, starts_at, ends_at, unit, mean, minimum, maximum,
  count, received, expected, completeness, computed_at, version)
SELECT {NAMES}, 'day', toDateTime({DAY_START} + step.number * 86400, 'UTC') AS at, at + 86400,
  'µg/m3', 30 + rand() % 50, 1, 99, 24, 288, 24, 1, now(), 1
FROM numbers({{first}}, {{count}}) AS series CROSS JOIN numbers(30) AS step
"""

LATEST, SEARCHED = "latest of every station and parameter", "latest, searched in a day's readings"
API_FEW, API_ALL = "what the API selects of 14 stations", "what the API selects of all stations"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUESTIONS = {
    "one series, 7 days": """
        SELECT measured_at, value, flag FROM readings_current
        WHERE station = {station:String} AND parameter = {parameter:String} ORDER BY measured_at""",
    "one station's day, all parameters": """
        SELECT parameter, measured_at, value, flag FROM readings_current
        WHERE station = {station:String}
          AND measured_at >= {day:DateTime('UTC')} AND measured_at < {day:DateTime('UTC')} + 86400
        ORDER BY parameter, measured_at""",
    LATEST: """
        SELECT station, parameter, measured_at, value, flag FROM latest_current""",
    "the same of 14 stations": """
        SELECT station, parameter, measured_at, value, flag FROM latest_current
        WHERE station IN {few:Array(String)}""",
    SEARCHED: """
        SELECT station, parameter, max(measured_at), argMax(value, (measured_at, version)),
          argMax(flag, (measured_at, version))
        FROM readings WHERE measured_at >= {last:DateTime('UTC')}
        GROUP BY station, parameter SETTINGS optimize_aggregation_in_order = 1""",
    "a month of daily means of one parameter": """
        SELECT station, starts_at, mean FROM daily_current
        WHERE parameter = {parameter:String}
          AND starts_at >= {month:DateTime('UTC')} AND starts_at < {month:DateTime('UTC')} + 30 * 86400
        ORDER BY station, starts_at""",
    "count of all rows, to compare": "SELECT count(), max(value) FROM readings",
}


def load(database: ClickHouse, series: int) -> None:
    """Make the readings and the days, and merge them."""
    begun = time.perf_counter()
    for first in range(0, series, SERIES_A_BLOCK):
        count = min(SERIES_A_BLOCK, series - first)
        for statement in (READINGS, DAYS):
            database.command(statement.format(first=first, count=count))
    for table in ("readings", "averages", "latest_readings"):
        database.command(f"OPTIMIZE TABLE {table} FINAL")
    # A sink writes a part a batch, and merging follows later: here it does not.
    database.command("SYSTEM STOP MERGES latest_readings")
    for step in range(STEPS, STEPS + UNMERGED):
        database.command(LIVE.format(first=0, count=series, step=step))
    rows = database.query("SELECT count() FROM readings").rows[0][0]
    print(f"{rows:,} readings loaded and merged in {time.perf_counter() - begun:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=50_000_000)
    parser.add_argument("--times", type=int, default=40, help="how often each question is asked")
    options = parser.parse_args()
    series = options.readings // STEPS
    stations, chance = series // len(CODES), random.Random(1)
    with tempfile.TemporaryDirectory() as folder, machine(Path(folder)) as running:
        database = prepare(running, "load")
        load(database, stations * len(CODES))
        every = [f"QT_{number:04}_KHIKXQ" for number in range(stations)]
        taken: dict[str, list[float]] = {question: [] for question in (*QUESTIONS, API_FEW, API_ALL)}
        rows: dict[str, int] = {}
        for _ in range(options.times):
            asked = {
                "station": f"QT_{chance.randrange(stations):04}_KHIKXQ",
                "parameter": chance.choice(CODES),
                "day": START + chance.randrange(6) * 86_400,
                "last": START + STEPS * 300 - 86_400,
                "few": [f"QT_{chance.randrange(stations):04}_KHIKXQ" for _ in range(14)],
                "month": DAY_START,
            }
            for question, sql in QUESTIONS.items():
                begun = time.perf_counter()
                rows[question] = len(database.query(sql, asked).rows)
                taken[question].append(time.perf_counter() - begun)
            for question, codes in ((API_FEW, asked["few"]), (API_ALL, every)):
                begun = time.perf_counter()
                rows[question] = len(
                    select_latest_readings(database, stations=codes, since=EPOCH, now=datetime.now(UTC))
                )
                taken[question].append(time.perf_counter() - begun)
    ratio = statistics.median(taken[SEARCHED]) / statistics.median(taken[LATEST])
    print(f"\n{'':40} {'rows':>8} {'median':>10} {'p95':>10}")
    for question, seconds in taken.items():
        p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
        median = statistics.median(seconds)
        print(f"  {question:38} {rows[question]:8,} {median * 1e3:7.1f} ms {p95 * 1e3:7.1f} ms")
    print(f"\nlatest_current in a {ratio:.1f}th of the time of the search")


if __name__ == "__main__":
    main()
