"""Averages without a database, and what they must be, computed the plain way from all readings."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import numpy as np

from quantrac.domain.averaging import AverageRules
from quantrac.domain.periods import Period
from quantrac.domain.registry.registry import Registry
from quantrac.domain.stamps import MiddleOffset, middles
from quantrac.io.clickhouse import ClickHouseAway
from quantrac.io.clickhouse_native import Array
from quantrac.testing.tables import list_columns
from services.aggregator.windows.averages.queries import (
    AVERAGES,
    COUNTS,
    DAYS,
    HOURS,
    MONTHS,
    VERSIONS,
    AverageTables,
)
from services.aggregator.windows.averages.step import AverageStep
from services.aggregator.windows.batch import Step
from services.aggregator.windows.columns import FLAGS, PERIODS, Records
from services.aggregator.windows.exceedances.step import ExceedanceStep
from services.aggregator.windows.handler import WindowsHandler
from services.aggregator.windows.indices.queries import IndexKey, IndexTables, StoredIndex
from services.aggregator.windows.indices.step import IndexStep
from services.aggregator.windows.scope import Scope

VIETNAM = timezone(timedelta(hours=7))
Key = tuple[str, str, str, int]
"""Station, parameter, period, start in seconds since 1970."""
Readings = dict[tuple[str, str, int], tuple[float, int, str]]
"""(Station, parameter, time) -> value, flag, status."""


class AveragesInMemory:
    """Satisfies the protocols of the tables of averages and of indices."""

    def __init__(self) -> None:
        self.readings_by_time: Readings = {}
        self.averages: dict[Key, dict[str, Any]] = {}
        self.versions: dict[tuple[Any, ...], dict[str, Any]] = {}
        self.indices_rows: list[dict[str, Any]] = []
        self.units: dict[str, str] = {}
        self.written = 0
        self.asked: list[str] = []
        """Names of the methods that read."""
        self.inserts: list[str] = []
        """Tables of the blocks of averages that were written."""
        self.error: Exception | None = None
        self.fail_after: int | None = None
        """Inserts until one fails."""

    def put(
        self, station: str, parameter: str, at: datetime, value: float, flag: int = 1, status: str = "00"
    ) -> None:
        self.readings_by_time[station, parameter, int(at.timestamp())] = value, flag, status

    def readings(
        self, scope: Scope, rules: AverageRules, offsets: Mapping[str, Sequence[MiddleOffset]]
    ) -> Mapping[str, Sequence[Any]]:
        self._look("readings")
        hours: dict[tuple[str, str, int], list[tuple[int, float, int, str]]] = defaultdict(list)
        for (station, parameter, at), (value, flag, status) in self.readings_by_time.items():
            middle = middles(at, offsets.get(station, ()))
            if station in scope.stations and parameter in scope.parameters and is_in_time(scope, middle):
                hours[station, parameter, middle // 3600 * 3600].append((at, value, flag, status))
        rows = [
            {
                "station": station,
                "parameter": parameter,
                "hour": hour,
                "last_unit": self.units.get(parameter, "µg/m3"),
                "counting": [v for _, v, f, s in found if f in rules.flags and s not in {"01", "02"}],
                "received": len(found),
                **{name: sum(f == flag for _, _, f, _ in found) for name, flag in FLAGS.items()},
                "qualified": 0,
                "first_at": min(at for at, *_ in found),
                "last_at": max(at for at, *_ in found),
            }
            for (station, parameter, hour), found in hours.items()
        ]
        return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}

    def values_in_order(
        self, scope: Scope, rules: AverageRules, offsets: Mapping[str, Sequence[MiddleOffset]]
    ) -> Mapping[str, Sequence[Any]]:
        self._look("values_in_order")
        series: dict[tuple[str, str], list[tuple[int, int, float]]] = defaultdict(list)
        for (station, parameter, at), (value, flag, status) in sorted(self.readings_by_time.items()):
            middle = middles(at, offsets.get(station, ()))
            counts = flag in rules.flags and status not in {"01", "02"}
            if (
                station in scope.stations
                and parameter in scope.parameters
                and counts
                and is_in_time(scope, middle)
            ):
                series[station, parameter].append((at, middle // 3600 * 3600, value))
        columns = [[*key, *map(list, zip(*rows, strict=True))] for key, rows in series.items()]
        names = ("station", "parameter", "stamps", "hours", "values")
        return dict(zip(names, zip(*columns, strict=True), strict=True)) if columns else {}

    def hours(self, scope: Scope) -> Records:
        self._look("hours")
        rows = [
            (*place, start, scope.units.index(row["unit"]), member(row))
            for place, start, row in self._in(scope, [Period.HOUR])
        ]
        return np.array(rows, HOURS)

    def read_averages(self, scope: Scope, periods: Sequence[Period]) -> Records:
        self._look("read_averages")
        rows = [
            (
                *(*place, PERIODS.index(row["period"]), start),
                *(row["version"], row["content"], row["computed_at"] // 1000),
                *(scope.units.index(row["unit"]), member(row)),
                *(row[name] for name in (*COUNTS, "first_at", "last_at")),
            )
            for place, start, row in self._in(scope, periods)
        ]
        return np.array(rows, AVERAGES)

    def months(self, scope: Scope) -> Records:
        self._look("months")
        months: dict[tuple[Any, ...], list[float]] = defaultdict(list)
        for place, start, row in self._in(scope, [Period.DAY]):
            day = datetime.fromtimestamp(start, VIETNAM)
            months[(*place, (day.year - 1970) * 12 + day.month - 1)].append(member(row))
        rows = [(*place, [*days, *[math.nan] * (DAYS - len(days))]) for place, days in months.items()]
        return np.array(rows, MONTHS)

    def current_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        self._look("current_versions")
        rows = [
            (
                *(*place, PERIODS.index(row["period"]), start),
                *(row["version"], row["content"], row["computed_at"] // 1000),
            )
            for place, start, row in self._in(scope, periods)
        ]
        return np.array(rows, VERSIONS)

    def highest_versions(self, scope: Scope, periods: Sequence[Period]) -> Records:
        self._look("highest_versions")
        newest: dict[Key, tuple[Any, ...]] = {}
        for (station, parameter, period, start, version), row in sorted(
            self.versions.items(), key=lambda each: each[0][-1]
        ):
            if (
                station in scope.stations
                and parameter in scope.parameters
                and period in periods
                and is_in_time(scope, start)
            ):
                places = scope.stations.index(station), scope.parameters.index(parameter)
                told = version, row["content"], row["computed_at"] // 1000
                newest[station, parameter, period, start] = (
                    *places,
                    PERIODS.index(Period(period)),
                    start,
                    *told,
                )
        return np.array(list(newest.values()), VERSIONS)

    def insert(self, table: str, columns: Mapping[str, Array]) -> None:
        if table == "indices":
            self.indices_rows += rows_of(columns)
            return
        self._look()
        self.inserts.append(table)
        if self.fail_after is not None:
            self.fail_after -= 1
        for row in rows_of(columns):
            key = row["station"], row["parameter"], str(row["period"]), row["starts_at"]
            if table == "average_versions":
                self.versions[(*key, row["version"])] = row
            else:
                self.averages[key] = row
                self.written += 1

    def indices(self, scope: Scope) -> Mapping[IndexKey, StoredIndex]:
        self._look("indices")
        newest: dict[IndexKey, StoredIndex] = {}
        for row in self.indices_rows:
            if row["station"] in scope.stations and scope.start <= row["starts_at"] < scope.end:
                newest[row["station"], row["kind"], row["period"], row["starts_at"]] = StoredIndex(
                    row["value"],
                    row["level"],
                    list(row["responsible"]),
                    dict(row["subindices"]),
                    row["formula"],
                    row["version"],
                    row["computed_at"] // 1000,
                )
        return newest

    def _in(
        self, scope: Scope, periods: Iterable[str]
    ) -> Iterable[tuple[tuple[int, int], int, dict[str, Any]]]:
        wanted = {str(period) for period in periods}
        for (station, parameter, period, start), row in sorted(self.averages.items()):
            known = station in scope.stations and parameter in scope.parameters
            if known and period in wanted and is_in_time(scope, start):
                place = scope.stations.index(station), scope.parameters.index(parameter)
                yield place, start, row

    def _look(self, name: str = "") -> None:
        if name:
            self.asked.append(name)
        if self.error is not None:
            raise self.error
        if self.fail_after == 0:
            self.fail_after = None
            raise ClickHouseAway("gone in the middle")


def is_in_time(scope: Scope, at: int) -> bool:
    return scope.start <= at < scope.end and (not scope.days or (at + 7 * 3600) // 86400 in scope.days)


def windows_handler(
    averages: AverageTables,
    indices: IndexTables,
    registry: Registry,
    *,
    clock: Callable[[], datetime],
    aggregated: str = "aggregated",
    rules: AverageRules = AverageRules(),  # noqa: B008  # frozen
    exceedances: ExceedanceStep | None = None,
) -> WindowsHandler:
    """Return the handler of the windows; without ``exceedances`` nothing is judged."""
    steps: list[Step] = [
        AverageStep(averages, registry, aggregated=aggregated, clock=clock, rules=rules),
        IndexStep(indices, registry, aggregated=aggregated, clock=clock, rules=rules),
    ]
    return WindowsHandler([*steps, exceedances] if exceedances else steps, registry)


def rows_of(columns: Mapping[str, Array]) -> list[dict[str, Any]]:
    """Return the rows of a block; NaN in an array is NULL."""
    lists = {
        name: [None if value != value else value for value in values]
        for name, values in list_columns(columns).items()
    }
    return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]


def member(row: Mapping[str, Any]) -> float:
    if not row["complete"]:
        return math.nan
    found = row["mean"] if row["total"] is None else row["total"]
    return math.nan if found is None else found


def brute_force(
    readings: Readings, expected: Callable[[str, int], int], share: float = 0.75
) -> dict[Key, dict[str, Any]]:
    """Every average that these readings make, hour by hour, with fractions."""
    series: dict[tuple[str, str], dict[int, tuple[float, int, str]]] = defaultdict(dict)
    for (station, parameter, at), reading in readings.items():
        series[station, parameter][at] = reading
    result: dict[Key, dict[str, Any]] = {}
    for (station, parameter), found in series.items():
        hours: dict[int, dict[str, Any]] = {}
        for hour in sorted({at // 3600 * 3600 for at in found}):
            inside = {at: found[at] for at in found if hour <= at < hour + 3600}
            good = [v for v, f, s in inside.values() if f == 1 and s not in {"01", "02"}]
            hours[hour] = average(good, expected(station, hour), share, hour, hour + 3600, inside)
        eights: dict[int, dict[str, Any]] = {}
        for start in sorted({hour - 3600 * back for hour in hours for back in range(8)}):
            eights[start] = of_members(hours, start, start + 8 * 3600, 8, share, found)
        days = {
            start: of_members(hours, start, start + 86400, 24, share, found)
            for start in {local(hour, 3) for hour in hours}
        }
        months, years = {}, {}
        for level, into in ((2, months), (1, years)):
            for start in {local(day, level) for day in days}:
                at = datetime.fromtimestamp(start, VIETNAM)
                end = at.replace(year=at.year + 1) if level == 1 else (at + timedelta(days=31)).replace(day=1)
                stop = int(end.timestamp())
                into[start] = of_members(days, start, stop, (stop - start) // 86400, share, found)
        for period, rows in (
            ("hour", hours),
            ("8h", eights),
            ("day", days),
            ("month", months),
            ("year", years),
        ):
            for start, row in rows.items():
                result[station, parameter, period, start] = row
    return result


def local(at: int, level: int) -> int:
    """Start of the day (3), month (2) or year (1) in Vietnam."""
    parts = datetime.fromtimestamp(at, VIETNAM).timetuple()[:level]
    return int(datetime(*(*parts, 1, 1)[:3], tzinfo=VIETNAM).timestamp())


def of_members(
    members: Mapping[int, Mapping[str, Any]], start: int, end: int, expected: int, share: float, found: Any
) -> dict[str, Any]:
    values = [members[at]["mean"] for at in sorted(members) if start <= at < end and members[at]["complete"]]
    return average(values, expected, share, start, end, {at: found[at] for at in found if start <= at < end})


def average(
    values: Sequence[float], expected: int, share: float, start: int, end: int, readings: Mapping[int, Any]
) -> dict[str, Any]:
    n = len(values)
    return {
        "mean": math.fsum(values) / n if n else None,
        "minimum": min(values, default=None),
        "maximum": max(values, default=None),
        "p50": median(sorted(values)) if n else None,
        "sd": deviation(values) if n > 1 else None,
        "count": n,
        "expected": expected,
        "complete": n > 0 and n >= share * expected,
        "ends_at": end,
        "received": len(readings),
        **{name: sum(f == flag for _, f, _ in readings.values()) for name, flag in FLAGS.items()},
        "qualified": 0,
        "first_at": min(readings),
        "last_at": max(readings),
    }


def median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    low, high = ordered[half - 1] if len(ordered) % 2 == 0 else ordered[half], ordered[half]
    return low + (high - low) * 0.5


def deviation(values: Sequence[float]) -> float:
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    return math.sqrt(sum((value - mean) ** 2 for value in exact) / (len(exact) - 1))
