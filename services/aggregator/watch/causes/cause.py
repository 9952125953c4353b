"""The shape that every cause has."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from quantrac.domain.registry.stations import Station
from schemas.messages.alerts import AlertKind
from services.aggregator.watch.state import NEVER, Watched, WatchRules, instant, moment

Severity = Literal["info", "warning", "critical"]
Facts = Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause that holds now."""

    opened_at: int
    """When it began to hold, by the data: part of the alert's id."""
    detail: str
    """One sentence."""
    facts: Facts
    severity: Severity = "warning"
    parameter: str = ""
    limit: tuple[str, ...] = ()
    name: str = ""
    """Put into the id beside kind, station, parameter and time."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing a duty officer should know."""

    kind: AlertKind
    found: Callable[[Watched, Station, WatchRules, int], Iterable[Finding]]
    """Finds what holds of a station now; alerts that are open and no longer found are closed."""
    over: str
    """Sentence of the closed alert; ``{name}`` is one of its facts."""
    absence: bool = False
    """Whether it is something that did not come: not judged before watch itself has caught up."""
    step: Callable[[Facts, WatchRules], object] = field(default=lambda _facts, _rules: None)
    """What an open alert is told again for when it changes."""


def in_maintenance(entry: Station, parameter: str, at: datetime) -> bool:
    """Tell whether a maintenance of the registry covers a parameter, or with "" the whole station."""
    return any(
        span.start <= at < span.end and (not span.parameters or parameter in span.parameters)
        for span in entry.maintenance
    )


def resumed_at(entry: Station, parameter: str, now: int) -> int:
    """Return when the last maintenance of a parameter, or with "" of the station, was over."""
    ends = (
        instant(span.end)
        for span in entry.maintenance
        if span.end <= moment(now) and (not span.parameters or parameter in span.parameters)
    )
    return max(ends, default=NEVER)


def minutes(seconds: int) -> float:
    """Return seconds as minutes, whole where they are.

    >>> minutes(300), minutes(90)
    (5, 1.5)
    """
    return seconds / 60 if seconds % 60 else seconds // 60


def begun_at(valid_from: datetime | None) -> int:
    """Return the start of a validity, where it has one."""
    return NEVER if valid_from is None else instant(valid_from)
