"""Averages of stations whose stamps name the start or the end of what was averaged."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StampMeaning, Station
from quantrac.domain.stamps import Stamps, middles
from quantrac.io.records import Done, Record
from quantrac.testing.builders import station
from schemas.codecs.window_dirty import encode_window_dirty
from support.averages import AveragesInMemory, brute_force, windows_handler
from support.effort import examples

CODE = "HN_BKHN_KHIKXQ"
NEW_YEAR = datetime(2025, 12, 31, 17, tzinfo=UTC)
"""Midnight in Vietnam."""
LATER = NEW_YEAR + timedelta(days=400)
HOURLY = station(interval_seconds=3600, publish_index=True)
AT_END = replace(HOURLY, stamps=(StampMeaning(Stamps.END),))


def at(hours: float) -> datetime:
    """So many hours after the new year in Vietnam."""
    return NEW_YEAR + timedelta(hours=hours)


def dirty(*times: datetime) -> Record:
    hours = {time.replace(minute=0, second=0) for time in times}
    return Record("dirty", CODE.encode(), encode_window_dirty(CODE, [("PM2.5", hour) for hour in hours]))


def compute(tables: AveragesInMemory, entry: Station, *times: datetime) -> Done:
    handler = windows_handler(tables, tables, Registry(stations={CODE: entry}), clock=lambda: LATER)
    verdict = handler.handle([dirty(*times)])
    assert isinstance(verdict, Done)
    return verdict


def put(tables: AveragesInMemory, *hours: float, value: float = 10.0) -> list[datetime]:
    times = [at(hour) for hour in hours]
    for time in times:
        tables.put(CODE, "PM2.5", time, value)
    return times


def hours_of(tables: AveragesInMemory) -> dict[float, float]:
    """Hours after the new year -> mean, of the averages that hold readings."""
    return {
        (start - NEW_YEAR.timestamp()) / 3600: row["mean"]
        for (_, _, period, start), row in sorted(tables.averages.items())
        if period == "hour" and row["received"]
    }


def row(tables: AveragesInMemory, period: str, start: datetime) -> dict[str, Any]:
    return tables.averages[CODE, "PM2.5", period, int(start.timestamp())]


def equal_to_brute_force(tables: AveragesInMemory, entry: Station, expected: int) -> None:
    offsets = entry.middle_offsets()
    moved = {
        (code, parameter, middles(stamp, offsets)): reading
        for (code, parameter, stamp), reading in tables.readings_by_time.items()
    }
    wanted = brute_force(moved, lambda code, hour: expected)
    present = {key: average for key, average in tables.averages.items() if average["received"]}
    assert present.keys() == wanted.keys()
    names = ("mean", "count", "received", "expected", "complete", "good", "fail")
    for key, average in wanted.items():
        assert {name: present[key][name] for name in names} == {name: average[name] for name in names}, key


@pytest.mark.parametrize(("stamps", "hour"), [(Stamps.INSTANT, 14), (Stamps.START, 14), (Stamps.END, 13)])
def test_an_hourly_reading_of_14_counts_in_the_hour_it_is_the_mean_of(stamps: Stamps, hour: int) -> None:
    tables = AveragesInMemory()
    compute(tables, replace(HOURLY, stamps=(StampMeaning(stamps),)), *put(tables, 14))
    assert hours_of(tables) == {hour: 10.0}
    average = row(tables, "hour", at(hour))
    assert (average["count"], average["expected"], average["complete"]) == (1, 1, 1)
    assert average["first_at"] == average["last_at"] == at(14).timestamp(), "the stamp as it was sent"


def test_the_day_of_hourly_means_stamped_at_the_end_is_that_of_the_labels_01_to_24() -> None:
    tables = AveragesInMemory()
    times = put(tables, 0, value=500.0) + put(tables, *range(1, 25), value=55.7)
    compute(tables, AT_END, *times)
    day = row(tables, "day", at(0))
    assert (day["mean"], day["count"], day["complete"]) == (pytest.approx(55.7), 24, 1)
    assert (row(tables, "day", at(-24))["count"], row(tables, "day", at(-24))["mean"]) == (1, 500.0)
    indices = {
        (index["period"], index["starts_at"]): index["value"]
        for index in sorted(tables.indices_rows, key=lambda index: index["version"])
    }
    assert indices["day", at(0).timestamp()] == 110
    assert indices["day", at(-24).timestamp()] is None
    assert ("hour", at(23).timestamp()) in indices
    assert ("hour", at(24).timestamp()) not in indices


def test_five_minute_means_stamped_at_the_end_make_a_complete_hour() -> None:
    tables = AveragesInMemory()
    entry = replace(AT_END, interval_seconds=300)
    compute(tables, entry, *put(tables, *(minute / 60 for minute in range(5, 65, 5))))
    assert hours_of(tables) == {0: 10.0}
    average = row(tables, "hour", at(0))
    assert (average["count"], average["expected"], average["complete"]) == (12, 12, 1)


def test_a_late_reading_reopens_the_hour_it_counts_in() -> None:
    tables = AveragesInMemory()
    compute(tables, AT_END, *put(tables, *range(1, 25)))
    compute(tables, AT_END, *put(tables, 14, value=40.0))
    assert (row(tables, "hour", at(13))["mean"], row(tables, "hour", at(13))["version"]) == (40.0, 2)
    assert {row(tables, "hour", at(hour))["version"] for hour in range(24) if hour != 13} == {1}


def test_another_meaning_moves_every_reading_and_empties_what_it_leaves() -> None:
    tables = AveragesInMemory()
    times = put(tables, *range(1, 20), 24)
    compute(tables, HOURLY, *times)
    assert sorted(hours_of(tables)) == [*range(1, 20), 24]
    assert row(tables, "day", at(0))["complete"] == 1
    verdict = compute(tables, AT_END, *times)
    assert sorted(hours_of(tables)) == [*range(19), 23]
    equal_to_brute_force(tables, AT_END, 1)
    left = row(tables, "hour", at(24))
    assert (left["received"], left["count"], left["mean"], left["complete"]) == (0, 0, None, 0)
    assert (left["first_at"], left["last_at"], left["version"]) == (0, 0, 2)
    assert left["unit"] == "µg/m3"
    day = row(tables, "day", at(24))
    assert (day["received"], day["mean"], day["version"]) == (0, None, 2)
    messages = [json.loads(record.value or b"") for record in verdict.records]
    averages = [average for message in messages for average in message["averages"]]
    assert [a["count"] for a in averages if a["starts_at"] == f"{at(24):%Y-%m-%dT%H:%M:%SZ}"][:1] == [0]
    written = tables.written
    compute(tables, AT_END, *times)
    assert tables.written == written, "the same meaning writes nothing more"
    compute(tables, HOURLY, *times, *(time - timedelta(hours=1) for time in times))
    assert sorted(hours_of(tables)) == [*range(1, 20), 24]
    equal_to_brute_force(tables, HOURLY, 1)


def test_a_dated_meaning_leaves_what_lies_before_it() -> None:
    entry = replace(HOURLY, stamps=(StampMeaning(Stamps.END, valid_from=at(6)),))
    tables = AveragesInMemory()
    compute(tables, entry, *put(tables, *range(1, 12)))
    assert {hour: row(tables, "hour", at(hour))["received"] for hour in range(1, 11)} == {
        **dict.fromkeys(range(1, 11), 1),
        5: 2,
    }


def test_the_index_of_an_hour_that_lost_its_reading_is_computed_again() -> None:
    tables = AveragesInMemory()
    times = put(tables, *range(1, 19)) + put(tables, 19, value=50.0)
    compute(tables, HOURLY, *times)
    compute(tables, AT_END, *times)
    of_hour = [row for row in tables.indices_rows if row["starts_at"] == at(19).timestamp()]
    assert [row["version"] for row in of_hour] == [1, 2]
    assert of_hour[1]["value"] < of_hour[0]["value"], "NowCast of the hours before it alone"


MINUTES = st.integers(-24 * 60, 60 * 24)


@settings(max_examples=examples(25))
@given(
    st.lists(st.tuples(MINUTES, st.sampled_from([1.0, 2.0, 7.5])), min_size=1, max_size=30),
    st.sampled_from(list(Stamps)),
    st.sampled_from(list(Stamps)),
    st.sampled_from([300, 1200, 3600, 7200, 86_400]),
)
def test_whatever_stamps_meant_before_the_averages_are_those_of_the_middles(
    readings: list[tuple[int, float]], before: Stamps, after: Stamps, interval: int
) -> None:
    tables = AveragesInMemory()
    entry = replace(HOURLY, interval_seconds=interval)
    for minute, value in readings:
        tables.put(CODE, "PM2.5", at(minute / 60), value)
    times = [at(minute / 60) for minute, _ in readings]
    compute(tables, replace(entry, stamps=(StampMeaning(before),)), *times)
    # What `quantrac replay --stage windows` sends: hours with readings, and those with an average.
    stored = [
        datetime.fromtimestamp(start, UTC) for _, _, period, start in tables.averages if period == "hour"
    ]
    changed = replace(entry, stamps=(StampMeaning(after),))
    compute(tables, changed, *times, *stored)
    equal_to_brute_force(tables, changed, max(1, 3600 // interval))
