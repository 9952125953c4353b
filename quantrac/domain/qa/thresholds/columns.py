"""Columns of thresholds: one value a profile, appended as profiles come."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.qa.checks.table import Test, thresholds_of
from quantrac.domain.qa.number_lists import DistinctLists, NumberLists, Numbers
from quantrac.domain.qa.thresholds.rule_book import Thresholds
from quantrac.domain.qa.window import Expected, Floats, Indices

_SLOTS = 12 * 24
"""Numbers in a table by month and hour."""
_NO_THRESHOLDS: Mapping[str, Any] = {}


class GrowingColumn:
    """An array (\\*shape, profiles) that profiles are appended to, in amortised constant time."""

    def __init__(self, dtype: Any, *shape: int) -> None:
        self._values: NDArray[Any] = np.zeros((*shape, 64), dtype=dtype)
        self._count = 0

    def append(self, value: Any) -> None:
        """Add the value of the next profile, or its values (\\*shape)."""
        if self._count == self._values.shape[-1]:
            self._values = np.concatenate([self._values, np.zeros_like(self._values)], axis=-1)
        self._values[..., self._count] = value
        self._count += 1

    def append_like(self, profile: int) -> None:
        """Give the next profile what another one has."""
        self.append(self._values[..., profile])

    def change_last(self, row: int, value: Any) -> None:
        """Give the profile added last another value in one of its rows."""
        self._values[row, self._count - 1] = value

    def mask_last(self, mask: NDArray[np.bool_]) -> None:
        """Leave to the profile added last only those of its values (\\*shape) that ``mask`` says."""
        self._values[..., self._count - 1] &= mask

    def take(self, profiles: Indices, rows: slice = slice(None)) -> Any:
        """Return the values (\\*shape, n) of profiles (n,); of some of the ``rows`` where it has several."""
        return self._values[rows].take(profiles, axis=-1)

    def __getitem__(self, profile: int) -> Any:
        return self._values[..., profile].tolist()


class _Rows(NamedTuple):
    """Where the thresholds of a test stand: rows of the matrices of numbers, of texts and of lists."""

    keywords: Sequence[str]
    """In the order of the test's arguments."""
    number_keywords: Sequence[str]
    numbers: slice
    text_keywords: Sequence[str]
    texts: slice
    list_keywords: Sequence[str]
    lists: slice


class ThresholdColumns:
    """The thresholds of all tests by profile: numbers, tables by month and hour, texts, and lists of numbers.

    Those of all tests stand in one matrix of each kind, so that a profile is added by a few calls and a test
    takes its own by one.
    """

    def __init__(self, tests: Mapping[str, Test]) -> None:
        self._defaults: dict[tuple[str, str], float] = {}
        """By test and keyword of the numbers; NaN where a test has none, for it is always given one."""
        self._texts_of_tests: list[tuple[str, str]] = []
        self._lists_of_tests: list[tuple[str, str]] = []
        self._rows: dict[str, _Rows] = {}
        for name, test in tests.items():
            keywords = thresholds_of(test)
            texts = [keyword for keyword, threshold in keywords.items() if _is_text(threshold)]
            lists = [keyword for keyword, threshold in keywords.items() if is_list(threshold)]
            numbers = [keyword for keyword in keywords if keyword not in (*texts, *lists)]
            self._rows[name] = _Rows(
                list(keywords),
                numbers,
                slice(len(self._defaults), len(self._defaults) + len(numbers)),
                texts,
                slice(len(self._texts_of_tests), len(self._texts_of_tests) + len(texts)),
                lists,
                slice(len(self._lists_of_tests), len(self._lists_of_tests) + len(lists)),
            )
            for keyword in numbers:
                default = keywords[keyword].default
                self._defaults[name, keyword] = default if isinstance(default, int | float) else np.nan
            self._texts_of_tests += [(name, keyword) for keyword in texts]
            self._lists_of_tests += [(name, keyword) for keyword in lists]
        self._numbers = GrowingColumn(np.float64, len(self._defaults))
        self._texts = GrowingColumn(object, len(self._texts_of_tests))
        self._list_index = GrowingColumn(np.int32, len(self._lists_of_tests))
        """Index of each list in ``_lists``."""
        self._lists = DistinctLists()
        self._row = {
            keyword: row
            for keywords in (self._defaults, self._texts_of_tests)
            for row, keyword in enumerate(keywords)
        }
        """By test and keyword: the row in its matrix."""
        self._table_index = GrowingColumn(np.int32, len(self._defaults))
        """Index of each table in ``_tables``; -1 where a number stands."""
        self._tables: list[Floats] = []
        """Tables (288,) by month and hour, each once."""

    def default(self, test: str, keyword: str) -> float:
        """Return the number that a test takes where nobody set one; NaN where it has none."""
        return self._defaults[test, keyword]

    def text_keywords(self, test: str) -> Sequence[str]:
        """Return the keywords of a test's thresholds in text."""
        return self._rows[test].text_keywords

    def append(self, tests: Thresholds) -> None:
        """Add the thresholds of the next profile; what is not named has the test's default."""
        numbers, table_index = [], []
        for (name, keyword), default in self._defaults.items():
            value = tests.get(name, _NO_THRESHOLDS).get(keyword, default)
            is_number = isinstance(value, int | float)
            numbers.append(value if is_number else np.nan)
            table_index.append(-1 if is_number else self._index_of_table(value))
        self._numbers.append(numbers)
        self._table_index.append(table_index)
        self._texts.append(
            [tests.get(name, _NO_THRESHOLDS).get(keyword) for name, keyword in self._texts_of_tests]
        )
        self._list_index.append(
            [
                self._lists.index_of(tests.get(name, _NO_THRESHOLDS).get(keyword, ()))
                for name, keyword in self._lists_of_tests
            ]
        )

    def append_like(self, profile: int, changes: Thresholds) -> None:
        """Give the next profile what another one has, but for the thresholds in ``changes``."""
        for column in (self._numbers, self._table_index, self._texts, self._list_index):
            column.append_like(profile)
        for test, thresholds in changes.items():
            for keyword, value in thresholds.items():
                row = self._row[test, keyword]
                if (test, keyword) in self._defaults:
                    self._numbers.change_last(row, value)
                    self._table_index.change_last(row, -1)
                else:
                    self._texts.change_last(row, value)

    def take(self, test: str, profiles: Indices, slots: Callable[[], Indices]) -> dict[str, Any]:
        """Return the thresholds of a test by keyword, one value (n,) a row of ``profiles`` (n,).

        ``slots`` is asked for the month and hour (n,) of the rows where a threshold is a table.
        """
        rows = self._rows[test]
        numbers: Floats = self._numbers.take(profiles, rows.numbers)
        if self._tables:
            # (cells,) where a table stands: the index of the keyword and of the row
            table_index = self._table_index.take(profiles, rows.numbers)
            keyword_index, row_index = np.nonzero(table_index >= 0)
            if len(row_index):
                table_index = table_index[keyword_index, row_index]
                numbers[keyword_index, row_index] = np.stack(self._tables)[table_index, slots()[row_index]]
        columns: dict[str, Any] = dict(zip(rows.number_keywords, numbers, strict=True))
        if rows.text_keywords:
            texts: NDArray[Any] = self._texts.take(profiles, rows.texts)
            columns.update(zip(rows.text_keywords, texts, strict=True))
        if rows.list_keywords:
            list_index = self._list_index.take(profiles, rows.lists)
            columns.update(
                (keyword, NumberLists(self._lists, index))
                for keyword, index in zip(rows.list_keywords, list_index, strict=True)
            )
        return {keyword: columns[keyword] for keyword in rows.keywords}

    def _index_of_table(self, value: Any) -> int:
        table = np.asarray(value, dtype=np.float64).reshape(_SLOTS)
        for index, known_table in enumerate(self._tables):
            if np.array_equal(known_table, table, equal_nan=True):
                return index
        self._tables.append(table)
        return len(self._tables) - 1


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


def _is_text(threshold: inspect.Parameter) -> bool:
    return threshold.default is None or threshold.annotation == Expected


def is_list(threshold: inspect.Parameter) -> bool:
    """Tell whether a threshold is a list of numbers."""
    return bool(threshold.annotation == Numbers)
