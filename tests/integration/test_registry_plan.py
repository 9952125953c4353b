"""What a plan counts is what is stored and would be judged otherwise, on the real engine."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quantrac.cli.registry_consequences import Counting
from quantrac.cli.registry_plan import Plan, make_plan
from quantrac.cli.replay_validator import rules_in_force
from quantrac.domain.qa.live.judge import Judge
from quantrac.domain.qa.live.memory import Memory
from quantrac.domain.readings import Flag
from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.records import Done, Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.builders import reading, reading_set
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.registry.stations import Station
from schemas.registry import apply_record, record_key
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START = NOW - timedelta(days=2)
CHANGE = NOW - timedelta(hours=12)
EVERY_5 = range(0, 36 * 60, 5)
EVERY_15 = range(36 * 60, 48 * 60, 15)
BEFORE, AFTER = len(EVERY_5), len(EVERY_15)


def record(code: str, **fields: Any) -> Station:
    text = {"code": code, "name": code, "type": "ambient-air", "province": "01", "interval_minutes": 5}
    where = {"latitude": 21.0, "longitude": 105.8, "parameters": [{"code": "PM2.5", "unit": "µg/m3"}]}
    return Station.model_validate(text | where | fields)


@pytest.fixture(scope="module")
def database(clickhouse: ClickHouseSettings) -> ClickHouse:
    return ClickHouse(clickhouse)


@pytest.fixture
def code(database: ClickHouse) -> str:
    """A station with two days of readings: every 5 minutes, every 15 in the last 12 hours."""
    code = f"HN_{uuid.uuid4().hex[:8].upper()}"
    registry = Registry(stations={code: record(code).to_domain()})
    sets = [
        reading_set(
            reading(10 + (7 * number) % 11 / 10, unit="µg/m3", measured_at=START + timedelta(minutes=number)),
            reading(5 + (5 * number) % 13 / 10, parameter="PM25", unit="µg/m3", line=2,
                    measured_at=START + timedelta(minutes=number)),
            station=code,
            file_id=uuid.uuid4().hex * 2,
            received_at=START + timedelta(minutes=number + 1),
        )
        for number in (*EVERY_5, *EVERY_15)
    ]  # fmt: skip
    flagged = Judge(registry, rules_in_force(registry), Memory(registry)).judge(sets)
    sink = SinkHandler(database, tables_by_topic(str, rejudges=False))
    messages = [
        Record("qa-flagged", code.encode(), encode_flagged_set(each), offset=uuid.uuid4().int % 10**9)
        for each in flagged
    ]
    assert isinstance(sink.handle(messages), Done)
    return code


def plan(database: ClickHouse, code: str, most: int = 10**6, **fields: Any) -> Plan:
    """Plan to change the station that sent every 5 minutes all along."""
    before, after = record(code), record(code, **fields)
    registry = Registry()
    values = {record_key(before): before.model_dump_json().encode()}
    for key, value in values.items():
        apply_record(registry, key, value)
    planned = make_plan(registry, values, [after], NOW)
    apply_record(registry, record_key(after), after.model_dump_json().encode())
    Counting(registry, database).count(planned, NOW, most)
    return planned


def test_a_new_interval_without_a_date_would_change_the_flags_of_the_past(
    database: ClickHouse, code: str
) -> None:
    planned = plan(database, code, interval_minutes=15)
    (change,) = planned.stations
    assert change.readings == 2 * (BEFORE + AFTER)
    assert change.judged == change.readings
    flags = change.flags
    assert sum(count for (_, after), count in flags.items() if after == Flag.SUSPECT) > BEFORE
    assert change.reopened > 60
    assert len(planned.list_undated()) == 1


def test_a_new_interval_with_its_date_changes_no_flag(database: ClickHouse, code: str) -> None:
    dated = [{"minutes": 5, "valid_to": CHANGE}]
    planned = plan(database, code, interval_minutes=15, intervals=dated)
    (change,) = planned.stations
    assert change.flags == Counter()
    assert planned.list_undated() == []
    assert "another flag: 0;" in planned.summary()


def test_a_withdrawn_parameter_is_counted_from_its_first_reading_on(database: ClickHouse, code: str) -> None:
    planned = plan(database, code, withdrawn=[{"parameter": "PM25", "why": "a typing error"}])
    (change,) = planned.stations
    assert {after for _, after in change.flags} == {Flag.MISSING}
    assert change.flags.total() == BEFORE + AFTER
    assert [start for start, _ in change.spans] == [START], "nothing before it has to be judged"


def test_what_is_taken_out_and_withdrawn_at_once_is_counted_once(database: ClickHouse, code: str) -> None:
    planned = plan(database, code, parameters=[], withdrawn=[{"parameter": "PM25", "why": "a typing error"}])
    (change,) = planned.stations
    assert change.readings == change.judged == 2 * (BEFORE + AFTER)
    assert change.flags[Flag.GOOD, Flag.MISSING] + change.flags[Flag.NOT_EVALUATED, Flag.MISSING] == (
        BEFORE + AFTER
    )


def test_no_more_readings_are_judged_than_allowed_and_the_plan_says_how_many(
    database: ClickHouse, code: str
) -> None:
    planned = plan(database, code, most=200, interval_minutes=15)
    (change,) = planned.stations
    assert change.readings == 2 * (BEFORE + AFTER)
    assert 0 < change.judged <= 300
    assert f"among the newest {change.judged}, which were judged to count them" in planned.summary()


def test_a_station_without_readings_needs_no_date(database: ClickHouse) -> None:
    planned = plan(database, f"HN_{uuid.uuid4().hex[:8]}", interval_minutes=15)
    assert planned.list_undated() == []
