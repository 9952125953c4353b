"""Alerts, a target, and the tables of the notifier in memory."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from quantrac.domain.registry.registry import Registry
from quantrac.io.clickhouse import ClickHouseAway
from quantrac.testing.builders import registry
from schemas.messages.alerts import Alert
from services.aggregator.notify.config import SEVERITIES, Target
from services.aggregator.notify.handler import Notifier
from services.aggregator.notify.tables import Entry, Pending
from services.aggregator.notify.target import Notice

EVENING = datetime(2026, 3, 25, 12, 0, tzinfo=UTC)
"""A Wednesday, 19:00 in Vietnam."""

SECRET = "whsec_" + "c3RhdGlvbnMgc2VuZCBldmVyeSA1IG1pbnV0ZXM="  # 29 bytes
WEBHOOK = {"url": "http://127.0.0.1:9/", "secret_env": "HOOK"}
SMTP = {
    "host": "127.0.0.1",
    "port": 9,
    "security": "none",
    "from": "quantrac@example.org",
    "to": ["duty@example.org"],
}


def target(**given: Any) -> Target:
    """Return a webhook target named ``duty``."""
    return Target.model_validate({"name": "duty", "webhook": WEBHOOK} | given)


def alert(number: int = 1, state: str = "opened", version: int = 1, **given: Any) -> Alert:
    """Return an alert of the station of the example files, opened at :data:`EVENING`."""
    found = {
        "alert_id": f"station-silent/HN_BKHN_KHIKXQ/{number}",
        "kind": "station-silent",
        "severity": "warning",
        "state": state,
        "version": version,
        "station": "HN_BKHN_KHIKXQ",
        "opened_at": EVENING,
        "changed_at": EVENING + timedelta(seconds=version),
        "detail": "Nothing received since 2026-03-25T18:40:00+07:00; a file is due every 5 minutes.",
        "facts": {"last_at": "2026-03-25T11:40:00Z", "interval_minutes": 5, "grace_minutes": 15},
    }
    return Alert.model_validate(found | given)


class Tables:
    """Satisfies ``NotifyTables`` with what it is given."""

    def __init__(self, *alerts: Alert) -> None:
        self.alerts: dict[str, Alert] = {}
        self.ledger: list[tuple[str, Entry]] = []
        self.away = False
        """Whether the ledger takes no rows."""
        self.put(*alerts)

    def put(self, *alerts: Alert) -> None:
        for each in alerts:
            known = self.alerts.get(each.alert_id)
            if known is None or known.version <= each.version:
                self.alerts[each.alert_id] = each

    def pending(self, target: Target, stations: Sequence[str] | None, since: datetime) -> list[Pending]:
        found = []
        for each in self.alerts.values():
            rows = self.of(target.name, each.alert_id)
            ranks = [SEVERITIES.index(r.severity) + 1 for r in rows if r.outcome in ("sent", "digest")]
            told = max(ranks, default=0)
            if (
                each.changed_at >= since
                and (not target.kinds or each.kind in target.kinds)
                and (stations is None or each.station in stations)
                and (told or each.severity in target.severities)
                and each.version > max((row.version for row in rows), default=0)
            ):
                sent = [row.version for row in rows if row.outcome == "sent"]
                found.append(Pending(each, told, min(sent, default=0)))
        return found

    def count_sent(self, target: str, after: datetime) -> int:
        rows = self.of(target)
        return len({row.sent_at for row in rows if row.sent_at > after and row.outcome != "skipped"})

    def note(self, target: str, entries: Sequence[Entry]) -> None:
        if self.away:
            raise ClickHouseAway("connection refused")
        self.ledger += [(target, entry) for entry in entries]

    def of(self, target: str, alert_id: str = "") -> list[Entry]:
        return [row for name, row in self.ledger if name == target and alert_id in ("", row.alert_id)]

    def outcomes(self, target: str = "duty") -> dict[str, str]:
        """Return ``number/version`` -> outcome."""
        return {f"{row.alert_id.split('/')[-1]}/{row.version}": row.outcome for row in self.of(target)}


class Inbox:
    """A channel that keeps what it takes, or raises what ``answers`` holds for an id or for all (``""``)."""

    def __init__(self, answers: Mapping[str, Exception] | None = None) -> None:
        self.answers = dict(answers or {})
        self.taken: list[Notice] = []

    def send(self, notice: Notice) -> str:
        for name in ("", notice.id):
            if name in self.answers:
                raise self.answers[name]
        self.taken.append(notice)
        return ""

    def close(self) -> None:
        pass


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime = EVENING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def notifier(
    tables: Any, inbox: Any, clock: Clock, to: Target | None = None, known: Registry | None = None
) -> Notifier:
    """Return a notifier that looks every 5 seconds and back 7 days."""
    return Notifier(
        to or target(), inbox, tables, known or registry(accounts=[]), clock=clock, seconds=5.0, days=7.0
    )
