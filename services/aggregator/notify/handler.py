"""Decides what a target is told now, and tells it: the role ``notify``.

Nothing is remembered but in ClickHouse: what stands in ``alerts`` is compared with the ledger of the target.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouseError
from quantrac.io.progress import Progress
from services.aggregator.notify.config import SEVERITIES, Target
from services.aggregator.notify.messages import digest, single
from services.aggregator.notify.tables import Entry, NotifyTables, Outcome, Pending
from services.aggregator.notify.target import Channel, Notice, TargetAway, TargetRefused

log = logging.getLogger(__name__)

DIGEST_MOST = 1_000
"""Alerts in one digest: some 700 kB of JSON, where servers often take 1 MB."""

LONGEST_PAUSE = 300.0
"""Seconds between two attempts at a target that is away: 2, doubling to this."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now about what is pending; what is in none of the three waits."""

    singles: Sequence[Pending] = ()
    """Told in a message each."""
    digest: Sequence[Pending] = ()
    """Told in one message together."""
    skipped: Sequence[Pending] = ()
    """Never told in this version."""


def decide(pending: Sequence[Pending], sent: int, now: datetime, target: Target) -> Decision:
    """Sort what is pending; ``sent`` counts the messages within the limit's time before ``now`` (UTC).

    The most severe go first, then in the order they changed. What is more than the limit leaves free goes
    into the last free message.
    """
    due: list[Pending] = []
    skipped: list[Pending] = []
    for each in pending:
        if not is_news(each, target):
            skipped.append(each)
        elif not target.is_quiet(now, each.alert.severity):
            due.append(each)
    due.sort(key=lambda p: (-SEVERITIES.index(p.alert.severity), p.alert.changed_at, p.alert.alert_id))
    free = target.limit[0] - sent
    if len(due) <= free:
        return Decision(due, (), skipped)
    if free <= 0:
        return Decision((), (), skipped)
    return Decision(due[: free - 1], due[free - 1 :][:DIGEST_MOST], skipped)


def is_news(pending: Pending, target: Target) -> bool:
    """Tell whether the present version has anything to say to a target.

    A closing is news to whom the opening was told; a critical alert that has come and gone untold is one too.
    Where openings are told, so is what was not told yet, whatever has been updated since, and what has become
    more severe than it was told.
    """
    alert = pending.alert
    if alert.state == "closed":
        if pending.told or "opened" not in target.states:
            return "closed" in target.states
        return alert.severity == "critical"
    risen = SEVERITIES.index(alert.severity) + 1 > pending.told
    return alert.state in target.states or (risen and "opened" in target.states)


class Notifier:
    """Tells one target; a target of its own each, so that one that is away holds nobody up."""

    def __init__(
        self,
        target: Target,
        channel: Channel,
        tables: NotifyTables,
        registry: Registry,
        *,
        clock: Callable[[], datetime],
        seconds: float,
        days: float,
        progress: Progress | None = None,
    ) -> None:
        """Look every ``seconds``; alerts that changed more than ``days`` ago are let be."""
        self._target, self._channel, self._tables, self._registry = target, channel, tables, registry
        self.progress = progress or Progress(name=target.name)
        self._clock, self._seconds, self._bound = clock, seconds, timedelta(days=days)
        self._owed: list[Entry] = []  # rows that the ledger did not take yet
        self._failed = ""
        self._failures = 0
        self._last = datetime.min.replace(tzinfo=UTC)

    def run(self, stop: threading.Event) -> None:
        """Look again and again until ``stop`` is set."""
        while not stop.is_set():
            stop.wait(self.turn(stop))

    def turn(self, stop: threading.Event) -> float:
        """Look once; returns the seconds until the next look."""
        self.progress.begin(len(self._owed))
        try:
            self.look(stop)
        except TargetAway as away:
            self._failures += 1
            pause = min(LONGEST_PAUSE, max(away.retry_after, 2.0 ** min(self._failures, 9)))
            log.warning("%s: %s; again in %.0f s", self._target.name, away, pause)
            self.progress.postpone(str(away))
            return pause
        except ClickHouseError as error:
            log.warning("%s: %s; again in %.0f s", self._target.name, error, self._seconds)
            self.progress.postpone(str(error))
            return self._seconds
        self._failures = 0
        self.progress.end()
        return self._seconds

    def look(self, stop: threading.Event) -> None:
        """Tell what is due; raises ``TargetAway`` or ``ClickHouseError``, what was told before is noted."""
        self._note()  # first: what the ledger does not know would be told again
        now = self._clock()
        pending = self._tables.pending(self._target, self._stations(), now - self._bound)
        if not pending:
            return
        sent = self._tables.sent(self._target.name, now - self._target.limit[1])
        decision = decide(pending, sent, now, self._target)
        if decision.skipped:
            self._note(decision.skipped, "skipped")
        stations, language = self._registry.stations, self._target.language
        notices = [(single(each, stations, language, now), [each]) for each in decision.singles]
        if decision.digest:
            notices.append((digest(decision.digest, stations, language, now), list(decision.digest)))
        # One at which the target stumbles each time holds up no other.
        notices.sort(key=lambda item: item[0].id == self._failed)
        for notice, told in notices:
            if stop.is_set():
                return
            self.progress.begin(len(told))
            self._tell(notice, told)
            self.progress.end()

    def _tell(self, notice: Notice, told: Sequence[Pending]) -> None:
        try:
            objection = self._channel.tell(notice)
        except TargetAway:
            self._failed = notice.id
            raise
        except TargetRefused as refused:
            log.error("%s refused %s: %s", self._target.name, notice.id, refused)
            self._note(told, "refused", str(refused))
        else:
            if objection:
                log.error("%s took %s, but: %s", self._target.name, notice.id, objection)
            self._note(told, "sent" if len(told) == 1 else "digest", objection)
        self._failures = 0

    def _note(self, pending: Sequence[Pending] = (), outcome: Outcome = "sent", detail: str = "") -> None:
        if pending:
            now = self._clock()
            # To the ms, as the ledger has it, and one time a message: they are counted by it.
            now -= timedelta(microseconds=now.microsecond % 1000)
            self._last = max(now, self._last + timedelta(milliseconds=1))
        self._owed += [
            Entry(each.alert.alert_id, each.alert.version, each.alert.severity, outcome, detail, self._last)
            for each in pending
        ]
        if self._owed:
            self._tables.note(self._target.name, self._owed)
            self._owed = []

    def _stations(self) -> list[str] | None:
        """Return the codes of the stations that the target wants to hear of; ``None`` = all."""
        if not self._target.provinces:
            return list(self._target.stations) or None
        return [
            station.code
            for station in list(self._registry.stations.values())  # at once: the table grows beside us
            if station.province in self._target.provinces
            and (not self._target.stations or station.code in self._target.stations)
        ]
