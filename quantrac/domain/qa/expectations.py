"""What rules and registry expect of each reading, gathered into threshold arrays.

Series with the same expectations share a *profile*; a batch then takes each threshold by the profile
numbers of its rows, so that one call of a test judges every row.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np

from quantrac.domain.qa.table import TESTS, thresholds_of
from quantrac.domain.readings import Reading
from quantrac.domain.stations import Registry, Station, StationParameter, Valid

Thresholds = Mapping[str, Mapping[str, Any]]
"""Keyword arguments by test; a test that is not a key is off."""


class Rules(Protocol):
    """A set of thresholds with a version."""

    @property
    def version(self) -> str:
        """Content hash: the same thresholds have the same version."""

    @property
    def required(self) -> frozenset[str]:
        """Tests without whose outcome a reading is NOT_EVALUATED."""

    def thresholds(self, station_type: str, station: str, parameter: str) -> Thresholds:
        """Return what holds for a series; the type is empty for a station nobody registered."""


def registered(entry: StationParameter | None) -> dict[str, dict[str, Any]]:
    """Return the thresholds that the registry gives, by test; they take precedence over rules."""
    if entry is None:
        return {}
    ends = {"low": entry.range_low, "high": entry.range_high}
    return {
        "unit": {"expected": entry.unit},
        "equipment_range": {key: end for key, end in ends.items() if end is not None},
    }


class Expectations:
    """Profiles of a registry and a rule set; follows the registry when its records are replaced."""

    def __init__(self, registry: Registry, rules: Rules) -> None:
        self._registry, self._rules = registry, rules
        self._stations: dict[str, _StationProfiles] = {}
        self._numbers: dict[object, int] = {}
        self._profiles: list[Thresholds] = []
        self._columns: dict[str, dict[str, np.ndarray]] = {}
        self._asked: dict[str, np.ndarray] = {}

    def profiles(self, station: str, readings: Sequence[Reading]) -> list[int]:
        """Return the profile number of each reading of a station."""
        record = self._registry.stations.get(station)
        known = self._stations.get(station)
        if known is None or known.record is not record:
            known = self._stations[station] = _StationProfiles(self, station, record)
        return known.numbers(readings)

    def of(self, profiles: np.ndarray) -> tuple[dict[str, dict[str, np.ndarray]], dict[str, np.ndarray]]:
        """Return, for rows of these profiles, the thresholds by test and keyword, and which tests to run.

        All arrays have the shape of ``profiles``; a threshold that nobody gave is the test's default.
        """
        self._gather()
        thresholds = {
            test: {keyword: values[profiles] for keyword, values in columns.items()}
            for test, columns in self._columns.items()
        }
        return thresholds, {test: rows[profiles] for test, rows in self._asked.items()}

    def profile(self, record: Station | None, station: str, parameter: str, at: datetime) -> int:
        """Return the number of the profile of a series at ``at`` (UTC)."""
        valid = record if record is not None and record.valid_at(at) else None
        rules = self._rules.thresholds(valid.type.value if valid else "", station, parameter)
        facts = registered(valid.parameter(parameter, at) if valid else None)
        profile = {test: {**given, **facts.get(test, {})} for test, given in rules.items()}
        key = tuple((test, *sorted(given.items())) for test, given in sorted(profile.items()))
        if key not in self._numbers:
            self._numbers[key] = len(self._profiles)
            self._profiles.append(profile)
        return self._numbers[key]

    def _gather(self) -> None:
        if self._asked and len(self._asked["status"]) == len(self._profiles):
            return
        for name, test in TESTS.items():
            self._asked[name] = np.array([name in profile for profile in self._profiles], dtype=bool)
            given = [profile.get(name, {}) for profile in self._profiles]
            self._columns[name] = {
                keyword: _column([each.get(keyword, threshold.default) for each in given], threshold.default)
                for keyword, threshold in thresholds_of(test).items()
            }


def _column(values: list[Any], default: Any) -> np.ndarray:
    if default is None:
        return np.array(values, dtype=object)
    # A threshold without a default is missing only where the test is off.
    return np.array([value if isinstance(value, int | float) else np.nan for value in values], dtype=float)


class _Table(dict[str, int]):
    """Profile numbers of one station by parameter, while nothing in its record starts or ends."""

    def __init__(self, owner: "_StationProfiles", at: datetime) -> None:
        self._owner, self._at = owner, at

    def __missing__(self, parameter: str) -> int:
        owner = self._owner
        number = owner.expectations.profile(owner.record, owner.station, parameter, self._at)
        self[parameter] = number
        return number


class _StationProfiles:
    """Profiles of one station record: one table for each stretch between two changes of validity."""

    def __init__(self, expectations: Expectations, station: str, record: Station | None) -> None:
        self.expectations, self.station, self.record = expectations, station, record
        periods: list[Valid] = [record, *record.parameters] if record is not None else []
        ends = {end for each in periods for end in (each.valid_from, each.valid_to)}
        self._changes = sorted(end for end in ends if end is not None)
        starts = [datetime.min.replace(tzinfo=UTC), *self._changes]
        self._tables = [_Table(self, start) for start in starts]

    def numbers(self, readings: Sequence[Reading]) -> list[int]:
        if not self._changes:
            table = self._tables[0]
            return [table[reading.parameter] for reading in readings]
        changes, tables = self._changes, self._tables
        return [tables[bisect_right(changes, reading.measured_at)][reading.parameter] for reading in readings]
