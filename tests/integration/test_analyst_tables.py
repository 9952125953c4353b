"""The tables and views of analysts against the real engine."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import partial
from typing import Any

import httpx
import pytest

from quantrac.domain.bounds import MEASURED
from quantrac.domain.registry.stations import Interval, StampMeaning, StationParameter
from quantrac.domain.stamps import Stamps
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.kafka.connection import KafkaConnection
from quantrac.io.kafka.producer import KafkaProducer
from quantrac.io.kafka.tables import TableReader
from quantrac.io.records import Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.migrate import migrate_tables, write_reference, write_roles
from quantrac.testing.builders import station
from schemas.clickhouse.roles import analyst_role
from schemas.limits import load_national
from schemas.messages.registry.stations import Station
from schemas.registry import record_key
from services.aggregator.sink.registry_tables import RegistryTables, limit_rows, parameter_rows, station_row
from support.clickhouse import database
from support.waiting import LIMIT, wait_until

Ask = Callable[..., httpx.Response]

LOCAL = timezone(timedelta(hours=7))
ARGUMENTS = {
    "data_share": "(stations = [], start = '2026-03-01T00:00+07:00', end = '2026-03-02T00:00+07:00')",
    "daily_counts": "(first = '2026-03-01', last = '2026-03-02')",
    "gaps": "(first = '2026-03-01', last = '2026-03-02')",
    "hourly_as_of": "(as_of = '2026-03-01 00:00:00Z')",
    "daily_as_of": "(as_of = '2026-03-01 00:00:00Z')",
    "readings_as_of": "(as_of = '2026-03-01 00:00:00Z')",
}


def insert(client: ClickHouse, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    client.insert(table, {name: [row[name] for row in rows] for name in rows[0]})


def found(client: ClickHouse, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(sql).rows]


@pytest.fixture(scope="module")
def clickhouse(clickhouse_server: ClickHouseSettings) -> ClickHouseSettings:
    return database(clickhouse_server, "analysts")


@pytest.fixture(scope="module")
def client(clickhouse: ClickHouseSettings) -> ClickHouse:
    return ClickHouse(clickhouse)


@pytest.fixture(scope="module")
def ask(clickhouse: ClickHouseSettings) -> Ask:
    """Ask with the login that only reads; more arguments go into the address."""

    def ask(sql: str, **arguments: str) -> httpx.Response:
        url = f"http://{clickhouse.host}:{clickhouse.port}/"
        return httpx.post(
            url, params=arguments, content=sql, auth=("analyst_analysts", "questions"), timeout=LIMIT
        )

    return ask


def test_every_view_and_dictionary_can_be_read_by_analysts(client: ClickHouse, ask: Ask) -> None:
    names = found(
        client,
        "SELECT name FROM system.tables WHERE database = currentDatabase()"
        " AND engine IN ('View', 'Dictionary') ORDER BY name",
    )
    assert len(names) == 35
    for (name,) in names:
        answer = ask(f"SELECT * FROM {name}{ARGUMENTS.get(name, '')} LIMIT 1")
        assert answer.status_code == 200, (name, answer.text)


def test_limits_of_an_analysts_query_cannot_be_lifted_in_the_address(ask: Ask) -> None:
    names = "getSetting('max_execution_time'), getSetting('readonly'), getSetting('max_threads')"
    for session in ({}, {"session_id": "s"}):
        lifted = {"max_execution_time": "0", "readonly": "0", "max_threads": "99", **session}
        threads = max(1, (os.cpu_count() or 1) // 2)
        assert ask(f"SELECT {names}", **lifted).text == f"60\t1\t{threads}\n"


def test_another_password_is_no_analysts(analyst: ClickHouseSettings) -> None:
    answer = httpx.get(
        f"http://{analyst.host}:{analyst.port}/?query=SELECT+1",
        auth=("analyst_hn", "integration"),
        timeout=LIMIT,
    )
    assert answer.status_code == 403


def test_a_server_that_manages_no_access_refuses_the_role_but_can_read_it(
    clickhouse: ClickHouseSettings, client: ClickHouse
) -> None:
    with pytest.raises(
        ValueError, match=r"the server does not let quantrac make roles: .*no writeable access"
    ):
        write_roles(clickhouse)
    for statement in analyst_role("hn"):
        assert found(client, f"SELECT formatQuery($${statement}$$) != ''") == [(1,)]


def test_reference_tables_are_written_once_and_what_vanished_is_gone(
    clickhouse: ClickHouseSettings, client: ClickHouse
) -> None:
    assert write_reference(clickhouse) == ["parameters", "limits", "provinces"]
    assert write_reference(clickhouse) == []
    row = {"code": "XX", "name": "x", "name_vi": "x", "aliases": [], "combined": "mean", "units": {}}
    insert(client, "parameters", [row | {"molar_mass": None, "unverified": "", "version": 1, "removed": 0}])
    client.command(
        "ALTER TABLE parameters UPDATE name = 'Soot' WHERE code = 'PM10' SETTINGS mutations_sync = 1"
    )
    assert write_reference(clickhouse) == ["parameters"]
    assert found(client, "SELECT code, name FROM parameters_current WHERE code IN ('XX', 'PM10')") == [
        ("PM10", "Inhalable particles")
    ]
    assert found(
        client, "SELECT units['stack'], units['surface-water'] FROM parameters_current WHERE code = 'CO'"
    )
    assert found(
        client, "SELECT name, valid_to IS NULL FROM provinces_current WHERE code = '15' ORDER BY 2"
    ) == [
        ("Yên Bái", 0),
        ("Lào Cai", 1),
    ]


@pytest.fixture(scope="module")
def registered(clickhouse: ClickHouseSettings, client: ClickHouse) -> ClickHouse:
    """Station A: PM2.5 throughout, NO2 from noon of 2 March; files each hour, on 1 March each half hour."""
    write_reference(clickhouse)
    noon = datetime(2026, 3, 2, 12, tzinfo=LOCAL)
    of_a = station(
        "A",
        parameters=[StationParameter("PM2.5", "µg/m3"), StationParameter("NO2", "µg/m3", valid_from=noon)],
        valid_from=datetime(2026, 3, 1, tzinfo=LOCAL),
        valid_to=datetime(2026, 3, 4, tzinfo=LOCAL),
    )
    half_hours = Interval(1800, valid_to=datetime(2026, 3, 2, tzinfo=LOCAL))
    at_end = StampMeaning(Stamps.END, valid_from=datetime(2026, 3, 1, tzinfo=LOCAL))
    of_a = replace(of_a, interval_seconds=3600, intervals=(half_hours,), stamps=(at_end,))
    for table, rows in (
        ("station_parameters", parameter_rows(of_a)),
        ("station_limits", limit_rows(load_national(), of_a)),
        ("stations", [station_row("A", of_a)]),
    ):
        insert(client, table, [{**row, "version": 10} for row in rows])
    # Left over from before: a parameter that the station has no more, and a station that is gone.
    stale = parameter_rows(station("A", parameters=[StationParameter("PM10", "µg/m3")]))
    insert(client, "station_parameters", [{**row, "version": 9} for row in stale])
    insert(
        client,
        "stations",
        [{**station_row("B", of_a), "version": 1}, {**station_row("B", None), "version": 2}],
    )
    return client


def test_what_a_station_no_longer_has_is_not_shown(registered: ClickHouse) -> None:
    assert found(registered, "SELECT code, province_name FROM stations_current") == [("A", "Hà Nội")]
    assert found(registered, "SELECT parameter FROM station_parameters_current ORDER BY parameter") == [
        ("NO2",),
        ("PM2.5",),
    ]


def test_the_stamps_of_a_station_say_in_which_hour_a_reading_counts(registered: ClickHouse) -> None:
    first, change = (int(datetime(2026, 3, day, tzinfo=LOCAL).timestamp()) for day in (1, 2))
    last = int(MEASURED.last.timestamp()) - 86_400
    spans = "arrayMap(o -> (toUnixTimestamp(o.1), toUnixTimestamp(o.2), o.3), stamps)"
    (row,) = found(registered, f"SELECT {spans} FROM stations_current")
    assert row == ([(first, change, -900), (change, last, -1800)],)


def test_the_registrys_topic_becomes_the_stations_of_the_tables(
    clickhouse_server: ClickHouseSettings, kafka: KafkaConnection, topics: Callable[..., str]
) -> None:
    settings = clickhouse_server.model_copy(update={"database": "registered"})
    migrate_tables(settings)
    client, producer = ClickHouse(settings), KafkaProducer(kafka)
    topic = topics("station-registry", partitions=1, config={"cleanup.policy": "compact"})

    def tell(code: str, *parameters: str, gone: bool = False) -> None:
        entries = [{"code": each, "unit": "µg/m3"} for each in parameters]
        fields: dict[str, Any] = {"code": code, "name": code, "type": "ambient-air", "province": "01"}
        record = Station.model_validate({**fields, "latitude": 21, "longitude": 105.8, "parameters": entries})
        value = None if gone else record.model_dump_json().encode()
        producer.produce([Record(topic, record_key(record), value)])
        producer.flush()

    def seen() -> set[tuple[Any, ...]]:
        return set(
            found(
                client,
                "SELECT l.station, l.parameter, any(l.maximum) FROM station_limits_current AS l"
                " WHERE period = 'day' AND valid_to IS NULL GROUP BY ALL",
            )
        )

    def follow() -> RegistryTables:
        reader = partial(TableReader, kafka, topic)
        return RegistryTables(reader, client, load_national(), clock=lambda: datetime.now(UTC))

    tell("A", "PM2.5", "PM10")
    tell("B", "PM2.5")
    first = follow()
    first.start()
    fine = {("A", "PM2.5", 45.0), ("B", "PM2.5", 45.0)}
    wait_until(lambda: seen() == {*fine, ("A", "PM10", 100.0)})
    tell("A", "PM2.5")
    wait_until(lambda: seen() == fine)
    first.close()
    tell("B", gone=True)
    second = follow()
    second.start()
    wait_until(lambda: seen() == {("A", "PM2.5", 45.0)})
    second.close()


def test_the_dictionary_of_limits_answers_by_time(registered: ClickHouse) -> None:
    registered.command("SYSTEM RELOAD DICTIONARY station_limit")
    asked = "dictGet('station_limit', 'maximum', ('A', 'PM2.5', 'day'), toDateTime(at, 'Asia/Ho_Chi_Minh'))"
    times = "SELECT arrayJoin(['2025-12-31 23:59:59', '2026-01-01 00:00:00']) AS at"
    assert found(registered, f"SELECT {asked} FROM ({times})") == [(50.0,), (45.0,)]
    assert found(
        registered, "SELECT dictGetOrNull('station_limit', 'maximum', ('A', 'PM10', 'day'), now())"
    ) == [(None,)]


def test_daily_counts_follow_corrections_intervals_and_silence(registered: ClickHouse) -> None:
    def day(number: int, version: int, **counts: int) -> dict[str, Any]:
        start = datetime(2026, 3, number, tzinfo=LOCAL)
        row = {"station": "A", "parameter": "PM2.5", "period": "day", "starts_at": start, "version": version}
        row |= dict.fromkeys(("received", "good", "suspect", "fail", "not_evaluated", "missing"), 0)
        return row | {"ends_at": start + timedelta(days=1), "expected": 24} | counts

    insert(
        registered,
        "averages",
        [day(1, 1, received=40, good=40), day(1, 2, received=46, good=40, fail=5, missing=1)],
    )
    insert(
        registered, "averages", [day(3, 1, received=25, good=24, suspect=1), day(9, 1, received=2, good=2)]
    )
    insert(registered, "averages", [day(1, 2, received=46, good=40, fail=5, missing=1)])
    counts = found(
        registered,
        "SELECT parameter, day, expected, received, good, suspect, fail, missing, absent"
        " FROM daily_counts(first = '2026-03-01', last = '2026-03-09') ORDER BY day, parameter",
    )
    assert counts == [
        ("PM2.5", date(2026, 3, 1), 48, 46, 40, 0, 5, 1, 2),
        ("NO2", date(2026, 3, 2), 12, 0, 0, 0, 0, 0, 12),
        ("PM2.5", date(2026, 3, 2), 24, 0, 0, 0, 0, 0, 24),
        ("NO2", date(2026, 3, 3), 24, 0, 0, 0, 0, 0, 24),
        ("PM2.5", date(2026, 3, 3), 24, 25, 24, 1, 0, 0, 0),
        ("PM2.5", date(2026, 3, 9), 0, 2, 2, 0, 0, 0, 0),  # after the station's end
    ]


def test_readings_stand_as_they_stood(client: ClickHouse) -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)

    def reading(value: float, received: datetime, revision: int = 0, **other: Any) -> dict[str, Any]:
        row = {"station": "R", "parameter": "CO", "measured_at": at, "value": value, "text": "", "unit": ""}
        row |= {"status": "01", "flag": 1, "tests": "{}", "rules": "r", "line": 1}
        return row | {"version": int(received.timestamp() * 1000) * 1024 + revision} | other

    days = [at + timedelta(days=number) for number in range(5)]
    old: dict[str, Any] = {"superseded_by": 1, "cause": ""}
    insert(client, "reading_revisions", [reading(1.0, days[1], superseded_at=days[2], **old)])
    insert(client, "reading_revisions", [reading(2.0, days[1], 1, superseded_at=days[3], **old)])
    insert(client, "readings", [reading(3.0, days[3])])

    def stood(number: int) -> list[tuple[Any, ...]]:
        when = f"{days[number] + timedelta(hours=1):%Y-%m-%d %H:%M:%SZ}"
        return found(client, f"SELECT value FROM readings_as_of(as_of = '{when}') WHERE station = 'R'")

    assert [stood(number) for number in range(5)] == [[], [(1.0,)], [(2.0,)], [(3.0,)], [(3.0,)]]
    assert found(client, "SELECT calibrating, measuring, day FROM daily_status WHERE station = 'R'") == [
        (1, 0, date(2026, 5, 1))
    ]


def test_an_alert_is_shown_in_its_last_state(client: ClickHouse) -> None:
    at = datetime(2026, 3, 25, tzinfo=UTC)
    row: dict[str, Any] = {
        "alert_id": "1",
        "kind": "station-silent",
        "severity": "warning",
        "station": "A",
        "parameter": "",
    }
    row |= {"opened_at": at, "changed_at": at, "detail": "", "facts": {"last": "x"}}
    insert(
        client, "alerts", [row | {"state": "opened", "version": 1}, row | {"state": "closed", "version": 2}]
    )
    assert found(client, "SELECT state, toString(opened_local) FROM alerts_current") == [
        ("closed", "2026-03-25 07:00:00")
    ]
