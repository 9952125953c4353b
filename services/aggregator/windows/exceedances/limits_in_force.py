"""Which limit judges which average. Times are seconds since 1970, UTC."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.limits import Limit, LimitBook
from quantrac.domain.registry.registry import Registry
from services.aggregator.windows.columns import PERIODS, Block, Numbers, chosen, joined
from services.aggregator.windows.exceedances.columns import Names

OXYGEN = "O2"
"""What the values of a flue gas are corrected by, in volume percent."""


class LimitsInForce:
    """Which limit judges which average: the first of a station for its parameter and period.

    :attr:`limits` are told apart by what they hold to, so that another certainty splits no episode.
    """

    def __init__(self, registry: Registry, book: LimitBook) -> None:
        self._registry, self._book = registry, book
        self.limits: list[Limit] = []
        self._places: dict[tuple[Any, ...], int] = {}
        self._sets: dict[int, tuple[tuple[Limit, ...], dict[tuple[str, int], int]]] = {}

    def held(self, names: Names, rows: Block) -> Numbers:
        """Return the place in :attr:`limits` of what each average is judged by, -1 = nothing."""
        pairs, inverse = np.unique(
            rows["station"].astype(np.int64) << 32 | rows["starts_at"], return_inverse=True
        )
        found: dict[int, int] = {}
        tables: list[dict[tuple[str, int], int]] = []
        which = np.zeros(len(pairs), np.int64)
        for place, pair in enumerate(pairs.tolist()):
            at = datetime.fromtimestamp(pair & 0xFFFFFFFF, UTC)
            entry = self._registry.station(names.stations[pair >> 32], at)
            limits = self._book.limits_of(entry, at) if entry else ()
            if id(limits) not in found:
                found[id(limits)] = len(tables)
                tables.append(self._set(limits))
            which[place] = found[id(limits)]
        by_place = np.full((len(tables), len(names.parameters), len(PERIODS)), -1)
        for number, table in enumerate(tables):
            for (code, period), place in table.items():
                if code in names.parameters:
                    by_place[number, names.parameters[code], period] = place
        held: Numbers = by_place[which[inverse], rows["parameter"], rows["period"]]
        return held

    def corrected(self, names: Names, rows: Block) -> Block:
        """Return, for averages of oxygen, those that are corrected by it; NaN still."""
        oxygen = chosen(rows, rows["parameter"] == names.parameter(OXYGEN))
        blocks = []
        for limit in self.with_oxygen:
            some = chosen(oxygen, oxygen["period"] == PERIODS.index(limit.period))
            place = np.full(len(some["mean"]), names.parameter(limit.parameter))
            some |= {"parameter": place, "mean": np.full(len(place), np.nan)}
            held = self.held(names, some)
            blocks.append(chosen(some, ~np.isnan(self.reference(held))))
        return joined(blocks) if blocks else chosen(oxygen, np.zeros(0, np.int64))

    def reference(self, held: Numbers) -> NDArray[np.float64]:
        """Return the reference oxygen of each average's limit, NaN where it has none."""
        every = [np.nan if each.reference_oxygen is None else each.reference_oxygen for each in self.limits]
        found: NDArray[np.float64] = np.array([*every, np.nan])[held]
        return found

    @property
    def with_oxygen(self) -> Collection[Limit]:
        """One limit that has a reference oxygen of each parameter and period."""
        every = (each for each in self.limits if each.reference_oxygen is not None)
        return {(each.parameter, each.period): each for each in every}.values()

    def _set(self, limits: tuple[Limit, ...]) -> dict[tuple[str, int], int]:
        known = self._sets.get(id(limits))
        if known is None:
            table: dict[tuple[str, int], int] = {}
            for each in limits:
                what = (each.parameter, each.period, each.standard, each.column, each.unit)
                values = (each.minimum, each.maximum, each.reference_oxygen)
                place = self._places.setdefault((*what, *values), len(self.limits))
                if place == len(self.limits):
                    self.limits.append(each)
                table.setdefault((each.parameter, PERIODS.index(each.period)), place)
            # The tuple is kept, so that no other one gets its id.
            known = self._sets[id(limits)] = limits, table
        return known[1]
