"""The registry as rows for analysts, and how they are written."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from quantrac.domain.limits import LimitBook, Row, Standard, Transition
from quantrac.domain.periods import Period
from quantrac.domain.registry.permits import Permit, PermitLimit
from quantrac.domain.registry.pollution import KnownPollution, Pollution
from quantrac.domain.registry.stations import Interval, Station, StationParameter, StationType
from quantrac.io.clickhouse import ClickHouseAway, ClickHouseBadData, Result
from quantrac.io.progress import Progress
from quantrac.testing.builders import station
from schemas.messages.registry.stations import Station as StationRecord
from schemas.registry import record_key
from services.aggregator.sink import registry_tables
from services.aggregator.sink.registry_tables import (
    NEVER,
    DatedLimits,
    RegistryTables,
    limit_rows,
    limits_with_dates,
    parameter_rows,
    station_row,
)
from support.waiting import LIMIT, wait_until

CHANGE = datetime(2025, 12, 31, 17, tzinfo=UTC)
START, END = datetime(2025, 6, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def limit(maximum: float, **dates: Any) -> Row:
    return Row("PM2.5", Period.DAY, "µg/m3", maximum=maximum, **dates)


BOOK = LimitBook(
    [
        Standard(
            "QCVN 05",
            "Air",
            "Không khí",
            frozenset({StationType.AMBIENT_AIR}),
            rows=(
                limit(50.0, valid_to=CHANGE),
                limit(45.0, valid_from=CHANGE),
                Row("TSP", Period.DAY, "µg/m3", maximum=200.0),
            ),
        )
    ]
)


def air(**other: Any) -> Station:
    parameters = [StationParameter("PM2.5", "µg/m3", range_high=1000.0)]
    return replace(station("A", parameters=parameters), **other)


def spans(found: Station) -> list[tuple[float | None, datetime, datetime | None]]:
    rows = limit_rows(BOOK, found)
    return sorted((row["maximum"], row["valid_from"], row["valid_to"]) for row in rows)


def test_limits_are_cut_where_a_row_of_the_standard_ends() -> None:
    assert spans(air()) == [(45.0, CHANGE, None), (50.0, ALWAYS, CHANGE)]


def test_a_permits_own_limit_takes_the_standards_place_while_it_is_valid() -> None:
    own = PermitLimit("PM2.5", "µg/m3", "day", maximum=40.0)
    permit = Permit("QCVN 05", limits=(own,), number="GP-1", valid_from=START, valid_to=END)
    assert spans(air(permits=(permit,))) == [
        (40.0, START, END),
        (45.0, END, None),
        (50.0, ALWAYS, START),
    ]


def test_a_limit_that_goes_on_across_a_cut_is_one() -> None:
    tsp = [each for each in limits_with_dates(BOOK, air()) if each[0].parameter == "TSP"]
    assert [(start, end) for _, start, end in tsp] == [(ALWAYS, None)]


def test_only_limits_of_what_a_station_measures_are_told() -> None:
    assert {row["parameter"] for row in limit_rows(BOOK, air())} == {"PM2.5"}


def test_facilities_of_one_permit_have_limits_of_their_own_where_a_transition_tells_them_apart() -> None:
    old = Standard(
        "QCVN old",
        "Air",
        "Không khí",
        frozenset({StationType.AMBIENT_AIR}),
        rows=(replace(limit(50.0), column="A"),),
        columns=(("A", "all"),),
        transition=Transition(END),
        valid_to=START,
    )
    book = LimitBook([old])
    dated: DatedLimits = {}
    permits = (Permit("QCVN old", column="A"),)
    ends = [
        [row["valid_to"] for row in limit_rows(book, air(permits=permits, facility_since=since), dated)]
        for since in (None, datetime(2025, 5, 31, tzinfo=UTC), START)
    ]
    assert ends == [[END], [END], [START]]


def test_open_ends_of_an_interval_are_the_ends_of_what_a_time_can_be() -> None:
    row = station_row("A", air(intervals=(Interval(3600, valid_to=CHANGE), Interval(60, valid_from=END))))
    assert row["intervals"] == [(ALWAYS, CHANGE, 3600), (END, NEVER, 60)]


def test_what_is_known_of_a_water_body_is_told_with_its_span() -> None:
    organic = KnownPollution(Pollution.ORGANIC, valid_from=START, valid_to=END)
    row = station_row("A", air(pollution=(organic, KnownPollution(Pollution.METALS))))
    assert row["pollution"] == [(START, END, "organic"), (ALWAYS, NEVER, "metals")]


def test_a_time_that_no_table_can_state_is_brought_into_range() -> None:
    [row] = parameter_rows(
        station(
            parameters=[
                StationParameter(
                    "PM10",
                    "µg/m3",
                    valid_from=datetime(1900, 1, 1, tzinfo=UTC),
                    valid_to=datetime(9999, 1, 1, tzinfo=UTC),
                )
            ]
        )
    )
    assert (row["valid_from"], row["valid_to"]) == (ALWAYS, NEVER)


class Topic:
    """The reader's side: records are given to what follows it."""

    def __init__(self) -> None:
        self.before: list[tuple[bytes, bytes | None]] = []

    def follow(self, apply: Callable[[bytes, bytes | None], None]) -> "Topic":
        self.apply = apply
        return self

    def start(self) -> None:
        for key, value in self.before:
            self.apply(key, value)

    def problem(self) -> str:
        return ""

    def close(self) -> None:
        pass


class Store:
    """Keeps the newest version of each station, as the views show them."""

    def __init__(self, stored: Mapping[str, int] | None = None) -> None:
        self.stations = {code: (version, 0) for code, version in (stored or {}).items()}
        self.parameters: list[tuple[str, str, int]] = []
        self.away = 0
        """How many inserts fail first."""
        self.refused: set[str] = set()
        """Stations that the tables cannot hold."""
        self.inserted = threading.Condition()

    def query(self, sql: str) -> Result:
        if "max(version)" in sql:
            return Result(("v",), [(max((v for v, _ in self.stations.values()), default=0),)])
        return Result(("code",), [(code,) for code in self.current()])

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        with self.inserted:
            self.inserted.notify_all()
            if self.away:
                self.away -= 1
                raise ClickHouseAway("connection refused")
            if not self.refused.isdisjoint(columns.get("station", columns.get("code", ()))):
                raise ClickHouseBadData("the table stations cannot hold a value of the message")
            if table == "stations":
                for code, version, removed in zip(
                    columns["code"], columns["version"], columns["removed"], strict=True
                ):
                    self.stations[code] = max(self.stations.get(code, (0, 0)), (version, removed))
            if table == "station_parameters":
                self.parameters += zip(
                    columns["station"], columns["parameter"], columns["version"], strict=True
                )

    def current(self) -> dict[str, int]:
        return {code: version for code, (version, removed) in self.stations.items() if not removed}

    def shown(self) -> set[tuple[str, str]]:
        """What station_parameters_current shows: rows not older than their station."""
        now = self.current()
        return {(code, parameter) for code, parameter, v in self.parameters if v >= now.get(code, 2**63)}

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.inserted:
            assert self.inserted.wait_for(condition, timeout=LIMIT)


def record(code: str, *parameters: str) -> tuple[bytes, bytes]:
    found = StationRecord.model_validate(
        {
            **{"code": code, "name": code, "type": "ambient-air", "province": "01"},
            **{"latitude": 21.0, "longitude": 105.8},
            "parameters": [{"code": parameter, "unit": "µg/m3"} for parameter in parameters],
        }
    )
    return record_key(found), found.model_dump_json().encode()


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    monkeypatch.setattr(registry_tables, "_GATHER_SECONDS", 0.0)
    return Topic()


def tables(topic: Topic, store: Store, at: int = 1_800_000_000) -> RegistryTables:
    clock = datetime.fromtimestamp(at, UTC)
    return RegistryTables(topic.follow, store, BOOK, clock=lambda: clock, retry_seconds=0.01)


def test_a_start_writes_what_is_there_and_takes_out_what_is_no_more(topic: Topic) -> None:
    topic.before = [record("A", "PM2.5"), record("B", "PM10")]
    store = Store({"GONE": 5})
    found = tables(topic, store)
    found.start()
    store.wait_for(lambda: set(store.current()) == {"A", "B"})
    found.close()
    assert store.shown() == {("A", "PM2.5"), ("B", "PM10")}


def test_a_parameter_that_a_station_loses_is_shown_no_more(topic: Topic) -> None:
    topic.before = [record("A", "PM2.5", "PM10")]
    store = Store()
    found = tables(topic, store)
    found.start()
    store.wait_for(lambda: store.shown() == {("A", "PM2.5"), ("A", "PM10")})
    topic.apply(*record("A", "PM10"))
    store.wait_for(lambda: store.shown() == {("A", "PM10")})
    topic.apply(record("A")[0], None)
    store.wait_for(lambda: store.current() == {})
    found.close()


def test_a_clickhouse_that_is_away_is_tried_again(topic: Topic) -> None:
    topic.before = [record("A", "PM2.5")]
    store = Store()
    store.away = 3
    found = tables(topic, store)
    found.start()
    store.wait_for(lambda: store.shown() == {("A", "PM2.5")})
    found.close()
    assert store.away == 0


def test_tables_that_cannot_be_written_for_long_say_so_until_they_are(topic: Topic) -> None:
    topic.before = [record("A", "PM2.5")]
    store, now = Store(), [0.0]
    store.away = 1_000_000
    progress = Progress(60.0, name="registry tables", monotonic=lambda: now[0])
    found = RegistryTables(
        topic.follow, store, BOOK, clock=lambda: datetime.now(UTC), retry_seconds=0.01, progress=progress
    )
    found.start()
    store.wait_for(lambda: store.away < 999_990)
    assert found.problem() == ""
    now[0] = 61.0
    store.wait_for(lambda: found.problem() != "")
    assert found.problem() == "registry tables: no progress for 61 s on a batch of 1: connection refused"
    store.away = 0
    store.wait_for(lambda: store.shown() == {("A", "PM2.5")})
    wait_until(lambda: found.problem() == "")
    found.close()


def test_a_clock_that_was_put_back_does_not_hide_what_is_written(topic: Topic) -> None:
    topic.before = [record("A", "PM2.5")]
    store = Store({"A": 1_900_000_000_000})
    found = tables(topic, store)
    found.start()
    store.wait_for(lambda: store.shown() == {("A", "PM2.5")})
    found.close()
    assert store.current() == {"A": 1_900_000_000_001}


def test_a_station_that_the_tables_cannot_hold_keeps_no_other_from_being_written(
    topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    codes = {f"S{n}" for n in range(40)}
    topic.before = [record(code, "PM2.5") for code in sorted(codes)]
    store = Store()
    store.refused = {"S7", "S31"}
    found = tables(topic, store)
    found.start()
    store.wait_for(lambda: set(store.current()) == codes - store.refused)
    store.refused = {"S31"}
    topic.apply(*record("S7", "PM10"))
    store.wait_for(lambda: ("S7", "PM10") in store.shown())
    found.close()
    left_out = [line for line in caplog.messages if "is left out of the tables" in line]
    assert [line.split()[1] for line in left_out] == ["S31", "S7"]


def test_a_station_whose_rows_cannot_be_made_keeps_no_other_from_being_written(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = registry_tables.parameter_rows

    def rows(station: Station) -> list[dict[str, Any]]:
        if station.code == "B":
            raise OverflowError("date value out of range")
        return made(station)

    monkeypatch.setattr(registry_tables, "parameter_rows", rows)
    topic.before = [record(code, "PM2.5") for code in ("A", "B", "C")]
    store = Store()
    found = tables(topic, store)
    found.start()
    store.wait_for(lambda: set(store.current()) == {"A", "C"})
    found.close()
