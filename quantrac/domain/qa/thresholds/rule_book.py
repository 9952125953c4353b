"""The rules that judge a reading, as quality control sees them: a book of thresholds."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Protocol, TypeAlias

from quantrac.domain.registry.stations import StationParameter

Thresholds: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Keyword arguments by test; a test that is not a key is off.

A value is a number, a text, a list of numbers, or twelve rows of twenty-four numbers: one for each month and
hour, UTC.
"""

BEGINNING = datetime.min.replace(tzinfo=UTC)
"""A time before all others."""


class Rules(Protocol):
    """A set of thresholds with a version."""

    @property
    def version(self) -> str:
        """Content hash: the same thresholds have the same version."""

    @property
    def required(self) -> frozenset[str]:
        """Tests without whose outcome a reading is NOT_EVALUATED."""

    @property
    def stations(self) -> AbstractSet[str]:
        """Stations of which they say anything of their own; all others of a type have the same thresholds."""

    def thresholds(self, station_type: str, station: str, parameter: str, at: datetime) -> Thresholds:
        """Return what holds for a series at ``at`` (UTC); the type is empty for an unregistered station."""

    def changes(self, station_type: str, station: str, parameter: str) -> Sequence[datetime]:
        """Return the times of measurement (UTC) at which that changes, in order."""


class RuleBook(Protocol):
    """Which rules judge which reading."""

    @property
    def edition(self) -> int:
        """Another number whenever the answers may have changed."""

    @property
    def changes_received(self) -> Sequence[datetime]:
        """Times of receipt (UTC) at which other rules begin to judge, in order."""

    @property
    def changes_measured(self) -> Sequence[datetime]:
        """Times of measurement (UTC) at which other rules begin to judge, in order."""

    def rules(self, received_at: datetime, measured_at: datetime) -> Rules:
        """Return the rules that judge a reading; both times UTC."""


REGISTRY_FACTS = ("unit", "range_low", "range_high", "counter")
"""What follows from a :class:`StationParameter`: entries with the same have the same thresholds and tests."""
registry_facts = attrgetter(*REGISTRY_FACTS)


def registry_thresholds(entry: StationParameter | None) -> dict[str, dict[str, Any]]:
    """Return the thresholds that the registry gives, by test; they take precedence over rules."""
    if entry is None:
        return {}
    unit, low, high, _ = registry_facts(entry)
    bounds = {"low": low, "high": high}
    return {
        "unit": {"expected": unit},
        "equipment_range": {keyword: bound for keyword, bound in bounds.items() if bound is not None},
    }
