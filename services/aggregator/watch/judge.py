"""Which alerts of a station open, change and close: what the causes find now against what is open. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from quantrac.domain.registry.stations import Station
from quantrac.domain.times import from_seconds
from schemas.messages.alerts import Alert
from services.aggregator.watch.causes import BY_KIND, CAUSES
from services.aggregator.watch.causes.cause import (
    Cause,
    Finding,
    FindingState,
    in_maintenance,
    write_time,
)
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import CauseKey, OpenAlert, WatchedStation


@dataclass(frozen=True, slots=True)
class Change:
    """One new state of one alert."""

    station: WatchedStation
    key: CauseKey
    state: str
    """``opened``, ``updated`` or ``closed``."""
    alert: OpenAlert

    def apply(self) -> None:
        """Put it into the station's state."""
        if self.state == "closed":
            self.station.open.pop(self.key, None)
            self.station.closed[self.key] = self.alert.alert_id, self.alert.version
        else:
            self.station.open[self.key] = self.alert

    def message(self, now: int) -> Alert:
        """Return it as ``alert`` has it."""
        return Alert.model_validate(
            {
                "alert_id": self.alert.alert_id,
                "kind": self.key.kind,
                "severity": self.alert.severity,
                "state": self.state,
                "version": self.alert.version,
                "station": self.station.code,
                "parameter": self.key.parameter or None,
                "opened_at": from_seconds(self.alert.opened_at),
                "changed_at": from_seconds(now),
                "detail": self.alert.detail,
                "facts": dict(self.alert.facts),
            }
        )


def judge(
    station: WatchedStation, entry: Station | None, rules: WatchRules, now: int, *, absences: bool
) -> Iterator[Change]:
    """Yield what changes of a station's alerts; nothing is put into its state yet.

    ``entry`` is what the registry holds of it; ``absences`` tells whether something that did not come may
    open an alert. What no cause finds any longer is closed; a cause that holds since another time than its
    open alert closes that one and opens the next. Maintenance closes what it covers and opens nothing.
    """
    present = from_seconds(now)
    if entry is not None and not entry.valid_at(present):
        entry = None
    findings = _findings(station, entry, rules, now) if entry is not None else {}
    for key, alert in station.open.items():
        cause, finding = BY_KIND[key.kind], findings.get(key)
        if finding is None or finding.opened_at != alert.opened_at:
            yield _close(station, key, alert, _reason(cause, alert, entry, key.parameter, present))
        elif cause.step(finding.facts, rules) != cause.step(alert.facts, rules):
            yield Change(station, key, "updated", _update(alert, finding))
    for key, finding in findings.items():
        current = station.open.get(key)
        if current is not None and current.opened_at == finding.opened_at:
            continue
        if absences or not BY_KIND[key.kind].absence:
            yield Change(station, key, "opened", _open(station, key, finding))


def _findings(
    station: WatchedStation, entry: Station, rules: WatchRules, now: int
) -> dict[CauseKey, Finding]:
    """Return what holds now, but for what a maintenance covers."""
    present = from_seconds(now)
    findings: dict[CauseKey, Finding] = {}
    if in_maintenance(entry, "", present):
        return findings
    for cause in CAUSES:
        state = cast("FindingState", station.states[cause.kind])
        for finding in state.find(entry, rules, now):
            if not (finding.parameter and in_maintenance(entry, finding.parameter, present)):
                findings[CauseKey(cause.kind, finding.parameter, finding.limit)] = finding
    return findings


def _open(station: WatchedStation, key: CauseKey, finding: Finding) -> OpenAlert:
    parts = (key.kind, station.code, key.parameter, finding.name or write_time(finding.opened_at))
    alert_id = "/".join(filter(None, parts))
    last_id, last_version = station.closed.get(key, ("", 0))
    # The same cause again, after a change of the registry or a correction, counts on.
    version = last_version + 1 if alert_id == last_id else 1
    return OpenAlert(alert_id, version, finding.opened_at, finding.severity, finding.detail, finding.facts)


def _update(alert: OpenAlert, finding: Finding) -> OpenAlert:
    version, severity = alert.version + 1, finding.severity
    return replace(alert, version=version, severity=severity, detail=finding.detail, facts=finding.facts)


def _close(station: WatchedStation, key: CauseKey, alert: OpenAlert, reason: str) -> Change:
    return Change(station, key, "closed", replace(alert, version=alert.version + 1, detail=reason))


def _reason(cause: Cause, alert: OpenAlert, entry: Station | None, parameter: str, present: datetime) -> str:
    if entry is None:
        return "The registry holds no such station now."
    if in_maintenance(entry, parameter, present):
        return "Maintenance has begun."
    return cause.over.format(**alert.facts)
