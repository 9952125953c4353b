"""Decides what a target is sent now, and sends it: the role ``notify``.

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
    """Sent in a message each."""
    digest: Sequence[Pending] = ()
    """Sent in one message together."""
    skipped: Sequence[Pending] = ()
    """Never sent in this version."""


def decide(pending: Sequence[Pending], sent: int, now: datetime, target: Target) -> Decision:
    """Sort what is pending; ``sent`` counts the messages within the limit's time before ``now`` (UTC).

    The most severe go first, then in the order they changed. What is more than the limit leaves free goes
    into the last free message.
    """
    due: list[Pending] = []
    skipped: list[Pending] = []
    for item in pending:
        if not is_news(item, target):
            skipped.append(item)
        elif not target.is_quiet(now, item.alert.severity):
            due.append(item)
    due.sort(key=lambda p: (-SEVERITIES.index(p.alert.severity), p.alert.changed_at, p.alert.alert_id))
    free = target.limit[0] - sent
    if len(due) <= free:
        return Decision(due, (), skipped)
    if free <= 0:
        return Decision((), (), skipped)
    return Decision(due[: free - 1], due[free - 1 :][:DIGEST_MOST], skipped)


def is_news(pending: Pending, target: Target) -> bool:
    """Tell whether a target wants the current version.

    A closing is news where the opening was sent; so is one of a critical alert of which nothing was sent.
    Where openings are sent, so is what was not sent yet, whatever has been updated since, and what has become
    more severe than what was sent.
    """
    alert = pending.alert
    if alert.state == "closed":
        if pending.severity_rank or "opened" not in target.states:
            return "closed" in target.states
        return alert.severity == "critical"
    risen = SEVERITIES.index(alert.severity) + 1 > pending.severity_rank
    return alert.state in target.states or (risen and "opened" in target.states)


class Notifier:
    """Sends to one target; each target has its own, so that one that is away holds up no other."""

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
        """Look every ``seconds``; alerts that changed more than ``days`` ago are not sent."""
        self._target, self._channel, self._tables, self._registry = target, channel, tables, registry
        self.progress = progress or Progress(name=target.name)
        self._clock, self._seconds, self._max_age = clock, seconds, timedelta(days=days)
        self._unrecorded: list[Entry] = []  # rows that the ledger does not hold yet
        self._failed_id = ""  # of the notice at which the target was away
        self._failures = 0
        self._last_time = datetime.min.replace(tzinfo=UTC)

    def run(self, stop: threading.Event) -> None:
        """Send what is due, again and again until ``stop`` is set."""
        while not stop.is_set():
            stop.wait(self.try_once(stop))

    def try_once(self, stop: threading.Event) -> float:
        """Send what is due; returns the seconds to wait before the next time."""
        self.progress.begin(len(self._unrecorded))
        try:
            self.send_due(stop)
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

    def send_due(self, stop: threading.Event) -> None:
        """Send what is due; raises ``TargetAway`` or ``ClickHouseError``, what was sent before is noted."""
        self._note()  # first: what the ledger does not hold would be sent again
        now = self._clock()
        pending = self._tables.pending(self._target, self._stations(), now - self._max_age)
        if not pending:
            return
        sent = self._tables.count_sent(self._target.name, now - self._target.limit[1])
        decision = decide(pending, sent, now, self._target)
        if decision.skipped:
            self._note(decision.skipped, "skipped")
        stations, language = self._registry.stations, self._target.language
        notices = [(single(item, stations, language, now), [item]) for item in decision.singles]
        if decision.digest:
            notices.append((digest(decision.digest, stations, language, now), list(decision.digest)))
        # A notice at which the target was away goes last: that may be its fault, and it holds up no other.
        notices.sort(key=lambda item: item[0].id == self._failed_id)
        for notice, items in notices:
            if stop.is_set():
                return
            self.progress.begin(len(items))
            self._send(notice, items)
            self.progress.end()

    def _send(self, notice: Notice, items: Sequence[Pending]) -> None:
        try:
            objection = self._channel.send(notice)
        except TargetAway:
            self._failed_id = notice.id
            raise
        except TargetRefused as refused:
            log.error("%s refused %s: %s", self._target.name, notice.id, refused)
            self._note(items, "refused", str(refused))
        else:
            if objection:
                log.error("%s took %s, but: %s", self._target.name, notice.id, objection)
            self._note(items, "sent" if len(items) == 1 else "digest", objection)
        self._failures = 0

    def _note(self, pending: Sequence[Pending] = (), outcome: Outcome = "sent", detail: str = "") -> None:
        if pending:
            now = self._clock()
            # To the ms, as the ledger has it, and one time a message: they are counted by it.
            now -= timedelta(microseconds=now.microsecond % 1000)
            self._last_time = max(now, self._last_time + timedelta(milliseconds=1))
        self._unrecorded += [
            Entry(alert.alert_id, alert.version, alert.severity, outcome, detail, self._last_time)
            for alert in (item.alert for item in pending)
        ]
        if self._unrecorded:
            self._tables.note(self._target.name, self._unrecorded)
            self._unrecorded = []

    def _stations(self) -> list[str] | None:
        """Return the codes of the stations that the target is for; ``None`` = all."""
        if not self._target.provinces:
            return list(self._target.stations) or None
        return [
            station.code
            for station in list(self._registry.stations.values())  # a copy: another thread adds to it
            if station.province in self._target.provinces
            and (not self._target.stations or station.code in self._target.stations)
        ]
