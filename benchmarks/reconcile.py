"""What a comparison costs: a month of a country's stations with ten differences, and a province's part of it.

Two databases of one real engine hold the digests of each station and hour, made on the server; readings are
stored of the hours that differ only. The ministry's API answers in this process, without a socket.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import httpx
import psutil

from quantrac.domain.limits import LimitBook
from quantrac.domain.reconciliation.differences import Subject
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.settings import ClickHouseSettings
from quantrac.migrate import migrate_tables
from quantrac.reconciliation.comparison import Comparison, Question
from quantrac.reconciliation.sources import MinistryApi
from quantrac.testing.asgi import TestClient
from quantrac.testing.builders import station
from schemas.keys import new_key
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context

START = datetime(2026, 8, 31, 17, tzinfo=UTC)
END = START + timedelta(days=30)
NOW = END + timedelta(days=60)
"""Long after: the month is compared by what is kept."""
TOKEN, KEY = new_key("province")


def fill(database: ClickHouse, stations: int) -> None:
    """Store equal digests of every station and hour."""
    database.command(
        "INSERT INTO digests SELECT concat('QT_', leftPad(toString(s.number), 4, '0')),"
        f" toDateTime({int(START.timestamp())}, 'UTC') + h.number * 3600, 180,"
        " cityHash64(s.number, h.number), 0, now64(3)"
        f" FROM numbers({stations}) AS s CROSS JOIN numbers(720) AS h"
    )


def lose(province: ClickHouse, ministry: ClickHouse, hours: Sequence[tuple[int, int]]) -> None:
    """Store an hour's readings at both and one less at the ministry, with digests that say so."""
    for database, count in ((province, 180), (ministry, 179)):
        for number, hour in hours:
            begin = int(START.timestamp()) + hour * 3600
            code = f"QT_{number:04}"
            database.command(
                "INSERT INTO readings (station, parameter, measured_at, value, unit, status, flag, version)"
                f" SELECT '{code}', concat('P', toString(number % 15)), toDateTime({begin}, 'UTC')"
                f" + intDiv(number, 15) * 300, number, 'µg/m3', '00', 1, {begin * 1000 << 10}"
                f" FROM numbers({count})"
            )
            database.command(
                f"INSERT INTO digests SELECT '{code}', toDateTime({begin}, 'UTC'), {count}, {count}, 0,"
                " now64(3) + 1"
            )


def open_api(database: ClickHouse, registry: Registry) -> MinistryApi:
    book = RuleBook(load(), registry)
    context = Context(database, registry, book, LimitBook(()), lambda: True, lambda: NOW, tier="ministry")
    client = TestClient(create_app(context))

    def answer(request: httpx.Request) -> httpx.Response:
        response = client.get(request.url.raw_path.decode(), headers=dict(request.headers))
        return httpx.Response(response.status_code, headers=response.headers, content=response.content)

    return MinistryApi("http://ministry.invalid", TOKEN, transport=httpx.MockTransport(answer))


def compare(settings: ClickHouseSettings, server: psutil.Process, count: int, differences: int) -> None:
    databases = []
    for name in (f"province{count}", f"ministry{count}"):
        own = settings.model_copy(update={"database": name})
        migrate_tables(own)
        databases.append(ClickHouse(own, binds_in_body=True))
        fill(databases[-1], count)
    chosen = random.Random(1).sample([(s, h) for s in range(count) for h in range(720)], differences)
    lose(*databases, chosen)
    codes = [f"QT_{number:04}" for number in range(count)]
    registry = Registry({code: station(code) for code in codes}, api_keys={KEY.id: KEY.to_domain()})
    comparison = Comparison(
        databases[0], open_api(databases[1], registry), "ministry", lambda: NOW, wait=lambda _: False
    )
    # A month and what lies after it: the last 31 days of a comparison are summed up anew.
    for title in ("first", "again"):
        before, others = time.process_time(), server.cpu_times()
        report = comparison.run(Question(START, NOW), [Subject.READINGS])
        after = server.cpu_times()
        engine = after.user + after.system - others.user - others.system
        print(
            f"{count:,} stations, {differences} differences, {title}: {report.differences} found,"
            f" {report.requests} requests, {report.seconds:.2f} s, {time.process_time() - before:.2f} s CPU,"
            f" engine {engine:.2f} s CPU"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stations", type=int, default=2_000)
    parser.add_argument("--differences", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "quantrac.local.clickhouse_server", "--data", folder, "--port", "0"]
        environment = {**os.environ, "QUANTRAC_CLICKHOUSE_PASSWORD": "benchmark"}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                port = int(process.stdout.readline().rpartition(":")[2])
                settings = ClickHouseSettings(port=port, user="quantrac", password="benchmark")
                for count in (arguments.stations, 60):
                    compare(settings, psutil.Process(process.pid), count, arguments.differences)
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
