"""What one query of the windows reads, and the database that it runs on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from quantrac.domain.times import DAY, VIETNAM_OFFSET
from quantrac.io.clickhouse import Result
from quantrac.io.clickhouse_native import Array
from services.aggregator.windows.columns import Numbers, Records

SPAN = """
  AND starts_at >= toDateTime({start:UInt32}, 'UTC') AND starts_at < toDateTime({end:UInt32}, 'UTC')
"""
"""Condition: averages and indices that start within the scope."""

ON_DAYS = f"""
  AND (empty({{days:Array(UInt32)}})
    OR intDiv(toUnixTimestamp(starts_at) + {VIETNAM_OFFSET}, {DAY}) IN {{days:Array(UInt32)}})
"""
"""Condition: those that start on one of the scope's days, where it names days."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Stations and parameters, from ``start`` to before ``end``."""

    stations: Sequence[str]
    parameters: Sequence[str]
    units: Sequence[str]
    """Those that have an index; the first is the empty one, which stands for every other too."""
    start: int
    """Seconds since 1970, UTC."""
    end: int
    days: Sequence[int] = ()
    """Within these times only these days of Vietnam, counted from 1970; empty = all of them."""

    @classmethod
    def of_days(
        cls, stations: Sequence[str], parameters: Sequence[str], units: Sequence[str], days: Numbers
    ) -> "Scope":
        """Return the scope of some days (at least one), counted from 1970 in any order."""
        numbers = np.unique(days)
        first, last = int(numbers[0]), int(numbers[-1])
        # Days without a gap need no list.
        named = numbers.tolist() if last - first >= len(numbers) else ()
        start, end = (number * DAY - VIETNAM_OFFSET for number in (first, last + 1))
        return cls(stations, parameters, units, start, end, named)

    def bindings(self) -> dict[str, Any]:
        """Return what the statements' ``{names}`` are bound to."""
        return {
            "stations": list(self.stations),
            "parameters": list(self.parameters),
            "units": list(self.units[1:]),
            "start": self.start,
            "end": self.end,
            "days": list(self.days),
        }


class Database(Protocol):
    """What the statements run on: :class:`quantrac.io.clickhouse.ClickHouse`."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values."""

    def records(self, sql: str, parameters: Mapping[str, Any], dtype: np.dtype[Any]) -> Records:
        """Run one SELECT of fixed-width columns."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        """Run one SELECT."""

    def insert(self, table: str, columns: Mapping[str, Array]) -> None:
        """Insert one block durably."""
