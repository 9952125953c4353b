"""The questions of docs/analyst.md, as they stand there, against data whose answers are known."""

import cmath
import math
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from quantrac.io.clickhouse import ClickHouse
from quantrac.io.settings import ClickHouseSettings
from quantrac.migrate import migrate_tables, write_reference
from support.analyst_data import (
    BEGUN,
    CORRECTED,
    DAY,
    HEARD,
    STACK,
    STATIONS,
    TODAY,
    UNREGISTERED,
    WATER,
    A,
    B,
    hour,
    insert,
    insert_averages,
    insert_episodes,
    insert_indices,
    insert_readings,
    insert_registry,
    local_date,
    local_text,
)
from support.analyst_page import (
    BOTH_TIERS,
    PAGE,
    ask,
    ask_rows,
    questions,
    rule_of_thumb,
    spreadsheet_command,
    without_imports,
)
from support.waiting import LIMIT


@pytest.fixture(scope="module")
def hanoi(clickhouse_server: ClickHouseSettings) -> ClickHouse:
    """The demo's two databases with known data; a client of the province's."""
    for name in ("hn", "ministry"):
        settings = clickhouse_server.model_copy(update={"database": name})
        migrate_tables(settings)
        write_reference(settings)
    province = ClickHouse(clickhouse_server.model_copy(update={"database": "hn"}))
    ministry = ClickHouse(clickhouse_server.model_copy(update={"database": "ministry"}))
    insert_registry(province)
    insert_readings(province)
    days = insert_averages(province)
    insert(ministry, "averages", [days[2], {**days[3], "mean": 46.5}])
    insert_indices(province)
    insert_episodes(province)
    return province


def _steadiness(*angles: float) -> tuple[float, float]:
    """Return direction in degrees and length of the mean vector."""
    mean = sum(cmath.rect(1, math.radians(angle)) for angle in angles) / len(angles)
    return round(math.degrees(cmath.phase(mean)), 2), round(abs(mean), 3)


def _gaps(now: datetime) -> list[tuple[Any, ...]]:
    """Question 18: of each registered series its readings, between the station's beginning and now."""
    times = {
        (A, "NO2"): [hour(0), hour(2)],
        (A, "PM2.5"): [hour(n) for n in range(4)],
        (B, "PM2.5"): [hour(0), hour(1)],
        (WATER, "COD"): [HEARD],
    }
    rows = []
    for station in STATIONS:
        for parameter in station.parameters:
            known = times.get((station.code, parameter.code), [])
            ends = sorted([DAY, *known, now])
            pairs = [((after - before).total_seconds(), before) for before, after in pairwise(ends)]
            long = [pair for pair in pairs if pair[0] >= 5400]
            absent = sum(int(seconds / 3600 + 0.5) - 1 for seconds, _ in long)
            hours = round(max(long)[0] / 3600, 1)
            rows.append((station.code, parameter.code, len(long), absent, hours, local_text(max(long)[1])))
    return sorted(rows, key=lambda row: (-row[3], *row[:2]))


def _silent(now: datetime) -> list[tuple[Any, ...]]:
    newest = [(A, "NO2", hour(2)), (A, "PM2.5", hour(3)), (B, "PM2.5", hour(1)), (WATER, "COD", HEARD)]
    never = [(A, "WindDir"), (STACK, "PM"), (WATER, "FlowOut")]
    heard = [
        (station, parameter, local_text(at), round((now - at).total_seconds() / 3600, 1))
        for station, parameter, at in sorted(newest, key=lambda row: row[2])
    ]
    return [*((*series, None, None) for series in never), *heard]


def _shares(now: datetime) -> list[tuple[Any, ...]]:
    """Question 4: four series of Hà Nội, three of Hải Phòng, each hour begun since the stations did."""
    hours = math.ceil((now - DAY).total_seconds() / 3600)
    return [
        (name, 2, series * hours, *(round(100 * part / (series * hours), 1) for part in parts))
        for name, series, parts in (("Hà Nội", 4, (40, 37)), ("Hải Phòng", 3, (24, 24)))
    ]


def _today(now: datetime) -> list[tuple[Any, ...]]:
    passed = int((now - TODAY).total_seconds() // 3600)
    return [(A, local_date(TODAY), 20.0, 5, passed, float(round(500 / passed)) if passed else None)]


Answer = list[tuple[Any, ...]]
QCVN = "QCVN 05:2023/BTNMT"
MONTH = DAY - timedelta(days=40)

ANSWERS: dict[int, Answer | Callable[[datetime], Answer]] = {
    1: [
        (A, "Station A", "NO2", local_text(hour(2)), 13.0, "µg/m3", 1),
        (A, "Station A", "PM2.5", local_text(hour(3)), 999.0, "µg/m3", 4),
        (B, "Station B", "PM2.5", local_text(hour(1)), 30.0, "µg/m3", 4),
        (WATER, "Plant W", "COD", local_text(HEARD), 40.0, "mg/L", 1),
    ],
    2: [(local_text(hour(n)), mean, 1.0) for n, mean in enumerate((10.0, 20.0, 30.0))],
    3: [
        (A, f"{MONTH:%Y-%m}-01", 1, 1),  # 47 is above 45; an incomplete day is not judged
        (A, f"{DAY:%Y-%m}-01", 1, 0),
        (B, f"{DAY:%Y-%m}-01", 1, 1),
    ],
    4: _shares,
    5: [
        (A, "Hà Nội", local_text(hour(3)), True),
        (B, "Hà Nội", local_text(hour(1)), True),
        (STACK, "Hải Phòng", None, True),
        (WATER, "Hải Phòng", local_text(HEARD), False),
    ],
    6: [(B, "PM2.5", local_date(DAY), 2, local_text(DAY), 30.0)],
    7: [(A, "good", 1, 40), (A, "moderate", 3, 95)],
    8: [
        (B, "PM2.5", "day", QCVN, local_text(DAY - timedelta(days=1)), 48, 2, 63.0, 45.0, 1.4),
        (A, "PM2.5", "day", QCVN, local_text(DAY), 24, 1, 54.0, 45.0, 1.2),
    ],
    9: [
        (A, "PM2.5", local_text(hour(2)), 33.0, 30.0, 1, local_text(CORRECTED) + ".000"),
        (B, "PM2.5", local_text(hour(0)), 12.5, None, 0, local_text(CORRECTED) + ".000"),
        (B, "PM2.5", local_text(hour(1)), None, 24.0, 1, local_text(CORRECTED) + ".000"),
    ],
    10: [
        ("PM2.5", 3, -2.0, 0.982, None),
        ("WindDir", 3, _steadiness(-20, 20, 0)[0], None, _steadiness(-20, 20, 0)[1]),
    ],
    11: [("N", 1, 0, 1, 0, 20.0, 20.0), ("E", 1, 0, 0, 1, 30.0, 30.0), ("calm", 1, 0, 0, 0, 10.0, 10.0)],
    12: [
        (A, local_text(hour(0)), 10.0, 12.0, 350.0),
        (A, local_text(hour(1)), 20.0, None, 10.0),  # NO2 in ppb is not in the column's unit
        (A, local_text(hour(2)), 30.0, None, 91.0),
        (B, local_text(hour(0)), 12.0, None, 10.0),
        (B, local_text(hour(1)), 24.0, None, 350.0),
        (B, local_text(hour(2)), 30.0, None, 91.0),
    ],
    13: [(A, 6, 1, 60.0, 5772.0, 1), (B, 2, 0, 1200.0, 1200.0, 2), (WATER, 1, 0, 1.0, 1.0, 0)],
    14: [
        (A, "PM2.5", 1, 0, 0),
        (B, "PM2.5", 1, 0, 1),
        (WATER, "COD", 1, 1, 0),
    ],
    15: [(WATER, local_date(DAY), 2, 10.0)],
    16: [
        (B, "Station B", local_text(hour(1)), 160, "unhealthy", ["PM2.5"]),
        (A, "Station A", local_text(hour(1)), 155, "unhealthy", ["PM2.5"]),
    ],
    17: [
        ("flat_line", 0, 2, 100.0, 1),
        ("spike", 2, 0, 100.0, 1),
        ("physical_range", 0, 1, 100.0, 1),
    ],
    18: _gaps,
    19: _silent,
    20: [
        (A, "NO2", local_text(hour(0)), 11.0, 12.0, 1, 1, "correction", local_text(CORRECTED)),
        (A, "PM2.5", local_text(hour(1)), 21.0, 21.0, 3, 1, "late,neighbours", local_text(CORRECTED)),
    ],
    21: [
        (
            A,
            "PM2.5",
            "µg/m3",
            local_text(hour(0) - timedelta(days=400)),
            local_text(hour(3)),
            400,
            75.0,
            3600,
        ),
        (UNREGISTERED, "pH", "", local_text(hour(0)), local_text(hour(3)), 1, 100.0, 0),
    ],
    22: [(UNREGISTERED, local_text(BEGUN.replace(minute=0, second=0) - timedelta(hours=3)), 21.0, 1.0)],
    23: _today,
}

SPREADSHEET, DELAYS = 12, 13


def expect(number: int) -> Answer:
    """Return the answer of a question at this moment."""
    answer = ANSWERS[number]
    return answer(datetime.now(UTC)) if callable(answer) else answer


def test_the_page_has_the_questions_that_are_answered_here() -> None:
    assert sorted(questions()) == sorted(ANSWERS) == list(range(1, 24))


@pytest.mark.parametrize("number", sorted(ANSWERS.keys() - {BOTH_TIERS}))
@pytest.mark.usefixtures("hanoi")
def test_a_question_has_its_answer(analyst: ClickHouseSettings, number: int) -> None:
    before = expect(number)
    rows = ask_rows(analyst, questions()[number])
    assert rows
    assert rows == before or rows == expect(number)  # an hour may have begun meanwhile


@pytest.mark.usefixtures("hanoi")
def test_delays_may_leave_out_what_was_imported(analyst: ClickHouseSettings) -> None:
    (station, count, backlog, *delays), *others = expect(DELAYS)
    without = (station, count - 1, backlog - 1, *delays)
    assert ask_rows(analyst, without_imports(questions()[DELAYS])) == [without, *others]


@pytest.mark.usefixtures("hanoi")
def test_the_guides_command_for_a_spreadsheet_is_answered(analyst: ClickHouseSettings) -> None:
    _, query, *_ = spreadsheet_command()
    header, *hours = ask(analyst, query, "CSVWithNames")
    assert header == '"station","starts_local","pm2_5","no2"'
    assert [hour.partition(",")[0] for hour in hours] == [f'"{A}"'] * 3 + [f'"{B}"'] * 3


@pytest.mark.usefixtures("hanoi")
def test_the_query_among_the_rules_of_thumb_has_its_answer(analyst: ClickHouseSettings) -> None:
    assert ask_rows(analyst, rule_of_thumb()) == [(["DO", "pH"], 4, WATER, 75.0, 1)]


@pytest.mark.usefixtures("hanoi")
def test_who_reads_both_tiers_can_compare_them(clickhouse_server: ClickHouseSettings) -> None:
    rows = ask_rows(clickhouse_server, questions()[BOTH_TIERS])
    assert sorted(rows) == sorted(expect(BOTH_TIERS))


@pytest.mark.parametrize("whole", [{}, {"wait_end_of_query": "1"}])
@pytest.mark.usefixtures("hanoi")
def test_what_is_not_there_is_an_empty_cell_to_a_spreadsheet(
    analyst: ClickHouseSettings, whole: dict[str, str]
) -> None:
    question = questions()[SPREADSHEET]
    lines = [
        '"station","starts_local","pm2_5","no2","winddir"',
        f'"{A}","{local_text(hour(0))}",10,12,350',
        f'"{A}","{local_text(hour(1))}",20,,10',
        f'"{A}","{local_text(hour(2))}",30,,91',
        f'"{B}","{local_text(hour(0))}",12,,10',
        f'"{B}","{local_text(hour(1))}",24,,350',
        f'"{B}","{local_text(hour(2))}",30,,91',
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


@pytest.mark.usefixtures("hanoi")
def test_the_pages_example_gives_pandas_the_days_of_vietnam(analyst: ClickHouseSettings) -> None:
    block = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block
    program = block[1].replace("port=8123", f"port={analyst.port}").replace("PASSWORD", analyst.password)
    program += "\nprint(hours.dtypes['starts_local'])\nprint(hours['starts_local'].min())\n"
    # A process of its own: the project's client switches pandas off in its process.
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert run.returncode == 0, run.stderr
    assert re.search(rf"^{local_date(DAY)} 00:00:00\+07:00\s+20\.0$", run.stdout, re.MULTILINE), run.stdout
    assert run.stdout.endswith(f"datetime64[s, Asia/Ho_Chi_Minh]\n{local_text(DAY)}+07:00\n")


def _page_table(title: str) -> dict[str, str]:
    """Return the first cell of each row of the page's table with this first heading -> the last cell."""
    rows = (
        PAGE.read_text(encoding="utf-8").partition(f"\n| {title} |")[2].partition("\n\n")[0].splitlines()[2:]
    )
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {row[0].strip("`"): row[-1] for row in cells}


def test_the_page_lists_the_attributes_of_the_dictionaries(hanoi: ClickHouse) -> None:
    attributes = {name: re.findall(r"`(\w+)`", cell) for name, cell in _page_table("dictionary").items()}
    stored = hanoi.query(
        "SELECT name, attribute.names FROM system.dictionaries WHERE database = currentDatabase()"
    )
    assert attributes == {name: list(names) for name, names in stored.rows}


def test_the_page_names_every_view(hanoi: ClickHouse) -> None:
    made_for_dictionaries = {"station_limit_ranges"}
    stored = hanoi.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View'"
    )
    page = PAGE.read_text(encoding="utf-8")
    views = page.partition("## What there is")[2].partition("\n\nIn `readings_current`")[0]
    named = set(re.findall(r"`(\w+)(?:\(.*?\))?`", views))
    assert {name for (name,) in stored.rows} - made_for_dictionaries <= named
