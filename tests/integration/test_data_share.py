"""The view ``data_share`` against shares that are counted one reading at a time, over the real engine."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from random import Random

import pytest
from click.testing import CliRunner, Result

from quantrac.cli.share import describe, share
from quantrac.domain.data_share import add_shares, find_faults
from quantrac.domain.limits import LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse, ClickHouseBadData
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.asgi import TestClient
from schemas.clickhouse.data_share import read_shares
from schemas.keys import new_key
from schemas.rules import RuleBook, load
from services.api.app import create_app
from services.api.common.context import Context
from support.data_share_page import send_example
from support.data_shares import BEGIN, HOURS, Day, Tables, make_day
from support.folders import ROOT

STATIONS = 24

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def client(clickhouse: ClickHouseSettings) -> ClickHouse:
    return ClickHouse(clickhouse)


@pytest.fixture(scope="module")
def days(client: ClickHouse) -> list[Day]:
    """Stations of which every kind of thing has happened, in the tables."""
    random, tables = Random(16), Tables()
    made = [make_day(f"HN_S{number:03d}_KHI001", random, tables) for number in range(STATIONS)]
    tables.insert(client)
    return made


SPANS = [
    (BEGIN, BEGIN + HOURS),
    (BEGIN + timedelta(minutes=7, seconds=13), BEGIN + timedelta(hours=3, seconds=1)),
    (BEGIN - timedelta(days=2), BEGIN + timedelta(days=2)),
]


@pytest.mark.parametrize(("start", "end"), SPANS)
def test_it_counts_what_counting_one_by_one_gives(
    client: ClickHouse, days: list[Day], start: datetime, end: datetime
) -> None:
    shares = {share.station: share for share in read_shares(client, [], start, end)}
    assert shares == {day.station.code: day.share(start, end) for day in days}


def test_every_sum_closes_and_what_was_lost_is_named(client: ClickHouse, days: list[Day]) -> None:
    shares = read_shares(client, [], *SPANS[0])
    sentences = [sentence for share in shares for sentence in find_faults(share)]
    lost = sum(share.lost for share in shares)
    unread = sum(share.unread_files for share in shares)
    assert lost and unread
    assert all("neither stored nor replaced" in text or "not read" in text for text in sentences)


def test_the_api_answers_the_same(client: ClickHouse, days: list[Day]) -> None:
    token, key = new_key("analyst")
    stations = {day.station.code: day.station for day in days}
    registry = Registry(stations, api_keys={key.id: key.to_domain()})
    context = Context(
        client, registry, RuleBook(load(), registry), LimitBook(()), lambda: True, lambda: BEGIN + HOURS
    )
    api = TestClient(create_app(context), headers={"X-Api-Key": token})
    answer = api.get("/v1/data-share?from=2026-03-25T00:00:00%2B07:00&limit=3").json()
    expected = [day.share(BEGIN, BEGIN + HOURS) for day in days[:3]]
    assert answer["items"] == [{**asdict(entry), "faults": find_faults(entry)} for entry in expected]
    assert (answer["starts_at"], answer["ends_at"]) == ("2026-03-24T17:00:00Z", "2026-03-25T01:00:00Z")


def test_the_shares_of_two_spans_are_that_of_both(client: ClickHouse, days: list[Day]) -> None:
    start, end = SPANS[0]
    middle = start + HOURS / 3
    (first,) = read_shares(client, [days[0].station.code], start, middle)
    (second,) = read_shares(client, [days[0].station.code], middle, end)
    (both,) = read_shares(client, [days[0].station.code], start, end)
    assert add_shares(first, second) == both


def test_only_the_stations_that_are_asked_for_are_counted(client: ClickHouse, days: list[Day]) -> None:
    codes = [day.station.code for day in days[3:5]]
    shares = read_shares(client, codes, *SPANS[0])
    assert shares == [day.share(*SPANS[0]) for day in days[3:5]]


def test_nothing_is_expected_of_the_future(client: ClickHouse, days: list[Day]) -> None:
    far = BEGIN + timedelta(days=365 * 50)
    assert read_shares(client, [], far, far + HOURS) == []


@pytest.fixture
def run(client: ClickHouse, clickhouse: ClickHouseSettings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command against the database of this module, as against a deployment of its own."""
    names = ("host", "port", "user", "password", "database")
    for name in names:
        monkeypatch.setenv(f"QUANTRAC_CLICKHOUSE_{name.upper()}", str(getattr(clickhouse, name)))
    monkeypatch.setenv("QUANTRAC_KAFKA", "127.0.0.1:1")
    return lambda *arguments: CliRunner().invoke(share, arguments)


def test_the_command_shows_the_sums_of_one_station(run: Run, days: list[Day]) -> None:
    entry = days[1].share(BEGIN, BEGIN + timedelta(days=1))
    shown = run("--station", entry.station.lower(), "--from", "2026-03-25")
    assert shown.exit_code == 0, shown.output
    assert shown.output.splitlines()[2:] == list(describe(entry))
    refused = run("--station", "HN_S001_KHI002", "--from", "2026-03-25")
    assert (refused.exit_code, "did you mean 'HN_S001_KHI001'" in refused.output) == (1, True)


def test_the_shares_of_all_stations_add_up_over_days(run: Run, days: list[Day]) -> None:
    shown = run("--from", "2026-03-23", "--to", "2026-03-27", "--json")
    start, end = BEGIN - timedelta(days=2), BEGIN + timedelta(days=2)
    expected = {day.station.code: day.share(start, end) for day in days}
    assert shown.exit_code == 0, shown.output
    items = {item["station"]: item for item in json.loads(shown.output)["items"]}
    assert {
        code: {**asdict(entry), "faults": find_faults(entry)} for code, entry in expected.items()
    } == items


def test_a_check_names_what_was_lost_and_fails(run: Run, days: list[Day]) -> None:
    shown = run("--check", "--from", "2026-03-25")
    assert shown.exit_code == 1
    assert "readings that files gave are neither stored nor replaced" in shown.output
    quiet = run("--check", "--from", "2026-03-01")
    assert (quiet.exit_code, "every sum closes" in quiet.output) == (0, True)


def test_a_time_without_a_zone_is_refused(client: ClickHouse) -> None:
    sql = "SELECT * FROM data_share(stations = [], start = '2026-03-25', end = '2026-03-26T00:00Z')"
    with pytest.raises(ClickHouseBadData, match="need a zone: write"):
        client.query(sql)


def test_the_example_of_the_page_is_what_the_command_says(
    client: ClickHouse, clickhouse: ClickHouseSettings, run: Run
) -> None:
    page = (ROOT / "docs" / "data-share.md").read_text(encoding="utf-8")
    send_example(client, page)
    (command,) = re.findall(r"^    \$ quantrac share (--station .*)$", page, flags=re.MULTILINE)
    shown = run(*shlex.split(command))
    block = "".join(f"    {line}".rstrip() + "\n" for line in shown.output.splitlines())
    assert f"share {command}\n{block}" in page, shown.output
