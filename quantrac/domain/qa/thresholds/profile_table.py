"""All profiles by index, and their thresholds in columns."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.thresholds.columns import GrowingColumn, ThresholdColumns, month_and_hour
from quantrac.domain.qa.thresholds.rule_book import (
    Rules,
    Thresholds,
    registry_facts,
    registry_thresholds,
)
from quantrac.domain.qa.window import Bools, Floats, Indices
from quantrac.domain.registry.stations import StationParameter

Columns: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By test and keyword, one value a row (n,): an array, or :class:`.NumberLists`."""

LEAST_LOOK_BACK = 1440.0
"""Minutes that a judge looks back at least, whatever the rules say."""


_ON_COUNTER = np.array([test.on_counter for test in TESTS.values()])
"""(tests,)"""


class ProfileTable:
    """Profiles by index, and their thresholds in columns."""

    def __init__(self) -> None:
        self._index_of_source: dict[object, tuple[Thresholds, int]] = {}
        """Profiles by what they come from; thresholds are kept, so that no others get their id."""
        self._enabled = GrowingColumn(np.bool_, len(TESTS))
        self.thresholds = ThresholdColumns(TESTS)
        self.interval = GrowingColumn(np.float64)
        """Seconds between two readings by the registry; NaN where it names none."""
        self.middle_offset = GrowingColumn(np.float64)
        """Seconds from a stamp to the middle of what was averaged."""
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
        self,
        rules: Rules,
        thresholds: Thresholds,
        entry: StationParameter | None,
        interval: float | None,
        middle_offset: float,
    ) -> int:
        """Return the index of a profile, a new one where none comes from the same.

        ``interval`` is in seconds, ``None`` where the registry names none; so is ``middle_offset``, from a
        stamp to the middle of what was averaged. Thresholds come from the rules'
        own cache: the same object stands for the same thresholds, and to compare contents takes 50 µs.
        """
        facts = registry_facts(entry) if entry is not None else None
        source = (rules.version, id(thresholds), interval, middle_offset, facts)
        indexed = self._index_of_source.get(source)
        if indexed is not None:
            return indexed[1]
        if facts is None and interval is None:
            index = self._add(thresholds, rules)
        else:
            like = self.index_of(rules, thresholds, None, None, 0.0)
            from_registry = registry_thresholds(entry)
            changes = {test: from_registry[test] for test in from_registry.keys() & thresholds.keys()}
            index = self._add_like(like, changes, interval, middle_offset)
            if entry is not None and entry.counter:
                self._enabled.mask_last(_ON_COUNTER)
        self._index_of_source[source] = thresholds, index
        return index

    def enabled_tests(self, profiles: Indices) -> dict[str, Bools]:
        """Return by test which rows (n,) it is to judge."""
        return dict(zip(TESTS, self._enabled.take(profiles), strict=True))

    def _add(self, tests: Thresholds, rules: Rules) -> int:
        look_back, companions = LEAST_LOOK_BACK, set()
        for name, test in TESTS.items():
            thresholds = tests.get(name)
            if thresholds is None:
                continue
            texts = self.thresholds.text_keywords(name) if name != "unit" else ()
            companions |= {thresholds.get(keyword) for keyword in texts}
            for keyword in test.look_back:
                minutes = thresholds.get(keyword, self.thresholds.default(name, keyword))
                look_back = max(look_back, _greatest(minutes))
        self._enabled.append([test in tests for test in TESTS])
        self.thresholds.append(tests)
        self.interval.append(np.nan)
        self.middle_offset.append(0.0)
        self.look_back.append(60.0 * look_back)
        self.companions.append(frozenset(parameter for parameter in companions if parameter is not None))
        self.version.append(rules.version)
        if rules.required not in self.required_sets:
            self.required_sets.append(rules.required)
            self.required_tests.append([test in rules.required for test in TESTS])
        self.required_set.append(self.required_sets.index(rules.required))
        return len(self.version) - 1

    def _add_like(
        self, profile: int, changes: Thresholds, interval: float | None, middle_offset: float
    ) -> int:
        """Add another profile with what the registry says: 10 µs, where a new one takes 100.

        The registry gives no threshold that says how far to look back or which parameters to compare.
        """
        for column in (self._enabled, self.look_back, self.required_set):
            column.append_like(profile)
        self.thresholds.append_like(profile, changes)
        self.interval.append(np.nan if interval is None else interval)
        self.middle_offset.append(middle_offset)
        self.companions.append(self.companions[profile])
        self.version.append(self.version[profile])
        return len(self.version) - 1


class GatheredColumns(Mapping[str, Mapping[str, Any]]):
    """Threshold columns of some rows, gathered test by test at first use."""

    def __init__(self, table: ProfileTable, profiles: Indices, time: Floats) -> None:
        self._table, self._profiles, self._time = table, profiles, time
        self._gathered: dict[str, Mapping[str, Any]] = {}
        self._slots: Indices | None = None

    def __getitem__(self, test: str) -> Mapping[str, Any]:
        if test not in self._gathered:
            self._gathered[test] = self._table.thresholds.take(test, self._profiles, self._find_slots)
        return self._gathered[test]

    def __iter__(self) -> Iterator[str]:
        return iter(TESTS)

    def __len__(self) -> int:
        return len(TESTS)

    def _find_slots(self) -> Indices:
        if self._slots is None:
            self._slots = month_and_hour(self._time + self._table.middle_offset.take(self._profiles))
        return self._slots


def _greatest(threshold: Any) -> float:
    """Return the greatest finite number of a threshold, -inf where there is none."""
    if isinstance(threshold, int | float):
        return threshold if math.isfinite(threshold) else -math.inf
    return max((_greatest(part) for part in threshold), default=-math.inf)
