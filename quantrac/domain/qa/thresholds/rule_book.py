"""The rules that judge a reading, as quality control sees them: a book of thresholds."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

from quantrac.domain.stations import StationParameter

Thresholds: TypeAlias = Mapping[str, Mapping[str, Any]]
"""Keyword arguments by test; a test that is not a key is off.

A value is a number, a text, or twelve rows of twenty-four numbers: one for each month and hour, UTC.
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


def registry_thresholds(entry: StationParameter | None) -> dict[str, dict[str, Any]]:
    """Return the thresholds that the registry gives, by test; they take precedence over rules."""
    if entry is None:
        return {}
    bounds = {"low": entry.range_low, "high": entry.range_high}
    return {
        "unit": {"expected": entry.unit},
        "equipment_range": {keyword: bound for keyword, bound in bounds.items() if bound is not None},
    }
