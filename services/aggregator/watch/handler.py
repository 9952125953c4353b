"""Decides, message by message and at every tick of the clock, which alerts open, change and close."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouseError
from quantrac.io.partitions import GroupAssignment, Offsets
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codec import BadMessage, decode_aggregated, decode_flagged_set
from services.aggregator.watch.judge import Change, judge
from services.aggregator.watch.state import LevelsOf, Watched, WatchRules, instant
from services.aggregator.watch.tables import WatchTables

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
    message to come and every alert told before: what another process told is then known, and its alerts go on
    under their ids.
    """

    def __init__(
        self,
        tables: WatchTables,
        registry: Registry,
        levels: LevelsOf,
        *,
        flagged: str,
        alerts: str,
        stored: Progress,
        told: Progress,
        clock: Callable[[], datetime],
        rules: WatchRules = WatchRules(),  # noqa: B008  # frozen
        grace: int = 60,
    ) -> None:
        """``stored`` and ``told`` say how far the sink has stored ``flagged`` and ``alerts``.

        ``grace``: seconds that everything has to be caught up before what did not come opens an alert: after
        a start of the whole system, what waits at the doors comes through first.
        """
        self._tables, self._registry, self._levels = tables, registry, levels
        self._flagged, self._alerts = flagged, alerts
        self._stored, self._told, self._clock = stored, told, clock
        self._rules, self._grace = rules, grace
        self._assignment: GroupAssignment | None = None
        self._made_for = -1
        self._goal: tuple[int, Offsets] | None = None
        self._caught_up_at: int | None = None
        self._watched: dict[str, Watched | None] = {}
        """By station; ``None`` = another member's."""

    def set_assignment(self, assignment: GroupAssignment) -> None:
        """Take note of what the group has assigned to this member; called before every batch."""
        self._assignment = assignment

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Take a batch, which may be empty, then judge every station."""
        assignment, now = self._assignment, instant(self._clock())
        if assignment is None:
            return NotNow("no partition is assigned yet", _RETRY_SECONDS)
        if self._made_for != assignment.generation:
            try:
                waiting = self._make(assignment, now)
            except ClickHouseError as error:
                waiting = f"ClickHouse: {error}"
            if waiting:
                return NotNow(waiting, _RETRY_SECONDS)
        dead = [DeadLetter(record, why) for record in batch if (why := self._take(record, now))]
        for code in list(self._registry.stations):
            self._of(code)
        changes = list(self._changes(now, absences=self._is_caught_up(assignment, now)))
        # Put into the state only when all is decided: a station that raises must not swallow another's alert.
        for change in changes:
            change.apply()
        return Done([self._record(change, now) for change in changes], dead)

    def _take(self, record: Record, now: int) -> str:
        """Take one message into the state; returns why it cannot be read, else nothing."""
        try:
            if record.topic == self._flagged:
                heard = decode_flagged_set(record.value or b"")
                if heard.station and (watched := self._of(heard.station)):
                    entry = self._registry.stations.get(heard.station)
                    watched.hear(heard, entry, self._levels, self._rules, now)
            else:
                told = decode_aggregated(record.value or b"")
                if watched := self._of(told.station):
                    watched.count(told.averages)
                    watched.exceed(told.exceedances, told.computed_at, now)
        except BadMessage as error:
            return str(error)
        return ""

    def _changes(self, now: int, *, absences: bool) -> "list[Change]":
        changes: list[Change] = []
        for code, watched in self._watched.items():
            if watched is not None:
                entry = self._registry.stations.get(code)
                watched.forget(entry, now)
                changes += judge(watched, entry, self._rules, now, absences=absences)
        return changes

    def _is_caught_up(self, assignment: GroupAssignment, now: int) -> bool:
        """Tell whether what did not come is really missing."""
        if not assignment.is_caught_up:
            self._caught_up_at = None
            return False
        if self._caught_up_at is None or self._caught_up_at > now:  # or the clock was set back
            self._caught_up_at = now
        return now - self._caught_up_at >= self._grace

    def _of(self, code: str) -> Watched | None:
        if code not in self._watched:
            mine = self._assignment is not None and self._assignment.is_assigned(code.encode())
            self._watched[code] = Watched(code) if mine else None
        return self._watched[code]

    def _make(self, assignment: GroupAssignment, now: int) -> str:
        """Make the state of the stations that are this member's; returns what that has to wait for."""
        if not self._is_stored(assignment):
            return "the sink has not stored yet what came before"
        self._watched, self._caught_up_at = {}, None
        for code, parameter, first, last in self._tables.heard(now):
            if watched := self._of(code):
                watched.known(first, last)
                watched.hear_of(parameter, last)
        for code, parameter, hours in self._tables.hours(now):
            if watched := self._of(code):
                watched.count_hours(parameter, hours)
        for code, episode in self._tables.episodes(now):
            if watched := self._of(code):
                watched.keep(episode)
        for code, key, alert, is_open in self._tables.alerts(now):
            if watched := self._of(code):
                if is_open:
                    watched.restore(key, alert, now)
                else:
                    watched.closed[key] = alert.alert_id, alert.version
        self._made_for = assignment.generation
        return ""

    def _is_stored(self, assignment: GroupAssignment) -> bool:
        if self._goal is None or self._goal[0] != assignment.generation:
            ends = self._told.end_offsets()
            if ends is None:
                return False
            before = {place: at for place, at in assignment.positions.items() if place[0] == self._flagged}
            self._goal = assignment.generation, {**before, **ends}
        stored, told = self._stored.committed_offsets(), self._told.committed_offsets()
        if stored is None or told is None:
            return False
        committed = {**stored, **told}
        return all(committed.get(place, 0) >= at for place, at in self._goal[1].items())

    def _record(self, change: Change, now: int) -> Record:
        message = change.message(now).model_dump_json(exclude_none=True)
        return Record(self._alerts, change.watched.code.encode(), message.encode())
