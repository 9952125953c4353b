"""All profiles by index, and their thresholds in columns."""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np

from quantrac.domain.qa.checks.table import TESTS, thresholds_of
from quantrac.domain.qa.thresholds.columns import (
    GrowingColumn,
    NumberColumn,
    TextColumn,
    ThresholdColumn,
    column_for,
    month_and_hour,
)
from quantrac.domain.qa.thresholds.rule_book import Rules, Thresholds, registry_thresholds
from quantrac.domain.qa.window import Bools, Floats, Indices
from quantrac.domain.stations import StationParameter

Columns: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]
"""By test and keyword, one value a row (n,)."""

LEAST_LOOK_BACK = 1440.0
"""Minutes that a judge looks back at least, whatever the rules say."""


class ProfileTable:
    """Profiles by index, each content once, and their thresholds in columns."""

    def __init__(self) -> None:
        self._index_of_content: dict[object, int] = {}
        self._index_of_source: dict[object, tuple[Thresholds, int]] = {}
        self._enabled = {test: GrowingColumn(np.bool_) for test in TESTS}
        self._columns = {
            name: {keyword: column_for(threshold) for keyword, threshold in thresholds_of(test).items()}
            for name, test in TESTS.items()
        }
        self.interval = GrowingColumn(np.float64)
        """Seconds between two readings by the registry; NaN where it names none."""
        self.look_back = GrowingColumn(np.float64)
        """Seconds that the tests look back."""
        self.companions: list[frozenset[str]] = []
        """Parameters that a test compares with."""
        self.version: list[str] = []
        """Version of the rules that the profile comes from."""
        self.required_set = GrowingColumn(np.intp)
        """Index of the set of required tests in ``required_sets``."""
        self.required_sets: list[frozenset[str]] = []
        self.required_tests: list[list[bool]] = []
        """The same sets as rows of a matrix (sets, tests), in the order of the table of tests."""

    def index_of(
        self, rules: Rules, thresholds: Thresholds, entry: StationParameter | None, interval: float
    ) -> int:
        """Return the index of a profile, a new one where there is none of the same content.

        Most thresholds come from the rules' own cache: the same object stands for the same thresholds.
        """
        facts = (entry.unit, entry.range_low, entry.range_high) if entry is not None else None
        source = (rules.version, id(thresholds), interval, facts)
        indexed = self._index_of_source.get(source)
        # The object is compared as well: an id is given again once its object is gone.
        if indexed is not None and indexed[0] is thresholds:
            return indexed[1]
        from_registry = registry_thresholds(entry)
        tests = {test: {**values, **from_registry.get(test, {})} for test, values in thresholds.items()}
        content = (rules.version, interval, _hashable(tests))
        index = self._index_of_content.get(content)
        if index is None:
            index = self._index_of_content[content] = self._add(tests, interval, rules)
        self._index_of_source[source] = thresholds, index
        return index

    def enabled_tests(self, profiles: Indices) -> dict[str, Bools]:
        """Return by test which rows (n,) it is to judge."""
        return {test: column.take(profiles) for test, column in self._enabled.items()}

    def columns(self, test: str) -> Mapping[str, ThresholdColumn]:
        """Return the columns of a test's thresholds by keyword."""
        return self._columns[test]

    def _add(self, tests: Thresholds, interval: float, rules: Rules) -> int:
        look_back, companions = LEAST_LOOK_BACK, set()
        for name, test in TESTS.items():
            thresholds = tests.get(name)
            self._enabled[name].append(thresholds is not None)
            for keyword, column in self._columns[name].items():
                column.append((thresholds or {}).get(keyword, column.default))
                if thresholds is not None and isinstance(column, TextColumn) and name != "unit":
                    companions.add(column.last)
                if thresholds is not None and isinstance(column, NumberColumn) and keyword in test.look_back:
                    look_back = max(look_back, column.longest())
        self.interval.append(interval)
        self.look_back.append(60.0 * look_back)
        self.companions.append(frozenset(parameter for parameter in companions if parameter is not None))
        self.version.append(rules.version)
        if rules.required not in self.required_sets:
            self.required_sets.append(rules.required)
            self.required_tests.append([test in rules.required for test in TESTS])
        self.required_set.append(self.required_sets.index(rules.required))
        return len(self.version) - 1


class GatheredColumns(Mapping[str, Mapping[str, np.ndarray]]):
    """Threshold columns of some rows, gathered test by test at first use."""

    def __init__(self, table: ProfileTable, profiles: Indices, time: Floats) -> None:
        self._table, self._profiles, self._time = table, profiles, time
        self._gathered: dict[str, dict[str, np.ndarray]] = {}
        self._slots: Indices | None = None

    def __getitem__(self, test: str) -> Mapping[str, np.ndarray]:
        if test not in self._gathered:
            columns = self._table.columns(test)
            self._gathered[test] = {keyword: self._take(column) for keyword, column in columns.items()}
        return self._gathered[test]

    def __iter__(self) -> Iterator[str]:
        return iter(TESTS)

    def __len__(self) -> int:
        return len(TESTS)

    def _take(self, column: ThresholdColumn) -> np.ndarray:
        if isinstance(column, TextColumn) or not column.tables:
            return column.take(self._profiles)
        if self._slots is None:
            self._slots = month_and_hour(self._time)
        return column.take_at(self._profiles, self._slots)


def _hashable(content: object) -> object:
    if isinstance(content, Mapping):
        return tuple((key, _hashable(value)) for key, value in sorted(content.items()))
    if isinstance(content, np.ndarray):
        return _hashable(content.tolist())
    if isinstance(content, list | tuple):
        return tuple(_hashable(value) for value in content)
    return content
