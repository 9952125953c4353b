"""The newest reading of each series, against a search of all readings, on the real engine."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quantrac.domain.ids import reading_version
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.migrations import migrate, sort_migrations
from quantrac.io.settings import ClickHouseSettings
from schemas.clickhouse import migration_files
from services.api.common.database import format_seconds
from services.api.readings.query import select_latest_readings
from support.effort import examples

START = datetime.now(UTC).replace(microsecond=0)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)

# Few times, so that readings correct each other. None lies in the next hour: for the view it must not matter
# how long the tests run.
MEASURED = [
    *(-400 * DAY, -40 * DAY, -31 * DAY, -2 * DAY, -HOUR, -5 * MINUTE, -SECOND),
    *(90 * MINUTE, 3 * DAY, 35 * DAY, 400 * DAY),
]
RECEIVED = [-400 * DAY, -39 * DAY, -2 * DAY, -HOUR, -4 * MINUTE, timedelta(0), 4 * DAY, 36 * DAY]
ASKED = [-398 * DAY, -30 * DAY, -HOUR, -SECOND, timedelta(0), MINUTE, 2 * HOUR, 4 * DAY, 40 * DAY, 500 * DAY]
SERIES = [("A", "PM2.5"), ("A", "NO2"), ("B", "PM2.5")]

SEARCH = """
SELECT station, parameter, measured_at, value, text, unit, status, qualifier, flag, tests, rules, line,
  received_at
FROM readings FINAL
WHERE (station, parameter, measured_at) IN (
    SELECT station, parameter, max(measured_at)
    FROM readings
    WHERE station IN {stations:Array(String)}
      AND measured_at >= {since:DateTime('UTC')} AND measured_at < {now:DateTime('UTC')}
    GROUP BY station, parameter
  )
ORDER BY station, parameter
"""

Row = Mapping[str, Any]


def reading(
    station: str, parameter: str, measured: timedelta, received: timedelta, revision: int = 0
) -> dict[str, Any]:
    """A row of ``readings``: its content follows from its key and version."""
    version = reading_version(START + received, revision)
    value = float(hash((station, parameter, measured, version)) % 1000)
    row = {"station": station, "parameter": parameter, "measured_at": START + measured, "value": value}
    row |= {"text": f"{value}0", "unit": "µg/m3", "status": "00", "qualifier": ("", "<", ">")[int(value) % 3]}
    return row | {
        "flag": 1 + revision,
        "tests": "{}",
        "rules": "r",
        "line": 1 + version % 7,
        "version": version,
    }


def insert(client: ClickHouse, rows: Sequence[Row], token: str = "") -> None:
    client.insert("readings", {name: [row[name] for row in rows] for name in rows[0]}, token=token)


def search(client: ClickHouse, stations: Sequence[str], since: datetime, now: datetime) -> list[Row]:
    asked = {"stations": list(stations), "since": format_seconds(since), "now": format_seconds(now)}
    return client.query(SEARCH, asked).dicts()


def select_shown(client: ClickHouse, stations: Sequence[str], condition: str = "1") -> list[tuple[Any, ...]]:
    """Return what the view of analysts shows."""
    columns = "station, parameter, measured_at, value, unit, status, qualifier, flag, tests, rules, line"
    columns += ", received_at"
    view = f"SELECT {columns} FROM latest_current WHERE station IN {{stations:Array(String)}} AND {condition}"
    return [tuple(row) for row in client.query(view, {"stations": list(stations)}).rows]


def omit(row: Row, column: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != column}


def omit_text(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    return [tuple(value for name, value in row.items() if name != "text") for row in rows]


@pytest.fixture(scope="module")
def client(clickhouse: ClickHouseSettings) -> ClickHouse:
    return ClickHouse(clickhouse)


READINGS = st.builds(
    lambda series, *rest: reading(*series, *rest),
    st.sampled_from(SERIES),
    st.sampled_from(MEASURED),
    st.sampled_from(RECEIVED),
    st.integers(0, 2),
)
BATCHES = st.lists(st.lists(READINGS, min_size=1, max_size=6), min_size=1, max_size=5)


@settings(
    max_examples=examples(15),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    batches=BATCHES,
    repeated=st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=2),
    asked=st.lists(st.sampled_from(ASKED), min_size=1, max_size=3, unique=True),
    fraction=st.sampled_from([0, 1, 999_999]),
)
def test_the_newest_of_each_series_is_what_a_search_of_all_readings_finds(
    client: ClickHouse,
    batches: list[list[dict[str, Any]]],
    repeated: list[tuple[int, bool]],
    asked: list[timedelta],
    fraction: int,
) -> None:
    example = uuid.uuid4().hex  # its stations are its own: nothing need be emptied
    tokens = [f"{example}{number}" for number in range(len(batches))]
    order = [(number, tokens[number]) for number in range(len(batches))]
    # A batch comes again after a death: the very same, or cut otherwise and so under another token.
    order += [(number, tokens[number] if same else "") for number, same in repeated if number < len(batches)]
    for number, token in order:
        insert(client, [row | {"station": example + row["station"]} for row in batches[number]], token)
    stations = [example + "A", example + "B", example + "C"]
    for now in (START + offset + timedelta(microseconds=fraction) for offset in asked):
        for since in (EPOCH, now - 30 * DAY):
            latest = select_latest_readings(client, stations=stations, since=since, now=now)
            assert latest == search(client, stations, since, now)
    assert select_shown(client, stations) == omit_text(search(client, stations, EPOCH, datetime.now(UTC)))


def test_a_reading_stamped_ahead_counts_once_its_time_has_come(client: ClickHouse) -> None:
    for measured, received in ((0, 1), (600, 2), (300, 3), (900, 4), (400 * 86_400, 5)):
        insert(client, [reading("AHEAD", "CO", measured * SECOND, received * SECOND)])

    def select_latest(seconds: int) -> list[timedelta]:
        now = START + seconds * SECOND
        rows = select_latest_readings(client, stations=["AHEAD"], since=EPOCH, now=now)
        return [row["measured_at"] - START for row in rows]

    measured = [select_latest(seconds) for seconds in (0, 1, 300, 301, 601, 900, 901, 500 * 86_400)]
    assert measured == [[], [0 * SECOND]] + [
        [seconds * SECOND] for seconds in (0, 300, 600, 600, 900, 400 * 86_400)
    ]


def test_a_reading_stamped_a_year_ahead_leads_to_no_search_of_all_readings(client: ClickHouse) -> None:
    insert(client, [reading("GLITCH", "CO", -HOUR, -HOUR + SECOND), reading("GLITCH", "CO", 360 * DAY, -DAY)])
    queries: list[str] = []

    class Recorder:
        def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
            queries.append(sql)
            return client.query(sql, parameters)

    recorder: Any = Recorder()
    (row,) = select_latest_readings(recorder, stations=["GLITCH"], since=EPOCH, now=START)
    assert row["measured_at"] == START - HOUR
    assert ["FROM latest_readings" in sql for sql in queries] == [True]


def test_a_batch_that_was_copied_to_one_table_only_is_copied_to_the_other_when_it_comes_again(
    client: ClickHouse,
) -> None:
    rows = [reading("TORN", "CO", -HOUR, timedelta(0))]
    client.command("DETACH TABLE readings_to_latest")
    insert(client, rows, "torn")
    client.command("ATTACH TABLE readings_to_latest")
    counts = (
        "SELECT (SELECT count() FROM readings WHERE station = 'TORN'),"
        " (SELECT count() FROM latest_readings WHERE station = 'TORN')"
    )
    assert tuple(client.query(counts).rows[0]) == (1, 0)
    for _ in range(2):
        insert(client, rows, "torn")
        assert tuple(client.query(counts).rows[0]) == (1, 1)


def test_a_condition_on_the_view_hides_a_series_and_shows_no_older_reading_of_it(client: ClickHouse) -> None:
    insert(client, [reading("FLAGS", "CO", -2 * HOUR, -HOUR), reading("FLAGS", "CO", -HOUR, -HOUR, 2)])
    insert(client, [reading("FLAGS", "NO2", -HOUR, -HOUR), reading("FLAGS", "CO", 90 * MINUTE, -HOUR)])
    assert [row[1] for row in select_shown(client, ["FLAGS"])] == ["CO", "NO2"]
    assert [row[1] for row in select_shown(client, ["FLAGS"], "flag = 1")] == ["NO2"]


def test_readings_stored_before_the_table_was_made_are_in_it(clickhouse_server: ClickHouseSettings) -> None:
    name = f"t{uuid.uuid4().hex[:8]}"
    ClickHouse(clickhouse_server, database="default").command(f"CREATE DATABASE {name}")
    client = ClickHouse(clickhouse_server.model_copy(update={"database": name}))
    every = sort_migrations(migration_files())
    migrate(client, every[:10])
    for received in RECEIVED:
        for revision in (0, 1):
            for shift, (station, parameter) in enumerate(SERIES):
                rows = [reading(station, parameter, m, received, revision) for m in MEASURED[shift::2]]
                insert(client, [omit(row, "qualifier") for row in rows])  # a later column
    migrate(client, every)
    for offset in ASKED:
        now = START + offset
        latest = select_latest_readings(client, stations=["A", "B"], since=EPOCH, now=now)
        assert latest == search(client, ["A", "B"], EPOCH, now)
    assert select_shown(client, ["A", "B"]) == omit_text(search(client, ["A", "B"], EPOCH, datetime.now(UTC)))


def test_a_series_whose_newest_reading_is_withdrawn_is_not_shown_until_it_is_taken_back(
    client: ClickHouse,
) -> None:
    station = uuid.uuid4().hex
    rows = [reading(station, code, -HOUR, -HOUR) for code in ("PM25", "PM2.5")]
    insert(client, rows)
    for revision, flag, shown in ((1, 9, ["PM2.5"]), (2, 1, ["PM2.5", "PM25"])):
        insert(client, [reading(station, "PM25", -HOUR, -HOUR, revision) | {"flag": flag}])
        assert [row[1] for row in select_shown(client, [station])] == shown
        latest = select_latest_readings(client, stations=[station], since=EPOCH, now=START)
        assert [row["parameter"] for row in latest] == shown


def test_a_series_of_withdrawn_readings_alone_is_none_and_the_interval_is_that_of_today(
    client: ClickHouse,
) -> None:
    station = uuid.uuid4().hex
    year = {"station": station, "period": "year", "starts_at": EPOCH + 20_000 * DAY, "unit": "µg/m3"}
    year |= {"first_at": START - HOUR, "last_at": START, "received": 12, "count": 0, "expected": 12}
    rows = [
        year | {"parameter": code, "good": good, "missing": missing}
        for code, good, missing in (("PM25", 0, 12), ("PM2.5", 8, 4), ("NO2", 0, 0))
    ]
    client.insert("averages", {name: [row[name] for row in rows] for name in rows[0]})
    since = START - DAY
    entry = {"code": station, "name": station, "name_en": "", "type": "ambient-air", "province": "01"}
    entry |= {"latitude": 21.0, "longitude": 105.8, "interval_seconds": 300, "publish_index": 0}
    entry |= {"intervals": [(since, datetime(2106, 1, 1, tzinfo=UTC), 900)], "version": 1, "removed": 0}
    client.insert("stations", {name: [value] for name, value in entry.items()})
    asked = client.query(
        "SELECT parameter, readings, interval_seconds FROM series WHERE station = {s:String}"
        " ORDER BY parameter",
        {"s": station},
    )
    assert asked.rows == [("NO2", 12, 900), ("PM2.5", 12, 900)]
