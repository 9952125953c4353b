"""The questions of docs/analyst.md, as they stand there, against data whose answers are known."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.settings import ClickHouseSettings
from quantrac.migrate import migrate_tables, write_reference
from schemas.limits import load_national
from schemas.messages.registry.stations import Station
from services.aggregator.sink.registry_tables import limit_rows, parameter_rows, station_row
from support.folders import ROOT
from support.waiting import LIMIT

PAGE = ROOT / "docs" / "analyst.md"
A, B, WATER, QUIET = "HN_A_KHI", "HN_B_KHI", "HP_W_NUO", "HP_S_KHI"
LOCAL = timezone(timedelta(hours=7))
DAY = datetime(2026, 3, 25, tzinfo=LOCAL)
NIGHT = datetime(2026, 3, 25, 20, tzinfo=UTC)
"""When what is of the 25th was computed; corrections came later."""

STATIONS = [
    Station.model_validate(
        {
            "code": code,
            "name": name,
            "name_en": name,
            "type": medium,
            "province": province,
            "latitude": 21.0,
            "longitude": 105.8,
            "interval_minutes": 60,
            "valid_from": date(2026, 3, 25),
            "parameters": [{"code": parameter, "unit": unit} for parameter, unit in parameters],
        }
    )
    for code, name, medium, province, parameters in (
        (A, "Station A", "ambient-air", "01", [("PM2.5", "µg/m3"), ("NO2", "µg/m3"), ("WindDir", "°")]),
        (B, "Station B", "ambient-air", "01", [("PM2.5", "µg/m3")]),
        (WATER, "Plant W", "wastewater", "31", [("COD", "mg/L"), ("FlowOut", "m3/h")]),
        (QUIET, "Stack S", "stack", "31", [("PM", "mg/Nm3")]),
    )
]


def questions() -> dict[int, str]:
    """Number -> SQL, the first block below each numbered heading."""
    parts = re.split(r"^### (\d+)\. .*$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {}
    for number, text in zip(parts[1::2], parts[2::2], strict=True):
        block = re.search(r"```sql\n(.*?)```", text, flags=re.DOTALL)
        assert block, number
        found[int(number)] = block[1]
    return found


def insert(client: ClickHouse, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    client.insert(table, {name: [row[name] for row in rows] for name in rows[0]})


def average_row(
    station: str, parameter: str, starts_at: datetime, mean: float, unit: str = "µg/m3", **other: Any
) -> dict[str, Any]:
    period = other.get("period", "hour")
    hours = 24 if period == "day" else 1
    counts = {"count": hours, "received": hours, "expected": hours, "good": hours, "completeness": 1.0}
    counts |= dict.fromkeys(("not_evaluated", "suspect", "fail", "missing"), 0)
    row = {"station": station, "parameter": parameter, "period": period, "starts_at": starts_at}
    row |= {"ends_at": starts_at + timedelta(hours=hours), "unit": unit, "mean": mean, "minimum": mean}
    row |= {"maximum": mean, "complete": 1, "computed_at": NIGHT, "version": 1}
    return row | counts | other


def reading_row(
    station: str, parameter: str, at: datetime, value: float, unit: str, late: int = 60, **other: Any
) -> dict[str, Any]:
    received = at + timedelta(seconds=late)
    row = {"station": station, "parameter": parameter, "measured_at": at, "value": value, "text": ""}
    row |= {"unit": unit, "status": "00", "flag": 1, "tests": '{"flat_line":1,"stuck":1}', "rules": "r"}
    return row | {"line": 1, "version": int(received.timestamp() * 1000) * 1024} | other


def hour(number: int) -> datetime:
    return DAY + timedelta(hours=number)


@pytest.fixture(scope="module")
def hanoi(clickhouse_server: ClickHouseSettings) -> ClickHouse:
    """The demo's two databases with known data; a client of the province's."""
    for name in ("hn", "ministry"):
        settings = clickhouse_server.model_copy(update={"database": name})
        migrate_tables(settings)
        write_reference(settings)
    province = ClickHouse(clickhouse_server.model_copy(update={"database": "hn"}))
    ministry = ClickHouse(clickhouse_server.model_copy(update={"database": "ministry"}))
    stations = [station.to_domain() for station in STATIONS]
    version = {"version": 1}
    insert(province, "stations", [station_row(each.code, each) | version for each in stations])
    for table, rows in (
        ("station_parameters", [row for each in stations for row in parameter_rows(each)]),
        ("station_limits", [row for each in stations for row in limit_rows(load_national(), each)]),
    ):
        insert(province, table, [row | version for row in rows])

    stuck = {"flag": 4, "tests": '{"flat_line":4,"stuck":1}'}
    insert(
        province,
        "readings",
        [
            *(reading_row(A, "PM2.5", hour(n), 20.0 + n, "µg/m3") for n in range(3)),
            reading_row(A, "PM2.5", hour(3), 999.0, "µg/m3", flag=4),
            # Twice: the later file counts.
            reading_row(A, "NO2", hour(0), 11.0, "µg/m3"),
            reading_row(A, "NO2", hour(0), 12.0, "µg/m3", late=7200),
            *(reading_row(B, "PM2.5", hour(n), 30.0, "µg/m3", late=1200, **stuck) for n in range(2)),
            # The one station that is not silent, whatever the clock says.
            reading_row(WATER, "COD", datetime(2100, 1, 1, tzinfo=LOCAL), 40.0, "mg/L"),
        ],
    )
    corrected: dict[str, Any] = {"version": 2, "computed_at": datetime(2026, 3, 27, tzinfo=UTC)}
    hours = [
        *(average_row(A, "PM2.5", hour(n), mean) for n, mean in enumerate((10.0, 20.0, 30.0))),
        average_row(A, "PM2.5", hour(3), 500.0, complete=0, completeness=0.25),
        *(average_row(A, "WindDir", hour(n), angle, "°") for n, angle in enumerate((350.0, 10.0, 91.0))),
        average_row(A, "NO2", hour(0), 12.0),
        average_row(A, "NO2", hour(1), 6.0, "ppb"),
        *(average_row(B, "PM2.5", hour(n), mean) for n, mean in enumerate((12.0, 24.0, 30.0))),
        *(average_row(WATER, "COD", hour(n), 50.0, "mg/L") for n in range(3)),
        *(average_row(WATER, "FlowOut", hour(n), 100.0, "m3/h") for n in range(2)),
    ]
    days = [
        average_row(A, "PM2.5", datetime(2025, 12, 31, tzinfo=LOCAL), 47.0, period="day"),
        average_row(A, "PM2.5", datetime(2026, 1, 1, tzinfo=LOCAL), 47.0, period="day"),
        average_row(A, "PM2.5", datetime(2026, 1, 2, tzinfo=LOCAL), 99.0, period="day", complete=0),
        average_row(A, "PM2.5", DAY, 44.0, period="day", received=23, good=20, suspect=3),
        average_row(B, "PM2.5", DAY, 46.0, period="day", received=12, good=12),
        average_row(WATER, "COD", DAY, 50.0, "mg/L", period="day"),
    ]
    insert(province, "averages", [*hours, *days])
    first = average_row(A, "PM2.5", hour(2), 33.0)
    insert(province, "average_versions", [first, average_row(A, "PM2.5", hour(2), 30.0, **corrected)])
    insert(province, "averages", [average_row(A, "PM2.5", hour(2), 30.0, **corrected)])
    insert(ministry, "averages", [days[3], {**days[4], "mean": 46.5}])

    def index(day: int, value: int | None, level: str, **other: Any) -> dict[str, Any]:
        at = datetime(2026, 3, day, tzinfo=LOCAL)
        row = {"station": A, "kind": "VN_AQI", "period": "day", "starts_at": at, "value": value}
        row |= {"ends_at": at + timedelta(days=1), "level": level, "responsible": ["PM2.5"]}
        return row | {"subindices": {}, "computed_at": NIGHT, "version": 1} | other

    insert(
        province,
        "indices",
        [
            index(20, 40, "good"),
            index(21, 80, "moderate"),
            index(22, 90, "moderate"),
            index(23, 120, "unhealthy"),
            index(23, 95, "moderate", version=2),
            index(24, None, ""),
        ],
    )

    def episode(station: str, peak: float, **other: Any) -> dict[str, Any]:
        row: dict[str, Any] = {
            "station": station,
            "parameter": "PM2.5",
            "period": "day",
            "minimum": None,
            "maximum": 45.0,
        }
        row |= {"standard": "QCVN 05:2023/BTNMT", "column": "", "unit": "µg/m3", "starts_at": DAY}
        row |= {"ends_at": DAY + timedelta(days=1), "periods": 1, "peak": peak, "peak_at": DAY}
        return row | {"ratio": peak / 45, "open": 1, "computed_at": NIGHT, "version": 1} | other

    insert(
        province,
        "exceedances",
        [
            episode(A, 90.0),
            episode(A, 54.0, version=2),
            episode(B, 60.0),
            episode(B, 60.0, version=2, periods=0),
            episode(A, 81.0, starts_at=DAY - timedelta(days=9), open=0),
            episode(B, 63.0, starts_at=DAY - timedelta(days=1), periods=2),
        ],
    )
    return province


ANSWERS: dict[int, list[tuple[Any, ...]]] = {
    1: [
        (A, "Station A", "NO2", "2026-03-25 00:00:00", 12.0, "µg/m3", 1),
        (A, "Station A", "PM2.5", "2026-03-25 03:00:00", 999.0, "µg/m3", 4),
        (B, "Station B", "PM2.5", "2026-03-25 01:00:00", 30.0, "µg/m3", 4),
    ],
    2: [
        ("2026-03-25 00:00:00", 10.0, 1.0),
        ("2026-03-25 01:00:00", 20.0, 1.0),
        ("2026-03-25 02:00:00", 30.0, 1.0),
    ],
    3: [
        (A, "2025-12-01", 1, 0),  # 47 is below the 50 of 2025,
        (A, "2026-01-01", 1, 1),  # above the 45 since; an incomplete day is not judged
        (A, "2026-03-01", 1, 0),
        (B, "2026-03-01", 1, 1),
    ],
    # From the 25th to the 31st 7 x 24 readings of each parameter: four of Hà Nội, three of Hải Phòng.
    4: [("Hà Nội", 2, 672, 5.2, 4.8), ("Hải Phòng", 2, 504, 4.8, 4.8)],
    5: [
        (A, "Hà Nội", "2026-03-25 03:00:00"),
        (B, "Hà Nội", "2026-03-25 01:00:00"),
        (QUIET, "Hải Phòng", None),
    ],
    6: [(B, "PM2.5", "2026-03-25", 2, "2026-03-25 00:00:00", 30.0)],
    7: [(A, "good", 1, 40), (A, "moderate", 3, 95)],
    8: [
        (B, "PM2.5", "day", "QCVN 05:2023/BTNMT", "2026-03-24 00:00:00", 2, 63.0, 45.0, 1.4),
        (A, "PM2.5", "day", "QCVN 05:2023/BTNMT", "2026-03-25 00:00:00", 1, 54.0, 45.0, 1.2),
    ],
    9: [("2026-03-25 02:00:00", 33.0, 30.0, "2026-03-27 00:00:00.000")],
    10: [("PM2.5", 3, -2.0, 0.982)],
    11: [("E", 1, 30.0, 30.0), ("N", 2, 15.0, 19.5)],
    12: [
        (A, "2026-03-25 00:00:00", 10.0, 12.0, 350.0),
        (A, "2026-03-25 01:00:00", 20.0, None, 10.0),  # NO2 in ppb is not in the column's unit
        (A, "2026-03-25 02:00:00", 30.0, None, 91.0),
        (B, "2026-03-25 00:00:00", 12.0, None, None),
        (B, "2026-03-25 01:00:00", 24.0, None, None),
        (B, "2026-03-25 02:00:00", 30.0, None, None),
    ],
    13: [(A, 5, 60.0, 7200, 1), (B, 2, 1200.0, 1200, 2)],
    14: [(B, "PM2.5", "2026-03-25", 46.0, 46.5), (WATER, "COD", "2026-03-25", 50.0, None)],
    15: [(WATER, "2026-03-25", 2, 10.0)],
}


SPREADSHEET, BOTH_TIERS = 12, 14


def ask(
    analyst: ClickHouseSettings, sql: str, output: str = "JSONCompactEachRow", **settings: str
) -> list[str]:
    """Ask as analysts do, with the login that only reads; returns the lines of a format of text."""
    answer = httpx.post(
        f"http://{analyst.host}:{analyst.port}/",
        params={"database": "hn", "default_format": output, **settings},
        content=sql,
        auth=(analyst.user, analyst.password),
        timeout=LIMIT,
    )
    assert answer.status_code == 200, answer.text
    return answer.text.splitlines()


def ask_rows(analyst: ClickHouseSettings, sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of an answer."""
    return [tuple(json.loads(line)) for line in ask(analyst, sql)]


def test_the_page_has_the_questions_that_are_answered_here() -> None:
    assert sorted(questions()) == sorted(ANSWERS) == list(range(1, 16))


@pytest.mark.parametrize("number", sorted(ANSWERS.keys() - {BOTH_TIERS}))
@pytest.mark.usefixtures("hanoi")
def test_a_question_has_its_answer(analyst: ClickHouseSettings, number: int) -> None:
    assert ask_rows(analyst, questions()[number]) == ANSWERS[number]


@pytest.mark.usefixtures("hanoi")
def test_who_reads_both_tiers_can_compare_them(clickhouse_server: ClickHouseSettings) -> None:
    assert ask_rows(clickhouse_server, questions()[BOTH_TIERS]) == ANSWERS[BOTH_TIERS]


@pytest.mark.parametrize("whole", [{}, {"wait_end_of_query": "1"}])
@pytest.mark.usefixtures("hanoi")
def test_what_is_not_there_is_an_empty_cell_to_a_spreadsheet(
    analyst: ClickHouseSettings, whole: dict[str, str]
) -> None:
    question = questions()[SPREADSHEET]
    lines = [
        '"station","starts_local","pm2_5","no2","winddir"',
        '"HN_A_KHI","2026-03-25 00:00:00",10,12,350',
        '"HN_A_KHI","2026-03-25 01:00:00",20,,10',
        '"HN_A_KHI","2026-03-25 02:00:00",30,,91',
        '"HN_B_KHI","2026-03-25 00:00:00",12,,',
        '"HN_B_KHI","2026-03-25 01:00:00",24,,',
        '"HN_B_KHI","2026-03-25 02:00:00",30,,',
    ]
    assert ask(analyst, question, "CSVWithNames", **whole) == lines
    assert ask(analyst, f"{question} FORMAT CSVWithNames", **whole) == lines


@pytest.mark.usefixtures("hanoi")
def test_how_a_spreadsheet_gets_its_cells_may_be_chosen_in_the_address(analyst: ClickHouseSettings) -> None:
    sql = "SELECT 'a', NULL, 1.5"
    assert ask(analyst, sql, "CSV", format_csv_null_representation="NA") == ['"a",NA,1.5']
    assert ask(analyst, sql, "CSV", format_csv_delimiter=";") == ['"a";;1.5']
    assert ask(analyst, sql, "TSV") == ["a\t\\N\t1.5"]
    assert ask(analyst, sql, "TSV", format_tsv_null_representation="") == ["a\t\t1.5"]
