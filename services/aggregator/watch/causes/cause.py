"""The shape that every cause has."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any, Literal, Protocol

from quantrac.domain.registry.stations import Station
from quantrac.domain.times import from_seconds, to_iso, to_local_iso, to_whole_seconds
from schemas.messages.alerts import AlertKind
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import (
    NEVER,
    CauseState,
    Context,
    Database,
    Facts,
    WatchedStation,
)

Severity = Literal["info", "warning", "critical"]


class Rest(IntEnum):
    """What of a station's data has come to rest, each value with all before it.

    While data pour in, what is found of them holds for moments only. So a cause names what has to be at rest
    before it opens an alert; what closes one counts at once.
    """

    NONE = 0
    NEWEST = 1
    """Its newest readings do not come faster than they are made: it is not catching up."""
    PRESENT = 2
    """And no file of the present waits on its way here."""
    ALL = 3
    """And nothing older does: no backlog, nothing that is judged or averaged again."""


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
    """Put into the id beside kind, station and parameter, in the place of the time."""
    lies_back: bool = False
    """Whether it is about a past that may still be on its way here, whatever the cause asks for."""


class FindingState(CauseState):
    """The state of a cause, which says what holds by it."""

    __slots__ = ()

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterable[Finding]:
        """Yield what holds now; ``entry`` is what the registry holds of the station.

        Alerts that are open and not found again are closed.
        """
        raise NotImplementedError


class States(Protocol):
    """The states of one cause."""

    @property
    def rules(self) -> WatchRules:
        """What causes compare with."""
        ...

    def of(self, station: str) -> Any:
        """Return the state of a station, or ``None`` where another member of the group watches it."""
        ...

    def of_account(self, account: str) -> Any:
        """Return the state of an account whose files belong to no station, or ``None`` as :meth:`of`."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Yield those of all stations that something is remembered of."""
        ...

    def context(self, station: str) -> Context:
        """Return what the readings of a station are taken by."""
        ...


def load_nothing(_database: Database, _states: States, _now: int) -> None:
    """Leave the states as they are."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing a duty officer should know."""

    kind: AlertKind
    state: Callable[[WatchedStation], FindingState]
    """Makes the cause's state of a station."""
    over: str
    """Sentence of the closed alert; ``{name}`` is one of its facts."""
    rest: Rest = Rest.NONE
    """What has to be at rest before it opens an alert."""
    step: Callable[[Facts, WatchRules], object] = field(default=lambda _facts, _rules: None)
    """What an open alert is updated for when it changes."""
    load: Callable[[Database, States, int], None] = load_nothing
    """Lets states say what the database does, at a start and at each comparison; raises ``ClickHouseError``
    before it has changed one."""
    limit_facts: tuple[str, ...] = ()
    """The facts that are the ``limit`` of a finding."""
    is_of_accounts: bool = False
    """Whether it is about accounts, not about stations."""


def in_maintenance(entry: Station, parameter: str, at: datetime) -> bool:
    """Tell whether a maintenance of the registry covers a parameter, or with "" the whole station."""
    return any(
        span.start <= at < span.end and (not span.parameters or parameter in span.parameters)
        for span in entry.maintenance
    )


def is_withdrawn(entry: Station, parameter: str, at: datetime) -> bool:
    """Tell whether the registry says that the station never measured a parameter."""
    return any(decision.covers(parameter, at) for decision in entry.withdrawn)


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


def show_time(seconds: int) -> str:
    """Write a time as the sentence of an alert has it, which people read: on Vietnam's clock.

    >>> show_time(1774414800)
    '2026-03-25T12:00:00+07:00'
    """
    return to_local_iso(from_seconds(seconds))


def read_time(text: str | float) -> int:
    """Read what :func:`write_time` writes."""
    return to_whole_seconds(datetime.fromisoformat(str(text)))
