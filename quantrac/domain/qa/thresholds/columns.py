"""Profiles by number, and their thresholds in columns that grow by a value a profile."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.qa.checks.table import TESTS, thresholds_of
from quantrac.domain.qa.thresholds.rule_book import Rules, Thresholds, registered
from quantrac.domain.qa.window import Bools, Expected, Floats, Indices, Texts
from quantrac.domain.stations import StationParameter

Columns: TypeAlias = Mapping[str, Mapping[str, np.ndarray]]
"""By test and keyword, one value a row (n,)."""

LEAST_REACH = 1440.0
"""Minutes that a judge looks back at least, whatever the rules say."""

_SLOTS = 12 * 24


class ProfileTable:
    """Profiles by number, and their thresholds in columns."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._met: dict[object, tuple[Thresholds, int]] = {}
        self._asked = {name: _Numbers(np.bool_) for name in TESTS}
        self._columns = {
            name: {keyword: _column(each) for keyword, each in thresholds_of(test).items()}
            for name, test in TESTS.items()
        }
        self.interval, self.reach = _Numbers(np.float64), _Numbers(np.float64)
        self.partners: list[frozenset[str]] = []
        self.version: list[str] = []
        self.demand = _Numbers(np.intp)
        self.needed: list[frozenset[str]] = []
        self.required: list[list[bool]] = []

    def number(self, rules: Rules, given: Thresholds, entry: StationParameter | None, interval: float) -> int:
        """Return the number of a profile, a new one if it is not known.

        Most thresholds come from the rules' own cache: the same object stands for the same thresholds.
        """
        told = (entry.unit, entry.range_low, entry.range_high) if entry is not None else None
        key = (rules.version, id(given), interval, told)
        known = self._met.get(key)
        if known is not None and known[0] is given:
            return known[1]
        facts = registered(entry)
        tests = {test: {**each, **facts.get(test, {})} for test, each in given.items()}
        content = (rules.version, interval, _hashable(tests))
        number = self._numbers.get(content)
        if number is None:
            number = self._numbers[content] = self._add(tests, interval, rules)
        self._met[key] = given, number
        return number

    def asked(self, profiles: Indices) -> dict[str, Bools]:
        """Return by test which rows (n,) it is to judge."""
        return {name: rows.take(profiles) for name, rows in self._asked.items()}

    def columns(self, test: str) -> Mapping[str, "_Column"]:
        """Return the columns of a test's thresholds by keyword."""
        return self._columns[test]

    def _add(self, tests: Thresholds, interval: float, rules: Rules) -> int:
        reach, partners = LEAST_REACH, set()
        for name, test in TESTS.items():
            given = tests.get(name)
            self._asked[name].append(given is not None)
            for keyword, column in self._columns[name].items():
                column.append((given or {}).get(keyword, column.default))
                if given is not None and isinstance(column, _TextColumn) and name != "unit":
                    partners.add(column.last)
                if given is not None and isinstance(column, _NumberColumn) and keyword in test.reach:
                    reach = max(reach, column.longest())
        self.interval.append(interval)
        self.reach.append(reach)
        self.partners.append(frozenset(each for each in partners if each is not None))
        self.version.append(rules.version)
        if rules.required not in self.needed:
            self.needed.append(rules.required)
            self.required.append([name in rules.required for name in TESTS])
        self.demand.append(self.needed.index(rules.required))
        return len(self.version) - 1


class GatheredColumns(Mapping[str, Mapping[str, np.ndarray]]):
    """Threshold columns of some rows, gathered test by test when asked for."""

    def __init__(self, table: ProfileTable, profiles: Indices, time: Floats) -> None:
        self._table, self._profiles, self._time = table, profiles, time
        self._known: dict[str, dict[str, np.ndarray]] = {}
        self._slots: Indices | None = None

    def __getitem__(self, test: str) -> Mapping[str, np.ndarray]:
        if test not in self._known:
            columns = self._table.columns(test)
            self._known[test] = {keyword: self._take(column) for keyword, column in columns.items()}
        return self._known[test]

    def __iter__(self) -> Iterator[str]:
        return iter(TESTS)

    def __len__(self) -> int:
        return len(TESTS)

    def _take(self, column: "_Column") -> np.ndarray:
        if isinstance(column, _TextColumn) or not column.tables:
            return column.take(self._profiles)
        if self._slots is None:
            self._slots = month_and_hour(self._time)
        return column.at(self._profiles, self._slots)


def month_and_hour(time: Floats) -> Indices:
    """Return 24 times the month (0 to 11) plus the hour of each time (n,), UTC.

    >>> month_and_hour(np.array([0.0, 31 * 86400.0 + 3600.0])).tolist()
    [0, 25]
    """
    seconds = np.floor(time).astype("datetime64[s]")
    months = seconds.astype("datetime64[M]").astype(np.int64) % 12
    hours = seconds.astype("datetime64[h]").astype(np.int64) % 24
    slots: Indices = (24 * months + hours).astype(np.intp)
    return slots


class _Numbers:
    """A column that grows: one value a profile."""

    def __init__(self, kind: Any) -> None:
        self._values: NDArray[Any] = np.zeros(64, dtype=kind)
        self._count = 0

    def append(self, value: Any) -> None:
        if self._count == len(self._values):
            self._values = np.concatenate([self._values, np.zeros_like(self._values)])
        self._values[self._count] = value
        self._count += 1

    def take(self, profiles: Indices) -> Any:
        return self._values.take(profiles)

    def __getitem__(self, profile: int) -> Any:
        return self._values[profile].item()


class _NumberColumn:
    """A threshold in numbers, or in tables by month and hour."""

    def __init__(self, default: Any) -> None:
        # A threshold without a default is missing only where the test is off.
        self.default = float(default) if isinstance(default, int | float) else np.nan
        self.tables: list[Floats] = []
        self._last: float | Floats = np.nan
        self._numbers, self._which = _Numbers(np.float64), _Numbers(np.intp)

    def longest(self) -> float:
        """The greatest finite number of the profile added last; -inf where there is none."""
        numbers = np.asarray(self._last)
        return float(np.max(numbers, where=np.isfinite(numbers), initial=-np.inf))

    def append(self, value: Any) -> None:
        if isinstance(value, int | float):
            self._last = float(value)
            self._numbers.append(self._last)
            self._which.append(-1)
            return
        self._last = table = np.asarray(value, dtype=np.float64).reshape(_SLOTS)
        known = (np.array_equal(each, table, equal_nan=True) for each in self.tables)
        place = next((place for place, same in enumerate(known) if same), len(self.tables))
        if place == len(self.tables):
            self.tables.append(table)
        self._numbers.append(np.nan)
        self._which.append(place)

    def take(self, profiles: Indices) -> Floats:
        numbers: Floats = self._numbers.take(profiles)
        return numbers

    def at(self, profiles: Indices, slots: Indices) -> Floats:
        """Return the numbers of rows (n,) in these slots of month and hour."""
        values, which = self.take(profiles), self._which.take(profiles)
        rows = np.flatnonzero(which >= 0)
        values[rows] = np.stack(self.tables)[which[rows], slots[rows]]
        return values


class _TextColumn:
    """A threshold in text; ``None`` where there is none."""

    default = None

    def __init__(self) -> None:
        self.last: str | None = None
        self._values = _Numbers(object)

    def append(self, value: str | None) -> None:
        self.last = value
        self._values.append(value)

    def take(self, profiles: Indices) -> Texts:
        values: Texts = self._values.take(profiles)
        return values


_Column: TypeAlias = _NumberColumn | _TextColumn


def _column(threshold: Any) -> _Column:
    text = threshold.default is None or threshold.annotation == Expected
    return _TextColumn() if text else _NumberColumn(threshold.default)


def _hashable(given: Any) -> object:
    if isinstance(given, Mapping):
        return tuple((key, _hashable(value)) for key, value in sorted(given.items()))
    if isinstance(given, np.ndarray):
        return _hashable(given.tolist())
    if isinstance(given, list | tuple):
        return tuple(_hashable(value) for value in given)
    return given
