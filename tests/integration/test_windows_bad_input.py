"""What no station should send, through the sink and the windows over the real engine."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from quantrac.domain.ids import reading_version
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Interval
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.records import Done, Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.builders import flagged_reading, flagged_set, station
from schemas.codecs.sets import encode_flagged_set
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic
from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.indices.queries import ClickHouseIndices
from support.averages import windows_handler
from support.stored_averages import stored

MIDNIGHT = datetime(2026, 3, 24, 17, tzinfo=UTC)
"""In Vietnam."""
NOW = MIDNIGHT + timedelta(hours=12)
HOURLY_VALUE = tuple[datetime, float]


class Aggregator:
    """Both handlers, one after the other, over one database."""

    def __init__(self, settings: ClickHouseSettings) -> None:
        self.database = ClickHouse(settings)
        self.registry = Registry()
        self._sink = SinkHandler(self.database, tables_by_topic(str, rejudges=False))
        self._offset = 0

    def register(self, code: str, **fields: Any) -> None:
        self.registry.stations[code] = station(code, **fields)

    def take(self, *sets: FlaggedSet, now: datetime = NOW) -> Done:
        """Store the sets in one batch, compute what they make dirty, and return what the windows tell."""
        batch = []
        for each in sets:
            self._offset += 1
            batch.append(
                Record("qa-flagged", each.station.encode(), encode_flagged_set(each), {}, 0, self._offset)
            )
        stored_now = self._sink.handle(batch)
        assert isinstance(stored_now, Done)
        assert stored_now.dead == []
        averages, indices = ClickHouseAverages(self.database), ClickHouseIndices(self.database)
        windows = windows_handler(averages, indices, self.registry, clock=lambda: now)
        done = windows.handle([record for record in stored_now.records if record.topic == "window-dirty"])
        assert isinstance(done, Done)
        assert done.dead == []
        return done

    def averages(self, code: str, period: str, parameter: str = "PM2.5") -> dict[datetime, Any]:
        found = stored(self.database, "averages")
        return {
            datetime.fromtimestamp(at, UTC): row
            for (s, p, length, at), row in found.items()
            if (s, p, length) == (code, parameter, period)
        }


@pytest.fixture(scope="module")
def aggregator(clickhouse: ClickHouseSettings) -> Aggregator:
    return Aggregator(clickhouse)


def flagged_file(
    code: str,
    values: Sequence[HOURLY_VALUE],
    *,
    parameter: str = "PM2.5",
    received: datetime = NOW,
    revision: int = 0,
) -> FlaggedSet:
    """Return one file with one reading for each (time, value)."""
    readings = [
        flagged_reading(value, parameter=parameter, unit="µg/m3", measured_at=at, line=line)
        for line, (at, value) in enumerate(values, start=1)
    ]
    return flagged_set(*readings, station=code, received_at=received, revision=revision)


def every(seconds: int, start: datetime, end: datetime, value: float = 10.0) -> list[HOURLY_VALUE]:
    """Return readings of one value at every step from ``start`` to before ``end``."""
    return [
        (start + timedelta(seconds=n), value) for n in range(0, round((end - start).total_seconds()), seconds)
    ]


def at(hours: float) -> datetime:
    """So many hours after midnight in Vietnam."""
    return MIDNIGHT + timedelta(hours=hours)


def test_a_station_and_a_parameter_that_nobody_registered_are_averaged_by_the_usual_interval(
    aggregator: Aggregator,
) -> None:
    aggregator.register("KNOWN")
    aggregator.take(
        flagged_file("NOBODY", every(300, at(0), at(1))),
        flagged_file("KNOWN", every(600, at(0), at(1), 3.0), parameter="Krypton"),
    )
    (hour,) = aggregator.averages("NOBODY", "hour").values()
    assert (hour["mean"], hour["count"], hour["expected"], hour["complete"]) == (10.0, 12, 12, 1)
    (hour,) = aggregator.averages("KNOWN", "hour", "Krypton").values()
    assert (hour["mean"], hour["total"], hour["count"], hour["complete"]) == (3.0, None, 6, 0)


def test_an_interval_lowered_in_the_middle_of_a_day_expects_more_from_then_on(aggregator: Aggregator) -> None:
    aggregator.register("FASTER", interval_seconds=300, intervals=(Interval(1800, valid_to=at(2.5)),))
    aggregator.take(
        flagged_file("FASTER", [*every(1800, at(0), at(2.5)), *every(300, at(2.5), at(4))]),
    )
    found = aggregator.averages("FASTER", "hour")
    assert {hour: (row["count"], row["expected"], row["complete"]) for hour, row in found.items()} == {
        at(0): (2, 2, 1),
        at(1): (2, 2, 1),
        at(2): (7, 7, 1),
        at(3): (12, 12, 1),
    }
    (day,) = aggregator.averages("FASTER", "day").values()
    assert (day["count"], day["expected"], day["received"]) == (4, 24, 23)


def test_a_change_that_is_entered_later_changes_nothing_until_its_hours_are_computed_again(
    aggregator: Aggregator,
) -> None:
    aggregator.register("LATER", interval_seconds=300)
    aggregator.take(flagged_file("LATER", every(1800, at(0), at(2))))
    aggregator.register("LATER", interval_seconds=300, intervals=(Interval(1800, valid_to=at(24)),))
    aggregator.take(flagged_file("LATER", every(1800, at(1), at(2)), received=NOW + timedelta(minutes=1)))
    found = aggregator.averages("LATER", "hour")
    assert {hour: (row["expected"], row["complete"], row["version"]) for hour, row in found.items()} == {
        at(0): (12, 0, 1),
        at(1): (2, 1, 2),
    }


def test_a_reading_of_61_days_ago_opens_its_own_averages_and_no_other(aggregator: Aggregator) -> None:
    aggregator.register("OLD", interval_seconds=3600)
    aggregator.take(flagged_file("OLD", every(3600, at(0), at(6))))
    before = {period: aggregator.averages("OLD", period) for period in ("hour", "8h", "day", "month")}
    old = at(3) - timedelta(days=61)
    aggregator.take(flagged_file("OLD", [(old, 50.0)], received=NOW + timedelta(minutes=1)))
    for period, rows in before.items():
        now = aggregator.averages("OLD", period)
        assert {start: row for start, row in now.items() if start >= at(-7)} == {
            start: row for start, row in rows.items() if start >= at(-7)
        }, period
    assert aggregator.averages("OLD", "hour")[old]["mean"] == 50.0
    january = datetime(2025, 12, 31, 17, tzinfo=UTC)
    (year,) = aggregator.averages("OLD", "year").values()
    months = aggregator.averages("OLD", "month")
    assert [row["received"] for _, row in sorted(months.items())] == [1, 6]
    assert (year["starts_at"], year["received"], year["version"]) == (january, 7, 2)


def test_a_value_revised_a_hundred_times_is_one_row_with_the_last_one(aggregator: Aggregator) -> None:
    aggregator.register("REVISED", interval_seconds=3600)
    revisions = [flagged_file("REVISED", [(at(0), float(n))], revision=n) for n in range(101)]
    long_after = at(0) + timedelta(days=400)
    aggregator.take(revisions[0], now=long_after)
    for first in range(1, 101, 10):
        aggregator.take(*revisions[first : first + 10], now=long_after)
    rows = aggregator.database.query(
        "SELECT value, version FROM readings FINAL WHERE station = 'REVISED'"
    ).rows
    assert list(rows) == [(100.0, reading_version(NOW, 100))]
    (hour,) = aggregator.averages("REVISED", "hour").values()
    assert (hour["mean"], hour["count"], hour["version"]) == (100.0, 1, 11)
    versions = aggregator.database.query(
        "SELECT period, count(), max(version) FROM average_versions FINAL WHERE station = 'REVISED'"
        " GROUP BY period ORDER BY period"
    ).rows
    # One hour is no complete day: month and year only hear that there is a reading.
    assert {period: (count, last) for period, count, last in versions} == {
        "hour": (11, 11),
        "8h": (8 * 11, 11),
        "day": (11, 11),
        "month": (1, 1),
        "year": (1, 1),
    }
    kept = aggregator.database.query(
        "SELECT count() FROM reading_revisions FINAL WHERE station = 'REVISED'"
    ).rows[0][0]
    assert kept == 100


def test_clocks_that_jump_leave_every_reading_in_the_period_it_names(aggregator: Aggregator) -> None:
    aggregator.register("JUMPS", interval_seconds=300)
    second = timedelta(seconds=1)
    times = [
        at(0) - second,  # the last second of a day, a month's ordinary one
        at(0),
        at(0) + second,
        at(0) + timedelta(days=400),  # the future
        at(-1),
        at(0.5),
    ]
    aggregator.take(flagged_file("JUMPS", [(time, float(n)) for n, time in enumerate(times)]))
    hours = aggregator.averages("JUMPS", "hour")
    assert {start: (row["count"], row["mean"]) for start, row in hours.items()} == {
        at(-1): (2, 2.0),
        at(0): (3, (1.0 + 2.0 + 5.0) / 3),
        at(0) + timedelta(days=400): (1, 3.0),
    }
    days = aggregator.averages("JUMPS", "day")
    assert {start: row["received"] for start, row in days.items()} == {
        at(-24): 2,
        at(0): 3,
        at(0) + timedelta(days=400): 1,
    }
    assert (hours[at(0)]["first_at"], hours[at(0)]["last_at"]) == (at(0), at(0.5))


def test_the_same_file_twice_in_a_batch_and_once_more_after_counts_once(aggregator: Aggregator) -> None:
    aggregator.register("TWICE", interval_seconds=300)
    file = flagged_file("TWICE", every(300, at(0), at(1)))
    aggregator.take(file, file)
    assert aggregator.take(file).records == [], "the same readings tell nothing"
    (hour,) = aggregator.averages("TWICE", "hour").values()
    assert (hour["count"], hour["received"], hour["version"]) == (12, 12, 1)
