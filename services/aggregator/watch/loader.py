"""Makes the state of watch from the tables, and compares it with them while watch runs.

Alerts follow from what is stored. Messages say what changed, and a message may be lost, or a table be changed
without one: so the tables are read again from time to time, and what differs is told and mended.
"""

import logging
from collections.abc import Collection, Iterable, Iterator
from functools import partial

from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import DAY
from services.aggregator.watch.causes import CAUSES
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import (
    WATCHED,
    CauseKey,
    Context,
    Database,
    LevelsOf,
    OpenAlert,
    WatchedStation,
)
from services.aggregator.watch.subjects import StatesOfCause, Subjects
from services.aggregator.watch.tables import StoredAlert, read_alerts, read_history, read_series

log = logging.getLogger(__name__)


class Loader:
    """Reads what is stored into the states of stations and accounts."""

    def __init__(self, database: Database, registry: Registry, levels: LevelsOf, rules: WatchRules) -> None:
        self._database, self._registry, self._levels, self._rules = database, registry, levels, rules

    def load(self, subjects: Subjects, now: int) -> None:
        """Fill new states; raises ``ClickHouseError``, and then what was filled is worth nothing."""
        self._take(subjects, (), WATCHED, now)

    def compare(self, subjects: Subjects, changed: Collection[tuple[str, CauseKey]], now: int) -> None:
        """Let states say what the tables do; raises ``ClickHouseError``.

        ``changed``: name and cause of the alerts that have changed since the tables were known to hold all.
        """
        for name, key, remembered, stored in self._take(subjects, changed, DAY, now):
            log.warning("%s of %s: open is %s, stored as open is %s", key.kind, name, remembered, stored)

    def _take(
        self, subjects: Subjects, changed: Collection[tuple[str, CauseKey]], seconds: int, now: int
    ) -> "list[_Difference]":
        """Take what is stored, of readings that of the last ``seconds``; returns which alerts differed."""
        self._read(subjects, now - seconds, now)
        by_subject: dict[str, list[StoredAlert]] = {}
        for stored in read_alerts(self._database):
            if subject := _subject(subjects, stored):
                by_subject.setdefault(subject.name, []).append(stored)
        differences: list[_Difference] = []
        for subject in subjects:
            skipped = {key for name, key in changed if name == subject.name}
            alerts = [stored for stored in by_subject.get(subject.name, ()) if stored.key not in skipped]
            differences += _reconcile(subject, alerts, skipped, now)
        return differences

    def _read(self, subjects: Subjects, start: int, now: int) -> None:
        for code, parameter, first_at, last_at, prompt_at in read_series(
            self._database, start, now, self._rules.grace
        ):
            if station := subjects.station(code):
                if last_at > station.last_at:
                    # What waited meanwhile comes first.
                    station.moved_at = station.catching_up_at = now
                station.extend(first_at, last_at)
                station.prompt_at = max(station.prompt_at, prompt_at)
                series = station.series_of(parameter)
                series.last_at = max(series.last_at, last_at)
        for code, imported_at in read_history(self._database):
            if station := subjects.station(code):
                station.imported_at = max(station.imported_at, imported_at)
        context = partial(self.context, now=now)
        for cause in CAUSES:
            cause.load(self._database, StatesOfCause(cause.kind, subjects, self._rules, context), now)

    def context(self, station: str, now: int) -> Context:
        """Return what the readings of a station are taken by."""
        return Context(self._registry.stations.get(station), self._levels, self._rules, now)


def _subject(subjects: Subjects, stored: StoredAlert) -> WatchedStation | None:
    return subjects.account(stored.account) if stored.account else subjects.station(stored.station)


_Difference = tuple[str, CauseKey, str, str]
"""Name of the subject, cause, id of the alert that was open, id of the one stored as open; "" = none."""


def _reconcile(
    subject: WatchedStation, stored: Iterable[StoredAlert], skipped: Collection[CauseKey], now: int
) -> Iterator[_Difference]:
    """Let what is open be what is stored as open; what the causes find otherwise changes when judged."""
    open_now: dict[CauseKey, OpenAlert] = {}
    subject.superseded = []
    for item in stored:
        if not item.is_open:
            subject.closings(item.key).put(item.alert.alert_id, item.alert.version)
            continue
        older, newer = sorted(
            [item.alert, open_now.get(item.key, item.alert)], key=lambda alert: alert.opened_at
        )
        open_now[item.key] = newer
        if older is not newer:
            subject.superseded.append((item.key, older))
    for key in (subject.open.keys() | open_now.keys()) - set(skipped):
        remembered, alert = subject.open.get(key), open_now.get(key)
        ids = remembered.alert_id if remembered else "", alert.alert_id if alert else ""
        if ids[0] != ids[1]:
            yield subject.name, key, *ids
        if alert is None:
            del subject.open[key]
        elif remembered is None:
            subject.restore(key, alert, now)
        elif ids[0] != ids[1] or alert.version > remembered.version:
            subject.open[key] = alert
