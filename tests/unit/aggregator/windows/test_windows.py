"""Averages of every length against a plain recomputation, whatever came in which order."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quantrac.domain.averaging import AverageRules
from quantrac.domain.readings import Flag
from quantrac.domain.registry.pollution import KnownPollution, Pollution
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Interval, StationType
from quantrac.io.records import Done, NotNow, Record
from quantrac.testing.builders import station
from schemas.codecs.window_dirty import encode_window_dirty
from schemas.messages.aggregates import Index
from services.aggregator.windows.handler import WindowsHandler
from support.averages import AveragesInMemory, brute_force, windows_handler
from support.effort import examples

CODE = "HN_BKHN_KHIKXQ"
NEW_YEAR = datetime(2025, 12, 31, 17, tzinfo=UTC)
"""Midnight in Vietnam."""
LATER = NEW_YEAR + timedelta(days=400)
GOOD_ONLY = AverageRules()
HOURLY = replace(station(), interval_seconds=1200)
"""Three readings an hour."""
PUBLISHING = replace(HOURLY, publish_index=True)


def windows(
    tables: AveragesInMemory,
    *,
    entry: Any = HOURLY,
    now: datetime = LATER,
    rules: AverageRules = GOOD_ONLY,
) -> WindowsHandler:
    registry = Registry(stations={entry.code: entry})
    return windows_handler(tables, tables, registry, clock=lambda: now, rules=rules)


def dirty(*times: datetime, parameter: str = "PM2.5") -> Record:
    hours = {at.replace(minute=0) for at in times}
    return Record("dirty", CODE.encode(), encode_window_dirty(CODE, [(parameter, hour) for hour in hours]))


def at(hours: float) -> datetime:
    """So many hours after the new year in Vietnam."""
    return NEW_YEAR + timedelta(hours=hours)


def put_hours(
    tables: AveragesInMemory, first: int, count: int, value: float = 10.0, parameter: str = "PM2.5"
) -> list[datetime]:
    times = [at(first + n) + timedelta(minutes=20 * k) for n in range(count) for k in range(3)]
    for time in times:
        tables.put(CODE, parameter, time, value)
    return times


def row(tables: AveragesInMemory, period: str, start: datetime, parameter: str = "PM2.5") -> dict[str, Any]:
    return tables.averages[CODE, parameter, period, int(start.timestamp())]


def told(verdict: object) -> list[tuple[str, str]]:
    assert isinstance(verdict, Done)
    messages = [json.loads(record.value or b"") for record in verdict.records]
    return [(a["period"], a["starts_at"]) for message in messages for a in message["averages"]]


def equal_to_brute_force(tables: AveragesInMemory) -> None:
    wanted = brute_force(tables.readings_by_time, lambda code, hour: 3)
    assert tables.averages.keys() == wanted.keys()
    for key, expected in wanted.items():
        found = tables.averages[key]
        same = {name: found[name] for name in expected if name != "sd"}
        assert same == {name: value for name, value in expected.items() if name != "sd"}, key
        assert (found["sd"] is None) == (expected["sd"] is None), key
        assert found["sd"] is None or found["sd"] == pytest.approx(expected["sd"], rel=1e-9, abs=1e-9), key


READING = st.tuples(
    # Around the boundaries of a day, a month and a year in Vietnam: hours of some days.
    st.sampled_from([d * 24 + h for d in (-1, 0, 1, 30, 31) for h in (0, 1, 2, 5, 16, 17, 18, 22, 23)]),
    st.sampled_from([0, 20, 40]),
    st.sampled_from([0.1, 0.2, 0.3, 7.0, 1e9, -3.5]),
    st.sampled_from([1, 1, 1, 1, 2, 3, 4, 9]),
    st.sampled_from(["00", "00", "00", "01", "02"]),
)
STEP = st.tuples(st.lists(READING, min_size=1, max_size=12), st.booleans(), st.integers(0, 12))


_KEPT = [(-24, 0, 0.1, 1, "00")]
_CHANGED = [(-24, 0, 0.2, 1, "00")]


@settings(max_examples=examples(30))
@example([(_KEPT, False, 0), (_CHANGED, True, 1), (_KEPT, False, 0)])  # changed back after a death in between
@example([(_KEPT, False, 0), (_CHANGED, True, 1)])
@given(st.lists(STEP, min_size=1, max_size=8))
def test_the_tables_equal_a_recomputation_of_the_final_readings(steps: list[Any]) -> None:
    tables, pending = AveragesInMemory(), list[Record]()
    handler = windows(tables)
    for readings, restart, dies_after in steps:
        times = [at(hour) + timedelta(minutes=minute) for hour, minute, *_ in readings]
        for time, (_, _, value, flag, status) in zip(times, readings, strict=True):
            tables.put(CODE, "PM2.5", time, value, flag, status)
        pending = [dirty(*times), *pending, dirty(times[0])]
        if restart:
            handler = windows(tables)
            tables.fail_after = dies_after
        if isinstance(handler.handle(pending), Done):
            pending = []
    tables.fail_after = None
    assert isinstance(handler.handle(pending), Done)
    equal_to_brute_force(tables)
    written = tables.written
    windows(tables).handle(
        [dirty(*(datetime.fromtimestamp(time, UTC) for _, _, time in tables.readings_by_time))]
    )
    assert tables.written == written, "the same input writes nothing"
    for key, average in tables.averages.items():
        kept = [version for *of, version in tables.versions if tuple(of) == key]
        assert sorted(kept) == list(range(1, average["version"] + 1))


def test_day_month_and_year_begin_at_midnight_in_vietnam() -> None:
    tables = AveragesInMemory()
    times = put_hours(tables, -24, 24, 1.0) + put_hours(tables, 0, 24, 5.0)
    windows(tables).handle([dirty(*times)])
    assert row(tables, "day", at(-24))["mean"] == 1.0
    assert row(tables, "day", at(0))["mean"] == 5.0
    assert (row(tables, "month", at(-31 * 24))["mean"], row(tables, "month", at(0))["mean"]) == (1.0, 5.0)
    assert row(tables, "year", at(0))["count"] == 1
    assert row(tables, "year", at(0))["expected"] == 365
    assert row(tables, "year", at(-365 * 24))["mean"] == 1.0
    across = row(tables, "8h", at(-4))
    assert (across["mean"], across["minimum"], across["maximum"], across["count"]) == (3.0, 1.0, 5.0, 8)


def test_a_correction_fifty_days_back_redoes_what_its_hour_enters_and_nothing_else() -> None:
    tables = AveragesInMemory()
    windows(tables).handle([dirty(*put_hours(tables, 0, 24 * 50))])
    before = {key: average["version"] for key, average in tables.averages.items()}
    tables.put(CODE, "PM2.5", at(30), 40.0)
    windows(tables).handle([dirty(at(30))])
    redone = {key[2:] for key, average in tables.averages.items() if average["version"] != before[key]}
    assert redone == {
        ("hour", int(at(30).timestamp())),
        *(("8h", int(at(30 - back).timestamp())) for back in range(8)),
        ("day", int(at(24).timestamp())),
        ("month", int(at(0).timestamp())),
        ("year", int(at(0).timestamp())),
    }
    assert tables.versions[CODE, "PM2.5", "day", int(at(24).timestamp()), 1]["mean"] == 10.0
    assert row(tables, "day", at(24))["mean"] == pytest.approx(10 + 30 / 3 / 24)


def test_below_the_share_an_average_is_stored_and_enters_no_longer_one() -> None:
    tables = AveragesInMemory()
    times = put_hours(tables, 0, 17)
    tables.put(CODE, "PM2.5", at(20), 500.0)
    windows(tables).handle([dirty(*times, at(20))])
    assert (row(tables, "hour", at(20))["mean"], row(tables, "hour", at(20))["complete"]) == (500.0, 0)
    day = row(tables, "day", at(0))
    assert (day["mean"], day["count"], day["complete"], day["received"]) == (10.0, 17, 0, 52)
    assert row(tables, "month", at(0))["mean"] is None
    more = put_hours(tables, 17, 1)
    windows(tables).handle([dirty(*more)])
    assert (row(tables, "day", at(0))["complete"], row(tables, "month", at(0))["mean"]) == (1, 10.0)


def test_suspect_readings_count_where_the_setting_says_so_and_faulty_devices_never() -> None:
    tables = AveragesInMemory()
    for minute, (flag, status) in enumerate([(3, "00"), (1, "00"), (1, "01"), (1, "02"), (4, "00")]):
        tables.put(CODE, "PM2.5", at(0) + timedelta(minutes=minute), float(2**minute), flag, status)
    windows(tables).handle([dirty(at(0))])
    assert row(tables, "hour", at(0))["mean"] == 2.0
    windows(tables, rules=AverageRules(flags=frozenset({Flag.GOOD, Flag.SUSPECT}))).handle([dirty(at(0))])
    found = row(tables, "hour", at(0))
    assert (found["mean"], found["good"], found["suspect"], found["fail"]) == (1.5, 3, 1, 1)


def test_an_hour_expects_what_the_interval_of_then_allowed() -> None:
    tables = AveragesInMemory()
    entry = replace(HOURLY, interval_seconds=300, intervals=(Interval(1200, valid_to=at(12)),))
    windows(tables, entry=entry).handle([dirty(*put_hours(tables, 11, 2))])
    assert [row(tables, "hour", at(h))["expected"] for h in (11, 12)] == [3, 12]
    assert [row(tables, "hour", at(h))["complete"] for h in (11, 12)] == [1, 0]


def test_rain_of_a_day_is_the_sum_of_its_hours_and_of_a_month_that_of_its_days() -> None:
    tables = AveragesInMemory()
    times = put_hours(tables, 0, 48, 0.5, "Rain")
    windows(tables).handle([dirty(*times, parameter="Rain")])
    found = {period: row(tables, period, at(0), "Rain")["total"] for period in ("hour", "8h", "day", "month")}
    assert found == {"hour": 1.5, "8h": 12.0, "day": 36.0, "month": 72.0}


def test_what_is_not_over_yet_is_stored_without_its_versions_and_only_hours_are_told() -> None:
    tables = AveragesInMemory()
    times = put_hours(tables, 0, 3)
    verdict = windows(tables, now=at(2.5)).handle([dirty(*times)])
    assert told(verdict) == [("hour", f"{at(n):%Y-%m-%dT%H:%M:%SZ}") for n in range(3)] + [
        ("8h", f"{at(n):%Y-%m-%dT%H:%M:%SZ}") for n in (-7, -6)
    ]
    assert {key[2] for key in tables.versions} == {"hour", "8h"}
    assert row(tables, "day", at(0))["count"] == 3


def test_what_was_written_before_a_refusal_is_told_when_the_rest_is_done() -> None:
    tables = AveragesInMemory()
    times = put_hours(tables, 0, 1)
    # The next step is refused: both blocks of averages are written.
    handler, tables.fail_after = windows(tables, entry=PUBLISHING), 2
    assert isinstance(handler.handle([dirty(*times)]), NotNow)
    assert tables.inserts == ["average_versions", "averages"]
    assert [period for period, _ in told(handler.handle([dirty(*times)]))] == [
        "hour",
        *["8h"] * 8,
        "day",
        "month",
        "year",
    ]


def test_what_a_process_stored_and_died_before_telling_is_told_by_the_next() -> None:
    tables, stored_at = AveragesInMemory(), at(30)
    first = msgspec.structs.replace(
        dirty(*put_hours(tables, 0, 1)), produced_at=(stored_at - timedelta(hours=1)).timestamp()
    )
    untold = told(windows(tables, now=stored_at).handle([first]))
    assert len(untold) == 1 + 8 + 1, "month and year are under way"
    written = tables.written
    assert told(windows(tables, now=stored_at + timedelta(days=2)).handle([first])) == untold
    assert tables.written == written
    later = msgspec.structs.replace(first, produced_at=(stored_at + timedelta(minutes=5)).timestamp())
    assert windows(tables, now=stored_at + timedelta(days=2)).handle([later]) == Done([], [])


def indices(tables: AveragesInMemory) -> dict[tuple[str, datetime], dict[str, Any]]:
    return {
        (row["period"], datetime.fromtimestamp(row["starts_at"], UTC)): row
        for row in sorted(tables.indices_rows, key=lambda row: row["version"])
    }


def test_an_index_is_made_only_of_a_station_that_publishes_one() -> None:
    tables = AveragesInMemory()
    times = put_hours(tables, 0, 24, 55.7)
    windows(tables).handle([dirty(*times)])
    assert tables.indices_rows == []
    verdict = windows(tables, entry=PUBLISHING).handle([dirty(*times)])
    day = indices(tables)["day", at(0)]
    assert (day["kind"], day["value"], day["level"], day["responsible"]) == ("VN_AQI", 110, "poor", ["PM2.5"])
    assert (indices(tables)["hour", at(0)]["value"], indices(tables)["hour", at(1)]["value"]) == (None, 110)
    assert isinstance(verdict, Done)
    assert len(json.loads(verdict.records[-1].value or b"")["indices"]) == 25
    stack = replace(PUBLISHING, type=StationType.STACK)
    tables.indices_rows.clear()
    windows(tables, entry=stack).handle([dirty(*times)])
    assert tables.indices_rows == []


def test_a_late_hour_redoes_the_indices_that_look_at_it_with_the_next_version() -> None:
    tables = AveragesInMemory()
    handler = windows(tables, entry=PUBLISHING)
    handler.handle([dirty(*put_hours(tables, 0, 48, 20.0))])
    count = len(tables.indices_rows)
    handler.handle([dirty(at(5))])
    assert len(tables.indices_rows) == count, "the same hours give no new version"
    handler.handle([dirty(*put_hours(tables, 5, 1, 26.0))])
    redone = {key for key, row in indices(tables).items() if row["version"] == 2}
    assert redone <= {("day", at(0)), *(("hour", at(5 + n)) for n in range(12))}
    assert {("day", at(0)), ("hour", at(5)), ("hour", at(6))} <= redone


RIVER = replace(PUBLISHING, type=StationType.SURFACE_WATER)


def put_river(tables: AveragesInMemory, hours: int) -> list[Record]:
    """Put hours of one sample of water into the tables; return the messages that call them dirty."""
    sample = {"pH": 7.2, "DO": 6.0, "Temp": 25.0, "BOD": 10.0, "COD": 20.0, "NH4-N": 0.45, "PO4-P": 0.15}
    tables.units = {"pH": "", "Temp": "°C", "Coliform": "MPN/100mL"}
    tables.units |= dict.fromkeys(("DO", "BOD", "COD", "NH4-N", "PO4-P"), "mg/L")
    return [
        dirty(*put_hours(tables, 0, hours, value, code), parameter=code)
        for code, value in {**sample, "Coliform": 6000.0}.items()
    ]


def test_water_has_an_index_from_the_means_of_its_hour() -> None:
    tables = AveragesInMemory()
    verdict = windows(tables, entry=RIVER).handle(put_river(tables, 1))
    hour = indices(tables)["hour", at(0)]
    assert (hour["kind"], hour["value"], hour["level"], hour["formula"]) == ("VN_WQI", 68, "moderate", 3)
    assert hour["responsible"] == ["NH4-N"]
    assert isinstance(verdict, Done)
    (message, _) = json.loads(verdict.records[-1].value or b"")["indices"]
    assert Index.model_validate(message).formula == message["formula"] == 3


def test_what_is_known_of_a_water_body_decides_the_formula_from_its_date_on() -> None:
    tables = AveragesInMemory()
    organic = KnownPollution(Pollution.ORGANIC, valid_from=at(1), valid_to=at(2))
    metals = KnownPollution(Pollution.METALS, valid_from=at(3))
    windows(tables, entry=replace(RIVER, pollution=(organic, metals))).handle(put_river(tables, 4))
    hours = [indices(tables)["hour", at(n)] for n in range(4)]
    assert [(hour["value"], hour["formula"]) for hour in hours] == [(68, 3), (69, 5), (68, 3), (None, None)]


def test_an_index_by_another_formula_is_another_version_even_of_the_same_value() -> None:
    tables = AveragesInMemory()
    records = put_river(tables, 1)
    windows(tables, entry=RIVER).handle(records)
    for row in tables.indices_rows:
        row["formula"] = row["formula"] and 5
    windows(tables, entry=RIVER).handle(records)
    hour = indices(tables)["hour", at(0)]
    assert (hour["version"], hour["value"], hour["formula"]) == (2, 68, 3)
    count = len(tables.indices_rows)
    windows(tables, entry=RIVER).handle(records)
    assert len(tables.indices_rows) == count
