"""Exceedances without a database, worlds to judge in, and what must come out, by a plain loop."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from quantrac.domain.averaging import AverageRules
from quantrac.domain.limits import LimitBook, Row, Standard
from quantrac.domain.periods import Period
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationType
from quantrac.io.records import Done, NotNow, Record
from quantrac.testing.builders import station
from schemas.codecs.aggregated import decode_aggregated
from schemas.codecs.window_dirty import encode_window_dirty
from services.aggregator.windows.averages.queries import AverageTables
from services.aggregator.windows.exceedances.episode import Episode
from services.aggregator.windows.exceedances.queries import MEANS, ExceedanceTables, Span
from services.aggregator.windows.exceedances.step import ExceedanceStep
from services.aggregator.windows.handler import WindowsHandler
from services.aggregator.windows.indices.queries import IndexTables
from support.averages import VIETNAM, AveragesInMemory, Readings, brute_force, windows_handler

NEW_YEAR = datetime(2025, 12, 31, 17, tzinfo=UTC)
"""Midnight in Vietnam, when the daily limit of PM2.5 goes from 50 to 45."""
LATER = NEW_YEAR + timedelta(days=400)
AIR, STACK = "A_AIR", "S_STACK"
UNITS = {"O2": "%", "SO2": "mg/Nm3", "DO": "mg/L"}
"""Of the parameters that are not in µg/m3."""

_BEFORE = Row("PM2.5", Period.DAY, "µg/m3", maximum=50.0, valid_to=NEW_YEAR)
AMBIENT = Standard(
    "AIR 1",
    "Ambient air",
    "",
    frozenset({StationType.AMBIENT_AIR}),
    (
        _BEFORE,
        replace(_BEFORE, maximum=45.0, valid_from=NEW_YEAR, valid_to=None),
        Row("O3", Period.HOUR, "µg/m3", maximum=200.0),
        Row("O3", Period.EIGHT_HOURS, "µg/m3", maximum=120.0),
        Row("PM10", Period.MONTH, "µg/m3", maximum=60.0),
        Row("PM10", Period.YEAR, "µg/m3", maximum=50.0),
        Row("DO", Period.HOUR, "mg/L", minimum=4.0),
        Row("CO", Period.HOUR, "ppm", maximum=10.0),
    ),
)
FLUE_GAS = Standard(
    "STACK 1",
    "Flue gas",
    "",
    frozenset({StationType.STACK}),
    (
        Row("SO2", Period.DAY, "mg/Nm3", maximum=500.0, reference_oxygen=7.0),
        Row("SO2", Period.HOUR, "mg/Nm3", maximum=900.0, reference_oxygen=7.0),
        Row("PM", Period.HOUR, "µg/m3", maximum=200.0),
    ),
)
BOOK = LimitBook([AMBIENT, FLUE_GAS])


def stations() -> Registry:
    """An ambient air station and a stack, with one reading an hour."""
    entry = replace(station(AIR), interval_seconds=3600)
    return Registry(stations={AIR: entry, STACK: replace(entry, code=STACK, type=StationType.STACK)})


class ExceedancesInMemory(AveragesInMemory):
    """Satisfies :class:`services.aggregator.windows.exceedances.queries.ExceedanceTables` too."""

    def __init__(self) -> None:
        super().__init__()
        self.units = dict(UNITS)
        self.exceedances: dict[tuple[Any, ...], list[tuple[Episode, int, int]]] = {}
        """(Station, parameter, period, standard, column, start) -> versions."""

    def means(self, spans: Sequence[Span], units: Sequence[str]) -> np.ndarray[Any, Any]:
        self._look("means")
        rows = []
        for place, span in enumerate(spans):
            for (code, parameter, period, start), row in self.averages.items():
                named = (code, parameter, period) == (span.station, span.parameter, span.period)
                if named and span.start <= start < span.end:
                    mean = row["mean"] if row["complete"] and row["mean"] is not None else math.nan
                    rows.append((place, start, units.index(row["unit"]), mean))
        return np.array(rows, MEANS)

    def episodes(
        self, stations: Sequence[str], parameters: Sequence[str], earliest: Mapping[Period, int], since: int
    ) -> Sequence[tuple[str, Episode, int, int]]:
        self._look("episodes")
        newest = [
            (key[0], *versions[-1])
            for key, versions in self.exceedances.items()
            if key[0] in stations and key[1] in parameters and key[2] in set(earliest)
        ]
        before: dict[Any, int] = {}
        for code, each, *_ in newest:
            if each.periods and each.ends_at < earliest[Period(each.period)]:
                series = code, each.parameter, each.period
                before[series] = max(before.get(series, 0), each.starts_at)
        return [
            (code, each, version, computed_at)
            for code, each, version, computed_at in newest
            if each.starts_at >= (low := earliest[Period(each.period)])
            or computed_at >= since
            or (
                each.periods
                and (
                    each.ends_at >= low
                    or each.open
                    or before.get((code, each.parameter, each.period)) == each.starts_at
                )
            )
        ]

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        if table != "exceedances":
            super().insert(table, columns)
            return
        self._look()
        if self.fail_after is not None:
            self.fail_after -= 1
        for row in zip(*columns.values(), strict=True):
            named = dict(zip(columns, row, strict=True))
            episode = Episode(*(named[name] for name in Episode._fields))
            versions = self.exceedances.setdefault((named["station"], *episode.key), [])
            assert named["version"] == len(versions) + 1, "every version is the next"
            versions.append((episode, named["version"], named["computed_at"] // 1000))
            self.written += 1


class World(ABC):
    """Readings, a registry, and tables that are judged in."""

    def __init__(self) -> None:
        self.registry = stations()
        self.now = LATER
        self.final: Readings = {}
        """What counts in the end."""
        self.published: list[dict[str, Any]] = []
        """Exceedances that the last flush published."""
        self.produced_at: float | None = None
        """When the messages of the dirty hours were written."""
        self._dirty: Readings = {}

    def put(
        self,
        parameter: str,
        hour: float,
        values: Sequence[float | None],
        *,
        station: str = AIR,
        flag: int = 1,
    ) -> None:
        """Store hourly readings from an hour, counted from the new year, on; ``None`` = none."""
        first = int((NEW_YEAR + timedelta(hours=hour)).timestamp())
        found: Readings = {
            (station, parameter, first + 3600 * index): (value, flag, "00")
            for index, value in enumerate(values)
            if value is not None
        }
        self.final |= found
        self._dirty |= found
        self.store(found)

    def flush(self) -> None:
        """Have what was put since the last flush judged."""
        batch = [structs.replace(record, produced_at=self.produced_at) for record in records(self._dirty)]
        verdict = self.handler().handle(batch)
        assert isinstance(verdict, Done), verdict
        for record in verdict.records:
            decode_aggregated(record.value or b"")  # what watch reads is what the windows write
        messages = [json.loads(record.value or b"") for record in verdict.records]
        self.published = [episode for message in messages for episode in message.get("exceedances", ())]
        self._dirty = {}

    def put_again(self) -> None:
        """Touch every hour once more."""
        self._dirty = dict(self.final)

    @abstractmethod
    def live(self, *, station: str = AIR) -> list[Episode]:
        """Return the episodes that stand, by parameter, period and start."""

    @abstractmethod
    def versions(self) -> int:
        """Return how many rows there are, of all versions."""

    @abstractmethod
    def store(self, readings: Readings) -> None:
        """Make the readings those that count."""

    @abstractmethod
    def tables(self) -> tuple[AverageTables, IndexTables, ExceedanceTables]:
        """What the handler works on."""

    def handler(self) -> WindowsHandler:
        """A handler that has just been started."""
        averages, indices, exceedances = self.tables()
        step = ExceedanceStep(exceedances, self.registry, BOOK, aggregated="a", clock=lambda: self.now)
        return windows_handler(
            averages, indices, self.registry, aggregated="a", clock=lambda: self.now, exceedances=step
        )

    def flush_dying(self, inserts: int) -> None:
        """Flush with an insert that fails after some, and again with a handler that knows nothing of it."""
        self.fail_after(inserts)
        verdict = self.handler().handle(records(self._dirty))
        assert isinstance(verdict, Done | NotNow)
        self.fail_after(None)
        self.flush()

    @abstractmethod
    def fail_after(self, inserts: int | None) -> None:
        """Let an insert fail after some; ``None`` = none."""


class WorldInMemory(World):
    """Tables in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.database = ExceedancesInMemory()

    def store(self, readings: Readings) -> None:
        self.database.readings_by_time |= readings

    def tables(self) -> tuple[AverageTables, IndexTables, ExceedanceTables]:
        return self.database, self.database, self.database

    def live(self, *, station: str = AIR) -> list[Episode]:
        found = [versions[-1][0] for key, versions in self.database.exceedances.items() if key[0] == station]
        return sorted((each for each in found if each.periods), key=order)

    def versions(self) -> int:
        return sum(map(len, self.database.exceedances.values()))

    def fail_after(self, inserts: int | None) -> None:
        self.database.fail_after = inserts


def any_history(test: Any) -> Any:
    """Give a test ``history``: what is put and flushed, and how, in any order."""
    levels = {
        "O3": [100.0, 150.0, 210.0, 250.0],
        "PM2.5": [40.0, 48.0, 52.0, 90.0],
        "SO2": [200.0, 300.0, 700.0],
        "O2": [7.0, 13.95, 20.9],
    }
    put = st.sampled_from(sorted(levels)).flatmap(
        lambda parameter: st.tuples(
            st.just(parameter),
            st.integers(-40, 60) | st.integers(700, 720),
            st.integers(1, 30),
            st.lists(st.sampled_from(levels[parameter]), min_size=1, max_size=3),
            st.sampled_from([1, 1, 1, 4]),
        )
    )
    batch = st.tuples(
        st.lists(put, min_size=1, max_size=4),
        st.none() | st.integers(0, 8),  # inserts until one fails
        st.sampled_from([NEW_YEAR + timedelta(days=2), LATER]),
    )
    return given(history=st.lists(batch, min_size=1, max_size=6))(test)


def equals_a_recomputation(world: World, history: Sequence[Any]) -> None:
    """Play a history, look after each batch whether the table is what the plain loop makes of it."""
    for puts, inserts, now in history:
        world.now = max(now, world.now)
        for parameter, hour, length, values, flag in puts:
            some = [values[place * len(values) // length] for place in range(length)]
            code = STACK if parameter in {"SO2", "O2"} else AIR
            world.put(parameter, hour, some, station=code, flag=flag)
        if inserts is None:
            world.flush()
        else:
            world.flush_dying(inserts)
        wanted = episodes_of(world.final, world.registry, BOOK)
        for code in (AIR, STACK):
            found = world.live(station=code)
            assert [exact(each) for each in found] == [exact(each) for each in wanted.get(code, [])]
    before = world.versions()
    world.put_again()
    world.flush()
    assert (world.versions(), world.published) == (before, []), "the same readings write nothing"


def exact(episode: Episode) -> tuple[Any, ...]:
    """Peak and ratio to 12 digits: the plain loop multiplies in another order."""
    rounded = episode._replace(peak=float(f"{episode.peak:.12g}"), ratio=float(f"{episode.ratio:.12g}"))
    return tuple(rounded._replace(open=bool(episode.open)))


def order(episode: Episode) -> tuple[Any, ...]:
    return episode.parameter, episode.period, episode.starts_at, episode.standard


def records(readings: Readings) -> list[Record]:
    """The dirty hours of readings, one message a station."""
    hours: dict[str, set[tuple[str, int]]] = {}
    for code, parameter, at in readings:
        hours.setdefault(code, set()).add((parameter, at // 3600 * 3600))
    return [
        Record(
            "dirty",
            code.encode(),
            encode_window_dirty(code, [(p, datetime.fromtimestamp(at, UTC)) for p, at in some]),
        )
        for code, some in hours.items()
    ]


def episodes_of(readings: Readings, registry: Registry, book: LimitBook) -> dict[str, list[Episode]]:
    """Every station's episodes that final readings make, average by average."""
    averages = brute_force(readings, lambda code, hour: 1)
    found: dict[str, list[Episode]] = {}
    for code, parameter, period in sorted({key[:3] for key in averages}):
        entry = registry.stations[code]
        row: list[tuple[int, Any, float | None]] = []  # start, limit, mean or None
        for start in sorted(key[3] for key in averages if key[:3] == (code, parameter, period)):
            limit = limit_at(book, entry, parameter, period, start)
            average = averages[code, parameter, period, start]
            mean = average["mean"] if average["complete"] else None
            if limit is not None and limit.unit != UNITS.get(parameter, "µg/m3"):
                mean = None
            elif limit is not None and limit.reference_oxygen is not None:
                mean = corrected(averages, code, parameter, start, average["ends_at"], limit)
            if mean is not None:
                row.append((start, limit, mean))
        runs: list[list[tuple[int, Any, float]]] = []
        for start, limit, mean in row:
            if not is_beyond(limit, mean):
                continue
            joins = runs and runs[-1][-1][1] == limit and following(runs[-1][-1][0], period) == start
            if joins:
                runs[-1].append((start, limit, mean))
            else:
                runs.append([(start, limit, mean)])
        for run in runs:
            limit, last = run[0][1], run[-1][0]
            later = [(other, mean) for start, other, mean in row if start > last]
            peak_at, _, peak = max(run, key=lambda each: (distance(limit, each[2]), -each[0]))
            above = limit.maximum is not None and peak > limit.maximum
            found.setdefault(code, []).append(
                Episode(
                    parameter,
                    period,
                    limit.standard,
                    limit.column,
                    limit.minimum,
                    limit.maximum,
                    limit.unit,
                    run[0][0],
                    averages[code, parameter, period, last]["ends_at"],
                    len(run),
                    peak,
                    peak_at,
                    peak / limit.maximum if above else limit.minimum / peak,
                    all(other == limit and is_beyond(limit, mean) for other, mean in later),
                )
            )
    return {code: sorted(some, key=order) for code, some in found.items()}


def limit_at(book: LimitBook, entry: Station, parameter: str, period: str, start: int) -> Any:
    every = book.limits_of(entry, datetime.fromtimestamp(start, UTC))
    return next((each for each in every if (each.parameter, each.period) == (parameter, period)), None)


def is_beyond(limit: Any, mean: float) -> bool:
    return limit is not None and distance(limit, mean) > 0


def distance(limit: Any, mean: float) -> float:
    above = mean - limit.maximum if limit.maximum is not None else -math.inf
    below = limit.minimum - mean if limit.minimum is not None else -math.inf
    return max(above, below)


def following(start: int, period: str) -> int:
    """Start of the next average."""
    if period in {"hour", "8h"}:
        return start + 3600
    at = datetime.fromtimestamp(start, VIETNAM)
    if period == "day":
        return start + 86400
    if period == "month":
        return int((at + timedelta(days=31)).replace(day=1).timestamp())
    return int(at.replace(year=at.year + 1).timestamp())


def corrected(
    averages: Mapping[Any, Any], code: str, parameter: str, start: int, end: int, limit: Any
) -> float | None:
    """Mean of hours corrected to the reference oxygen; ``None`` where too few are known."""
    hours = []
    for hour in range(start, end, 3600):
        pair = [averages.get((code, name, "hour", hour)) for name in (parameter, "O2")]
        if all(each is not None and each["complete"] for each in pair) and pair[1]["mean"] < 20.9:
            value, oxygen = (each["mean"] for each in pair)
            hours.append(value * (20.9 - limit.reference_oxygen) / (20.9 - oxygen))
    expected = (end - start) // 3600
    enough = hours and len(hours) >= AverageRules().share * expected
    return math.fsum(hours) / len(hours) if enough else None
