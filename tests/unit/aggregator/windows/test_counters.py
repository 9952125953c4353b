"""Hours of a parameter whose values are a running sum."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import StampMeaning, Station, StationParameter
from quantrac.domain.stamps import Stamps
from quantrac.io.records import Done, Record
from quantrac.testing.builders import station
from schemas.codecs.window_dirty import encode_window_dirty
from support.averages import AveragesInMemory, windows_handler

CODE = "HN_BKHN_KHIKXQ"
START = datetime(2026, 6, 30, 17, tzinfo=UTC)
"""Midnight in Vietnam."""
RAIN = StationParameter("Rain", "mm", counter=True)
GAUGE = station(interval_seconds=600, parameters=[RAIN])


def compute(tables: AveragesInMemory, entry: Station, times: list[datetime]) -> None:
    hours = {time.replace(minute=0, second=0) for time in times}
    message = encode_window_dirty(CODE, [("Rain", hour) for hour in hours])
    later = START + timedelta(days=40)
    handler = windows_handler(tables, tables, Registry(stations={CODE: entry}), clock=lambda: later)
    assert isinstance(handler.handle([Record("dirty", CODE.encode(), message)]), Done)


def put(tables: AveragesInMemory, sums: dict[int, float], **more: Any) -> list[datetime]:
    """Put sums by their minutes after the start; returns their times."""
    times = [START + timedelta(minutes=minute) for minute in sums]
    for time, value in zip(times, sums.values(), strict=True):
        tables.put(CODE, "Rain", time, value, **more)
    return times


def totals(tables: AveragesInMemory, period: str = "hour") -> list[float | None]:
    rows = sorted(
        (start, row["total"]) for (_, _, name, start), row in tables.averages.items() if name == period
    )
    return [total for _, total in rows]


def day_of_rain(amount: float = 0.5) -> dict[int, float]:
    """A sum that grows by ``amount`` every ten minutes, from the value 0 just after midnight on."""
    return {minute: amount * minute / 10 for minute in range(0, 1440, 10)}


def test_an_hour_and_a_day_add_up_what_the_sum_grew_by() -> None:
    tables = AveragesInMemory()
    compute(tables, GAUGE, put(tables, day_of_rain()))
    assert totals(tables) == [2.5, *[3.0] * 23], "the first value has none before it"
    assert totals(tables, "day") == [pytest.approx(71.5)]
    plain = AveragesInMemory()
    compute(plain, replace(GAUGE, parameters=(replace(RAIN, counter=False),)), put(plain, day_of_rain()))
    assert totals(plain, "day") == [pytest.approx(sum(day_of_rain().values()))], "a sum of sums"


def test_a_new_day_begins_a_new_sum_and_loses_no_rain() -> None:
    tables = AveragesInMemory()
    tomorrow = {1440 + minute: value for minute, value in day_of_rain().items()}
    compute(tables, GAUGE, put(tables, day_of_rain() | tomorrow))
    assert totals(tables)[23:25] == [3.0, 2.5], "0 at midnight"


def test_a_bad_value_is_stepped_over() -> None:
    tables = AveragesInMemory()
    sums = day_of_rain()
    bad = put(tables, {130: 9_999.0}, flag=4)
    del sums[130]
    compute(tables, GAUGE, bad + put(tables, sums))
    assert totals(tables)[2] == 3.0
    assert tables.averages[CODE, "Rain", "hour", int(START.timestamp()) + 7200]["count"] == 5


def test_a_late_value_reopens_its_hour_and_what_is_compared_with_it() -> None:
    whole, tables = AveragesInMemory(), AveragesInMemory()
    sums = day_of_rain()
    late = {minute: sums.pop(minute) for minute in (170, 180, 190)}
    compute(whole, GAUGE, put(whole, sums | late))
    compute(tables, GAUGE, put(tables, sums))
    versions = {key: row["version"] for key, row in tables.averages.items()}
    compute(tables, GAUGE, put(tables, late))
    assert totals(tables) == totals(whole)
    changed = {
        (key[3] - START.timestamp()) / 3600
        for key, row in tables.averages.items()
        if key[2] == "hour" and row["version"] != versions[key]
    }
    assert changed == {2, 3}


@pytest.mark.parametrize("seed", range(6))
def test_in_whatever_order_values_come_the_hours_are_the_same(seed: int) -> None:
    generator = random.Random(seed)
    sums = {minute: value for minute, value in day_of_rain().items() if generator.random() < 0.5}
    whole, tables = AveragesInMemory(), AveragesInMemory()
    compute(whole, GAUGE, put(whole, sums))
    minutes = generator.sample(sorted(sums), len(sums))
    for first in range(0, len(minutes), 7):
        compute(tables, GAUGE, put(tables, {minute: sums[minute] for minute in minutes[first : first + 7]}))
    assert totals(tables) == totals(whole)
    assert totals(tables, "day") == totals(whole, "day")


def test_stamps_at_the_end_and_counters_hold_together() -> None:
    tables = AveragesInMemory()
    entry = replace(GAUGE, stamps=(StampMeaning(Stamps.END),))
    compute(tables, entry, put(tables, {minute: minute / 10 for minute in range(0, 190, 10)}))
    assert totals(tables)[1:] == [6.0, 6.0, 6.0], "what is stamped 01:00 fell before 01:00"


def test_a_counter_is_one_only_while_its_entry_says_so() -> None:
    until = replace(RAIN, valid_to=START + timedelta(hours=2))
    plain = replace(RAIN, counter=False, valid_from=START + timedelta(hours=2))
    tables = AveragesInMemory()
    entry = replace(GAUGE, parameters=(until, plain))
    compute(
        tables,
        entry,
        put(
            tables,
            {minute: float(minute) for minute in range(0, 120, 10)} | dict.fromkeys(range(120, 240, 10), 0.5),
        ),
    )
    assert totals(tables) == [50.0, 60.0, 3.0, 3.0]
