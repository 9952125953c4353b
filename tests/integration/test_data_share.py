"""The view ``data_share`` against shares that are counted one reading at a time, over the real engine."""

from datetime import datetime, timedelta
from random import Random

import pytest

from quantrac.domain.data_share import find_faults
from quantrac.io.clickhouse import ClickHouse, ClickHouseBadData
from quantrac.io.settings import ClickHouseSettings
from schemas.clickhouse.data_share import read_shares
from support.data_shares import BEGIN, HOURS, Day, Tables, make_day

STATIONS = 24


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


def test_the_shares_of_two_spans_are_that_of_both(client: ClickHouse, days: list[Day]) -> None:
    start, end = SPANS[0]
    middle = start + HOURS / 3
    (first,) = read_shares(client, [days[0].station.code], start, middle)
    (second,) = read_shares(client, [days[0].station.code], middle, end)
    (both,) = read_shares(client, [days[0].station.code], start, end)
    for name in ("expected", "present", "absent", "stored", "confirmed", "files", "received", "lost"):
        assert getattr(first, name) + getattr(second, name) == getattr(both, name), name


def test_only_the_stations_that_are_asked_for_are_counted(client: ClickHouse, days: list[Day]) -> None:
    codes = [day.station.code for day in days[3:5]]
    shares = read_shares(client, codes, *SPANS[0])
    assert shares == [day.share(*SPANS[0]) for day in days[3:5]]


def test_nothing_is_expected_of_the_future(client: ClickHouse, days: list[Day]) -> None:
    far = BEGIN + timedelta(days=365 * 50)
    assert read_shares(client, [], far, far + HOURS) == []


def test_a_time_without_a_zone_is_refused(client: ClickHouse) -> None:
    sql = "SELECT * FROM data_share(stations = [], start = '2026-03-25', end = '2026-03-26T00:00Z')"
    with pytest.raises(ClickHouseBadData, match="need a zone: write"):
        client.query(sql)
