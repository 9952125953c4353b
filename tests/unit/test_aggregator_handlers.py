"""What the sink and the windows decide, with a database that is a list."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quantrac.domain.readings import FlaggedReading, FlaggedSet
from quantrac.domain.stations import Registry
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseRefused, Result
from quantrac.io.records import Done, NotNow, Record
from quantrac.testing.builders import registry as registry_of
from schemas.codec import encode
from services.aggregator.sink_handler import SinkHandler
from services.aggregator.windows_handler import WindowsHandler

pytestmark = pytest.mark.unit

HOUR = datetime(2026, 3, 25, 5, tzinfo=UTC)
CODE = "HN_BKHN_KHIKXQ"


class Tables:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.inserted: list[tuple[str, dict[str, list[Any]], str]] = []

    def insert(self, table: str, columns: dict[str, list[Any]], *, token: str) -> None:
        if self.error is not None:
            raise self.error
        self.inserted.append((table, columns, token))


def sink(tables: Tables) -> SinkHandler:
    return SinkHandler(tables, flagged="flagged", raw=["raw"], receipts="receipts", dirty="dirty")


def flagged(
    minutes: Sequence[int], *, value: float = 7.0, text: str = "7.00", station: str = CODE
) -> FlaggedSet:
    readings = [
        FlaggedReading(
            n, "PM2.5", value, text, "µg/m3", HOUR + timedelta(minutes=m), "00", 1, {"status": 1}, HOUR
        )
        for n, m in enumerate(minutes, start=1)
    ]
    return FlaggedSet(station, "f" * 64, "name.txt", "account", "ftp", HOUR, "format", "rules", readings)


def message(flagged_set: FlaggedSet, offset: int = 0) -> Record:
    return Record("flagged", flagged_set.station.encode(), encode(flagged_set), {}, 0, offset)


def dirty_hours(done: object) -> dict[str, list[str]]:
    assert isinstance(done, Done)
    messages = [json.loads(record.value or b"null") for record in done.records]
    return {m["station"]: [w["hour"] for w in m["windows"]] for m in messages}


def test_a_batch_makes_one_block_a_table_and_one_dirty_message_a_station() -> None:
    tables = Tables()
    done = sink(tables).handle([message(flagged([0, 5]), 0), message(flagged([55, 60]), 1)])
    assert dirty_hours(done) == {CODE: ["2026-03-25T05:00:00Z", "2026-03-25T06:00:00Z"]}
    assert [table for table, _, _ in tables.inserted] == ["readings", "files"]
    assert len(tables.inserted[0][1]["value"]) == 4


def test_the_text_is_kept_only_where_the_value_does_not_say_it() -> None:
    tables = Tables()
    cases = [(7.0, "7.00"), (7.0, "7"), (14.91, "14.91"), (-1.6, "-1.60"), (1e-7, "1e-7"), (7.85, "7,85")]
    for value, text in cases:
        sink(tables).handle([message(flagged([0], value=value, text=text))])
    texts = [columns["text"][0] for table, columns, _ in tables.inserted if table == "readings"]
    assert texts == ["7.00", "", "", "-1.60", "1e-7", "7,85"]


def test_a_later_received_file_has_the_higher_version() -> None:
    tables = Tables()
    early, late = flagged([0]), flagged([0])
    late.received_at = early.received_at + timedelta(milliseconds=1)
    sink(tables).handle([message(early, 0), message(late, 1)])
    versions = tables.inserted[0][1]["version"]
    assert versions[0] < versions[1]


@pytest.mark.parametrize("error", [ClickHouseAway("nobody answers"), ClickHouseRefused("no such table")])
def test_a_clickhouse_that_is_away_or_refuses_costs_lag_only(error: Exception) -> None:
    verdict = sink(Tables(error)).handle([message(flagged([0]))])
    assert isinstance(verdict, NotNow)
    assert str(error) in verdict.reason


def test_a_broken_message_is_dead_and_the_others_are_stored() -> None:
    tables = Tables()
    broken = Record("flagged", b"x", b"{", {}, 0, 0)
    headless = Record("raw", b"x", b"bytes", {}, 0, 0)
    done = sink(tables).handle([broken, message(flagged([0])), headless])
    assert isinstance(done, Done)
    assert [dead.record for dead in done.dead] == [broken, headless]
    assert len(tables.inserted[0][1]["value"]) == 1


def test_a_file_without_a_station_has_its_row_and_rejects_but_no_readings() -> None:
    tables = Tables()
    done = sink(tables).handle([message(flagged([], station=""))])
    assert dirty_hours(done) == {}
    assert [table for table, _, _ in tables.inserted] == ["files"]


class Database:
    """Readings by (station, parameter, hour); averages as inserted, the highest version of each."""

    def __init__(self) -> None:
        self.readings: dict[tuple[str, str, datetime], list[tuple[float, int]]] = {}
        self.averages: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self.queries = 0
        self.error: Exception | None = None

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        if self.error is not None:
            raise self.error
        self.queries += 1

        def asked(key: tuple[Any, ...]) -> bool:
            return key[0] in parameters["stations"] and parameters["start"] <= key[2] < parameters["end"]

        if "FROM averages" in sql:
            return Result((), [(*key, *row) for key, row in self.averages.items() if asked(key)])
        rows = [
            (*key, "µg/m3", [value for value, flag in readings if flag == 1], len(readings))
            for key, readings in self.readings.items()
            if asked(key)
        ]
        return Result((), rows)

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        assert table == "averages"
        names = ("unit", "mean", "minimum", "maximum", "count", "received", "expected", "version")
        for n, key in enumerate(
            zip(columns["station"], columns["parameter"], columns["starts_at"], strict=True)
        ):
            self.averages[key] = tuple(columns[name][n] for name in names)


def handler(database: Database, registry: Registry | None = None) -> WindowsHandler:
    return WindowsHandler(
        database, registry or registry_of(), aggregated="aggregated", clock=lambda: HOUR + timedelta(hours=2)
    )


def dirty(*hours: datetime, station: str = CODE) -> Record:
    windows = [{"parameter": "PM2.5", "hour": hour.isoformat()} for hour in hours]
    return Record("dirty", station.encode(), json.dumps({"station": station, "windows": windows}).encode())


def averages(verdict: object) -> list[dict[str, Any]]:
    assert isinstance(verdict, Done)
    return [average for record in verdict.records for average in json.loads(record.value or b"")["averages"]]


def test_only_good_readings_count_and_all_are_received() -> None:
    database = Database()
    database.readings[CODE, "PM2.5", HOUR] = [(10.0, 1), (12.0, 1), (999.0, 4), (50.0, 3)]
    (average,) = averages(handler(database).handle([dirty(HOUR)]))
    assert average["mean"] == 11.0
    assert (average["count"], average["received"], average["expected"]) == (2, 4, 12)
    assert average["completeness"] == pytest.approx(2 / 12)
    assert average["ends_at"] == "2026-03-25T06:00:00Z"


def test_a_late_reading_reopens_its_hour_with_the_next_version_and_no_other() -> None:
    database = Database()
    database.readings[CODE, "PM2.5", HOUR] = [(10.0, 1)]
    database.readings[CODE, "PM2.5", HOUR + timedelta(hours=1)] = [(20.0, 1)]
    handler(database).handle([dirty(HOUR, HOUR + timedelta(hours=1))])
    database.readings[CODE, "PM2.5", HOUR].append((14.0, 1))
    (average,) = averages(handler(database).handle([dirty(HOUR)]))
    assert (average["mean"], average["version"]) == (12.0, 2)
    assert database.averages[CODE, "PM2.5", HOUR + timedelta(hours=1)][-1] == 1


def test_the_same_readings_in_another_order_write_nothing() -> None:
    database = Database()
    database.readings[CODE, "PM2.5", HOUR] = [(0.1, 1), (0.2, 1), (0.3, 1), (1e9, 1)]
    assert len(averages(handler(database).handle([dirty(HOUR)]))) == 1
    database.readings[CODE, "PM2.5", HOUR].reverse()
    assert averages(handler(database).handle([dirty(HOUR), dirty(HOUR)])) == []


def test_a_backlog_of_days_is_read_day_by_day() -> None:
    database = Database()
    hours = [HOUR + timedelta(days=d) for d in range(3)]
    for hour in hours:
        database.readings[CODE, "PM2.5", hour] = [(1.0, 1)]
    assert len(averages(handler(database).handle([dirty(*hours)]))) == 3
    assert database.queries == 2 * 3


def test_a_long_backlog_is_told_in_messages_of_a_bounded_size() -> None:
    database = Database()
    hours = [HOUR + timedelta(hours=n) for n in range(1100)]
    for hour in hours:
        database.readings[CODE, "PM2.5", hour] = [(1.0, 1)]
    verdict = handler(database).handle([dirty(*hours)])
    assert isinstance(verdict, Done)
    assert [len(json.loads(record.value or b"")["averages"]) for record in verdict.records] == [500, 500, 100]


def test_a_station_gone_from_the_registry_keeps_its_averages_by_the_usual_interval() -> None:
    database = Database()
    database.readings[CODE, "PM2.5", HOUR] = [(1.0, 1)]
    (average,) = averages(handler(database, Registry()).handle([dirty(HOUR)]))
    assert average["expected"] == 12


@pytest.mark.parametrize("error", [ClickHouseAway("nobody answers"), ClickHouseRefused("no such table")])
def test_averages_wait_for_a_database_that_is_away_or_refuses(error: Exception) -> None:
    database = Database()
    database.error = error
    verdict = handler(database).handle([dirty(HOUR)])
    assert isinstance(verdict, NotNow)
    assert str(error) in verdict.reason


def test_a_broken_dirty_message_is_dead_and_the_others_are_computed() -> None:
    database = Database()
    database.readings[CODE, "PM2.5", HOUR] = [(1.0, 1)]
    broken = Record("dirty", b"x", b"{}")
    verdict = handler(database).handle([broken, dirty(HOUR)])
    assert isinstance(verdict, Done)
    assert [dead.record for dead in verdict.dead] == [broken]
    assert len(averages(verdict)) == 1
