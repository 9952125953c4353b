"""A short series for each quality test, judged by the validator's own code: what the pictures show.

Values are literal, thresholds are those of the national rules with ``given`` over them, as a station's own
rules would lie. The outcomes come from the batch form (:mod:`quantrac.domain.qa.stored.stretch`).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from quantrac.domain.catalogue import find_parameter
from quantrac.domain.ids import reading_version
from quantrac.domain.qa.baseline.blocks import BLOCKS, LAG, BlockStatistics, block_of
from quantrac.domain.qa.baseline.neighbour_hours import Hours, nobody
from quantrac.domain.qa.checks.table import TEST_INDEX, TESTS
from quantrac.domain.qa.evaluate import raise_crash
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.stretch import StationWindows, Stretch, judge_plainly
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Bools, Floats, Indices, Outcomes, Window
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.domain.times import HOUR
from schemas.rules import RuleBook, RuleSet
from schemas.rules.ruleset import Entry, Scope, Value

STATION = "EXAMPLE"
START = datetime(2026, 3, 25, tzinfo=UTC).timestamp()
LATEST = datetime.max.replace(tzinfo=UTC)
"""The thresholds of the rule set's last period."""
DAY = 86400.0
ABSENT = math.inf
"""In place of a value: no reading came."""
MISSING = math.nan
"""A reading came without a value."""
AIR, STACK, RIVER = StationType.AMBIENT_AIR, StationType.STACK, StationType.SURFACE_WATER


@dataclass(frozen=True, slots=True)
class Axis:
    """A vertical axis that shows how far the stamps are off, in place of values."""

    label: str
    seconds: float
    """What one unit adds to the time of measurement; below 0 where the axis counts backwards."""


@dataclass(frozen=True, slots=True)
class Example:
    """``n`` readings of one parameter of an unnamed station."""

    parameter: str
    medium: StationType
    shown: Sequence[float]
    """(n,) values, or with ``axis`` how far each stamp is off."""
    step: float = 5
    """Minutes between two readings; it is the registered interval too."""
    given: Mapping[str, Value] = field(default_factory=dict)
    """Thresholds laid over the national ones."""
    axis: Axis | None = None
    bend: float = math.nan
    """Up to which the vertical axis is linear, and logarithmic beyond; NaN is linear everywhere."""
    status: Mapping[int, str] = field(default_factory=dict)
    """By place; 00 elsewhere."""
    unit: Mapping[int, str] = field(default_factory=dict)
    """By place; the usual one elsewhere."""
    earlier: Mapping[int, float] = field(default_factory=dict)
    """By place: the value that an earlier file gave."""
    others: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """(n,) by code, measured at the same times."""
    equipment: tuple[float, float] | None = None
    """Registered equipment range."""
    blocks: Sequence[tuple[float, float, float, float]] = ()
    """(median, step, low, high) of the blocks of a day: what every day of the last month was like."""
    neighbours: Sequence[float] = ()
    """Median of three neighbour stations by hour."""

    @property
    def unit_name(self) -> str:
        """The usual unit."""
        return _unit(self.parameter, self.medium)


@dataclass(frozen=True, slots=True)
class Seen:
    """The readings of an example as the test saw them, (m,) in the order of the example."""

    test: str
    example: Example
    place: Indices
    """(m,) in the example."""
    window: Window
    thresholds: Mapping[str, np.ndarray]
    outcome: Outcomes

    def explain(self, row: int) -> str:
        """Return what the test says of a reading."""
        given = {keyword: column[[row]] for keyword, column in self.thresholds.items()}
        with np.errstate(all="ignore"):
            return TESTS[self.test].explain(self.window.take(np.array([row])), **given)[0]

    def would_be(self, levels: Floats) -> Outcomes:
        """Return the outcomes (m, levels) had the axis shown each of some levels in place of the reading."""
        rows = np.repeat(np.arange(len(self.place)), len(levels))
        window, level = self.window.take(rows), np.tile(levels, len(self.place))
        if self.example.axis is None:
            since = np.where(level == window.value, window.equal_since, window.time)
            window = replace(window, value=level, equal_since=since)
        else:
            off = np.array(self.example.shown)[self.place[rows]]
            window = replace(window, time=window.time + (level - off) * self.example.axis.seconds)
        with np.errstate(all="ignore"):
            given = {keyword: column[rows] for keyword, column in self.thresholds.items()}
            outcome = TESTS[self.test].judge(window, **given)
        return outcome.reshape(len(self.place), len(levels))


def see(test: str, example: Example, rules: RuleSet) -> Seen:
    """Judge an example. Raises ValueError where the rules do not ask the test and nothing is given."""
    codes = (example.parameter, *example.others)
    entries = tuple(_registered(code, example) for code in codes)
    station = Station(
        code=STATION,
        name=STATION,
        name_en=STATION,
        type=example.medium,
        province="",
        latitude=0.0,
        longitude=0.0,
        interval_seconds=round(60 * example.step),
        parameters=entries,
    )
    expectations = Expectations(Registry(stations={STATION: station}), RuleBook(_over(test, example, rules)))
    readings = _readings(example)
    station_windows = StationWindows(readings, expectations, (), raise_crash)
    parts = list(_parts(test, example, _judged(station_windows, example)))
    if not parts:
        raise ValueError(f"{test}: no reading of the example is asked; give thresholds")
    return _joined(test, example, parts)


def _over(test: str, example: Example, rules: RuleSet) -> RuleSet:
    if not example.given:
        return rules
    scope = Scope("stations", STATION, example.parameter)
    return RuleSet(rules.required, {**rules.settings, scope: {test: (Entry(example.given),)}})


def _unit(code: str, medium: StationType) -> str:
    found = find_parameter(code)
    return found.units.get(medium, "") if found else ""


def _registered(code: str, example: Example) -> StationParameter:
    low, high = example.equipment or (None, None)
    return StationParameter(code, _unit(code, example.medium), range_low=low, range_high=high)


def _readings(example: Example) -> StationReadings:
    count = len(example.shown)
    received = START + 60 * example.step * np.arange(count)
    shown = np.array(example.shown)
    axis = example.axis
    time, value = (
        (received, shown) if axis is None else (received + shown * axis.seconds, np.full(count, 27.8))
    )
    here = np.flatnonzero(~np.isinf(shown)).tolist()
    again = list(example.earlier)
    rows = [*again, *here]
    own = [
        {
            "parameter": example.parameter,
            "time": time[row],
            "value": example.earlier[row] if number < len(again) else value[row],
            "status": example.status.get(row, "00"),
            "unit": example.unit.get(row, example.unit_name),
            # The correction comes a minute after what it corrects.
            "version": _version(received[row] - (60 if number < len(again) else 0)),
            "line": row,
        }
        for number, row in enumerate(rows)
    ]
    others = [
        {
            "parameter": code,
            "time": time[row],
            "value": values[row],
            "status": "00",
            "unit": _unit(code, example.medium),
            "version": _version(received[row]),
            "line": row,
        }
        for code, values in example.others.items()
        for row in here
    ]
    columns: dict[str, Any] = {name: [row[name] for row in (*own, *others)] for name in own[0]}
    return StationReadings.of(STATION, **columns)


def _version(seconds: float) -> int:
    return reading_version(datetime.fromtimestamp(float(seconds), UTC))


def _statistics(example: Example) -> BlockStatistics:
    first = block_of(START) - BLOCKS - LAG + 1
    block = np.arange(first, block_of(START) + 1, dtype=np.int64)
    of_day = np.array(example.blocks, dtype=np.float64)[block % len(example.blocks)]
    median, step, low, high = of_day.T
    return BlockStatistics(block, median, step, low, high, np.full(len(block), 72, dtype=np.int64))


def _hours(example: Example) -> Mapping[str, Hours]:
    count = len(example.neighbours)
    hour = int(START) // HOUR + np.arange(count, dtype=np.int64)
    return {example.parameter: Hours(hour, np.array(example.neighbours, dtype=float), np.full(count, 3.0))}


def _judged(station: StationWindows, example: Example) -> Iterator[Stretch]:
    """Yield the judged stretches of all readings, earliest first."""
    statistics = {example.parameter: _statistics(example)} if example.blocks else {}
    for rows in station.cut(np.arange(len(station.readings))):
        stretch = judge_plainly(station, rows)
        stretch.compare(
            statistics, lambda first, last: _hours(example) if example.neighbours else nobody(first, last)
        )
        yield stretch


def _parts(test: str, example: Example, judged: Iterator[Stretch]) -> Iterator[Seen]:
    for stretch in judged:
        outcome = stretch.outcomes[:, TEST_INDEX[test]]
        readings = stretch.station.readings.take(stretch.rows)
        rows: Bools = (readings.parameter == example.parameter) & (outcome > 0)
        if rows.any():
            thresholds = {keyword: column[rows] for keyword, column in stretch.thresholds[test].items()}
            place = readings.line[rows].astype(np.intp)
            yield Seen(test, example, place, stretch.window.take(rows), thresholds, outcome[rows])


def _joined(test: str, example: Example, parts: Sequence[Seen]) -> Seen:
    """Only stamps that are weeks off fall into several stretches; their tests ask for no companion."""
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part.window, name) for part in parts])
        for name in Window.__dataclass_fields__
        if name != "companions"
    }
    place = np.concatenate([part.place for part in parts])
    order = np.argsort(place)
    whole = replace(parts[0].window, **columns)
    thresholds = {
        keyword: np.concatenate([part.thresholds[keyword] for part in parts])[order]
        for keyword in parts[0].thresholds
    }
    outcome = np.concatenate([part.outcome for part in parts])
    return Seen(test, example, place[order], whole.take(order), thresholds, outcome[order])


def _by_hour(least: float) -> tuple[tuple[float, ...], ...]:
    """A table by month and hour: 4 degrees warmer at 08:00 UTC, early afternoon in Vietnam, than at 20:00."""
    day = tuple(round(least + 2 + 2 * math.cos((hour - 8) * math.pi / 12), 1) for hour in range(24))
    return (day,) * 12


CALM = (31, 34, 33, 36, 35, 33, 37)
STREAM = (8, 9, 8, 8, 9, 8)
STORM = (88, 74, 62, 53, 46, 40, 35, 31, 27, 24, 21, 19, 17)
DAY_OF_RIVER = (
    *(26, 26.5, 27, 27.5, 28, 28.4, 28.8, 29, 29.1, 28.9, 28.4, 27.8, 27),
    *(30.5, 31.5, 31, 26.5, 26, 25.5, 25.2, 20.4, 20.1, 24.5, 25),
)

EXAMPLES: Mapping[str, Example] = {
    "status": Example(
        "PM2.5",
        AIR,
        (31, 34, 33, 80, 79, 81, 32, 0, 0, 33, 35, 34),
        status={3: "01", 4: "01", 5: "01", 7: "02", 8: "02", 10: "07"},
    ),
    "gap": Example(
        "PM2.5",
        AIR,
        (31, 34, 33, MISSING, MISSING, 36, 35, ABSENT, ABSENT, 33, MISSING, 34),
        status={3: "01", 4: "01", 10: "02"},
    ),
    "unit": Example(
        "CO", STACK, (31, 34, 33, 36, 35, 33, 37, 35, 36, 34), unit={5: "ug/m3", 6: "ug/m3", 7: "ug/m3"}
    ),
    "equipment_range": Example(
        "PM2.5", AIR, (31, 120, 260, 390, 480, 500, 530, 610, 470, 300, 90, -30, 40), equipment=(0, 500)
    ),
    "error_code": Example(
        "EC",
        RIVER,
        (409, 412, 405, 65535, 65535, 411, 9999, 408, 6553.5, 410, -9999, 407),
        step=15,
        bend=1000,
    ),
    "physical_range": Example(
        "pH", RIVER, (7.1, 7.3, 7.2, 7.8, 8.9, 10.1, 11.2, 12.9, 14.4, 11.0, 8.2, 7.4, 3.2, -0.6, 7.2)
    ),
    "zero": Example("PM2.5", AIR, (12, 9, *[0] * 27, 7, 11), step=60),
    "negative": Example("PM2.5", AIR, (8, 5, 3, 0, -2, -5, -8, -13, -21, -16, -7, 1, 4)),
    "flat_line": Example("CO", AIR, (2100, 2600, 2900, *[3087.03] * 27, 2700, 2400), step=60),
    # A bubble before the lens, then a storm; the block of six hours is over at the reading of 06:00.
    "spike": Example("Turbidity", RIVER, (*STREAM, 96, *STREAM, *STORM), step=15, bend=20),
    "rate_of_change": Example(
        "pH", RIVER, (7.2, 7.3, 7.2, 7.4, 7.3, 10.1, 10.2, 10.1, 10.3, 0.4, 0.3, 0.4, 7.3, 7.2, 7.3), step=15
    ),
    "against_other": Example(
        "PM2.5",
        AIR,
        (31, 34, 38, 41, 45, 58, 74, 90, 66, 44, 38, 450, 35, 33),
        others={"PM10": (48, 50, 52, 53, 50, 51, 52, 50, 51, 53, 52, 50, 51, 50)},
        bend=60,
    ),
    "sum_of_parts": Example(
        "NOx",
        AIR,
        (61, 66, 70, 74, 68, 150, 190, 170, 66, 62, 5, 3, 60, 63),
        others={
            "NO": (11, 12, 13, 13, 12, 12, 11, 10, 11, 12, 12, 11, 10, 11),
            "NO2": (44, 46, 49, 52, 48, 47, 46, 44, 46, 46, 48, 47, 44, 46),
        },
    ),
    "drops_with": Example(
        "NOx",
        AIR,
        (61, 66, 70, 74, 68, 64, 66, 66, 66, 62),
        given={"other": "NO"},
        others={"NO": (20, 22, 24, 25, -40, -41, -40, 20, 21, 20)},
    ),
    "climatology": Example(
        "Temp", RIVER, DAY_OF_RIVER, step=60, given={"low": _by_hour(23.0), "high": _by_hour(27.0)}
    ),
    "stuck": Example(
        "PM2.5",
        AIR,
        (12.1, 12.2, 12.1, 12.3, 12.2, 12.1, 12.2, 12.3, 13.4, 15.0, 14.1, 16.2),
        blocks=((12.2, 0.1, 12.1, 12.3),) * 4,
    ),
    "own_range": Example(
        "PM2.5",
        AIR,
        (24, 27, 31, 40, 58, 75, 92, 88, 900, 950, 870, 76, 60, 44, 38),
        step=15,
        blocks=((18, 6, 9, 40), (25, 7, 12, 60), (43, 9, 20, 80), (31, 8, 14, 70)),
        bend=60,
    ),
    "own_rate": Example(
        "pH",
        RIVER,
        (7.21, 7.24, 7.22, 7.26, 7.25, 9.4, 9.41, 9.38, 9.4, 7.3, 7.26, 7.27, 7.24),
        step=15,
        blocks=((7.2, 0.04, 7.1, 7.3), (7.3, 0.06, 7.2, 7.4), (7.3, 0.05, 7.2, 7.4), (7.2, 0.05, 7.1, 7.3)),
    ),
    "neighbours": Example(
        "PM2.5",
        AIR,
        (38, 44, 52, 61, 70, 92, 330, 360, 340, 66, 52, 45),
        step=60,
        neighbours=(35, 40, 50, 58, 64, 60, 58, 55, 50, 48, 45, 40),
    ),
    "future": Example(
        "PM2.5",
        AIR,
        (-1, -1, 0, 1, 2.5, 3.5, 4.5, 5.5, 7, 8.5, 4000, 4000, -1, -1),
        axis=Axis("min after its receipt", 60),
        bend=5,
    ),
    "age": Example(
        "PM2.5",
        AIR,
        (0, 0.2, 3, 12, 30, 44, 55, 59, 63, 71, 9580, 20537, 0),
        axis=Axis("d before its receipt", -DAY),
        bend=30,
    ),
    "grid": Example(
        "PM2.5",
        AIR,
        (150, 153, 146, 151, 149, 185, 152, 20, 148, 151, 295, 150, 149),
        axis=Axis("s after the clock's step", 1),
    ),
    "clock_drift": Example(
        "PM2.5",
        AIR,
        (3, 4, 2, -90, 3, 2, 70, 74, 75, 77, 79, 80, 82, 83, 85, 86, 88, 4, 3),
        given={"phase": 0},
        axis=Axis("s off the step", 1),
    ),
    "duplicate": Example(
        "PM2.5",
        AIR,
        (31, 34, 33, 36, 35, 33, 37, 36, 34),
        given={"corrections": 0},
        earlier={2: 33, 4: 58, 6: 12},
    ),
}
"""One for each test of the table."""
