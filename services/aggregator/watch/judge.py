"""Which alerts of a station open, change and close: what the causes find now against what is open. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from quantrac.domain.registry.stations import Station
from quantrac.domain.times import from_seconds
from schemas.messages.alerts import Alert
from services.aggregator.watch.causes import BY_KIND
from services.aggregator.watch.causes.cause import (
    Finding,
    FindingState,
    Rest,
    in_maintenance,
    is_withdrawn,
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
            self.station.note_closed(self.key, self.alert)
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
                "station": self.station.code or None,
                "parameter": self.key.parameter or None,
                "opened_at": from_seconds(self.alert.opened_at),
                "changed_at": from_seconds(now),
                "detail": self.alert.detail,
                "facts": dict(self.alert.facts),
            }
        )


def judge(
    station: WatchedStation, entry: Station | None, rules: WatchRules, now: int, *, rest: Callable[[], Rest]
) -> Iterator[Change]:
    """Yield what changes of a station's alerts; of those nothing is put into its state yet.

    ``entry`` is what the registry holds of it; ``rest`` tells what of its data has come to rest, and is asked
    only where something may open. What no cause finds any longer is closed; a cause that holds since another
    time than its open alert closes that one and opens the next. Maintenance closes what it covers and opens
    nothing.
    """
    present = from_seconds(now)
    if entry is not None and not entry.valid_at(present):
        entry = None
    findings = _findings(station, entry, rules, now)
    for key, alert in station.open.items():
        cause, finding = BY_KIND[key.kind], findings.get(key)
        if finding is None or finding.opened_at != alert.opened_at:
            reason = _reason(station, entry, key, alert, present)
            yield Change(station, key, "closed", replace(alert, version=alert.version + 1, detail=reason))
        elif cause.step(finding.facts, rules) != cause.step(alert.facts, rules):
            yield Change(station, key, "updated", _update(alert, finding))
    for key, alert in station.superseded:
        detail = BY_KIND[key.kind].over.format(**alert.facts)
        yield Change(station, key, "closed", replace(alert, version=alert.version + 1, detail=detail))
    new = {key: finding for key, finding in findings.items() if _is_new(station, key, finding)}
    station.first_found = {key: station.first_found.get(key, now) for key in new}
    for key, finding in new.items():
        required = Rest.ALL if finding.lies_back else BY_KIND[key.kind].rest
        if required is Rest.NONE or (
            rest() >= required and (required < Rest.ALL or now - station.first_found[key] >= rules.rest)
        ):
            yield Change(station, key, "opened", _open(station, key, finding))


def _is_new(station: WatchedStation, key: CauseKey, finding: Finding) -> bool:
    alert = station.open.get(key)
    return alert is None or alert.opened_at != finding.opened_at


def _findings(
    station: WatchedStation, entry: Station | None, rules: WatchRules, now: int
) -> dict[CauseKey, Finding]:
    """Return what holds now, but for what a maintenance covers and for withdrawn parameters; nothing of a
    station without an entry.
    """
    present = from_seconds(now)
    findings: dict[CauseKey, Finding] = {}
    if station.code and (entry is None or in_maintenance(entry, "", present)):
        return findings
    for kind, state in station.states.items():
        # An account has no entry, and its causes ask for none.
        for finding in cast("FindingState", state).find(cast("Station", entry), rules, now):
            code = finding.parameter
            if not (entry and code and _is_left_out(entry, code, present)):
                findings[CauseKey(kind, finding.parameter, finding.limit)] = finding
    return findings


def _is_left_out(entry: Station, parameter: str, at: datetime) -> bool:
    return in_maintenance(entry, parameter, at) or is_withdrawn(entry, parameter, at)


def _open(station: WatchedStation, key: CauseKey, finding: Finding) -> OpenAlert:
    parts = (key.kind, station.name, key.parameter, finding.name or write_time(finding.opened_at))
    alert_id = "/".join(filter(None, parts))
    # The same cause again, after a change of the registry or a correction, counts on.
    version = station.last_version(key, alert_id) + 1
    return OpenAlert(alert_id, version, finding.opened_at, finding.severity, finding.detail, finding.facts)


def _update(alert: OpenAlert, finding: Finding) -> OpenAlert:
    version, severity = alert.version + 1, finding.severity
    return replace(alert, version=version, severity=severity, detail=finding.detail, facts=finding.facts)


def _reason(
    station: WatchedStation, entry: Station | None, key: CauseKey, alert: OpenAlert, present: datetime
) -> str:
    if station.code and entry is None:
        return "The registry holds no such station now."
    if entry is not None and in_maintenance(entry, key.parameter, present):
        return "Maintenance has begun."
    if entry is not None and is_withdrawn(entry, key.parameter, present):
        return "The parameter is withdrawn: the station never measured it."
    return BY_KIND[key.kind].over.format(**alert.facts)
