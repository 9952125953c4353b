"""Thresholds that are lists of numbers: one list a row, of which few are different."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np

from quantrac.domain.qa.window import Bools, Floats, Indices


@dataclass(frozen=True)
class NumberLists:
    """One list of numbers for each of ``n`` rows, given by its index among the distinct ones."""

    lists: Sequence[tuple[float, ...]]
    index: Indices
    """(n,)"""

    @classmethod
    def of(cls, numbers: "Numbers", count: int) -> "NumberLists":
        """Return one list for all of ``count`` rows; lists for each row as they are."""
        if isinstance(numbers, NumberLists):
            return numbers
        return cls((tuple(numbers),), np.zeros(count, dtype=np.intp))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: Indices | Bools) -> "NumberLists":
        """Return the lists of some of the rows."""
        return NumberLists(self.lists, self.index[rows])

    def take(self, rows: Indices) -> "NumberLists":
        """Return the lists of some of the rows."""
        return self[rows]

    def row(self, row: int) -> tuple[float, ...]:
        """Return the list of one row."""
        return self.lists[int(self.index[row])]

    def contain(self, value: Floats) -> Bools:
        """Tell (n,) which of the values (n,) stand in their row's list.

        >>> lists = NumberLists(((65535.0,), (65535.0, 85.0)), np.array([0, 1, 1]))
        >>> lists.contain(np.array([85.0, 85.0, 20.0])).tolist()
        [False, True, False]
        """
        contained = np.zeros(len(self), dtype=np.bool_)
        numbers = self._numbers
        if not len(numbers):
            return contained
        # (k,) rows whose value stands in any list, nearly always none; only they are looked up in their own.
        near = np.flatnonzero((value >= numbers[0]) & (value <= numbers[-1]) & (np.abs(value) >= self._least))
        near = near[numbers[np.searchsorted(numbers, value[near])] == value[near]]
        contained[near] = [value[row] in self.row(row) for row in near.tolist()]
        return contained

    @cached_property
    def _numbers(self) -> Floats:
        """The numbers of all lists in order, each once."""
        return np.array(sorted({number for numbers in self.lists for number in numbers}), dtype=np.float64)

    @cached_property
    def _least(self) -> float:
        """The least distance of one of them from 0: most values lie nearer."""
        return float(np.abs(self._numbers).min())


Numbers: TypeAlias = Sequence[float] | NumberLists
"""One list of numbers for all rows, or one a row."""
