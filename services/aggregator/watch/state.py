"""What ``aggregator.watch`` remembers of each station. Pure: messages go in, nothing is decided here.

Common to all causes are the times of the readings; the rest is the state of each cause
(``watch/causes/``), which the station only holds.

Times are whole seconds since 1970, UTC. A reading's time is that of its measurement or of its receipt,
whichever is earlier, and never later than now: a logger whose clock is ahead does not look alive for days.
One measured more than :data:`WATCHED` before its receipt says nothing: a logger keeps no such reading, a
clock without power stamps one. It is not the first of its station, and nothing counts from it.
Taking the same message twice changes nothing, and for silence nor does the order of messages.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from quantrac.domain.ids import reading_version
from quantrac.domain.readings import FlaggedReadings, FlaggedSet
from quantrac.domain.registry.stations import Station, WarningLevels
from quantrac.domain.times import DAY, from_seconds, to_whole_seconds
from schemas.codecs.aggregated import AggregatedMessage
from services.aggregator.watch.rules import WatchRules

NEVER = -1
"""Instead of a time."""
WATCHED = 60 * DAY
"""Seconds that readings are looked back, also after a start: a month more than late data reach, and what a
logger keeps at least (Circular 10/2021/TT-BTNMT, Article 39). A station silent for longer is known by its
open alert."""

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
    """Period, standard and column."""


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
    """What the causes need of a flagged set that holds readings."""

    received_at: int
    newest_made_at: int
    """When its newest reading was made (:func:`mean_made_at`)."""
    revision: int
    readings: FlaggedReadings
    rows: Sequence[tuple[int, int]]
    """Index and time of those readings that came in time and are the newest of their series."""


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
class WatchedStation:
    """One station."""

    code: str
    first_at: int = NEVER
    """Time of the oldest reading known."""
    last_at: int = NEVER
    """Time of the newest reading."""
    prompt_at: int = NEVER
    """Time of the newest reading that came within the grace of a silence, counted from its stamp."""
    series: dict[str, Series] = field(default_factory=dict)
    """By parameter."""
    states: dict[str, CauseState] = field(default_factory=dict)
    """By kind of alert."""
    open: dict[CauseKey, OpenAlert] = field(default_factory=dict)
    closed: dict[CauseKey, tuple[str, int]] = field(default_factory=dict)
    """Id and version of the last closed alert: what opens again under that id counts on."""

    def take_set(self, flagged: FlaggedSet, context: Context) -> None:
        """Take a set of flagged readings."""
        received_at = min(to_whole_seconds(flagged.received_at), context.now)
        version = reading_version(flagged.received_at, flagged.revision)
        readings, rows, newest_at = flagged.readings, [], NEVER
        times = [min(to_whole_seconds(time), received_at) for time in readings.measured_at]
        made_at = {time: mean_made_at(context.entry, time) for time in set(times)}
        for row, (parameter, time) in enumerate(zip(readings.parameter, times, strict=True)):
            if received_at - time > WATCHED:
                continue
            newest_at = max(newest_at, time)
            series = self.series_of(parameter)
            series.last_at = max(series.last_at, time)
            if received_at - made_at[time] < context.rules.late and (time, version) >= series.newest:
                series.newest = time, version
                series.value, series.unit = readings.value[row], readings.unit[row]
                rows.append((row, time))
        if newest_at == NEVER:
            return
        self.extend(newest_at, newest_at)
        if received_at - newest_at < context.rules.grace:
            self.prompt_at = max(self.prompt_at, newest_at)
        file = ArrivedFile(received_at, max(made_at.values()), flagged.revision, readings, rows)
        for state in self.states.values():
            state.take_file(file, context)

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
