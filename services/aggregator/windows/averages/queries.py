"""The readings and averages that the windows need, as arrays: the SQL of ``aggregator.windows``.

Stations, parameters and units travel as their place in the scope's lists, so that every row has a fixed
width. Times are seconds since 1970, UTC. ``FINAL`` makes each row the present one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from quantrac.domain.averaging import Period
from quantrac.io.clickhouse import Result
from quantrac.io.clickhouse_native import Array
from services.aggregator.windows.columns import FLAGS, PERIODS, Records

DAYS = 31
"""Columns of a month."""

_SERIES = [("station", "<u2"), ("parameter", "<u2")]
_COUNTS = [(name, "<u4") for name in ("received", *FLAGS, "first_at", "last_at")]
STORED = np.dtype(
    [
        *_SERIES,
        ("period", "<u1"),
        ("starts_at", "<u4"),
        ("version", "<u4"),
        ("content", "<u8"),
        ("computed_at", "<u4"),
    ]
)
HOURS = np.dtype([*_SERIES, ("starts_at", "<u4"), ("unit", "<u2"), ("member", "<f8"), *_COUNTS])
MONTHS = np.dtype(
    [
        *_SERIES,
        ("month", "<u1"),
        ("unit", "<u2"),
        *_COUNTS,
        ("length", "V1"),
        ("members", "<f8", (DAYS,)),
    ]
)


@dataclass(frozen=True, slots=True)
class Scope:
    """What one look reads: these stations and parameters, from ``start`` to before ``end``."""

    stations: Sequence[str]
    parameters: Sequence[str]
    units: Sequence[str]
    """Known ones; the first is the empty one, which stands for every other too."""
    start: int
    end: int

    def bound(self) -> dict[str, Any]:
        """Return what the statements' ``{names}`` are bound to."""
        return {
            "stations": list(self.stations),
            "parameters": list(self.parameters),
            "units": list(self.units[1:]),
            "start": self.start,
            "end": self.end,
        }


class AverageTables(Protocol):
    """Where the readings are and the averages go; every method raises ``ClickHouseError``."""

    def readings(self, scope: Scope, flags: Sequence[int]) -> Mapping[str, Sequence[Any]]:
        """Return the hours that hold readings, as columns named in :class:`ClickHouseAverages`."""
        ...

    def hours(self, scope: Scope) -> Records:
        """Return stored hours (:data:`HOURS`); the member of one that is not complete is NaN."""
        ...

    def days(self, scope: Scope) -> Records:
        """Return the stored days, one row a series and month (:data:`MONTHS`); ``scope`` is one year.

        The month counts from 0. Its days are in any order; one that is not there, or not complete, is NaN.
        """
        ...

    def stored(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Return which version stands (:data:`STORED`) of averages that start in ``scope``."""
        ...

    def kept(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Return the highest version that was ever written (:data:`STORED`) of averages that were over."""
        ...

    def insert_arrays(self, table: str, columns: Mapping[str, Array]) -> None:
        """Insert one block durably."""
        ...

    def indices(self, scope: Scope) -> Sequence[Sequence[Any]]:
        """Return the present ones.

        As (station, kind, period, start, value, responsible, subindices, version, seconds of computed_at).
        """
        ...

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert one block of any types durably."""
        ...


class Database(Protocol):
    """What the statements run on: :class:`quantrac.io.clickhouse.ClickHouse`."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values."""

    def records(self, sql: str, parameters: Mapping[str, Any], dtype: np.dtype[Any]) -> Records:
        """Run one SELECT of fixed-width columns."""

    def insert_arrays(self, table: str, columns: Mapping[str, Array]) -> None:
        """Insert one block durably."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        """Run one SELECT."""

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert one block durably."""


_WHERE = """
WHERE station IN {stations:Array(String)} AND parameter IN {parameters:Array(String)}
"""
_SPAN = """
  AND starts_at >= toDateTime({start:UInt32}, 'UTC') AND starts_at < toDateTime({end:UInt32}, 'UTC')
"""


def _place(of: str, names: str) -> str:
    """Return the place of a text in a bound list, from 1; 0 = not in it.

    ``indexOf`` compares with up to 200 stations a row, four times the cost of all the rest of a statement.
    """
    places = f"{{{names}:Array(String)}}"
    return f"toUInt16(transform({of}, {places}, range(1, length({places}) + 1), 0))"


_PLACES = f"""
  toUInt16({_place("station", "stations")} - 1) AS s, toUInt16({_place("parameter", "parameters")} - 1) AS p
"""
# The partitions are made from a column of the key, so a row never has its like in another partition.
_SETTINGS = "SETTINGS do_not_merge_across_partitions_select_final = 1"
_MEMBER = "if(complete = 1, coalesce(total, mean, nan), nan)"
# Vietnam's date.
_LOCAL = "toDate(starts_at + 25200)"

# Statuses 01 (calibrating) and 02 (device error) never count, whatever the flag.
_READINGS = f"""
SELECT station, parameter, toUnixTimestamp(toStartOfHour(measured_at)) AS hour,
  argMax(unit, measured_at) AS last_unit,
  groupArrayIf(value, has({{flags:Array(UInt8)}}, flag) AND status NOT IN ('01', '02') AND isFinite(value))
    AS counting,
  count() AS received, {", ".join(f"countIf(flag = {flag.value}) AS {name}" for name, flag in FLAGS.items())},
  toUnixTimestamp(min(measured_at)) AS first_at, toUnixTimestamp(max(measured_at)) AS last_at
FROM readings FINAL
{_WHERE}
  AND measured_at >= toDateTime({{start:UInt32}}, 'UTC') AND measured_at < toDateTime({{end:UInt32}}, 'UTC')
GROUP BY station, parameter, hour
{_SETTINGS}
"""  # noqa: S608  # constants of our own

_HOURS = f"""
SELECT {_PLACES}, toUnixTimestamp(starts_at), {_place("unit", "units")}, toFloat64({_MEMBER}),
  {", ".join(f"toUInt32({name})" for name, _ in _COUNTS)}
FROM averages FINAL
{_WHERE} AND period = 'hour' {_SPAN}
{_SETTINGS}
"""  # noqa: S608

# An array by the day's place would cost twice what all the rest of the statement does.
_DAYS = f"""
SELECT {_PLACES}, toUInt8(month - 1), {_place("argMax(unit, starts_at)", "units")},
  {", ".join(f"toUInt32(sum({name}))" for name in ("received", *FLAGS))},
  toUInt32(min(first_at)), toUInt32(max(last_at)),
  arrayResize(groupArray(toFloat64({_MEMBER})), {DAYS}, nan)
FROM averages FINAL
{_WHERE} AND period = 'day' {_SPAN}
GROUP BY station, parameter, toMonth({_LOCAL}) AS month
{_SETTINGS}
"""  # noqa: S608

_STORED = f"""
SELECT {_PLACES}, toUInt8(indexOf({{every:Array(String)}}, period) - 1), toUnixTimestamp(starts_at),
  toUInt32(version), content, toUInt32(toUnixTimestamp(computed_at))
FROM averages FINAL
{_WHERE} AND period IN {{periods:Array(String)}} {_SPAN}
{_SETTINGS}
"""  # noqa: S608

# The highest may be one that a process died with, before it stood in averages.
_KEPT = f"""
SELECT {_PLACES}, toUInt8(indexOf({{every:Array(String)}}, period) - 1), toUnixTimestamp(starts_at),
  toUInt32(max(version)), argMax(content, version), toUInt32(toUnixTimestamp(argMax(computed_at, version)))
FROM average_versions
{_WHERE} AND period IN {{periods:Array(String)}} {_SPAN}
GROUP BY station, parameter, period, starts_at
{_SETTINGS}
"""  # noqa: S608


_INDICES = f"""
SELECT station, kind, period, toUnixTimestamp(starts_at) AS start, value, responsible, subindices, version,
  toUnixTimestamp(computed_at)
FROM indices
WHERE station IN {{stations:Array(String)}} {_SPAN}
ORDER BY version DESC
LIMIT 1 BY station, kind, period, start
"""  # noqa: S608


class ClickHouseAverages:
    """Satisfies :class:`AverageTables`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.insert_arrays = database.insert_arrays
        self.insert = database.insert

    def readings(self, scope: Scope, flags: Sequence[int]) -> Mapping[str, Sequence[Any]]:
        """Read station, parameter, hour, last_unit, counting, received, flags, first_at, last_at."""
        return self._database.columns(_READINGS, {**scope.bound(), "flags": list(flags)})

    def hours(self, scope: Scope) -> Records:
        """Read stored hours."""
        return self._database.records(_HOURS, scope.bound(), HOURS)

    def days(self, scope: Scope) -> Records:
        """Read the days of a year."""
        return self._database.records(_DAYS, scope.bound(), MONTHS)

    def stored(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Read which versions stand."""
        asked = {**scope.bound(), "every": list(PERIODS), "periods": list(periods)}
        return self._database.records(_STORED, asked, STORED)

    def kept(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Read the highest versions."""
        asked = {**scope.bound(), "every": list(PERIODS), "periods": list(periods)}
        return self._database.records(_KEPT, asked, STORED)

    def indices(self, scope: Scope) -> Sequence[Sequence[Any]]:
        """Read the present indices."""
        span = {"stations": list(scope.stations), "start": scope.start, "end": scope.end}
        return self._database.query(_INDICES, span).rows
