"""The readings and averages that the windows need, as arrays: the SQL of ``aggregator.windows``.

Stations, parameters and units travel as their index in the scope's lists, so that every row has a fixed
width. Times are seconds since 1970, UTC. ``FINAL`` makes each row the current one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from quantrac.domain.averaging import Period
from quantrac.domain.statuses import counts_sql
from quantrac.domain.times import VIETNAM_OFFSET
from quantrac.io.clickhouse_native import Array
from services.aggregator.windows.columns import FLAGS, PERIODS, Records
from services.aggregator.windows.scope import SPAN, Database, Scope

DAYS = 31
"""Columns of a month."""

_SERIES = [("station", "<u2"), ("parameter", "<u2")]
_COUNTS = [(name, "<u4") for name in ("received", *FLAGS, "first_at", "last_at")]
VERSIONS = np.dtype(
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

    def current_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Return the current versions (:data:`VERSIONS`) of averages that start in ``scope``."""
        ...

    def highest_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Return the highest versions ever written (:data:`VERSIONS`), of averages whose period was over."""
        ...

    def insert_arrays(self, table: str, columns: Mapping[str, Array]) -> None:
        """Insert one block durably."""
        ...


_WHERE = """
WHERE station IN {stations:Array(String)} AND parameter IN {parameters:Array(String)}
"""


def _index_of(text: str, names: str) -> str:
    """Return the SQL of a text's index in a bound list, from 1; 0 = not in it.

    ``indexOf`` compares with up to 200 stations a row, four times the cost of all the rest of a statement.
    """
    words = f"{{{names}:Array(String)}}"
    return f"toUInt16(transform({text}, {words}, range(1, length({words}) + 1), 0))"


_SERIES_SQL = f"""
  toUInt16({_index_of("station", "stations")} - 1) AS s,
  toUInt16({_index_of("parameter", "parameters")} - 1) AS p
"""
# The partitions are made from a column of the key, so a row never has its like in another partition.
_SETTINGS = "SETTINGS do_not_merge_across_partitions_select_final = 1"
_MEMBER = "if(complete = 1, coalesce(total, mean, nan), nan)"
# Vietnam's date.
_LOCAL_DATE = f"toDate(starts_at + {VIETNAM_OFFSET})"

_READINGS = f"""
SELECT station, parameter, toUnixTimestamp(toStartOfHour(measured_at)) AS hour,
  argMax(unit, measured_at) AS last_unit,
  groupArrayIf(value, has({{flags:Array(UInt8)}}, flag) AND {counts_sql("status")} AND isFinite(value))
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
SELECT {_SERIES_SQL}, toUnixTimestamp(starts_at), {_index_of("unit", "units")}, toFloat64({_MEMBER}),
  {", ".join(f"toUInt32({name})" for name, _ in _COUNTS)}
FROM averages FINAL
{_WHERE} AND period = 'hour' {SPAN}
{_SETTINGS}
"""  # noqa: S608

# An array by the day's index would cost twice what all the rest of the statement does.
_DAYS = f"""
SELECT {_SERIES_SQL}, toUInt8(month - 1), {_index_of("argMax(unit, starts_at)", "units")},
  {", ".join(f"toUInt32(sum({name}))" for name in ("received", *FLAGS))},
  toUInt32(min(first_at)), toUInt32(max(last_at)),
  arrayResize(groupArray(toFloat64({_MEMBER})), {DAYS}, nan)
FROM averages FINAL
{_WHERE} AND period = 'day' {SPAN}
GROUP BY station, parameter, toMonth({_LOCAL_DATE}) AS month
{_SETTINGS}
"""  # noqa: S608

_CURRENT = f"""
SELECT {_SERIES_SQL}, toUInt8(indexOf({{all_periods:Array(String)}}, period) - 1), toUnixTimestamp(starts_at),
  toUInt32(version), content, toUInt32(toUnixTimestamp(computed_at))
FROM averages FINAL
{_WHERE} AND period IN {{periods:Array(String)}} {SPAN}
{_SETTINGS}
"""  # noqa: S608

# The highest may be one that a process died with, before it became current in averages.
_HIGHEST = f"""
SELECT {_SERIES_SQL}, toUInt8(indexOf({{all_periods:Array(String)}}, period) - 1), toUnixTimestamp(starts_at),
  toUInt32(max(version)), argMax(content, version), toUInt32(toUnixTimestamp(argMax(computed_at, version)))
FROM average_versions
{_WHERE} AND period IN {{periods:Array(String)}} {SPAN}
GROUP BY station, parameter, period, starts_at
{_SETTINGS}
"""  # noqa: S608


class ClickHouseAverages:
    """Satisfies :class:`AverageTables`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.insert_arrays = database.insert_arrays

    def readings(self, scope: Scope, flags: Sequence[int]) -> Mapping[str, Sequence[Any]]:
        """Read station, parameter, hour, last_unit, counting, received, flags, first_at, last_at."""
        return self._database.columns(_READINGS, {**scope.bindings(), "flags": list(flags)})

    def hours(self, scope: Scope) -> Records:
        """Read stored hours."""
        return self._database.records(_HOURS, scope.bindings(), HOURS)

    def days(self, scope: Scope) -> Records:
        """Read the days of a year."""
        return self._database.records(_DAYS, scope.bindings(), MONTHS)

    def current_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Read the current versions."""
        return self._database.records(_CURRENT, _bind(scope, periods), VERSIONS)

    def highest_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Read the highest versions."""
        return self._database.records(_HIGHEST, _bind(scope, periods), VERSIONS)


def _bind(scope: Scope, periods: Sequence[Period]) -> dict[str, Any]:
    return {**scope.bindings(), "all_periods": list(PERIODS), "periods": list(periods)}
