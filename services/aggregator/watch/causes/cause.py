"""The shape that every cause has."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from quantrac.domain.registry.stations import Station
from quantrac.domain.times import from_seconds, to_iso, to_whole_seconds
from schemas.messages.alerts import AlertKind
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import NEVER, CauseState, Database, Facts, WatchedStation

Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause that holds now."""

    opened_at: int
    """When it began to hold, by the data: part of the alert's id. An open alert of another time ends."""
    detail: str
    """One sentence."""
    facts: Facts
    severity: Severity = "warning"
    parameter: str = ""
    limit: tuple[str, ...] = ()
    name: str = ""
    """Put into the id beside kind, station, parameter and time."""


class FindingState(CauseState):
    """The state of a cause, which says what holds by it."""

    __slots__ = ()

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterable[Finding]:
        """Yield what holds now; ``entry`` is what the registry holds of the station.

        Alerts that are open and not found again are closed.
        """
        raise NotImplementedError


StateOf = Callable[[str], Any]
"""Station -> the cause's state of it; ``None`` where another member of the group watches the station."""


def load_nothing(_database: Database, _now: int, _state_of: StateOf) -> None:
    """Leave new states as they are."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing a duty officer should know."""

    kind: AlertKind
    state: Callable[[WatchedStation], FindingState]
    """Makes the cause's state of a station."""
    over: str
    """Sentence of the closed alert; ``{name}`` is one of its facts."""
    absence: bool = False
    """Whether it is something that did not come: not judged before watch itself has caught up."""
    step: Callable[[Facts, WatchRules], object] = field(default=lambda _facts, _rules: None)
    """What an open alert is updated for when it changes."""
    load: Callable[[Database, int, StateOf], None] = load_nothing
    """Fills new states from the database, as at a time; raises ``ClickHouseError``."""
    limit_facts: tuple[str, ...] = ()
    """The facts that are the ``limit`` of a finding."""


def in_maintenance(entry: Station, parameter: str, at: datetime) -> bool:
    """Tell whether a maintenance of the registry covers a parameter, or with "" the whole station."""
    return any(
        span.start <= at < span.end and (not span.parameters or parameter in span.parameters)
        for span in entry.maintenance
    )


def maintenance_end(entry: Station, parameter: str, now: int) -> int:
    """Return when the last maintenance of a parameter, or with "" of the station, was over."""
    ends = (
        to_whole_seconds(span.end)
        for span in entry.maintenance
        if span.end <= from_seconds(now) and (not span.parameters or parameter in span.parameters)
    )
    return max(ends, default=NEVER)


def minutes(seconds: int) -> float:
    """Return seconds as minutes, whole where they are.

    >>> minutes(300), minutes(90)
    (5, 1.5)
    """
    return seconds / 60 if seconds % 60 else seconds // 60


def start_of(valid_from: datetime | None) -> int:
    """Return the start of a validity, where it has one."""
    return NEVER if valid_from is None else to_whole_seconds(valid_from)


def write_time(seconds: int) -> str:
    """Write a time as facts and ids have it.

    >>> write_time(0)
    '1970-01-01T00:00:00Z'
    """
    return to_iso(from_seconds(seconds))


def read_time(text: str | float) -> int:
    """Read what :func:`write_time` writes."""
    return to_whole_seconds(datetime.fromisoformat(str(text)))
