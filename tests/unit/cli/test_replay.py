"""`quantrac replay`: which options go together, and what a dry run shows."""

import importlib
import io
import itertools
import json
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from quantrac.cli import replay_validator, replay_windows
from quantrac.cli.replay import replay
from quantrac.cli.replay_windows import Page, Period, Shown
from quantrac.domain.readings import Flag
from quantrac.io.clickhouse import Result
from quantrac.testing.broker import FakeBroker
from quantrac.testing.builders import flagged_reading, registry, station

NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)

replay_module = importlib.import_module("quantrac.cli.replay")  # the package has the command by that name


@pytest.fixture(autouse=True)
def deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUANTRAC_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("QUANTRAC_CLICKHOUSE_PASSWORD", "secret")


def said(*arguments: str) -> str:
    end = () if "--to" in arguments else ("--to", "2026-03-02")
    result = CliRunner().invoke(replay, ["--from", "2026-03-01", *end, *arguments])
    assert result.exit_code == 1
    return result.output.strip()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--stage", "validator"), "give either --dry-run, to see what would change, or --publish"),
        (("--stage", "validator", "--dry-run", "--publish"), "give either --dry-run, to see what would"),
        (("--stage", "validator", "--publish"), "--publish needs a reason: --why TEXT"),
        (("--stage", "validator", "--dry-run", "--reason", "x"), "--reason belongs to --stage parse"),
        (("--stage", "parse", "--publish"), "--rules and --publish belong to --stage validator"),
        (("--stage", "windows", "--publish"), "--rules, --publish and --reason do not belong to"),
        (("--stage", "parse", "--to", "2026-02-01"), "--from must lie before --to"),
        (("--stage", "parse", "--reason", "unknown-units"), "the nearest is 'unknown-unit'"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: tuple[str, ...], sentence: str) -> None:
    assert sentence in said(*options)


@pytest.mark.parametrize(
    "options", [("parse",), ("windows", "--dry-run"), ("validator", "--dry-run"), ("validator", "--publish")]
)
def test_a_station_that_is_none_is_named_with_a_likely_one(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    for module in (replay_module, replay_validator):
        monkeypatch.setattr(module, "read_registry", lambda target: nullcontext(registry([station("HN_A")])))
    sentence = said("--stage", *options, "--why", "new rules", "--station", "HN_AA")
    assert sentence == "quantrac: there is no station 'HN_AA' in the registry; did you mean 'HN_A'?"


@pytest.mark.parametrize("stage", ["parse", "windows", "validator"])
def test_stations_that_are_given_are_all_replayed_each_once(
    monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    asked: list[Any] = []

    class Database:
        def __init__(self, _: object) -> None: ...

        def query(self, _sql: str, parameters: Mapping[str, Any]) -> Result:
            asked.append(parameters["stations"])
            return Result(("station",), [])

    stations = registry([station(code) for code in ("HN_A", "HN_B", "HN_C")])
    for module in (replay_module, replay_validator):
        monkeypatch.setattr(module, "read_registry", lambda target: nullcontext(stations))
    for module in ("quantrac.io.clickhouse", "quantrac.cli.replay_validator", "quantrac.cli.replay_windows"):
        monkeypatch.setattr(f"{module}.ClickHouse", Database)
    codes = [option for code in ("hn_b", "HN_A", "HN_B") for option in ("--station", code)]
    arguments = ["--stage", stage, "--from", "2026-03-01", "--to", "2026-03-02", "--dry-run", *codes]
    result = CliRunner().invoke(replay, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert asked == [["HN_B", "HN_A"]]


def test_other_rules_for_a_span_are_not_published_for_one_station(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("required: []")
    arguments = (
        "--stage",
        "validator",
        "--publish",
        "--why",
        "x",
        "--station",
        "A",
        "--rules",
        str(tmp_path),
    )
    assert "hold for every station" in said(*arguments)


class StoredFlags:
    """Readings as they were judged before."""

    def columns(self, sql: str, parameters: object) -> dict[str, list[object]]:
        times = [int(NOON.timestamp()) + 300 * n for n in range(5)]
        tests = '{"spike":1,"status":1}'
        return {"parameter": ["CO"] * 5, "time": times, "flag": [1] * 5, "tests": [tests] * 5}


def test_changes_are_counted_by_test_series_and_flags_with_three_examples() -> None:
    readings = [
        flagged_reading(
            7.5,
            parameter="CO",
            unit="µg/m3",
            measured_at=NOON + timedelta(minutes=5 * n),
            flag=Flag.SUSPECT,
            tests={"status": 1, "spike": 3, "rate_of_change": 3},
        )
        for n in range(5)
    ]
    comparison = replay_validator.Comparison()
    comparison.add(StoredFlags(), "A", readings)
    different = "rate_of_change not asked → suspect, spike good → suspect"
    examples = [
        f"    2026-03-25T19:{5 * n:02}:00+07:00 7.5 µg/m3: good → suspect ({different})" for n in range(3)
    ]
    assert list(comparison.lines()) == [
        "rate_of_change A CO: 5 readings good → suspect",
        *examples,
        "spike A CO: 5 readings good → suspect",
        *examples,
        "5 readings good → suspect",
    ]


def test_another_demand_on_tests_is_named_where_no_outcome_differs() -> None:
    reading = flagged_reading(
        7.5,
        parameter="CO",
        unit="",
        measured_at=NOON,
        flag=Flag.NOT_EVALUATED,
        tests={"status": 1, "spike": 1},
    )
    comparison = replay_validator.Comparison()
    comparison.add(StoredFlags(), "A", [reading])
    assert list(comparison.lines()) == [
        "required A CO: 1 reading good → not evaluated",
        "    2026-03-25T19:00:00+07:00 7.5: good → not evaluated",
        "1 reading good → not evaluated",
    ]


class Hours:
    """Stations that each have readings of PM2.5 in these hours."""

    def __init__(self, stations: list[str], hours: list[datetime]) -> None:
        self.stations, self.hours = stations, hours
        self.asked: list[tuple[str, str]] = []

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        start, end = (datetime.fromisoformat(f"{parameters[name]}Z") for name in ("start", "end"))
        if sql == replay_windows._STATIONS:
            assert parameters["stations"] == []
            return Result(("station",), [(code,) for code in self.stations])
        self.asked.append((parameters["start"], parameters["end"]))
        found = [
            (code, "PM2.5", int(hour.timestamp()))
            for hour in self.hours
            if start <= hour < end
            for code in parameters["stations"]
        ]
        return Result(("station", "parameter", "hour"), found)


def test_the_hours_of_a_period_come_by_groups_of_stations_and_days_in_vietnam() -> None:
    evening = datetime(2026, 3, 1, 15, tzinfo=UTC)
    stations = [f"S{n:02}" for n in range(30)]
    database = Hours(stations, [evening + timedelta(hours=n) for n in range(4)])
    found = list(replay_windows.pages(database, Period(evening, evening + timedelta(days=40), ())))
    assert [(next(iter(page.hours)), len(page.hours), page.done) for page in found] == [
        ("S00", 25, 25),
        ("S00", 25, 50),
        ("S25", 5, 25 * 41 + 5),
        ("S25", 5, 25 * 41 + 10),
    ]
    assert {page.total for page in found} == {30 * 41}
    assert found[0].hours["S00"] == [("PM2.5", evening), ("PM2.5", evening + timedelta(hours=1))]
    assert found[1].hours["S00"][0] == ("PM2.5", datetime(2026, 3, 1, 17, tzinfo=UTC)), "midnight"
    assert database.asked[:2] == [
        ("2026-03-01 15:00:00", "2026-03-30 17:00:00"),
        ("2026-03-30 17:00:00", "2026-04-10 15:00:00"),
    ]


def test_hours_that_a_period_touches_in_part_are_asked_for_whole() -> None:
    database = Hours(["S"], [])
    minutes = Period(NOON + timedelta(minutes=10), NOON + timedelta(minutes=70), ())
    assert list(replay_windows.pages(database, minutes)) == []
    assert database.asked == [("2026-03-25 12:00:00", "2026-03-25 14:00:00")]


def test_a_page_is_sent_only_while_the_windows_follow_and_the_wait_is_shown() -> None:
    broker, screen, clock = FakeBroker(), io.StringIO(), itertools.count(step=10)
    shown = Shown(Console(file=screen, width=120), clock=lambda: float(next(clock)))
    lags, waits = iter([0, None, 101, 100]), list[float]()
    pages = iter(Page({"S": [("CO", NOON)]}, done, 4) for done in (1, 2))
    sent = replay_windows.send(
        pages, "dirty", broker.producer(), lambda: next(lags), shown=shown, wait=waits.append
    )
    assert next(sent) == 1
    assert waits == []
    assert list(sent) == [2]
    assert waits == [1.0, 1.0]
    assert [json.loads(record.value or b"") for record in broker.records("dirty")] == [
        {"station": "S", "windows": [{"parameters": ["CO"], "hours": ["2026-03-25T12:00:00Z"]}]}
    ] * 2
    lines = screen.getvalue().splitlines()
    assert lines[0] == "1 hours, 0 hours/s, 1 of 4 days of stations, time left 0:00:30"
    assert lines[1] == "waiting for aggregator.windows: how far aggregator.windows is is not known"
    assert lines[2] == "waiting for aggregator.windows: 101 messages before it"
