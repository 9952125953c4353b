"""Columns of thresholds: one value a profile, appended as profiles come."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.qa.window import Expected, Floats, Indices, Texts

_SLOTS = 12 * 24
"""Numbers in a table by month and hour."""


class GrowingColumn:
    """An array that values are appended to, in amortised constant time."""

    def __init__(self, dtype: Any) -> None:
        self._values: NDArray[Any] = np.zeros(64, dtype=dtype)
        self._count = 0

    def append(self, value: Any) -> None:
        """Add the value of the next profile."""
        if self._count == len(self._values):
            self._values = np.concatenate([self._values, np.zeros_like(self._values)])
        self._values[self._count] = value
        self._count += 1

    def take(self, profiles: Indices) -> Any:
        """Return the values (n,) of profiles (n,)."""
        return self._values.take(profiles)

    def __getitem__(self, profile: int) -> Any:
        return self._values[profile].item()


class NumberColumn:
    """A threshold in numbers, or in tables by month and hour."""

    def __init__(self, default: Any) -> None:
        # A threshold without a default is missing only where the test is off.
        self.default = float(default) if isinstance(default, int | float) else np.nan
        self.tables: list[Floats] = []
        """Tables (288,) by month and hour, each once."""
        self._last: float | Floats = np.nan
        self._numbers, self._table_index = GrowingColumn(np.float64), GrowingColumn(np.intp)

    def longest(self) -> float:
        """Return the greatest finite number of the profile added last; -inf where there is none."""
        numbers = np.asarray(self._last)
        return float(np.max(numbers, where=np.isfinite(numbers), initial=-np.inf))

    def append(self, value: Any) -> None:
        """Add the threshold of the next profile: a number, or twelve rows of twenty-four."""
        if isinstance(value, int | float):
            self._last = float(value)
            self._numbers.append(self._last)
            self._table_index.append(-1)
            return
        self._last = table = np.asarray(value, dtype=np.float64).reshape(_SLOTS)
        is_equal = (np.array_equal(known_table, table, equal_nan=True) for known_table in self.tables)
        index = next((index for index, equal in enumerate(is_equal) if equal), len(self.tables))
        if index == len(self.tables):
            self.tables.append(table)
        self._numbers.append(np.nan)
        self._table_index.append(index)

    def take(self, profiles: Indices) -> Floats:
        """Return the numbers (n,) of profiles (n,); NaN where a profile has a table."""
        numbers: Floats = self._numbers.take(profiles)
        return numbers

    def take_at(self, profiles: Indices, slots: Indices) -> Floats:
        """Return the numbers of rows (n,) in these slots of month and hour (n,)."""
        values, table_index = self.take(profiles), self._table_index.take(profiles)
        rows = np.flatnonzero(table_index >= 0)
        values[rows] = np.stack(self.tables)[table_index[rows], slots[rows]]
        return values


class TextColumn:
    """A threshold in text; ``None`` where there is none."""

    default = None

    def __init__(self) -> None:
        self.last: str | None = None
        """The text of the profile added last."""
        self._values = GrowingColumn(object)

    def append(self, value: str | None) -> None:
        """Add the threshold of the next profile."""
        self.last = value
        self._values.append(value)

    def take(self, profiles: Indices) -> Texts:
        """Return the texts (n,) of profiles (n,)."""
        values: Texts = self._values.take(profiles)
        return values


ThresholdColumn: TypeAlias = NumberColumn | TextColumn


def column_for(threshold: Any) -> ThresholdColumn:
    """Return an empty column for a threshold, an :class:`inspect.Parameter` of a test."""
    is_text = threshold.default is None or threshold.annotation == Expected
    return TextColumn() if is_text else NumberColumn(threshold.default)


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
