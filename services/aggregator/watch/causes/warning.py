"""A value has reached a warning level: tendency, preparing, exceeded.

Single good readings are compared, long before any average is judged. The level rises at once and falls only
after ``calm`` seconds, by the times of measurement, without a value that reaches it: a value that moves about
a level is one alert. What came late warns nobody.
"""

from collections.abc import Iterator

from quantrac.domain.registry.stations import Station
from services.aggregator.watch.causes.cause import Cause, Facts, Finding, Severity, minutes
from services.aggregator.watch.state import LEVELS, Watched, WatchRules, iso

_SEVERITIES: tuple[Severity, ...] = ("info", "info", "warning", "critical")


def _found(watched: Watched, _entry: Station, rules: WatchRules, _now: int) -> Iterator[Finding]:
    for code, series in watched.series.items():
        if series.level:
            level = LEVELS[series.level]
            facts: dict[str, str | float] = {
                "level": level,
                "value": series.level_value,
                "unit": series.unit,
                "at": iso(series.held_at),
                "calm_minutes": minutes(rules.calm),
            }
            value = f"{series.level_value:g} {series.unit}".rstrip()
            detail = f'{code} is at the level "{level}": {value} at {iso(series.held_at)}.'
            yield Finding(series.level_at, detail, facts, _SEVERITIES[series.level], code)


def _step(facts: Facts, _rules: WatchRules) -> object:
    return facts["level"]


CAUSE = Cause(
    "warning-level", _found, "No value has reached a warning level for {calm_minutes} minutes.", step=_step
)
