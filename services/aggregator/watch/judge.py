"""Which alerts of a station open, change and close: what the causes find now against what is open. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from quantrac.domain.registry.stations import Station
from schemas.messages.alerts import Alert
from services.aggregator.watch.causes import CAUSES
from services.aggregator.watch.causes.cause import Cause, Finding, in_maintenance
from services.aggregator.watch.state import CauseKey, OpenAlert, Watched, WatchRules, iso, moment

_KINDS: dict[str, Cause] = {cause.kind: cause for cause in CAUSES}


@dataclass(frozen=True, slots=True)
class Change:
    """One new state of one alert."""

    watched: Watched
    key: CauseKey
    state: str
    """``opened``, ``updated`` or ``closed``."""
    alert: OpenAlert

    def apply(self) -> None:
        """Put it into the station's state."""
        if self.state == "closed":
            self.watched.open.pop(self.key, None)
            self.watched.closed[self.key] = self.alert.alert_id, self.alert.version
        else:
            self.watched.open[self.key] = self.alert

    def message(self, now: int) -> Alert:
        """Return it as ``alert`` has it."""
        return Alert.model_validate(
            {
                "alert_id": self.alert.alert_id,
                "kind": self.key.kind,
                "severity": self.alert.severity,
                "state": self.state,
                "version": self.alert.version,
                "station": self.watched.code,
                "parameter": self.key.parameter or None,
                "opened_at": moment(self.alert.opened_at),
                "changed_at": moment(now),
                "detail": self.alert.detail,
                "facts": dict(self.alert.facts),
            }
        )


def judge(
    watched: Watched, entry: Station | None, rules: WatchRules, now: int, *, absences: bool
) -> Iterator[Change]:
    """Yield what changes of a station's alerts; nothing is put into its state yet.

    ``entry`` is what the registry holds of it; ``absences`` tells whether something that did not come may
    open an alert. What no cause finds any longer is closed; a cause that holds since another time than its
    open alert closes that one and opens the next. Maintenance closes what it covers and opens nothing.
    """
    present = moment(now)
    if entry is not None and not entry.valid_at(present):
        entry = None
    quiet = entry is not None and in_maintenance(entry, "", present)
    found: dict[CauseKey, Finding] = {}
    if entry is not None and not quiet:
        for cause in CAUSES:
            for finding in cause.found(watched, entry, rules, now):
                if not (finding.parameter and in_maintenance(entry, finding.parameter, present)):
                    found[CauseKey(cause.kind, finding.parameter, finding.limit)] = finding
    for key, alert in watched.open.items():
        cause, still = _KINDS[key.kind], found.get(key)
        if still is None or still.opened_at != alert.opened_at:
            yield _closed(watched, key, alert, _why(cause, alert, entry, key.parameter, present))
        elif cause.step(still.facts, rules) != cause.step(alert.facts, rules):
            yield Change(watched, key, "updated", _alert(watched, key, still, alert.version + 1))
    for key, finding in found.items():
        known = watched.open.get(key)
        if known is not None and known.opened_at == finding.opened_at:
            continue
        if absences or not _KINDS[key.kind].absence:
            yield Change(watched, key, "opened", _alert(watched, key, finding, 1))


def _alert(watched: Watched, key: CauseKey, finding: Finding, version: int) -> OpenAlert:
    parts = (key.kind, watched.code, key.parameter, finding.name or iso(finding.opened_at))
    alert_id = "/".join(filter(None, parts))
    last_id, last = watched.closed.get(key, ("", 0))
    if alert_id == last_id:  # the same cause again, after a change of the registry or a correction
        version = max(version, last + 1)
    return OpenAlert(alert_id, version, finding.opened_at, finding.severity, finding.detail, finding.facts)


def _closed(watched: Watched, key: CauseKey, alert: OpenAlert, why: str) -> Change:
    last = OpenAlert(alert.alert_id, alert.version + 1, alert.opened_at, alert.severity, why, alert.facts)
    return Change(watched, key, "closed", last)


def _why(cause: Cause, alert: OpenAlert, entry: Station | None, parameter: str, present: datetime) -> str:
    if entry is None:
        return "The registry holds no such station now."
    if in_maintenance(entry, parameter, present):
        return "Maintenance has begun."
    return cause.over.format(**alert.facts)
