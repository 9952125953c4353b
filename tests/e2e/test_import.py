"""Measurements as history through the running stack: judged, averaged, traced, and told to nobody."""

from datetime import datetime, timedelta
from pathlib import Path

from quantrac.domain.times import VIETNAM
from support.running_stack import RunningStack
from support.waiting import wait_until

CODE = "HN_HISTORY_KHI"
HOURS = 24 * 10
BEGIN = datetime(2019, 3, 1, tzinfo=VIETNAM)


def write_table(folder: Path) -> Path:
    """Ten days of 2019, every hour, with a row that is broken and a column of words."""
    path = folder / f"{CODE}.csv"
    rows = []
    for n in range(HOURS):
        at, words = BEGIN + timedelta(hours=n), "N" if n % 2 else "ENE"
        rows.append(f"{at:%d/%m/%Y %H:%M},{20 + n % 7}.{n % 9}1,{1 + n % 3}.5,{words}\n")
    rows[4] = rows[4].replace(",", ",x", 1)
    path.write_text("Thời gian,PM-2-5 (µg/m3),CO (mg/m3),wd\n" + "".join(rows))
    return path


def test_history_is_judged_stored_once_and_told_to_nobody(running: RunningStack, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    running.register(tmp_path / "registry", [station_entry()], tiers=["province"])
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("columns: {wd: {parameter: WindDir, words: compass}}")
    table = write_table(tmp_path)
    command = ("import", str(table), "--mapping", str(mapping))

    shown = running.quantrac(*command, "--dry-run")
    assert "would be read: 240 rows" in shown.stdout
    database = running.database("province")
    files = f"SELECT count() FROM raw_files WHERE station = '{CODE}'"
    assert database.query(files).rows == [(0,)]

    first = running.quantrac(*command)
    assert "240 rows in 2 files acknowledged" in first.stdout
    assert f"{CODE}  CO: 240 readings" in first.stdout
    assert f"{CODE}  1 rejected, value-not-a-number; such as {CODE}.csv, line 6" in first.stdout
    again = running.quantrac(*command)
    assert "0 rows in 0 files acknowledged" in again.stdout
    assert "2 files were imported before" in again.stdout
    assert database.query(files).rows == [(2,)]

    counts = (
        f"SELECT count(), countIf(flag = 1), countIf(imported) FROM readings FINAL WHERE station = '{CODE}'"
    )
    count, good, imported = database.query(counts).rows[0]
    assert (count, imported) == (3 * HOURS - 1, 3 * HOURS - 1)
    assert good > 0.9 * count, "older than 60 days, and good all the same"
    complete = f"SELECT countIf(complete) FROM averages FINAL WHERE station = '{CODE}' AND period = 'hour'"
    wait_until(lambda: database.query(complete).rows[0][0] > 0.9 * count, "hourly averages", every_s=0.5)

    at = BEGIN.isoformat()
    with running.api() as api:
        answer = api.get("/v1/lineage", params={"station": CODE, "parameter": "WindDir", "measured_at": at})
    lineage = answer.json()
    assert lineage["line_text"] == "01/03/2019 00:00,20.01,1.5,ENE"
    assert (lineage["reading"]["value"], lineage["reading"]["text"], lineage["reading"]["line"]) == (
        67.5,
        "ENE",
        2,
    )
    assert (lineage["file"]["name"], lineage["file"]["transport"]) == (f"{CODE}.csv", "import")
    age = next(test for test in lineage["tests"] if test["name"] == "age")
    assert age["says"].startswith("imported as history")

    alerts = f"SELECT kind, detail FROM alerts WHERE station = '{CODE}'"
    assert database.query(alerts).rows == []


def station_entry() -> dict[str, object]:
    return {
        "code": CODE,
        "name": "Lịch sử",
        "type": "ambient-air",
        "province": "01",
        "latitude": 21.0,
        "longitude": 105.8,
        "interval_minutes": 60,
        "parameters": [
            {"code": "PM2.5", "unit": "µg/m3"},
            {"code": "CO", "unit": "µg/m3"},
            {"code": "WindDir", "unit": "°"},
        ],
    }
