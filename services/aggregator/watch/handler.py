"""Decides, message by message and at every tick of the clock, which alerts open, change and close."""

import logging
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
from services.aggregator.watch.causes.cause import Rest
from services.aggregator.watch.judge import Change, judge
from services.aggregator.watch.loader import Loader
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import CauseKey, Database, LevelsOf, WatchedStation
from services.aggregator.watch.subjects import Subjects

log = logging.getLogger(__name__)

_RETRY_SECONDS = 2.0
_BACKLOG = CauseKey("backlog-arriving")


class Progress(Protocol):
    """How far the sink has stored a topic: :class:`quantrac.io.kafka.group_progress.GroupProgress`."""

    def end_offsets(self) -> Offsets | None:
        """Return where the topic ends; ``None`` where that is not known now."""

    def committed_offsets(self) -> Offsets | None:
        """Return how far it is stored; ``None`` where that is not known now."""


class Lanes(Protocol):
    """What waits on its way here: :class:`quantrac.io.kafka.waiting_keys.WaitingKeys`."""

    def look(self) -> None:
        """Ask what waits now."""

    def is_waiting(self, key: bytes) -> bool:
        """Tell whether messages with a key waited at the last look, or may have."""


class WatchHandler:
    """Reads qa-flagged and aggregated; writes alert.

    The state is in memory, of the stations whose partitions this member owns. Whenever partitions are
    assigned it is made anew from ClickHouse, as soon as the sink has stored what lies before the first
    message to come and every alert published before: what another process published is then known, and its
    alerts go on under their ids. Every ``compare_seconds`` it is compared with what is stored by then.
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
        present: Lanes,
        past: Lanes,
        clock: Callable[[], datetime],
        rules: WatchRules = WatchRules(),  # noqa: B008  # frozen
        compare_seconds: int = 600,
    ) -> None:
        """``stored_sets`` and ``stored_alerts`` say how far the sink has stored ``flagged`` and ``alerts``.

        ``present`` are the lanes of files of the present, ``past`` those of what is late, judged again or
        averaged.
        """
        self._registry, self._loader = registry, Loader(database, registry, levels, rules)
        self._flagged, self._alerts = flagged, alerts
        self._stored_sets, self._stored_alerts, self._clock = stored_sets, stored_alerts, clock
        self._present, self._past, self._looked_at = present, past, -1
        self._rules, self._compare_seconds = rules, compare_seconds
        self._assignment: GroupAssignment | None = None
        self._loaded_for = -1
        self._goal: tuple[int, Offsets] | None = None
        """What has to be stored before the state is made, of an assignment."""
        self._comparison: tuple[Offsets, set[tuple[str, CauseKey]]] | None = None
        """What has to be stored before the next comparison, and the alerts that have changed since."""
        self._compared_at = 0
        self._caught_up_at: int | None = None
        self._subjects = Subjects(lambda _: False)

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
        self._compare(assignment, now)
        for code in list(self._registry.stations):
            self._subjects.station(code)
        changes = list(self._changes(now, is_caught_up=self._is_caught_up(assignment, now)))
        # Put into the state only when all is decided: a station that raises must not swallow another's alert.
        for change in changes:
            change.apply()
        if self._comparison is not None:
            self._comparison[1].update((change.station.name, change.key) for change in changes)
        return Done([self._record(change, now) for change in changes], dead)

    def _take(self, record: Record, now: int) -> str:
        """Take one message into the state; returns why it cannot be read, else nothing."""
        try:
            if record.topic == self._flagged:
                flagged = decode_flagged_set(record.value or b"")
                subjects = self._subjects
                subject = (
                    subjects.station(flagged.station)
                    if flagged.station
                    else subjects.account(flagged.account)
                )
                if subject:
                    subject.take_set(flagged, self._loader.context(flagged.station, now))
            else:
                message = decode_aggregated(record.value or b"")
                if station := self._subjects.station(message.station):
                    station.take_aggregated(message, now)
        except BadMessage as error:
            return str(error)
        return ""

    def _changes(self, now: int, *, is_caught_up: bool) -> list[Change]:
        changes: list[Change] = []
        for subject in self._subjects:
            entry = self._registry.stations.get(subject.code)
            subject.forget(entry, now)
            rest = partial(self._rest, subject, now, is_caught_up=is_caught_up)
            changes += judge(subject, entry, self._rules, now, rest=rest)
        return changes

    def _is_caught_up(self, assignment: GroupAssignment, now: int) -> bool:
        """Tell whether what was published has long been taken: what did not come is really missing."""
        if not assignment.is_caught_up:
            self._caught_up_at = None
            return False
        if self._caught_up_at is None or self._caught_up_at > now:  # or the clock was set back
            self._caught_up_at = now
        return now - self._caught_up_at >= self._rules.rest

    def _rest(self, station: WatchedStation, now: int, *, is_caught_up: bool) -> Rest:
        """Tell what of a station's data has come to rest."""
        rest, key = self._rules.rest, station.name.encode()
        if 0 <= now - station.catching_up_at < rest:
            return Rest.NONE
        if not is_caught_up:
            return Rest.NEWEST
        if self._looked_at != now:  # each costs requests to the broker: only where something may open
            self._present.look()
            self._past.look()
            self._looked_at = now
        if self._present.is_waiting(key):
            return Rest.NEWEST
        if self._past.is_waiting(key) or _BACKLOG in station.open:
            station.busy_at = now
        return Rest.PRESENT if station.busy_at == now or now - station.busy_at < rest else Rest.ALL

    def _load(self, assignment: GroupAssignment, now: int) -> str:
        """Make the state of the stations that are this member's; returns what that has to wait for."""
        if self._goal is None or self._goal[0] != assignment.generation:
            offsets = self._goal_of(assignment)
            if offsets is None:
                return "the broker does not say what has been published"
            self._goal = assignment.generation, offsets
        if not self._is_stored(self._goal[1]):
            return "the sink has not stored yet what came before"
        self._subjects, self._caught_up_at = Subjects(assignment.is_assigned), None
        self._comparison, self._compared_at = None, now
        self._loader.load(self._subjects, now)
        self._loaded_for = assignment.generation
        return ""

    def _compare(self, assignment: GroupAssignment, now: int) -> None:
        """Compare the state with what is stored, once that holds all that it was made of."""
        if 0 <= now - self._compared_at < self._compare_seconds:
            return
        if self._comparison is None:
            offsets = self._goal_of(assignment)
            if offsets is None:
                return
            self._comparison = offsets, set()
        offsets, changed = self._comparison
        if not self._is_stored(offsets):
            return
        try:
            self._loader.compare(self._subjects, changed, now)
        except ClickHouseError as error:
            log.warning("alerts are not compared with what is stored: ClickHouse: %s", error)
            return
        self._comparison, self._compared_at = None, now

    def _goal_of(self, assignment: GroupAssignment) -> Offsets | None:
        """Return up to where the sink has to have stored what this state is made of, and all alerts."""
        ends = self._stored_alerts.end_offsets()
        if ends is None:
            return None
        positions = assignment.positions.items()
        return {
            **{partition: end for partition, end in positions if partition.topic == self._flagged},
            **ends,
        }

    def _is_stored(self, offsets: Offsets) -> bool:
        """Tell whether the sink has stored what lies before these offsets."""
        sets, alerts = self._stored_sets.committed_offsets(), self._stored_alerts.committed_offsets()
        if sets is None or alerts is None:
            return False
        committed = {**sets, **alerts}
        return all(committed.get(partition, 0) >= offset for partition, offset in offsets.items())

    def _record(self, change: Change, now: int) -> Record:
        message = change.message(now).model_dump_json(exclude_none=True)
        return Record(self._alerts, change.station.name.encode(), message.encode())
