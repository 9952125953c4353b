"""A value has reached a warning level: tendency, preparing, exceeded.

Single good readings are compared, long before any average is judged. A series is at the highest level that
one of its readings has reached within ``calm`` seconds before its newest one, by the times of measurement:
it rises at once and falls late, and a value that moves about a level is one alert. This follows from the
readings alone, not from their order. What came late counts for nothing, and while the station catches up
nothing opens: the level of the readings that come first may be over by those that come last.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from quantrac.domain.qualifiers import ABOVE, BELOW, NO_QUALIFIER, Qualifier
from quantrac.domain.readings import Flag
from quantrac.domain.registry.stations import Station, WarningLevels
from quantrac.domain.statuses import NOT_COUNTING_STATUSES
from quantrac.domain.times import HOUR, from_seconds
from services.aggregator.watch.causes.cause import (
    Cause,
    Finding,
    FindingState,
    Rest,
    Severity,
    States,
    minutes,
    read_time,
    show_time,
    write_time,
)
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import (
    NEVER,
    ArrivedFile,
    CauseKey,
    Context,
    Database,
    Facts,
    OpenAlert,
    WatchedStation,
    iterate_rows,
    mean_made_at,
)

LEVELS = ("", "tendency", "preparing", "exceeded")
"""Names of the warning levels, by their number."""

_KIND: Final = "warning-level"

_SEVERITIES: tuple[Severity, ...] = ("info", "info", "warning", "critical")

_LevelsByUnit = Mapping[tuple[str, str], WarningLevels]

READINGS_SQL = """
SELECT station, parameter, toUnixTimestamp(measured_at) AS at, version, value, unit, qualifier,
  flag = 1 AND status NOT IN {not_counting:Array(String)} AS counts,
  toUnixTimestamp(toDateTime(received_at, 'UTC')) AS received
FROM readings FINAL
WHERE measured_at >= toDateTime({start:UInt32}, 'UTC') AND measured_at <= toDateTime({now:UInt32}, 'UTC')
  AND imported = 0
SETTINGS do_not_merge_across_partitions_select_final = 1
"""


@dataclass(slots=True)
class _Series:
    """The readings of one parameter that have reached a level, as far back as late ones can still come."""

    reached: dict[int, tuple[int, int, float]] = field(default_factory=dict)
    """Time -> version of the reading, number of its level, value."""
    newest_at: int = NEVER
    """Time of the newest reading that counts."""
    before: tuple[int, int] = (NEVER, NEVER)
    """Since when a level was reached by what is no longer in ``reached``, and the last time of that."""

    def put(self, time: int, version: int, number: int, value: float) -> None:
        """Take a reading that counts; ``number`` of its level, 0 = none."""
        self.newest_at = max(self.newest_at, time)
        if number and version >= self.reached.get(time, (0,))[0]:
            self.reached[time] = version, number, value
        elif not number:
            self.drop(time, version)

    def drop(self, time: int, version: int) -> None:
        """Take back a reading, unless a later version of it is known."""
        if time in self.reached and self.reached[time][0] <= version:
            del self.reached[time]

    def prune(self, start: int, link: int) -> None:
        """Fold what lies before ``start`` into one span; see :meth:`since` for ``link``."""
        for time in sorted(time for time in self.reached if time < start):
            self.before = self._since(time, *self.before, link), time
            del self.reached[time]

    def since(self, link: int) -> int:
        """Return since when levels are reached, two readings that do being apart by less than ``link``."""
        since, last = self.before
        for time in sorted(self.reached):
            since, last = self._since(time, since, last, link), time
        return since

    @staticmethod
    def _since(time: int, since: int, last: int, link: int) -> int:
        return since if last != NEVER and time - last < link else time


class _State(FindingState):
    """The series of each parameter that has levels."""

    __slots__ = ("_by_unit", "_series")

    def __init__(self, station: WatchedStation) -> None:
        super().__init__(station)
        self._series: dict[str, _Series] = {}
        self._by_unit: tuple[Station, int, _LevelsByUnit] | None = None
        """The levels to compare with, and the entry and the hour that they are of."""

    def take_file(self, file: ArrivedFile, context: Context) -> None:
        readings = file.readings
        for row, time in file.prompt_rows:
            counts = readings.flag[row] == Flag.GOOD and readings.status[row] not in NOT_COUNTING_STATUSES
            series = readings.parameter[row], readings.unit[row]
            value = readings.value[row], readings.qualifier[row]
            self.put(series, time, file.version, value if counts else None, context)

    def put(
        self,
        name: tuple[str, str],
        time: int,
        version: int,
        value: tuple[float, Qualifier] | None,
        context: Context,
    ) -> None:
        """Take one reading of (parameter, unit) that came in time; ``value`` ``None`` = it does not count."""
        entry = context.entry
        levels = self._levels(entry, context, time).get(name) if entry is not None else None
        series = self._series.get(name[0])
        if entry is None or (levels is None and series is None):
            return
        if series is None:
            series = self._series[name[0]] = _Series()
        if value is None:
            series.drop(time, version)
            return
        series.put(time, version, level_of(value[0], levels, value[1]), value[0])
        link = _link(entry, time, context.rules)
        series.prune(series.newest_at - context.rules.late - link, link)

    def _levels(self, entry: Station, context: Context, time: int) -> _LevelsByUnit:
        hour = time // HOUR
        if self._by_unit is None or self._by_unit[0] is not entry or self._by_unit[1] != hour:
            self._by_unit = entry, hour, context.levels(entry, from_seconds(time))
        return self._by_unit[2]

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        series = self._series.setdefault(key.parameter, _Series())
        at = max(alert.opened_at, read_time(alert.facts["at"]))
        if series.reached:  # what is stored says how it goes on; the alert, since when
            series.before = alert.opened_at, max(at, min(series.reached))
        else:
            series.reached[at] = 0, LEVELS.index(str(alert.facts["level"])), float(alert.facts["value"])
            series.newest_at = max(series.newest_at, at)
            series.before = alert.opened_at, at

    def forget(self, parameter: str) -> None:
        self._series.pop(parameter, None)

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        for code, series in self._series.items():
            if not series.reached:
                continue
            # (Number of the level, time, value) of the readings that hold it, highest and newest last.
            held_by = sorted(
                (number, time, value)
                for time, (_, number, value) in series.reached.items()
                if series.newest_at - time < rules.calm
            )
            if not held_by:
                continue
            alert = self.station.open.get(CauseKey(_KIND, code))
            number, time, value = held_by[-1]
            unit = self.station.series_of(code).unit
            facts: dict[str, str | float] = {
                "level": LEVELS[number],
                "value": value,
                "unit": unit,
                "at": write_time(time),
                "calm_minutes": minutes(rules.calm),
            }
            written = f"{value:g} {unit}".rstrip()
            detail = f'{code} is at the level "{LEVELS[number]}": {written} at {show_time(time)}.'
            link = _link(entry, time, rules)
            since = series.since(link)
            # A late reading that was at a level before, or one taken back, moves the start of the same alert.
            if alert is not None and since - alert.opened_at < link:
                since = alert.opened_at
            yield Finding(since, detail, facts, _SEVERITIES[number], code)


def _link(entry: Station, time: int, rules: WatchRules) -> int:
    """Return how far apart (s) two readings at a level are at least to be of two alerts.

    Between such two there is a reading ``calm`` after the first, as the station's interval has it.
    """
    return rules.calm + entry.interval_at(from_seconds(time))


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


def _load(database: Database, states: States, now: int) -> None:
    """Take the stored readings of the last three hours: one can come in time for one of them."""
    bound = {"start": now - 3 * HOUR, "now": now, "not_counting": sorted(NOT_COUNTING_STATUSES)}
    for row in iterate_rows(database.columns(READINGS_SQL, bound)):
        state: _State | None = states.of(row["station"])
        if state is None:
            continue
        context = states.context(row["station"])
        time = min(row["at"], row["received"])
        if row["received"] - mean_made_at(context.entry, time) < context.rules.late:
            value = (row["value"], row["qualifier"]) if row["counts"] else None
            state.put((row["parameter"], row["unit"]), time, row["version"], value, context)


def _step(facts: Facts, _rules: WatchRules) -> object:
    return facts["level"]


CAUSE = Cause(
    _KIND,
    _State,
    "No value has reached a warning level for {calm_minutes} minutes.",
    rest=Rest.NEWEST,
    step=_step,
    load=_load,
)
