"""What ``aggregator.watch`` remembers of each station. Pure: messages go in, nothing is decided here.

Common to all causes are the times of the readings; the rest is the state of each cause
(``watch/causes/``), which the station only holds.

Times are whole seconds since 1970, UTC. A reading's time is that of its measurement or of its receipt,
whichever is earlier, and never later than now: a logger whose clock is ahead does not look alive for days.
One measured more than :data:`WATCHED` before its receipt says nothing: a logger keeps no such reading, a
clock without power stamps one. It is not the first of its station, and nothing counts from it.
What was imported as history says nothing of what a station does now: only up to when it reaches is known.
Taking the same message twice changes nothing, and nor does the order of messages.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from quantrac.domain.ids import reading_version
from quantrac.domain.readings import FlaggedReadings, FlaggedSet, Reject
from quantrac.domain.registry.stations import Station, WarningLevels
from quantrac.domain.times import DAY, from_seconds, to_milliseconds, to_whole_seconds
from schemas.codecs.aggregated import AggregatedMessage
from services.aggregator.watch.rules import WatchRules

NEVER = -1
"""Instead of a time."""
WATCHED = 60 * DAY
"""Seconds that readings are looked back, also after a start: a month more than late data reach, and what a
logger keeps at least (Circular 10/2021/TT-BTNMT, Article 39). A station silent for longer is known by its
open alert."""

# Closed alerts of one cause whose versions are remembered: more than corrections go back and forth between.
_CLOSED_A_CAUSE = 16
# A station catches up when its readings come this many times faster than they are made.
_CATCHING_UP = 2

Facts = Mapping[str, str | float]
"""What an alert states beside its sentence; from the database all are texts."""

LevelsOf = Callable[[Station, datetime], Mapping[tuple[str, str], WarningLevels]]
"""(Station, time in UTC) -> (parameter, unit) -> the levels that single values are compared with."""


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert in its present state, and not closed."""

    alert_id: str
    version: int
    opened_at: int
    severity: str
    detail: str
    facts: Facts


@dataclass(frozen=True, slots=True)
class CauseKey:
    """What there is one open alert of, within a station."""

    kind: str
    parameter: str = ""
    """Catalogue code; empty = the whole station."""
    limit: tuple[str, ...] = ()
    """What else there is one of: period, standard and column of a limit, or the reason of rejects."""


@dataclass(frozen=True, slots=True)
class Context:
    """What messages are taken by."""

    entry: Station | None
    """What the registry holds of the station."""
    levels: LevelsOf
    rules: WatchRules
    now: int


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """What the causes need of a flagged set."""

    received_at: int
    received_ms: int
    """The same in milliseconds, which no other file of the station has."""
    name: str
    newest_made_at: int
    """When its newest reading was made (:func:`mean_made_at`); ``NEVER`` where it has none to watch."""
    revision: int
    version: int
    readings: FlaggedReadings
    prompt_rows: Sequence[tuple[int, int]]
    """Index and time of those readings that came in time ..."""
    newest_rows: Sequence[tuple[int, int]]
    """... and of these the ones that are the newest of their series."""
    rejects: Sequence[Reject]


class CauseState:
    """What one cause remembers of one station; a cause overrides what it needs."""

    __slots__ = ("station",)

    def __init__(self, station: "WatchedStation") -> None:
        self.station = station

    def take_file(self, file: ArrivedFile, context: Context) -> None:
        """Take what a file brought."""

    def take_aggregated(self, message: AggregatedMessage, now: int) -> None:
        """Take averages and exceedances."""

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        """Take back from an open alert what the cause remembers of it."""

    def forget(self, parameter: str) -> None:
        """Drop what is remembered of a parameter."""


@dataclass(slots=True)
class Series:
    """One parameter of a station."""

    last_at: int = NEVER
    """Time of the newest reading."""
    newest: tuple[int, int] = (NEVER, 0)
    """Time and version of the newest reading that came in time ..."""
    value: float = 0.0
    unit: str = ""
    """... its value and unit."""


@dataclass(slots=True)
class ClosedAlerts:
    """The versions of the last closed alerts of one cause: what opens again under an id counts on."""

    _versions: dict[str, int] = field(default_factory=dict)
    """By alert id, the one closed last at the end."""

    def put(self, alert_id: str, version: int) -> None:
        """Note that an alert was closed with a version; a lower one than is known changes nothing."""
        self._versions[alert_id] = max(version, self._versions.pop(alert_id, 0))
        if len(self._versions) > _CLOSED_A_CAUSE:
            del self._versions[next(iter(self._versions))]

    def version(self, alert_id: str) -> int:
        """Return the version that an alert was closed with; 0 where it was not."""
        return self._versions.get(alert_id, 0)


@dataclass(slots=True)
class WatchedStation:
    """One station, or one account whose files belong to no station."""

    code: str
    """Empty for an account."""
    account: str = ""
    """Empty for a station."""
    first_at: int = NEVER
    """Time of the oldest reading known."""
    last_at: int = NEVER
    """Time of the newest reading."""
    prompt_at: int = NEVER
    """Time of the newest reading that came within the grace of a silence, counted from its stamp."""
    imported_at: int = NEVER
    """Time of the newest reading that was imported as history."""
    series: dict[str, Series] = field(default_factory=dict)
    """By parameter."""
    states: dict[str, CauseState] = field(default_factory=dict)
    """By kind of alert."""
    open: dict[CauseKey, OpenAlert] = field(default_factory=dict)
    closed: dict[CauseKey, ClosedAlerts] = field(default_factory=dict)
    superseded: list[tuple[CauseKey, OpenAlert]] = field(default_factory=list)
    """What is stored as open beside a newer alert of its cause: to be closed."""
    first_found: dict[CauseKey, int] = field(default_factory=dict)
    """Since when something that did not come is found without a break, by the clock."""
    moved_at: int = NEVER
    """When ``last_at`` rose, by the clock ..."""
    catching_up_at: int = NEVER
    """... and when it last rose faster than readings are made."""
    busy_at: int = NEVER
    """When older data of the station were last seen to be on their way, by the clock."""

    @property
    def name(self) -> str:
        """What alerts are about: the station's code, or the account's name."""
        return self.code or self.account

    def take_set(self, flagged: FlaggedSet, context: Context) -> None:
        """Take a set of flagged readings."""
        if flagged.is_imported:
            measured_at = map(to_whole_seconds, flagged.readings.measured_at)
            self.imported_at = max(self.imported_at, *measured_at, NEVER)
            return
        received_at = min(to_whole_seconds(flagged.received_at), context.now)
        version = reading_version(flagged.received_at, flagged.revision)
        readings, newest_at = flagged.readings, NEVER
        prompt_rows: list[tuple[int, int]] = []
        newest_rows: list[tuple[int, int]] = []
        times = [min(to_whole_seconds(time), received_at) for time in readings.measured_at]
        made_at = {time: mean_made_at(context.entry, time) for time in set(times)}
        for row, (parameter, time) in enumerate(zip(readings.parameter, times, strict=True)):
            if received_at - time > WATCHED:
                continue
            newest_at = max(newest_at, time)
            series = self.series_of(parameter)
            series.last_at = max(series.last_at, time)
            if received_at - made_at[time] < context.rules.late:
                prompt_rows.append((row, time))
                if (time, version) >= series.newest:
                    series.newest = time, version
                    series.value, series.unit = readings.value[row], readings.unit[row]
                    newest_rows.append((row, time))
        if newest_at != NEVER:
            self._move(newest_at, context.now)
            self.extend(newest_at, newest_at)
            if received_at - newest_at < context.rules.grace:
                self.prompt_at = max(self.prompt_at, newest_at)
        file = ArrivedFile(
            received_at,
            to_milliseconds(flagged.received_at),
            flagged.file_name,
            NEVER if newest_at == NEVER else max(made_at.values()),
            flagged.revision,
            version,
            readings,
            prompt_rows,
            newest_rows,
            flagged.rejects,
        )
        for state in self.states.values():
            state.take_file(file, context)

    def _move(self, newest_at: int, now: int) -> None:
        """Note how fast the newest reading follows the one before: a backlog comes faster than it is made."""
        if newest_at <= self.last_at:
            return
        if self.last_at == NEVER or newest_at - self.last_at > _CATCHING_UP * (now - self.moved_at):
            self.catching_up_at = now
        self.moved_at = now

    def take_aggregated(self, message: AggregatedMessage, now: int) -> None:
        """Take averages and exceedances."""
        for state in self.states.values():
            state.take_aggregated(message, now)

    def extend(self, first_at: int, last_at: int) -> None:
        """Note that there are readings of these times."""
        self.first_at = first_at if self.first_at == NEVER else min(self.first_at, first_at)
        self.last_at = max(self.last_at, last_at)

    def series_of(self, parameter: str) -> Series:
        """Return what is remembered of a parameter."""
        series = self.series.get(parameter)
        if series is None:
            series = self.series[parameter] = Series()
        return series

    def note_closed(self, key: CauseKey, alert: OpenAlert) -> None:
        """Note an alert in its closed state."""
        current = self.open.get(key)
        if current is not None and current.alert_id == alert.alert_id:
            del self.open[key]
        self.superseded = [pair for pair in self.superseded if pair[1].alert_id != alert.alert_id]
        self.closings(key).put(alert.alert_id, alert.version)

    def closings(self, key: CauseKey) -> ClosedAlerts:
        """Return the closed alerts of a cause."""
        return self.closed.setdefault(key, ClosedAlerts())

    def last_version(self, key: CauseKey, alert_id: str) -> int:
        """Return the version that an alert was closed with; 0 where it was not."""
        closed = self.closed.get(key)
        return closed.version(alert_id) if closed else 0

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        """Take back an open alert, and what its cause remembers of it."""
        self.open[key] = alert
        if key.parameter:
            self.series_of(key.parameter)
        self.states[key.kind].restore(key, alert, now)

    def forget(self, entry: Station | None, now: int) -> None:
        """Drop parameters that the registry does not hold and that have not come for a day."""
        registered = {parameter.code for parameter in entry.parameters} if entry is not None else set()
        for code, series in list(self.series.items()):
            if code not in registered and now - series.last_at > DAY:
                del self.series[code]
                for state in self.states.values():
                    state.forget(code)


def mean_made_at(entry: Station | None, stamp: int) -> int:
    """Return when what a reading is the mean of was over, before which no file can come."""
    if entry is None or not entry.stamps:
        return stamp
    return to_whole_seconds(entry.mean_span(from_seconds(stamp))[1])


class Database(Protocol):
    """Where state comes from at a start: :class:`quantrac.io.clickhouse.ClickHouse`."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, nothing where there are no rows.

        Raises ``ClickHouseError``.
        """
        ...


def iterate_rows(columns: Mapping[str, Sequence[Any]]) -> Iterable[dict[str, Any]]:
    """Yield the rows of a query's columns."""
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
