"""A value has reached a warning level: tendency, preparing, exceeded.

Single good readings are compared, long before any average is judged. The level rises at once and falls only
after ``calm`` seconds, by the times of measurement, without a value that reaches it: a value that moves about
a level is one alert. What came late opens nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from quantrac.domain.qualifiers import ABOVE, BELOW, NO_QUALIFIER, Qualifier
from quantrac.domain.readings import Flag
from quantrac.domain.registry.stations import Station, WarningLevels
from quantrac.domain.statuses import NOT_COUNTING_STATUSES
from quantrac.domain.times import HOUR, from_seconds
from services.aggregator.watch.causes.cause import (
    Cause,
    Finding,
    FindingState,
    Severity,
    minutes,
    write_time,
)
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import (
    ArrivedFile,
    CauseKey,
    Context,
    Facts,
    OpenAlert,
    WatchedStation,
)

LEVELS = ("", "tendency", "preparing", "exceeded")
"""Names of the warning levels, by their number."""

_SEVERITIES: tuple[Severity, ...] = ("info", "info", "warning", "critical")

_LevelsByUnit = Mapping[tuple[str, str], WarningLevels]


@dataclass(slots=True)
class _Level:
    number: int
    """1 tendency, 2 preparing, 3 exceeded."""
    since: int
    """When a level was first reached."""
    reached_at: int
    """Newest value that reached the level ..."""
    value: float = 0.0
    """... and what it was."""


class _State(FindingState):
    """The level of each parameter; one below all levels has none."""

    __slots__ = ("_by_unit", "_reached")

    def __init__(self, station: WatchedStation) -> None:
        super().__init__(station)
        self._reached: dict[str, _Level] = {}
        self._by_unit: tuple[Station, int, _LevelsByUnit] | None = None
        """The levels to compare with, and the entry and the hour that they are of."""

    def take_file(self, file: ArrivedFile, context: Context) -> None:
        entry = context.entry
        if entry is None:
            return
        readings = file.readings
        for row, time in file.rows:
            if readings.flag[row] == Flag.GOOD and readings.status[row] not in NOT_COUNTING_STATUSES:
                parameter, value = readings.parameter[row], readings.value[row]
                levels = self._levels(entry, context, time).get((parameter, readings.unit[row]))
                number = level_of(value, levels, readings.qualifier[row])
                self._set_level(parameter, number, time, value, context.rules.calm)

    def _levels(self, entry: Station, context: Context, time: int) -> _LevelsByUnit:
        hour = time // HOUR
        if self._by_unit is None or self._by_unit[0] is not entry or self._by_unit[1] != hour:
            self._by_unit = entry, hour, context.levels(entry, from_seconds(time))
        return self._by_unit[2]

    def _set_level(self, parameter: str, number: int, time: int, value: float, calm: int) -> None:
        level = self._reached.get(parameter)
        if level is None:
            if number:
                self._reached[parameter] = _Level(number, time, time, value)
        elif number >= level.number or time - level.reached_at >= calm:
            if number:
                level.number, level.reached_at, level.value = number, time, value
            else:
                del self._reached[parameter]

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        number = LEVELS.index(str(alert.facts["level"]))
        reached_at = max(alert.opened_at, self.station.series_of(key.parameter).last_at)
        self._reached[key.parameter] = _Level(number, alert.opened_at, reached_at)

    def forget(self, parameter: str) -> None:
        self._reached.pop(parameter, None)

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        for code, series in self.station.series.items():
            level = self._reached.get(code)
            if level is None:
                continue
            facts: dict[str, str | float] = {
                "level": LEVELS[level.number],
                "value": level.value,
                "unit": series.unit,
                "at": write_time(level.reached_at),
                "calm_minutes": minutes(rules.calm),
            }
            value = f"{level.value:g} {series.unit}".rstrip()
            detail = (
                f'{code} is at the level "{LEVELS[level.number]}": {value} at {write_time(level.reached_at)}.'
            )
            yield Finding(level.since, detail, facts, _SEVERITIES[level.number], code)


def level_of(value: float, levels: WarningLevels | None, qualifier: Qualifier = NO_QUALIFIER) -> int:
    """Return the number of the highest level that a value has reached for sure; 0 = none.

    Of one below a limit of the method, ``<55``, nobody knows whether it has reached 50.

    >>> level_of(45.0, WarningLevels(40.0, 45.0, 50.0)), level_of(3.9, WarningLevels(5.0, 4.4, 4.0))
    (2, 3)
    """
    if levels is None:
        return 0
    by_number = levels.tendency, levels.preparing, levels.exceeded
    values = [level for level in by_number if level is not None]
    downwards = len(values) > 1 and values[0] > values[-1]
    if qualifier == (ABOVE if downwards else BELOW):
        return 0
    reached = (
        number
        for number, level in enumerate(by_number, start=1)
        if level is not None and (value <= level if downwards else value >= level)
    )
    return max(reached, default=0)


def _step(facts: Facts, _rules: WatchRules) -> object:
    return facts["level"]


CAUSE = Cause(
    "warning-level", _State, "No value has reached a warning level for {calm_minutes} minutes.", step=_step
)
