"""Thresholds that are lists of numbers: one list a row, of which few are different."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from quantrac.domain.qa.window import Bools, Floats, Indices


class DistinctLists(list[tuple[float, ...]]):
    """The different lists, each once; they may only grow."""

    def index_of(self, numbers: Sequence[float]) -> int:
        """Return the index of a list, which is added where it is new."""
        listed = tuple(map(float, numbers))
        if listed not in self:
            self.append(listed)
            self.__dict__.pop("_numbers", None)
        return self.index(listed)

    def find(self, value: Floats) -> Indices:
        """Return the rows (k,) whose value stands in any of the lists: nearly always none.

        >>> lists = DistinctLists([(65535.0,), (85.0, -9999.0)])
        >>> lists.find(np.array([85.0, 20.0, np.nan, 65535.0])).tolist()
        [0, 3]
        """
        numbers, least = self._numbers
        if not len(numbers):
            return np.empty(0, dtype=np.intp)
        far = np.flatnonzero(np.abs(value) >= least)
        far_value = value[far]
        index = np.minimum(np.searchsorted(numbers, far_value), len(numbers) - 1)
        rows: Indices = far[numbers[index] == far_value]
        return rows

    @cached_property
    def _numbers(self) -> tuple[Floats, float]:
        """The numbers of all lists in order, and the least distance of one from 0: most values lie nearer."""
        numbers = np.array(sorted({number for numbers in self for number in numbers}), dtype=np.float64)
        return numbers, float(np.abs(numbers).min(initial=np.inf))


@dataclass(frozen=True, slots=True)
class NumberLists:
    """One list of numbers for each of ``n`` rows."""

    lists: DistinctLists
    index: Indices
    """(n,) index of each row's list."""

    @classmethod
    def of(cls, numbers: "Numbers", count: int) -> "NumberLists":
        """Return one list for all of ``count`` rows; what has one a row already as it is."""
        if isinstance(numbers, NumberLists):
            return numbers
        return cls(DistinctLists([tuple(numbers)]), np.zeros(count, dtype=np.intp))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: Indices | Bools) -> "NumberLists":
        """Return the lists of some of the rows."""
        return NumberLists(self.lists, self.index[rows])

    def take(self, rows: Indices) -> "NumberLists":
        """Return the lists of some of the rows."""
        return self[rows]

    def find(self, value: Floats) -> Indices:
        """Return the rows (k,) whose value (n,) stands in their own list.

        >>> lists = NumberLists(DistinctLists([(65535.0,), (65535.0, 85.0)]), np.array([0, 1, 1]))
        >>> lists.find(np.array([85.0, 85.0, 20.0])).tolist()
        [1]
        """
        rows = self.lists.find(value)
        own = [value[row] in self.lists[self.index[row]] for row in rows.tolist()]
        return rows[np.array(own, dtype=np.bool_)]


def find_in_any(lists: Sequence[NumberLists], value: Floats) -> Indices:
    """Return the rows (k,) whose value (n,) stands in any of the lists, be it that of another row.

    Lists that come from the same different ones are looked through once.

    >>> lists = DistinctLists([(65535.0,), (85.0,)])
    >>> rows = find_in_any([NumberLists(lists, np.array([0, 0])), NumberLists(lists, np.array([1, 0]))],
    ...                    np.array([20.0, 85.0]))
    >>> rows.tolist()
    [1]
    """
    distinct = list({id(numbers.lists): numbers.lists for numbers in lists}.values())
    if len(distinct) == 1:
        return distinct[0].find(value)
    stands_in_any = np.zeros(len(value), dtype=np.bool_)
    for numbers in distinct:
        stands_in_any[numbers.find(value)] = True
    return np.flatnonzero(stands_in_any)


Numbers: TypeAlias = Sequence[float] | NumberLists
"""One list of numbers for all rows, or one a row."""
