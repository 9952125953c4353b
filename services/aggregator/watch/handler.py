"""Decides, message by message and at every tick of the clock, which alerts open, change and close."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import to_whole_seconds
from quantrac.io.clickhouse import ClickHouseError
from quantrac.io.partitions import GroupAssignment, Offsets
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codecs.aggregated import decode_aggregated
from schemas.codecs.decoding import BadMessage
from schemas.codecs.sets import decode_flagged_set
from services.aggregator.watch.causes import CAUSES, new_station
from services.aggregator.watch.judge import Change, judge
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import CauseState, Context, Database, LevelsOf, WatchedStation
from services.aggregator.watch.tables import read_alerts, read_series

_RETRY_SECONDS = 2.0


class Progress(Protocol):
    """How far the sink has stored a topic: :class:`quantrac.io.kafka.group_progress.GroupProgress`."""

    def end_offsets(self) -> Offsets | None:
        """Return where the topic ends; ``None`` where that is not known now."""

    def committed_offsets(self) -> Offsets | None:
        """Return how far it is stored; ``None`` where that is not known now."""


class WatchHandler:
    """Reads qa-flagged and aggregated; writes alert.

    The state is in memory, of the stations whose partitions this member owns. Whenever partitions are
    assigned it is made anew from ClickHouse, as soon as the sink has stored what lies before the first
    message to come and every alert published before: what another process published is then known, and its
    alerts go on under their ids.
    """

    def __init__(
        self,
        database: Database,
        registry: Registry,
        levels: LevelsOf,
        *,
        flagged: str,
        alerts: str,
        stored_sets: Progress,
        stored_alerts: Progress,
        clock: Callable[[], datetime],
        rules: WatchRules = WatchRules(),  # noqa: B008  # frozen
        grace: int = 60,
    ) -> None:
        """``stored_sets`` and ``stored_alerts`` say how far the sink has stored ``flagged`` and ``alerts``.

        ``grace``: seconds that everything has to be caught up before what did not come opens an alert: after
        a start of the whole system, what waits at the doors comes through first.
        """
        self._database, self._registry, self._levels = database, registry, levels
        self._flagged, self._alerts = flagged, alerts
        self._stored_sets, self._stored_alerts, self._clock = stored_sets, stored_alerts, clock
        self._rules, self._grace = rules, grace
        self._assignment: GroupAssignment | None = None
        self._loaded_for = -1
        self._goal: tuple[int, Offsets] | None = None
        self._caught_up_at: int | None = None
        self._stations: dict[str, WatchedStation | None] = {}
        """By code; ``None`` = another member's."""

    def set_assignment(self, assignment: GroupAssignment) -> None:
        """Take note of what the group has assigned to this member; called before every batch."""
        self._assignment = assignment

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Take a batch, which may be empty, then judge every station."""
        assignment, now = self._assignment, to_whole_seconds(self._clock())
        if assignment is None:
            return NotNow("no partition is assigned yet", _RETRY_SECONDS, is_usual=True)
        if self._loaded_for != assignment.generation:
            try:
                obstacle = self._load(assignment, now)
            except ClickHouseError as error:
                obstacle = f"ClickHouse: {error}"
            if obstacle:
                return NotNow(obstacle, _RETRY_SECONDS)
        dead = [DeadLetter(record, reason) for record in batch if (reason := self._take(record, now))]
        for code in list(self._registry.stations):
            self._station(code)
        changes = list(self._changes(now, absences=self._is_caught_up(assignment, now)))
        # Put into the state only when all is decided: a station that raises must not swallow another's alert.
        for change in changes:
            change.apply()
        return Done([self._record(change, now) for change in changes], dead)

    def _take(self, record: Record, now: int) -> str:
        """Take one message into the state; returns why it cannot be read, else nothing."""
        try:
            if record.topic == self._flagged:
                flagged = decode_flagged_set(record.value or b"")
                if flagged.station and (station := self._station(flagged.station)):
                    entry = self._registry.stations.get(flagged.station)
                    station.take_set(flagged, Context(entry, self._levels, self._rules, now))
            else:
                message = decode_aggregated(record.value or b"")
                if station := self._station(message.station):
                    station.take_aggregated(message, now)
        except BadMessage as error:
            return str(error)
        return ""

    def _changes(self, now: int, *, absences: bool) -> list[Change]:
        changes: list[Change] = []
        for code, station in self._stations.items():
            if station is not None:
                entry = self._registry.stations.get(code)
                station.forget(entry, now)
                changes += judge(station, entry, self._rules, now, absences=absences)
        return changes

    def _is_caught_up(self, assignment: GroupAssignment, now: int) -> bool:
        """Tell whether what did not come is really missing."""
        if not assignment.is_caught_up:
            self._caught_up_at = None
            return False
        if self._caught_up_at is None or self._caught_up_at > now:  # or the clock was set back
            self._caught_up_at = now
        return now - self._caught_up_at >= self._grace

    def _station(self, code: str) -> WatchedStation | None:
        """Return what is remembered of a station; ``None`` where another member of the group watches it."""
        if code not in self._stations:
            is_own = self._assignment is not None and self._assignment.is_assigned(code.encode())
            self._stations[code] = new_station(code) if is_own else None
        return self._stations[code]

    def _load(self, assignment: GroupAssignment, now: int) -> str:
        """Make the state of the stations that are this member's; returns what that has to wait for."""
        if not self._is_stored(assignment):
            return "the sink has not stored yet what came before"
        self._stations, self._caught_up_at = {}, None
        for code, parameter, first_at, last_at, prompt_at in read_series(
            self._database, now, self._rules.grace
        ):
            if station := self._station(code):
                station.extend(first_at, last_at)
                station.prompt_at = max(station.prompt_at, prompt_at)
                series = station.series_of(parameter)
                series.last_at = max(series.last_at, last_at)
        for cause in CAUSES:
            cause.load(self._database, now, partial(self._state, cause.kind))
        for code, key, alert, is_open in read_alerts(self._database, now):
            if station := self._station(code):
                if is_open:
                    station.restore(key, alert, now)
                else:
                    station.closed[key] = alert.alert_id, alert.version
        self._loaded_for = assignment.generation
        return ""

    def _state(self, kind: str, code: str) -> CauseState | None:
        station = self._station(code)
        return station.states[kind] if station else None

    def _is_stored(self, assignment: GroupAssignment) -> bool:
        """Tell whether the sink has stored what was there when the partitions were assigned."""
        if self._goal is None or self._goal[0] != assignment.generation:
            ends = self._stored_alerts.end_offsets()
            if ends is None:
                return False
            before = {
                partition: offset
                for partition, offset in assignment.positions.items()
                if partition.topic == self._flagged
            }
            self._goal = assignment.generation, {**before, **ends}
        sets, alerts = self._stored_sets.committed_offsets(), self._stored_alerts.committed_offsets()
        if sets is None or alerts is None:
            return False
        committed = {**sets, **alerts}
        return all(committed.get(partition, 0) >= offset for partition, offset in self._goal[1].items())

    def _record(self, change: Change, now: int) -> Record:
        message = change.message(now).model_dump_json(exclude_none=True)
        return Record(self._alerts, change.station.code.encode(), message.encode())
