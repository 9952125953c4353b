"""What the windows decide, with a database that is a list."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseRefused
from quantrac.io.records import Done, NotNow, Record
from quantrac.testing.builders import registry as registry_of
from schemas.codecs.window_dirty import encode_window_dirty
from services.aggregator.windows.handler import WindowsHandler
from support.averages import AveragesInMemory, windows_handler

HOUR = datetime(2026, 3, 25, 5, tzinfo=UTC)
CODE = "HN_BKHN_KHIKXQ"


class Database(AveragesInMemory):
    """Readings by (station, parameter, hour), one every five minutes."""

    def hour(self, hour: datetime, readings: Sequence[tuple[float, int]], parameter: str = "PM2.5") -> None:
        for n, (value, flag) in enumerate(readings):
            self.put(CODE, parameter, hour + timedelta(minutes=5 * n), value, flag)


def handler(database: Database, registry: Registry | None = None, **more: Any) -> WindowsHandler:
    now = more.pop("now", HOUR + timedelta(hours=2))
    return windows_handler(database, database, registry or registry_of(), clock=lambda: now, **more)


def dirty(*hours: datetime, station: str = CODE) -> Record:
    value = encode_window_dirty(station, [("PM2.5", hour) for hour in hours])
    return Record("dirty", station.encode(), value)


def averages(verdict: object, period: str = "hour") -> list[dict[str, Any]]:
    assert isinstance(verdict, Done)
    every = [average for record in verdict.records for average in json.loads(record.value or b"")["averages"]]
    return [average for average in every if average["period"] == period]


def test_only_good_readings_count_and_all_are_received() -> None:
    database = Database()
    database.hour(HOUR, [(10.0, 1), (12.0, 1), (999.0, 4), (50.0, 3)])
    (average,) = averages(handler(database).handle([dirty(HOUR)]))
    assert average["mean"] == 11.0
    assert (average["count"], average["received"], average["expected"]) == (2, 4, 12)
    assert average["completeness"] == pytest.approx(2 / 12)
    assert average["ends_at"] == "2026-03-25T06:00:00Z"
    assert average["complete"] is False


def test_a_late_reading_reopens_its_hour_with_the_next_version_and_no_other() -> None:
    database = Database()
    database.hour(HOUR, [(10.0, 1)])
    database.hour(HOUR + timedelta(hours=1), [(20.0, 1)])
    handler(database).handle([dirty(HOUR, HOUR + timedelta(hours=1))])
    database.hour(HOUR, [(10.0, 1), (14.0, 1)])
    (average,) = averages(handler(database).handle([dirty(HOUR)]))
    assert (average["mean"], average["version"]) == (12.0, 2)
    later = CODE, "PM2.5", "hour", int(HOUR.timestamp()) + 3600
    assert database.averages[later]["version"] == 1


def test_the_same_readings_in_another_order_write_nothing() -> None:
    database = Database()
    database.hour(HOUR, [(0.1, 1), (0.2, 1), (0.3, 1), (1e9, 1)])
    assert len(averages(handler(database).handle([dirty(HOUR)]))) == 1
    database.hour(HOUR, [(1e9, 1), (0.3, 1), (0.2, 1), (0.1, 1)])
    written = database.written
    assert handler(database).handle([dirty(HOUR), dirty(HOUR)]) == Done([], [])
    assert database.written == written


def test_a_backlog_of_days_is_read_at_once_and_written_in_one_block_a_table() -> None:
    database = Database()
    hours = [HOUR + timedelta(days=d) for d in range(3)]
    for hour in hours:
        database.hour(hour, [(1.0, 1)])
    later = handler(database, now=HOUR + timedelta(days=500))
    assert len(averages(later.handle([dirty(*hours)]))) == 3
    of_averages = ["readings", "read_averages", "current_versions", "read_averages", "read_averages"]
    # Highest versions: of what is shorter than a month, and of months and years.
    assert database.asked == [*of_averages, "months", "highest_versions", "highest_versions"]
    assert database.inserts == ["average_versions", "averages"]


def test_a_long_backlog_is_told_in_messages_of_a_bounded_size() -> None:
    database = Database()
    hours = [HOUR.replace(hour=0) + timedelta(hours=n) for n in range(17)]
    codes = [f"X{n}" for n in range(100)]
    for hour in hours:
        for code in codes:
            database.hour(hour, [(1.0, 1)], code)
    windows = [(code, hour) for code in codes for hour in hours]
    record = Record("dirty", CODE.encode(), encode_window_dirty(CODE, windows))
    verdict = handler(database, now=HOUR - timedelta(days=1)).handle([record])
    assert isinstance(verdict, Done)
    told = [len(json.loads(record.value or b"")["averages"]) for record in verdict.records]
    assert told == [500, 500, 500, 200]


def test_a_station_gone_from_the_registry_keeps_its_averages_by_the_usual_interval() -> None:
    database = Database()
    database.hour(HOUR, [(1.0, 1)])
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
    database.hour(HOUR, [(1.0, 1)])
    broken = Record("dirty", b"x", b"{}")
    verdict = handler(database).handle([broken, dirty(HOUR)])
    assert isinstance(verdict, Done)
    assert [dead.record for dead in verdict.dead] == [broken]
    assert len(averages(verdict)) == 1
