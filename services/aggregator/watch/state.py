"""What ``aggregator.watch`` knows of each station. Pure: messages go in, nothing is decided here.

Times are whole seconds since 1970, UTC. A reading's time is that of its measurement or of its receipt,
whichever is earlier, and never later than now: a logger whose clock is ahead does not look alive for days.
Taking the same message twice changes nothing, and for silence nor does the order of messages.
"""

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from quantrac.domain.averaging import Period, month_starts
from quantrac.domain.ids import reading_version
from quantrac.domain.readings import Flag, FlaggedReading, FlaggedSet
from quantrac.domain.registry.stations import Station, WarningLevels
from schemas.codec import AverageMessage, ExceedanceMessage

HOUR = 3600
DAY = 24 * HOUR
NEVER = -1
"""Instead of a time."""

WINDOW_HOURS = 24
"""Hours whose completeness is looked at."""

STUCK_TESTS = ("flat_line", "stuck")
"""Tests of ``quantrac.domain.qa`` that doubt an analyser; bit n of a series' state."""

# The hours that completeness looks at, the one under way, and one that ended within the grace.
_HOURS_KEPT = WINDOW_HOURS + 2
_COUNT_BITS = 12
_MOST = (1 << _COUNT_BITS) - 1

# A message that repeats an older state of an episode comes from before the last commit, not from days ago.
_EPISODES_KEPT = 2 * DAY

# Statuses 01 (calibrating) and 02 (device error): the value is not of the environment.
_NOT_MEASURING = frozenset({"01", "02"})

LevelsOf = Callable[[Station, datetime], Mapping[tuple[str, str], WarningLevels]]
"""(Station, time in UTC) -> (parameter, unit) -> the levels that single values are compared with."""


@dataclass(frozen=True, slots=True)
class WatchRules:
    """When a cause begins and ends to hold; source, where none is named: default, unverified."""

    grace: int = 900
    """Seconds past the expected file before a station is silent; source: the national software's habit."""
    parameter_grace: int = 3600
    """Seconds that a parameter may stay out of the station's files: slow analysers give a value every half
    hour."""
    completeness: float = 0.75
    """Share of the readings of 24 hours that must count."""
    completeness_margin: float = 0.05
    """How far above that share an incomplete station has to come."""
    late: int = 3600
    """Seconds from measurement to receipt from which a file is of a backlog, and its values warn nobody."""
    backlog_files: int = 12
    """More late files than this ..."""
    backlog_window: int = 600
    """... within so many seconds are a backlog; it is over when none came for as long."""
    calm: int = 1800
    """Seconds without a value at a warning level before the alert falls below that level."""
    growth: float = 0.1
    """How much the ratio to a limit grows before an exceedance is told again."""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert in its present state, and not closed."""

    alert_id: str
    version: int
    opened_at: int
    severity: str
    detail: str
    facts: Mapping[str, str | float]
    """From the database all are texts."""


@dataclass(frozen=True, slots=True)
class CauseKey:
    """What there is one open alert of, within a station."""

    kind: str
    parameter: str = ""
    """Catalogue code; empty = the whole station."""
    limit: tuple[str, ...] = ()
    """Period, standard and column."""


@dataclass(slots=True)
class Series:
    """One parameter of a station; about 400 bytes."""

    last_at: int = NEVER
    """Time of the newest reading."""
    judged: tuple[int, int] = (NEVER, 0)
    """Time and version of the newest reading that came in time ..."""
    value: float = 0.0
    unit: str = ""
    """... its value and unit."""
    stuck: int = 0
    """Bits of :data:`STUCK_TESTS` that doubt the series."""
    stuck_at: int = NEVER
    level: int = 0
    """Warning level: 0 none, 1 tendency, 2 preparing, 3 exceeded."""
    level_at: int = NEVER
    """When it was first above 0."""
    held_at: int = NEVER
    """Newest value that reached the level ..."""
    level_value: float = 0.0
    """... and what it was."""
    hours: "array[int]" = field(default_factory=lambda: array("I", bytes(4 * _HOURS_KEPT)))
    """Hours since 1970 << 12 | readings that count, at the hour's place in the ring."""

    def count_hour(self, packed: int) -> None:
        """Keep how many readings count in an hour, unless a later one has its place."""
        place = (packed >> _COUNT_BITS) % _HOURS_KEPT
        if packed >> _COUNT_BITS >= self.hours[place] >> _COUNT_BITS:
            self.hours[place] = packed

    def counted(self, hour: int) -> int:
        """Return how many readings count in an hour (hours since 1970) of the last day."""
        packed = self.hours[hour % _HOURS_KEPT]
        return packed & _MOST if packed >> _COUNT_BITS == hour else 0


@dataclass(frozen=True, slots=True)
class Episode:
    """An exceedance as it was told last."""

    told: ExceedanceMessage
    told_at: int

    @property
    def cause(self) -> tuple[str, ...]:
        """Parameter, period, standard and column."""
        return self.told.parameter, self.told.period, self.told.standard, self.told.column

    @property
    def first_over(self) -> int:
        """When the first of its averages is over."""
        starts, period = self.told.starts_at, Period(self.told.period)
        if period in _LENGTHS:
            return instant(starts) + _LENGTHS[period]
        following = (
            at for year in (starts.year, starts.year + 1) for at in month_starts(year) if at > starts
        )
        if period is Period.YEAR:
            return instant(month_starts(starts.year + 1)[-1])  # it starts on 31 December, UTC
        return instant(next(following))


_LENGTHS = {Period.HOUR: HOUR, Period.EIGHT_HOURS: 8 * HOUR, Period.DAY: DAY}


@dataclass(slots=True)
class Watched:
    """One station."""

    code: str
    first_at: int = NEVER
    """Time of the oldest reading known."""
    last_at: int = NEVER
    """Time of the newest reading."""
    series: dict[str, Series] = field(default_factory=dict)
    """By parameter."""
    episodes: dict[tuple[str, ...], Episode] = field(default_factory=dict)
    """By parameter, period, standard, column and start; ended ones for a while."""
    late: list[int] = field(default_factory=list)
    """Times of receipt of the late files within the window, each once."""
    backlog_at: int = NEVER
    """When the files of a backlog became too many ..."""
    late_at: int = NEVER
    """... and when watch saw the last of them."""
    open: dict[CauseKey, OpenAlert] = field(default_factory=dict)
    closed: dict[CauseKey, tuple[str, int]] = field(default_factory=dict)
    """Id and version of the last closed alert: what opens again under that id counts on."""
    levels: tuple[Station, int, Mapping[tuple[str, str], WarningLevels]] | None = None
    """Warning levels, the entry and the hour that they are of."""
    share: tuple[Station, int, int, int] | None = None
    """Entry, hour, counted and expected: what ``watch_causes.completeness`` found last."""

    def hear(
        self, heard: FlaggedSet, entry: Station | None, levels: LevelsOf, rules: WatchRules, now: int
    ) -> None:
        """Take a set of flagged readings; ``entry`` is the registry's."""
        received = min(instant(heard.received_at), now)
        newest = NEVER
        version = reading_version(heard.received_at, heard.revision)
        for reading in heard.readings:
            at = min(instant(reading.measured_at), received)
            newest = max(newest, at)
            series = self.series.get(reading.parameter)
            if series is None:
                series = self.series[reading.parameter] = Series()
            series.last_at = max(series.last_at, at)
            if received - at < rules.late and (at, version) >= series.judged:
                series.judged = at, version
                series.value, series.unit = reading.value, reading.unit
                _doubt(series, reading, at)
                if entry is not None and reading.flag == Flag.GOOD and reading.status not in _NOT_MEASURING:
                    found = self._levels(entry, levels, at).get((reading.parameter, reading.unit))
                    _set_level(series, level_of(reading.value, found), at, rules.calm)
        if newest == NEVER:
            return
        self.known(newest, newest)
        # Read again long after it came, a file is no news.
        if heard.revision == 0 and received - newest >= rules.late and now - received < rules.late:
            self._late(received, rules, now)

    def known(self, first: int, last: int) -> None:
        """Note that there are readings of these times."""
        self.first_at = first if self.first_at == NEVER else min(self.first_at, first)
        self.last_at = max(self.last_at, last)

    def hear_of(self, parameter: str, last: int) -> None:
        """Note the time of a parameter's newest reading, as the database has it."""
        series = self.series.setdefault(parameter, Series())
        series.last_at = max(series.last_at, last)

    def count(self, averages: Iterable[AverageMessage]) -> None:
        """Take averages as they are told; only hours tell something."""
        for each in averages:
            if each.period == Period.HOUR:
                self.count_hours(each.parameter, [packed_hour(instant(each.starts_at), each.count)])

    def count_hours(self, parameter: str, packed: Iterable[int]) -> None:
        """Take hours packed as :func:`packed_hour` does."""
        series = self.series.setdefault(parameter, Series())
        for each in packed:
            series.count_hour(each)
        self.share = None

    def exceed(self, exceedances: Iterable[ExceedanceMessage], told_at: datetime, now: int) -> None:
        """Take episodes as they are told; an older state of one changes nothing."""
        for each in exceedances:
            self.keep(Episode(each, instant(told_at)))
        for key, episode in list(self.episodes.items()):
            if not is_open(episode) and now - episode.told_at > _EPISODES_KEPT:
                del self.episodes[key]

    def keep(self, episode: Episode) -> None:
        """Keep an episode, unless a later state of it is known."""
        key = (*episode.cause, iso(instant(episode.told.starts_at)))
        known = self.episodes.get(key)
        if known is None or known.told.version <= episode.told.version:
            self.episodes[key] = episode

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        """Take back an open alert, and what the causes remember of it."""
        self.open[key] = alert
        series = self.series.setdefault(key.parameter, Series()) if key.parameter else Series()
        match key.kind:
            case "station-silent":
                if "last_at" in alert.facts:
                    self.last_at = max(self.last_at, seconds(alert.facts["last_at"]))
            case "parameter-silent":
                if "last_at" in alert.facts:
                    series.last_at = max(series.last_at, seconds(alert.facts["last_at"]))
            case "analyser-stuck":
                told = str(alert.facts["tests"]).split(", ")
                series.stuck = sum(1 << bit for bit, test in enumerate(STUCK_TESTS) if test in told)
                series.stuck_at = alert.opened_at
            case "warning-level":
                series.level = LEVELS.index(str(alert.facts["level"]))
                series.level_at = alert.opened_at
                series.held_at = max(alert.opened_at, series.last_at)
            case "backlog-arriving":
                self.backlog_at, self.late_at = alert.opened_at, now

    def forget(self, entry: Station | None, now: int) -> None:
        """Drop parameters that the registry does not hold and that have not come for a day."""
        held = {parameter.code for parameter in entry.parameters} if entry is not None else set()
        for code, series in list(self.series.items()):
            if code not in held and now - series.last_at > DAY:
                del self.series[code]

    def _levels(self, entry: Station, levels: LevelsOf, at: int) -> Mapping[tuple[str, str], WarningLevels]:
        hour = at // HOUR
        if self.levels is None or self.levels[0] is not entry or self.levels[1] != hour:
            self.levels = entry, hour, levels(entry, moment(at))
        return self.levels[2]

    def _late(self, received: int, rules: WatchRules, now: int) -> None:
        if self.backlog_at != NEVER and now - self.late_at >= rules.backlog_window:
            self.backlog_at, self.late = NEVER, []
        self.late_at = now
        if self.backlog_at != NEVER:
            return
        newest = max([received, *self.late])
        self.late = sorted(at for at in {received, *self.late} if newest - at < rules.backlog_window)
        if len(self.late) > rules.backlog_files:
            self.backlog_at = self.late[rules.backlog_files]


LEVELS = ("", "tendency", "preparing", "exceeded")
"""Names of the warning levels, by their number."""


def level_of(value: float, levels: WarningLevels | None) -> int:
    """Return the number of the highest level that a value has reached; 0 = none.

    >>> level_of(45.0, WarningLevels(40.0, 45.0, 50.0)), level_of(3.9, WarningLevels(5.0, 4.4, 4.0))
    (2, 3)
    """
    if levels is None:
        return 0
    stated = levels.tendency, levels.preparing, levels.exceeded
    values = [each for each in stated if each is not None]
    downwards = len(values) > 1 and values[0] > values[-1]
    reached = (
        number
        for number, level in enumerate(stated, start=1)
        if level is not None and (value <= level if downwards else value >= level)
    )
    return max(reached, default=0)


def is_open(episode: Episode) -> bool:
    """Tell whether an episode goes on."""
    return episode.told.open and episode.told.periods > 0


def packed_hour(start: int, count: int) -> int:
    """Write the start of an hour and the readings that count in it as one number of 32 bits."""
    return start // HOUR << _COUNT_BITS | min(count, _MOST)


def instant(at: datetime) -> int:
    """Return whole seconds since 1970."""
    return int(at.timestamp() // 1)


def moment(at: int) -> datetime:
    """Return seconds since 1970 as a time in UTC."""
    return datetime.fromtimestamp(at, UTC)


def iso(at: int) -> str:
    """Write seconds since 1970 as ISO 8601.

    >>> iso(0)
    '1970-01-01T00:00:00Z'
    """
    return f"{moment(at):%Y-%m-%dT%H:%M:%SZ}"


def seconds(text: str | float) -> int:
    """Read what :func:`iso` writes."""
    return instant(datetime.fromisoformat(str(text)))


def _doubt(series: Series, reading: FlaggedReading, at: int) -> None:
    before = series.stuck
    for bit, test in enumerate(STUCK_TESTS):
        outcome = reading.tests.get(test)
        if outcome in (Flag.SUSPECT, Flag.FAIL):
            series.stuck |= 1 << bit
        elif outcome == Flag.GOOD:
            series.stuck &= ~(1 << bit)
    if series.stuck and not before:
        series.stuck_at = at


def _set_level(series: Series, level: int, at: int, calm: int) -> None:
    if level < series.level and at - series.held_at < calm:
        return
    if level and not series.level:
        series.level_at = at
    series.level, series.held_at, series.level_value = level, at, series.value
