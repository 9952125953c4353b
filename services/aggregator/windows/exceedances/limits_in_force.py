"""Which limit judges which average. Times are seconds since 1970, UTC."""

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.limits import Limit, LimitBook
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import from_seconds
from services.aggregator.windows.columns import (
    PERIODS,
    Block,
    Numbers,
    join_blocks,
    pack_pairs,
    select_rows,
)
from services.aggregator.windows.exceedances.columns import Names

OXYGEN = "O2"
"""What the values of a flue gas are corrected by, in volume percent."""

_Table = dict[tuple[str, int], int]
"""(Parameter, index of the period) -> index of the limit."""


class LimitsInForce:
    """Which limit judges which average: the first of a station for its parameter and period.

    Two of :attr:`limits` differ in a value, a unit or a name, so that another certainty splits no episode.
    """

    def __init__(self, registry: Registry, book: LimitBook) -> None:
        self._registry, self._book = registry, book
        self.limits: list[Limit] = []
        """All that were in force so far; they are referred to by their index, -1 = no limit."""
        self._indices: dict[tuple[Any, ...], int] = {}
        self._tables: dict[int, tuple[tuple[Limit, ...], _Table]] = {}

    def find(self, names: Names, averages: Block) -> Numbers:
        """Return the index in :attr:`limits` of what judges each average, -1 = nothing."""
        # Each pair of a station and a start once: what is in force then is one table.
        pairs, inverse = np.unique(
            pack_pairs(averages["station"], averages["starts_at"]), return_inverse=True
        )
        table_indices: dict[int, int] = {}
        tables: list[_Table] = []
        table_of_pair = np.zeros(len(pairs), np.int64)
        for row, pair in enumerate(pairs.tolist()):
            start = from_seconds(pair & 0xFFFFFFFF)
            entry = self._registry.station(names.stations[pair >> 32], start)
            limits = self._book.limits_of(entry, start) if entry else ()
            if id(limits) not in table_indices:
                table_indices[id(limits)] = len(tables)
                tables.append(self._table(limits))
            table_of_pair[row] = table_indices[id(limits)]
        # Tables x parameters x periods: the index of the limit, -1 = none.
        matrix = np.full((len(tables), len(names.parameters), len(PERIODS)), -1)
        for number, table in enumerate(tables):
            for (code, period), limit in table.items():
                if code in names.parameters:
                    matrix[number, names.parameters[code], period] = limit
        limit_index: Numbers = matrix[table_of_pair[inverse], averages["parameter"], averages["period"]]
        return limit_index

    def averages_corrected_by(self, names: Names, averages: Block) -> Block:
        """Return, for touched averages of oxygen, those of other parameters that are corrected by it.

        Their means are NaN still.
        """
        oxygen = select_rows(averages, averages["parameter"] == names.parameter(OXYGEN))
        blocks = []
        for limit in self._oxygen_limits:
            rows = select_rows(oxygen, oxygen["period"] == PERIODS.index(limit.period))
            parameter = np.full(len(rows["mean"]), names.parameter(limit.parameter))
            rows |= {"parameter": parameter, "mean": np.full(len(parameter), np.nan)}
            has_reference = ~np.isnan(self.reference_oxygen(self.find(names, rows)))
            blocks.append(select_rows(rows, has_reference))
        return join_blocks(blocks) if blocks else select_rows(oxygen, np.zeros(0, np.int64))

    def reference_oxygen(self, limit_index: Numbers) -> NDArray[np.float64]:
        """Return the reference oxygen (volume percent) of each average's limit, NaN where it has none."""
        references = [np.nan if x.reference_oxygen is None else x.reference_oxygen for x in self.limits]
        column: NDArray[np.float64] = np.array([*references, np.nan])[limit_index]
        return column

    @property
    def has_oxygen_limits(self) -> bool:
        """Whether a limit has a reference oxygen."""
        return bool(self._oxygen_limits)

    @property
    def _oxygen_limits(self) -> Collection[Limit]:
        """One limit with a reference oxygen for each parameter and period."""
        limits = [limit for limit in self.limits if limit.reference_oxygen is not None]
        return {(limit.parameter, limit.period): limit for limit in limits}.values()

    def _table(self, limits: tuple[Limit, ...]) -> _Table:
        """Return the table of what is in force together, with an index for each limit that is new."""
        stored = self._tables.get(id(limits))
        if stored is None:
            table: _Table = {}
            for limit in limits:
                names = (limit.parameter, limit.period, limit.standard, limit.column, limit.unit)
                values = (limit.minimum, limit.maximum, limit.reference_oxygen)
                index = self._indices.setdefault((*names, *values), len(self.limits))
                if index == len(self.limits):
                    self.limits.append(limit)
                table.setdefault((limit.parameter, PERIODS.index(limit.period)), index)
            # The tuple is stored too, so that no other one gets its id.
            stored = self._tables[id(limits)] = limits, table
        return stored[1]
