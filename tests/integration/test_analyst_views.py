"""What single views of analysts say, against the real engine."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from quantrac.io.clickhouse import ClickHouse, ClickHouseBadData
from quantrac.io.migrations import Migration
from quantrac.io.settings import ClickHouseSettings
from schemas.clickhouse import migration_files
from support.analyst_data import average_row, insert, reading_row

LOCAL = timezone(timedelta(hours=7))
MARCH = datetime(2026, 3, 2, tzinfo=LOCAL)


@pytest.fixture(scope="module")
def client(clickhouse: ClickHouseSettings) -> ClickHouse:
    return ClickHouse(clickhouse)


def rows(client: ClickHouse, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(sql).rows]


def register(client: ClickHouse, code: str, *parameters: str, **columns: Any) -> None:
    """Register a station of one file an hour, with parameters measured from the start of March 2026."""
    station = {"code": code, "name": code, "name_en": code, "type": "ambient-air", "province": "01"}
    station |= {"latitude": 21.0, "longitude": 105.8, "interval_seconds": 3600, "intervals": []}
    station |= {"publish_index": 0, "valid_from": None, "valid_to": None, "version": 1, "removed": 0}
    insert(client, "stations", [station | columns])
    entry = {"station": code, "unit": "", "range_low": None, "range_high": None, "version": 1}
    entry |= {"valid_from": datetime(2026, 3, 1, tzinfo=LOCAL), "valid_to": None}
    insert(client, "station_parameters", [entry | {"parameter": each} for each in parameters])


def test_every_column_of_every_view_has_a_comment(client: ClickHouse) -> None:
    bare = rows(
        client,
        "SELECT c.table, c.name FROM system.columns AS c INNER JOIN system.tables AS t"
        " ON t.database = c.database AND t.name = c.table"
        " WHERE c.database = currentDatabase() AND t.engine = 'View' AND c.comment = ''",
    )
    assert bare == []


def test_every_column_of_a_view_with_parameters_has_a_comment_too(client: ClickHouse) -> None:
    """Of these the server's table of columns has nothing; the statement that makes the view has."""
    stored = rows(
        client,
        "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
        " AND engine = 'View' AND match(create_table_query, '\\\\{\\\\w+:\\\\w+\\\\}')",
    )
    assert {name for name, _ in stored} == {
        *("daily_counts", "data_share", "gaps", "hourly_as_of", "daily_as_of", "readings_as_of"),
    }
    for name, statement in stored:
        head = statement.partition(" AS SELECT ")[0]
        # The last comment is the view's own.
        assert len(re.findall(r"`\w+` ", head)) == head.count(" COMMENT '") - 1 > 6, name


def test_a_table_with_a_view_beside_it_says_which_one_analysts_read(client: ClickHouse) -> None:
    beside = rows(
        client,
        "SELECT t.name, t.comment FROM system.tables AS t INNER JOIN system.tables AS v"
        " ON v.database = t.database AND v.name = concat(t.name, '_current')"
        " WHERE t.database = currentDatabase() ORDER BY t.name",
    )
    assert len(beside) == 11
    assert [name for name, comment in beside if f"read {name}_current" not in comment] == []


def test_a_reading_names_the_tests_that_flagged_it(client: ClickHouse) -> None:
    tests = '{"status":1,"spike":3,"stuck":2,"physical_range":4,"gap":9}'
    named = ["spike", "physical_range", "gap"]
    insert(
        client,
        "readings",
        [
            reading_row("T", "CO", MARCH, 1.0, "", tests=tests, flag=4),
            reading_row("T", "NO", MARCH, 1.0, "", tests='{"status":1}'),
            reading_row("T", "O3", MARCH, 1.0, "", tests="{}"),
        ],
    )
    for view in ("readings_current", "latest_current", "readings_as_of(as_of = '2026-03-03T00:00Z')"):
        sql = f"SELECT parameter, failed_tests FROM {view} WHERE station = 'T' ORDER BY parameter"
        assert rows(client, sql) == [("CO", named), ("NO", []), ("O3", [])], view


def test_a_test_counts_what_it_judged_and_what_it_flagged(client: ClickHouse) -> None:
    outcomes = ['{"spike":1}', '{"spike":2}', '{"spike":3,"stuck":1}', '{"spike":4}', '{"spike":9}']
    insert(
        client,
        "readings",
        [
            reading_row("F", "CO", MARCH + timedelta(hours=n), 1.0, "", tests=tests)
            for n, tests in enumerate(outcomes)
        ],
    )
    sql = "SELECT day, test, judged, suspect, fail, missing FROM flags_by_test WHERE station = 'F'"
    assert rows(client, f"{sql} AND day = '2026-03-02'") == [(MARCH.date(), "spike", 4, 1, 1, 1)]
    assert rows(client, f"{sql} AND day > '2026-03-02'") == []


@pytest.mark.parametrize(
    "as_of",
    [
        "'2026-03-02T18:00+07:00'",
        "'2026-03-02 18:00:00 +07:00'",
        "'2026-03-02T11:00:00Z'",
        "'2026-03-02 18:00:00.000+0700'",
        "toUnixTimestamp(toDateTime('2026-03-02 18:00:00', 'Asia/Ho_Chi_Minh'))",
    ],
)
def test_as_of_takes_a_time_with_its_zone(client: ClickHouse, as_of: str) -> None:
    six = MARCH + timedelta(hours=18)
    for minute, (station, mean) in ((0, ("S", 1.0)), (1, ("S", 2.0))):
        computed = {"computed_at": six + timedelta(minutes=minute), "version": minute + 1}
        insert(client, "average_versions", [average_row(station, "CO", MARCH, mean, **computed)])
    insert(client, "readings", [reading_row("S", "CO", MARCH, 1.0, "", late=18 * 3600)])
    insert(client, "readings", [reading_row("S", "NO", MARCH, 1.0, "", late=18 * 3600 + 1)])
    assert rows(client, f"SELECT mean FROM hourly_as_of(as_of = {as_of}) WHERE station = 'S'") == [(1.0,)]
    sql = f"SELECT parameter FROM readings_as_of(as_of = {as_of}) WHERE station = 'S'"
    assert rows(client, sql) == [("CO",)]


@pytest.mark.parametrize("view", ["hourly_as_of", "daily_as_of", "readings_as_of"])
@pytest.mark.parametrize(
    "as_of",
    [
        "'2026-03-02 18:00:00'",
        "'2026-03-02'",
        "now()",  # ClickHouse hands it over as a text without its zone
        "toDateTime('2026-03-02 18:00:00', 'Asia/Ho_Chi_Minh')",
    ],
)
def test_as_of_a_time_without_a_zone_is_refused(client: ClickHouse, view: str, as_of: str) -> None:
    with pytest.raises(ClickHouseBadData, match="as_of names no zone: write"):
        rows(client, f"SELECT count() FROM {view}(as_of = {as_of})")


@pytest.mark.parametrize("as_of", ["'yesterday'", "'2026-13-40T00:00Z'"])
def test_as_of_what_is_no_time_is_refused(client: ClickHouse, as_of: str) -> None:
    with pytest.raises(ClickHouseBadData, match="Cannot"):
        rows(client, f"SELECT count() FROM daily_as_of(as_of = {as_of})")


def test_of_a_period_under_way_only_what_could_have_come_is_expected(client: ClickHouse) -> None:
    now = datetime.now(UTC)
    today = now.astimezone(LOCAL).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = today + timedelta(days=1)
    insert(
        client,
        "averages",
        [
            average_row("E", "CO", day, 1.0, period="day", expected=24, computed_at=now)
            for day in (MARCH, today, tomorrow)
        ],
    )
    sql = "SELECT starts_at, expected, expected_so_far FROM {} WHERE station = 'E' ORDER BY starts_at"

    def expected(time: datetime) -> list[tuple[int, int]]:
        return [(24, 24), (24, min(24, (time - today) // timedelta(hours=1))), (24, 0)]

    for view in ("daily_current", "averages_current"):
        before = expected(datetime.now(UTC))
        stored = [row[1:] for row in rows(client, sql.format(view))]
        assert stored in (before, expected(datetime.now(UTC))), view
    later = f"{tomorrow + timedelta(hours=6, minutes=30):%Y-%m-%dT%H:%M+07:00}"
    assert rows(client, sql.format(f"daily_as_of(as_of = '{later}')"))[2][1:] == (24, 6)


def gaps(client: ClickHouse, station: str, first: str, last: str) -> list[tuple[Any, ...]]:
    return rows(
        client,
        "SELECT parameter, toString(starts_local), toString(ends_local), seconds, absent"
        f" FROM gaps(first = '{first}', last = '{last}') WHERE station = '{station}'"
        " ORDER BY parameter, starts_at",
    )


def test_a_gap_is_longer_than_the_interval_of_its_time(client: ClickHouse) -> None:
    """On 2 March a file each half hour, then each hour."""
    half_hours = (datetime(2026, 3, 1, tzinfo=LOCAL), MARCH + timedelta(hours=24), 1800)
    register(client, "G", "CO", intervals=[half_hours], valid_to=datetime(2026, 3, 4, tzinfo=LOCAL))
    minutes = [*range(0, 360, 30), 420, *range(480, 1440, 30), *range(1440, 2700, 60)]
    sent = [MARCH + timedelta(minutes=minute) for minute in minutes]
    insert(client, "readings", [reading_row("G", "CO", at, 1.0, "") for at in sent])
    insert(client, "readings", [reading_row("G", "CO", sent[0], 2.0, "", late=90)])  # corrected: no gap
    # 06:00 came an hour after 05:30, and so did 08:00; on 3 March an hour is usual; 21:00 was the last.
    assert gaps(client, "G", "2026-03-02", "2026-03-03") == [
        ("CO", "2026-03-02 05:30:00", "2026-03-02 07:00:00", 5400, 2),
        ("CO", "2026-03-02 07:00:00", "2026-03-02 08:00:00", 3600, 1),
        ("CO", "2026-03-03 20:00:00", "2026-03-04 00:00:00", 14400, 3),
    ]


def test_a_silent_series_is_one_gap_within_its_dates_and_the_span(client: ClickHouse) -> None:
    noon = datetime(2026, 3, 3, 12, tzinfo=LOCAL)
    register(client, "Q", "CO", "NO", valid_from=noon)
    insert(
        client,
        "readings",
        [reading_row("Q", "NO", noon + timedelta(minutes=30 + 60 * n), 1.0, "") for n in range(12)],
    )
    insert(
        client, "readings", [reading_row("OTHER", "NO", MARCH + timedelta(days=n), 1.0, "") for n in (0, 2)]
    )
    assert gaps(client, "Q", "2026-03-01", "2026-03-03") == [
        ("CO", "2026-03-03 12:00:00", "2026-03-04 00:00:00", 43200, 11)
    ]
    assert gaps(client, "Q", "2026-03-01", "2026-03-02") == []  # before the station began
    assert (
        gaps(client, "OTHER", "2026-03-01", "2026-03-03") == []
    )  # of an unregistered one nothing is expected


def test_an_open_gap_ends_now(client: ClickHouse) -> None:
    register(client, "O", "CO")
    now = datetime.now(UTC).replace(microsecond=0)
    insert(client, "readings", [reading_row("O", "CO", now - timedelta(hours=3), 1.0, "")])
    day = f"{now.astimezone(LOCAL) - timedelta(hours=3):%Y-%m-%d}"
    last = f"{now.astimezone(LOCAL) + timedelta(days=1):%Y-%m-%d}"
    parameter, _, ends, seconds, absent = gaps(client, "O", day, last)[-1]
    assert (parameter, absent) == ("CO", 2)
    assert 10_800 <= seconds < 12_600
    assert ends <= f"{datetime.now(LOCAL):%Y-%m-%d %H:%M:%S}"


def test_what_was_replaced_before_causes_had_a_name_gets_one_where_it_is_known(client: ClickHouse) -> None:
    row = reading_row("C", "CO", MARCH, 1.0, "")
    again = {"superseded_by": row["version"] + 1, "cause": ""}  # judged or read again: nobody knows which
    by_file = {"superseded_by": row["version"] + 1024_000, "cause": "", "parameter": "NO"}
    judged = {"superseded_by": row["version"] + 1024_000, "cause": "late", "parameter": "O3"}
    insert(client, "reading_revisions", [row | each for each in (again, by_file, judged)])
    (update,) = [
        statement
        for file in migration_files()
        for statement in Migration(*file).statements()
        if statement.startswith("ALTER TABLE reading_revisions\n    UPDATE cause")
    ]
    client.command(f"{update} SETTINGS mutations_sync = 1")
    causes = "SELECT parameter, cause FROM reading_revisions FINAL WHERE station = 'C' ORDER BY parameter"
    assert rows(client, causes) == [("CO", ""), ("NO", "correction"), ("O3", "late")]
