"""Ten days of real measurements, in `make long` a month, through the whole stack, compared number by number.

The Beijing multi-site series (three stations, eleven parameters, hourly, local time UTC+8) where the data
folder is there; else a month made here in the same shape, and the test's id says which.
"""

import csv
import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from support.effort import usual_or_long
from support.folders import DATA
from support.running_stack import PASSWORD, RunningStack
from support.waiting import wait_until

PRSA = DATA / "beijing_prsa"
ZONE = ZoneInfo("Asia/Shanghai")
STATIONS = {"BJ_TEST_GUC": "Gucheng", "BJ_TEST_DIN": "Dingling", "BJ_TEST_GUA": "Guanyuan"}
UNITS = {
    "PM2.5": "µg/m3",
    "PM10": "µg/m3",
    "SO2": "µg/m3",
    "NO2": "µg/m3",
    "CO": "µg/m3",
    "O3": "µg/m3",
    "TEMP": "°C",
    "PRES": "hPa",
    "DEWP": "°C",
    "RAIN": "mm",
    "WSPM": "m/s",
}
CODES = {"TEMP": "Temp", "RAIN": "Rain"}
"""The catalogue's code where the series has another name."""
DAYS = usual_or_long(10, 31)
"""Of March 2013."""
SPAN = ("2013-03-01", usual_or_long("2013-03-11", "2013-04-01"))


def generated(folder: Path, name: str) -> Path:
    """Write a month in the same shape: a different course for each station and parameter, with gaps."""
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["No", "year", "month", "day", "hour", *UNITS, "wd", "station"])
        for n in range(744):
            values = [
                "NA" if (n + k) % 97 == 0 else f"{abs(math.sin(n / 12 + k + len(name))) * 40 * (k + 1):.1f}"
                for k in range(len(UNITS))
            ]
            writer.writerow([n + 1, 2013, 3, n // 24 + 1, n % 24, *values, "NW", name])
    return path


@pytest.fixture(
    scope="module", params=["real" if PRSA.is_dir() else "generated, as the real data is not here"]
)
def months(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    if request.param == "real":
        return {code: next(PRSA.glob(f"*{name}*.csv")) for code, name in STATIONS.items()}
    folder = tmp_path_factory.mktemp("generated")
    return {code: generated(folder, name) for code, name in STATIONS.items()}


def expected(path: Path) -> Iterator[tuple[str, datetime, str]]:
    """Yield (catalogue code, UTC time, number as written) of the days."""
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            if (row["year"], row["month"]) == ("2013", "3") and int(row["day"]) <= DAYS:
                parts = (int(row[k]) for k in ("year", "month", "day", "hour"))
                at = datetime(*parts, tzinfo=ZONE).astimezone(ZoneInfo("UTC"))  # type: ignore[misc]
                yield from ((CODES.get(p, p), at, row[p]) for p in UNITS if row[p] not in ("", "NA"))


def test_every_value_time_and_count_arrives_exactly_at_both_tiers(
    running: RunningStack, months: dict[str, Path], tmp_path: Path
) -> None:
    running.register(tmp_path, [station_entry(code) for code in STATIONS])
    for code, path in months.items():
        mapping = [argument for p, unit in UNITS.items() for argument in ("--map", f"{p}={p}:{unit}")]
        sent = running.quantrac(
            *("simulate", "--csv", str(path), "--station", code, "--from", SPAN[0], "--to", SPAN[1]),
            *("--password-env", "TEST_PASSWORD", *mapping),
            env={"TEST_PASSWORD": PASSWORD, "PATH": ""},
        )
        assert f"{24 * DAYS} files acknowledged" in sent.stdout

    wanted = {
        (code, parameter, at): text for code, path in months.items() for parameter, at, text in expected(path)
    }
    assert len(wanted) > 700 * DAYS
    for tier in ("province", "ministry"):
        wait_until(
            lambda tier=tier: rows(running, tier) == len(wanted),
            f"{len(wanted)} rows at {tier}",
            every_s=0.5,
        )  # type: ignore[misc]
        found = stored(running, tier)
        assert found.keys() == wanted.keys()
        differing = [(k, found[k], v) for k, v in wanted.items() if found[k] != (float(v), v)]
        assert differing == []

    province, ministry = (hourly(running, tier, len(wanted)) for tier in ("province", "ministry"))
    assert province == ministry
    assert province.keys() == wanted.keys()
    for key, (mean, count, received, share, flag) in province.items():
        assert (received, share, count) == (1, float(flag == 1), int(flag == 1))
        assert mean == (float(wanted[key]) if flag == 1 else None)


def station_entry(code: str) -> dict[str, object]:
    return {
        "code": code,
        "name": STATIONS[code],
        "type": "ambient-air",
        "province": "01",
        "latitude": 39.9,
        "longitude": 116.2,
        "interval_minutes": 60,
        "timezone": "Asia/Shanghai",
        "parameters": [{"code": CODES.get(name, name), "unit": unit} for name, unit in UNITS.items()],
    }


def rows(running: RunningStack, tier: str) -> int:
    count: int = (
        running.database(tier)
        .query("SELECT count() FROM readings FINAL WHERE station LIKE 'BJ_TEST_%'")
        .rows[0][0]
    )
    return count


def stored(running: RunningStack, tier: str) -> dict[tuple[str, str, datetime], tuple[float, str]]:
    found = running.database(tier).query(
        "SELECT station, parameter, measured_at, value, if(text = '', toString(value), text)"
        " FROM readings FINAL WHERE station LIKE 'BJ_TEST_%'"
    )
    return {(s, p, at): (value, text) for s, p, at, value, text in found.rows}


def hourly(
    running: RunningStack, tier: str, count: int
) -> dict[tuple[str, str, datetime], tuple[object, ...]]:
    sql = (
        "SELECT a.station, a.parameter, a.starts_at, a.mean, a.count, a.received, a.completeness, r.flag"
        " FROM (SELECT * FROM averages FINAL WHERE period = 'hour' AND station LIKE 'BJ_TEST_%') AS a"
        " JOIN (SELECT * FROM readings FINAL WHERE station LIKE 'BJ_TEST_%') AS r"
        " ON r.station = a.station AND r.parameter = a.parameter AND r.measured_at = a.starts_at"
    )
    wait_until(
        lambda: len(running.database(tier).query(sql).rows) == count,
        f"{count} averages at {tier}",
        every_s=0.5,
    )
    return {tuple(row[:3]): tuple(row[3:]) for row in running.database(tier).query(sql).rows}
