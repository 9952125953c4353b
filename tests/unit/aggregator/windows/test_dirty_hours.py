"""How dirty hours are shared out on groups that are read together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from quantrac.domain.registry.registry import Registry
from quantrac.io.records import Done, Record
from quantrac.testing.builders import station
from schemas.codecs.window_dirty import encode_window_dirty
from services.aggregator.windows import dirty_hours
from services.aggregator.windows.dirty_hours import group_hours
from support.averages import AveragesInMemory, brute_force, windows_handler

MIDNIGHT = datetime(2025, 12, 31, 17, tzinfo=UTC)
"""In Vietnam, the new year's."""
CODES = ("A", "B", "C")


def test_every_hour_of_a_station_is_in_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dirty_hours, "_DAYS_A_GROUP", 3)
    first = int(MIDNIGHT.timestamp())
    b = {("CO", first), ("CO", first + 86_400), ("O3", first)}
    hours = {"B": b, "A": {("NO2", first + 3_600)}, "C": {("CO", first)}, "D": set()}
    groups = list(group_hours(hours))
    assert [group.stations for group in groups] == [["A"], ["B"], ["C"]]
    for group in groups:
        assert group.parameters == ["CO", "NO2", "O3"]
        pairs = zip(group.series.tolist(), group.times.tolist(), strict=True)
        (code,) = group.stations
        assert {(group.parameters[series], time) for series, time in pairs} == hours[code]


def test_the_groups_of_a_batch_come_out_as_if_they_were_one(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry(
        stations={code: replace(station(), code=code, interval_seconds=1200) for code in CODES}
    )
    times = [MIDNIGHT + timedelta(minutes=20 * n) for n in range(-3 * 40, 3 * 40)]
    tables = []
    for days in (10_000, 1):
        monkeypatch.setattr(dirty_hours, "_DAYS_A_GROUP", days)
        memory = AveragesInMemory()
        for index, code in enumerate(CODES):
            for number, time in enumerate(times):
                memory.put(code, "PM2.5", time, float(number % 17 + index))
        batch = [
            Record("d", code.encode(), encode_window_dirty(code, [("PM2.5", t) for t in times]))
            for code in CODES
        ]
        handler = windows_handler(memory, memory, registry, clock=lambda: MIDNIGHT + timedelta(days=500))
        assert isinstance(handler.handle(batch), Done)
        assert memory.inserts == ["average_versions", "averages"]
        tables.append(memory)
    assert tables[0].averages == tables[1].averages
    expected = brute_force(tables[0].readings_by_time, lambda code, hour: 3)
    assert tables[0].averages.keys() == expected.keys()
    for key, average in expected.items():
        assert tables[0].averages[key]["mean"] == average["mean"], key
