"""What is stored of a station, read back: one suite over the history in memory and the one in ClickHouse."""

import math
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import pytest

from quantrac.domain.qa.baseline.blocks import BLOCK, BlockStatistics, StationStatistics, block_of
from quantrac.domain.qa.stored.history import FileHead, History
from quantrac.domain.readings import FlaggedSet, Provisional
from quantrac.io.clickhouse import ClickHouse
from quantrac.io.records import Done, Record
from quantrac.io.settings import ClickHouseSettings
from quantrac.testing.builders import flagged_reading, flagged_set
from quantrac.testing.history import HistoryInMemory
from schemas.clickhouse.history import ClickHouseHistory, baseline_columns
from schemas.codecs.sets import encode_flagged_set
from services.aggregator.sink.handler import SinkHandler
from services.aggregator.sink.tables import tables_by_topic

NOON = datetime(2026, 3, 25, 12, tzinfo=UTC)


class WritableHistory(History, Protocol):
    def insert(self, flagged: FlaggedSet) -> None: ...
    def store(self, station: str, changed: StationStatistics) -> None: ...


class HistoryBehindSink(ClickHouseHistory):
    """The sink before it, the rejudge role's way of storing figures beside it."""

    def __init__(self, database: ClickHouse) -> None:
        super().__init__(database)
        self.database = database
        self.sink = SinkHandler(database, tables_by_topic(str, rejudges=False))

    def insert(self, flagged: FlaggedSet) -> None:
        offset = uuid.uuid4().int % 10**9
        assert isinstance(
            self.sink.handle([Record("qa-flagged", b"", encode_flagged_set(flagged), offset=offset)]), Done
        )

    def store(self, station: str, changed: StationStatistics) -> None:
        self.database.insert("baseline_blocks", baseline_columns(station, changed, datetime.now(UTC)))


@pytest.fixture(params=["memory", "clickhouse"])
def history(request: pytest.FixtureRequest) -> WritableHistory:
    if request.param == "memory":
        return HistoryInMemory()
    settings: ClickHouseSettings = request.getfixturevalue("clickhouse")
    return HistoryBehindSink(ClickHouse(settings))


@pytest.fixture
def station() -> str:
    return f"S{uuid.uuid4().hex[:8]}"


Entry = tuple[str, int, float]
"""Parameter, minutes after noon, value."""


@pytest.fixture
def a_set(station: str) -> Callable[..., FlaggedSet]:
    def build(
        *entries: Entry,
        received: int = 0,
        flag: int = 1,
        text: str = "",
        status: str = "00",
        late: bool = False,
        **fields: Any,
    ) -> FlaggedSet:
        """``received`` is minutes after noon."""
        readings = [
            flagged_reading(
                value,
                parameter=parameter,
                text=text or None,
                unit="µg/m3",
                measured_at=NOON + timedelta(minutes=minutes),
                status=status,
                line=line,
                flag=flag,
                equal_since=NOON,
            )
            for line, (parameter, minutes, value) in enumerate(entries, start=1)
        ]
        return flagged_set(
            *readings,
            station=station,
            file_id=f"{received:064x}",
            file_name=f"{received}.txt",
            received_at=NOON + timedelta(minutes=received, milliseconds=345),
            provisional=Provisional(NOON, NOON + timedelta(days=1), ["late"]) if late else None,
            **fields,
        )

    return build


SetOf = Callable[..., FlaggedSet]


def seconds(minutes: float) -> float:
    return NOON.timestamp() + 60 * minutes


def test_readings_come_in_order_of_parameter_and_time_with_their_text(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    history.insert(a_set(("PM2.5", 5, 7.5), ("CO", 5, 1.25), received=6))
    history.insert(a_set(("PM2.5", 0, 7.0), received=1, text="7.00", flag=3))
    found = history.readings(station, seconds(0), seconds(6))
    assert found.parameter.tolist() == ["CO", "PM2.5", "PM2.5"]
    assert found.time.tolist() == [seconds(5), seconds(0), seconds(5)]
    assert found.value.tolist() == [1.25, 7.0, 7.5]
    assert [found.text_of(row) for row in range(3)] == ["1.25", "7.00", "7.5"]
    assert found.flag.tolist() == [1, 3, 1]
    assert (found.unit.tolist(), found.status.tolist()) == (["µg/m3"] * 3, ["00"] * 3)
    assert found.line.tolist() == [2, 1, 1]
    assert found.received.tolist() == [seconds(6) + 0.345, seconds(1) + 0.345, seconds(6) + 0.345]


def test_a_span_takes_its_start_and_not_its_end(history: WritableHistory, station: str, a_set: SetOf) -> None:
    history.insert(a_set(("CO", 0, 1.0), ("CO", 5, 2.0), ("CO", 10, 3.0)))
    assert history.readings(station, seconds(0), seconds(10)).value.tolist() == [1.0, 2.0]
    assert history.readings(station, seconds(0.1), seconds(10.1)).value.tolist() == [2.0, 3.0]
    assert len(history.readings(station, seconds(20), seconds(30))) == 0


def test_a_revision_counts_instead_of_what_it_judged_again(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    history.insert(a_set(("CO", 0, 1.0), ("CO", 5, 2.0)))
    history.insert(a_set(("CO", 5, 2.0), flag=4, revision=1, cause="late"))
    found = history.readings(station, seconds(0), seconds(10))
    assert (found.flag.tolist(), found.revision.tolist()) == ([1, 4], [0, 1])
    assert np.isnan(found.replaced).all(), "the same file replaces no value"


def test_what_an_earlier_file_said_of_the_same_time_is_known(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    history.insert(a_set(("CO", 0, 1.0), received=1))
    history.insert(a_set(("CO", 0, 1.0), received=1, flag=3, revision=1, cause="block"))
    history.insert(a_set(("CO", 0, 9.0), received=2, late=True))
    history.insert(a_set(("CO", 0, 9.0), received=2, flag=3, revision=1, cause="late"))
    found = history.readings(station, seconds(0), seconds(10))
    assert (found.value.tolist(), found.replaced.tolist(), found.flag.tolist()) == ([9.0], [1.0], [3])


def test_a_file_that_comes_too_late_to_count_is_known_as_replaced(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    history.insert(a_set(("CO", 0, 9.0), received=2))
    history.insert(a_set(("CO", 0, 1.0), received=1, late=True))
    found = history.readings(station, seconds(0), seconds(10))
    assert (found.value.tolist(), found.replaced.tolist()) == ([9.0], [1.0])


def test_the_newest_reading_is_none_of_a_clock_that_is_ahead(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    assert history.newest(station) == -math.inf
    history.insert(a_set(("CO", 0, 1.0), ("CO", 5, 2.0), received=6))
    history.insert(a_set(("CO", 60 * 24 * 365, 3.0), received=7))
    assert history.newest(station) == seconds(5)


def test_the_newest_reading_before_a_time_is_none_of_a_clock_that_is_ahead(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    day = 60 * 24
    history.insert(a_set(("CO", 0, 1.0), ("NO2", 5, 2.0), received=6))
    history.insert(a_set(("CO", 2 * day, 3.0), received=7))
    history.insert(a_set(("CO", 9 * day, 4.0), received=9 * day))
    assert history.newest_before(station, seconds(9 * day)) == seconds(5)
    assert history.newest_before(station, seconds(9 * day) + 1) == seconds(9 * day)
    assert history.newest_before(station, seconds(5)) == seconds(0)
    assert history.newest_before(station, seconds(0)) == -math.inf


def test_figures_are_kept_by_block_and_the_last_ones_count(history: WritableHistory, station: str) -> None:
    first = block_of(NOON.timestamp())
    blocks, nothing = np.array([first, first + 1]), np.array([np.nan, np.nan])
    low, high = np.array([1.0, 2.0]), np.array([5.0, 6.0])
    history.store(
        station, {"CO": BlockStatistics(blocks, low + 1, high - low, low, high, np.array([70, 72]))}
    )
    history.store(
        station, {"NO2": BlockStatistics(blocks[:1], low[:1], nothing[:1], low[:1], high[:1], np.array([1]))}
    )
    history.store(station, {"CO": BlockStatistics(blocks[:1], *np.full((4, 1), np.nan), np.array([0]))})
    found = history.statistics(station, first - 5, first + 1)
    co, no2 = found["CO"], found["NO2"]
    assert (co.block.tolist(), co.count.tolist()) == ([first, first + 1], [0, 72])
    assert [column.tolist()[1] for column in (co.median, co.step, co.low, co.high)] == [3.0, 4.0, 2.0, 6.0]
    assert np.isnan(co.median[0])
    assert (no2.block.tolist(), no2.step.tolist()) == ([first], pytest.approx([np.nan], nan_ok=True))
    assert not any(len(each) for each in history.statistics(station, first - 9, first - 1).values())
    assert BLOCK * first == NOON.timestamp()


def test_hours_have_the_lower_median_of_measured_values_and_only_finished_ones_count(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    history.insert(a_set(("CO", 0, 4.0), ("CO", 5, 1.0), ("CO", 10, 3.0), ("CO", 15, 2.0), received=16))
    history.insert(a_set(("CO", 20, 900.0), received=21, status="02"))
    history.insert(a_set(("CO", 60, 8.0), ("NO2", 65, 1.0), received=66))
    hour = int(NOON.timestamp()) // 3600
    assert {
        code: [each.tolist() for each in found]
        for code, found in history.hours([station], hour, hour + 9)[0].items()
    } == {"CO": [[hour], [2.0]]}
    history.insert(a_set(("NO2", 120, 1.0), received=121))
    again = history.hours([station], hour + 1, hour + 9)[0]
    assert {code: [each.tolist() for each in found] for code, found in again.items()} == {
        "CO": [[hour + 1], [8.0]],
        "NO2": [[hour + 1], [1.0]],
    }


def test_each_of_several_stations_has_the_hours_up_to_its_own_newest_reading(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    hour = int(NOON.timestamp()) // 3600
    later = f"{station}-later"
    history.insert(a_set(("CO", 0, 1.0), ("CO", 60, 2.0), received=61))
    flagged = a_set(("CO", 0, 3.0), ("CO", 60, 4.0), ("CO", 120, 5.0), received=121)
    history.insert(replace(flagged, station=later))
    medians = history.hours([later, "absent", station], hour, hour + 9)
    assert [
        {code: [column.tolist() for column in columns] for code, columns in by_code.items()}
        for by_code in medians
    ] == [{"CO": [[hour, hour + 1], [3.0, 4.0]]}, {}, {"CO": [[hour], [1.0]]}]
    assert history.hours([], hour, hour + 9) == []


def test_a_clock_that_is_ahead_has_no_part_in_the_median_of_its_hour(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    day = 60 * 24
    history.insert(a_set(("CO", day + 65, 900.0), received=0))
    history.insert(a_set(("CO", day + 62, 4.0), received=day + 63))
    history.insert(a_set(("CO", day + 130, 5.0), received=day + 131))
    hour = int(NOON.timestamp()) // 3600 + 25
    found = history.hours([station], hour, hour + 9)[0]
    assert {code: [each.tolist() for each in medians] for code, medians in found.items()} == {
        "CO": [[hour], [4.0]]
    }


def test_files_are_found_by_their_time_of_receipt(
    history: WritableHistory, station: str, a_set: SetOf
) -> None:
    for received in (1, 2, 3):
        history.insert(a_set(("CO", received, 1.0), received=received))
    wanted = [NOON + timedelta(minutes=minutes, milliseconds=345) for minutes in (1, 3, 9)]
    assert history.files(station, wanted) == {
        wanted[0]: FileHead(f"{1:064x}", "1.txt", "bkhn", "ftp", "name-value-unit-time"),
        wanted[1]: FileHead(f"{3:064x}", "3.txt", "bkhn", "ftp", "name-value-unit-time"),
    }
    assert history.files(station, []) == {}
