"""The readings and averages that the windows need, as arrays: the SQL of ``aggregator.windows``.

Stations, parameters and units travel as their index in the scope's lists, so that every row has a fixed
width. Times are seconds since 1970, UTC. ``FINAL`` makes each row the current one; what is asked for is said
in ``PREWHERE``, before rows are merged: it is of the key alone, so all versions of a row pass or none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from quantrac.domain.averaging import AverageRules
from quantrac.domain.periods import Period
from quantrac.domain.qualifiers import BELOW
from quantrac.domain.stamps import MiddleOffset
from quantrac.domain.statuses import counts_sql
from quantrac.domain.times import DAY, VIETNAM_OFFSET
from quantrac.io.clickhouse_native import Array
from services.aggregator.windows.columns import FLAGS, PERIODS, Records
from services.aggregator.windows.scope import ON_DAYS, SPAN, Database, Scope

DAYS = 31
"""Columns of a month."""

_SERIES = [("station", "<u2"), ("parameter", "<u2")]
_VERSION = [("version", "<u4"), ("content", "<u8"), ("computed_at", "<u4")]
COUNTS = ("received", *FLAGS, "qualified")
"""What is counted of an average's readings, whatever its period."""

VERSIONS = np.dtype([*_SERIES, ("period", "<u1"), ("starts_at", "<u4"), *_VERSION])
HOURS = np.dtype([*_SERIES, ("starts_at", "<u4"), ("unit", "<u2"), ("member", "<f8")])
AVERAGES = np.dtype(
    [
        *_SERIES,
        ("period", "<u1"),
        ("starts_at", "<u4"),
        *_VERSION,
        ("unit", "<u2"),
        ("member", "<f8"),
        *((name, "<u4") for name in (*COUNTS, "first_at", "last_at")),
    ]
)
MONTHS = np.dtype([*_SERIES, ("month", "<u2"), ("members", "<f8", (DAYS,))])


class AverageTables(Protocol):
    """Where the readings are and the averages go; every method raises ``ClickHouseError``."""

    def readings(
        self, scope: Scope, rules: AverageRules, offsets: Mapping[str, Sequence[MiddleOffset]]
    ) -> Mapping[str, Sequence[Any]]:
        """Return the hours that hold readings, as columns named in :class:`ClickHouseAverages`.

        A reading counts at its stamp, of stations with ``offsets`` at the middle that these give.
        """
        ...

    def values_in_order(
        self, scope: Scope, rules: AverageRules, offsets: Mapping[str, Sequence[MiddleOffset]]
    ) -> Mapping[str, Sequence[Any]]:
        """Return the readings that count, by series, as columns named in :class:`ClickHouseAverages`."""
        ...

    def read_averages(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Return stored averages (:data:`AVERAGES`); the member of one that is not complete is NaN."""
        ...

    def months(self, scope: Scope) -> Records:
        """Return the members that stored days are, one row a series and month (:data:`MONTHS`).

        The month counts from January 1970. Its days are in any order; one that is not there, or not complete,
        is NaN.
        """
        ...

    def current_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Return the current versions (:data:`VERSIONS`) of averages that start in ``scope``."""
        ...

    def highest_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Return the highest versions ever written (:data:`VERSIONS`), of averages whose period was over."""
        ...

    def insert(self, table: str, columns: Mapping[str, Array]) -> None:
        """Insert one block durably."""
        ...


_PREWHERE = """
PREWHERE station IN {stations:Array(String)} AND parameter IN {parameters:Array(String)}
"""


def _index_of(text: str, names: str) -> str:
    """Return the SQL of a text's index in a bound list, from 1; 0 = not in it.

    ``indexOf`` compares with every station of the list a row, many times the cost of all the rest of a
    statement.
    """
    words = f"{{{names}:Array(String)}}"
    # Of a LowCardinality text any function but CAST makes a LowCardinality number.
    return f"CAST(transform({text}, {words}, range(1, length({words}) + 1), 0), 'UInt16')"


_SERIES_SQL = f"""
  toUInt16({_index_of("station", "stations")} - 1) AS s,
  toUInt16({_index_of("parameter", "parameters")} - 1) AS p
"""
_PERIOD_SQL = "toUInt8(indexOf({all_periods:Array(String)}, period) - 1)"
_PERIODS_BOUND = "AND period IN {periods:Array(String)}"
# The partitions are made from a column of the key, so a row never has its like in another partition. One
# thread does the same for a quarter less of the processor's time than several.
_SETTINGS = "SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 1"
_MEMBER = "toFloat64(if(complete = 1, coalesce(total, mean, nan), nan))"
# Vietnam's date.
_LOCAL_DATE = f"toDate(starts_at + {VIETNAM_OFFSET})"

# What a reading counts as: below a limit of the method nobody knows the value.
_COUNTED = f"value * if(qualifier = '{BELOW}', {{below_limit:Float64}}, 1)"
_IS_COUNTED = f"has({{flags:Array(UInt8)}}, flag) AND {counts_sql('status')} AND isFinite(value)"


def _hours_of_readings(middle: str, conditions: str) -> str:
    """Return the statement that puts readings into the hours of ``middle``, an expression of UTC."""
    return f"""
SELECT station, parameter, toUnixTimestamp(toStartOfHour({middle})) AS hour,
  argMax(unit, measured_at) AS last_unit,
  groupArrayIf({_COUNTED}, {_IS_COUNTED}) AS counting,
  count() AS received, {", ".join(f"countIf(flag = {flag.value}) AS {name}" for name, flag in FLAGS.items())},
  countIf(qualifier != '') AS qualified,
  toUnixTimestamp(min(measured_at)) AS first_at, toUnixTimestamp(max(measured_at)) AS last_at
FROM readings FINAL
{_PREWHERE} {conditions}
GROUP BY station, parameter, hour
{_SETTINGS}
"""  # noqa: S608  # constants of our own


def _values_in_order(middle: str, conditions: str) -> str:
    """Return the statement that lists the readings of each series by time, with the hours of ``middle``."""
    return f"""
SELECT station, parameter,
  groupArray(stamp) AS stamps, groupArray(hour) AS hours, groupArray(counted) AS values
FROM (
  SELECT station, parameter, toUnixTimestamp(measured_at) AS stamp,
    toUnixTimestamp(toStartOfHour({middle})) AS hour, {_COUNTED} AS counted
  FROM readings FINAL
  {_PREWHERE} {conditions}
  WHERE {_IS_COUNTED}
  ORDER BY station, parameter, measured_at
)
GROUP BY station, parameter
{_SETTINGS}
"""  # noqa: S608  # constants of our own


_AT_STAMPS = (SPAN + ON_DAYS).replace("starts_at", "measured_at")

# Half of the longest time that is averaged, a day: no middle lies farther from its stamp.
_FARTHEST = DAY // 2
# The offsets of a row's station, none of a station that is not among those bound, then what
# quantrac.domain.stamps.middles does.
_OFFSETS_SQL = f"{{offsets:Array(Array(Tuple(UInt32, UInt32, Int32)))}}[{_index_of('station', 'stamped')}]"
_MIDDLE_SQL = f"""
(measured_at + arraySum(
  o -> if(toUnixTimestamp(measured_at) >= o.1 AND toUnixTimestamp(measured_at) < o.2, o.3, 0), {_OFFSETS_SQL}
))
"""
# The stamps' own span lets the server find the rows by the table's key.
_AT_MIDDLES = f"""
  AND measured_at >= toDateTime({{start:UInt32}} - {_FARTHEST}, 'UTC')
  AND measured_at < toDateTime({{end:UInt32}} + {_FARTHEST}, 'UTC')
""" + (SPAN + ON_DAYS).replace("starts_at", _MIDDLE_SQL)

_READINGS = _hours_of_readings("measured_at", _AT_STAMPS)
_READINGS_AT_MIDDLES = _hours_of_readings(_MIDDLE_SQL, _AT_MIDDLES)
_VALUES = _values_in_order("measured_at", _AT_STAMPS)
_VALUES_AT_MIDDLES = _values_in_order(_MIDDLE_SQL, _AT_MIDDLES)

_HOURS = f"""
SELECT {_SERIES_SQL}, toUnixTimestamp(starts_at), {_index_of("unit", "units")}, {_MEMBER}
FROM averages FINAL
{_PREWHERE} AND period = 'hour' {SPAN} {ON_DAYS}
{_SETTINGS}
"""  # noqa: S608

_AVERAGES = f"""
SELECT {_SERIES_SQL}, {_PERIOD_SQL}, toUnixTimestamp(starts_at),
  toUInt32(version), content, toUInt32(toUnixTimestamp(computed_at)), {_index_of("unit", "units")}, {_MEMBER},
  {", ".join(f"toUInt32({name})" for name in COUNTS)}, toUnixTimestamp(first_at), toUnixTimestamp(last_at)
FROM averages FINAL
{_PREWHERE} {_PERIODS_BOUND} {SPAN} {ON_DAYS}
{_SETTINGS}
"""  # noqa: S608

# An array by the day's index would cost twice what all the rest of the statement does.
_MONTHS = f"""
SELECT {_SERIES_SQL}, toUInt16(month), arrayResize(groupArray({_MEMBER}), {DAYS}, nan)
FROM averages FINAL
{_PREWHERE} AND period = 'day' {SPAN} {ON_DAYS}
GROUP BY station, parameter, toRelativeMonthNum({_LOCAL_DATE}) - toRelativeMonthNum(toDate(0)) AS month
{_SETTINGS}
"""  # noqa: S608

_CURRENT = f"""
SELECT {_SERIES_SQL}, {_PERIOD_SQL}, toUnixTimestamp(starts_at),
  toUInt32(version), content, toUInt32(toUnixTimestamp(computed_at))
FROM averages FINAL
{_PREWHERE} {_PERIODS_BOUND} {SPAN} {ON_DAYS}
{_SETTINGS}
"""  # noqa: S608

# The highest may be one that a process died with, before it became current in averages.
_HIGHEST = f"""
SELECT {_SERIES_SQL}, {_PERIOD_SQL}, toUnixTimestamp(starts_at),
  toUInt32(max(version)), argMax(content, version), toUInt32(toUnixTimestamp(argMax(computed_at, version)))
FROM average_versions
{_PREWHERE} {_PERIODS_BOUND} {SPAN} {ON_DAYS}
GROUP BY station, parameter, period, starts_at
{_SETTINGS}
"""  # noqa: S608


class ClickHouseAverages:
    """Satisfies :class:`AverageTables`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.insert = database.insert

    def readings(
        self, scope: Scope, rules: AverageRules, offsets: Mapping[str, Sequence[MiddleOffset]]
    ) -> Mapping[str, Sequence[Any]]:
        """Read station, parameter, hour, last_unit, counting, :data:`COUNTS`, first_at, last_at."""
        return self._read(_READINGS_AT_MIDDLES if offsets else _READINGS, scope, rules, offsets)

    def values_in_order(
        self, scope: Scope, rules: AverageRules, offsets: Mapping[str, Sequence[MiddleOffset]]
    ) -> Mapping[str, Sequence[Any]]:
        """Read station, parameter, stamps, hours, values: the last three in the order of time."""
        return self._read(_VALUES_AT_MIDDLES if offsets else _VALUES, scope, rules, offsets)

    def hours(self, scope: Scope) -> Records:
        """Read stored hours (:data:`HOURS`); the member of one that is not complete is NaN."""
        return self._database.records(_HOURS, scope.bindings(), HOURS)

    def read_averages(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Read stored averages."""
        return self._database.records(_AVERAGES, _bind(scope, periods), AVERAGES)

    def months(self, scope: Scope) -> Records:
        """Read the members of months."""
        return self._database.records(_MONTHS, scope.bindings(), MONTHS)

    def current_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Read the current versions."""
        return self._database.records(_CURRENT, _bind(scope, periods), VERSIONS)

    def highest_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        """Read the highest versions."""
        return self._database.records(_HIGHEST, _bind(scope, periods), VERSIONS)

    def _read(
        self, sql: str, scope: Scope, rules: AverageRules, offsets: Mapping[str, Sequence[MiddleOffset]]
    ) -> Mapping[str, Sequence[Any]]:
        bound = {**scope.bindings(), "flags": sorted(rules.flags), "below_limit": rules.below_limit}
        if offsets:
            bound["stamped"] = list(offsets)
            bound["offsets"] = [[tuple(offset) for offset in entries] for entries in offsets.values()]
        return self._database.columns(sql, bound)


def _bind(scope: Scope, periods: Sequence[Period]) -> dict[str, Any]:
    return {**scope.bindings(), "all_periods": list(PERIODS), "periods": list(periods)}
