"""A station's past, read from ClickHouse in the columns that the domain judges."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol

import numpy as np

from quantrac.domain.ids import received_sql
from quantrac.domain.qa.baseline.blocks import BLOCK, BlockStatistics, StationStatistics
from quantrac.domain.qa.baseline.neighbour_hours import HourMedians
from quantrac.domain.qa.shared_rules import right_clock_sql
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.history import FileHead
from quantrac.domain.statuses import MEASURING
from quantrac.domain.times import HOUR, from_seconds, to_sql_milliseconds

_STATISTICS_COLUMNS = tuple(field.name for field in fields(BlockStatistics))

_LAST_SECOND = 2**32 - 1
"""Of the table's type of time: 2106."""

_COLUMNS = """
SELECT parameter, toUnixTimestamp(measured_at) AS time, value, status, unit, toInt64(version) AS version,
       flag, line, text, qualifier, imported
"""
_SPAN = """
WHERE station = {station:String}
  AND measured_at >= toDateTime({start:UInt32}, 'UTC') AND measured_at < toDateTime({end:UInt32}, 'UTC')
"""
_READINGS = f"{_COLUMNS} FROM readings FINAL {_SPAN}"
# Of another file: a re-judgement of the same one replaces no value.
_REPLACED = f"""{_COLUMNS} FROM reading_revisions FINAL {_SPAN}
  AND {received_sql("version")} != {received_sql("superseded_by")}"""

RIGHT_CLOCK = right_clock_sql("toUnixTimestamp(measured_at)", received_sql("version"))
"""Condition on rows of ``readings``: their clock may have been right when they were received."""

_NEWEST = f"""
SELECT station, toUnixTimestamp(max(measured_at)) AS newest
FROM readings
WHERE station IN {{stations:Array(String)}} AND measured_at < toDateTime({{before:UInt32}}, 'UTC')
  AND {RIGHT_CLOCK}
GROUP BY station
"""  # noqa: S608  # constants of our own

_STATISTICS = """
SELECT parameter, intDiv(toUnixTimestamp(f.block), {length:UInt32}) AS block, median, step, low, high, count
FROM baseline_blocks AS f FINAL
WHERE station = {station:String}
  AND f.block >= toDateTime({start:UInt32}, 'UTC') AND f.block < toDateTime({end:UInt32}, 'UTC')
ORDER BY parameter, block
"""

# Every station up to its own last finished hour.
_HOURS = f"""
SELECT station, parameter, intDiv(toUnixTimestamp(measured_at), {HOUR}) AS hour,
  quantileExactLow(value) AS median
FROM readings FINAL
WHERE station IN {{stations:Array(String)}}
  AND measured_at >= toDateTime({{start:UInt32}}, 'UTC') AND measured_at < toDateTime({{end:UInt32}}, 'UTC')
  AND toUnixTimestamp(measured_at) < transform(station, {{stations:Array(String)}}, {{ends:Array(UInt32)}}, 0)
  AND status = '{MEASURING}' AND isFinite(value) AND qualifier = '' AND {RIGHT_CLOCK}
GROUP BY station, parameter, hour
ORDER BY station, parameter, hour
"""  # noqa: S608  # constants of our own

_FILES = """
SELECT received_at, file_id, name, account, transport, format
FROM files FINAL
WHERE station = {station:String}
  AND received_at >= {first:DateTime64(3, 'UTC')} AND received_at <= {last:DateTime64(3, 'UTC')}
"""


class Database(Protocol):
    """Where the history is."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows."""


class ClickHouseHistory:
    """Satisfies :class:`quantrac.domain.qa.stored.history.History`; raises what the database raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def readings(self, station: str, start: float, end: float) -> StationReadings:
        """Return the readings measured in ``[start, end)``, seconds since 1970 UTC."""
        span = {"station": station, "start": _second(start), "end": _second(end)}
        columns = dict(self._database.columns(_READINGS, span))
        replaced = self._database.columns(_REPLACED, span)
        if not columns:
            return StationReadings.of(station, parameter=[], time=[], value=[])
        if replaced:
            columns = {name: [*replaced[name], *column] for name, column in columns.items()}
        return StationReadings.of(station, **columns)

    def newest(self, station: str) -> float:
        """Return the time of the newest reading, seconds since 1970 UTC; -inf where there is none.

        A reading whose clock is wrong is none.
        """
        return self._newest_of([station])[station]

    def newest_before(self, station: str, time: float) -> float:
        """Return the time of the newest such reading before ``time``."""
        return self._newest_before([station], time)[station]

    def statistics(self, station: str, first: int, last: int) -> StationStatistics:
        """Return the stored statistics of the blocks ``first`` to ``last``."""
        span = {"station": station, "start": _second(first * BLOCK), "end": _second((last + 1) * BLOCK)}
        columns = self._database.columns(_STATISTICS, span | {"length": BLOCK})
        return {
            code: BlockStatistics(*(np.array(columns[name][rows]) for name in _STATISTICS_COLUMNS))
            for code, rows in _slices(columns.get("parameter", ()))
        }

    def hours(self, stations: Sequence[str], first: int, last: int) -> list[HourMedians]:
        """Return of each station the medians of its finished hours ``first`` to ``last``."""
        if not stations:
            return []
        newest = self._newest_of(stations)
        ends = [_second(newest[station] // HOUR * HOUR) if newest[station] > 0 else 0 for station in stations]
        span = {"start": _second(first * HOUR), "end": _second((last + 1) * HOUR)}
        columns = self._database.columns(_HOURS, span | {"stations": list(stations), "ends": ends})
        medians: dict[str, HourMedians] = {
            station: {
                code: (np.array(columns["hour"][rows]), np.array(columns["median"][rows]))
                for code, rows in _slices(columns["parameter"], own)
            }
            for station, own in _slices(columns.get("station", ()))
        }
        return [medians.get(station, {}) for station in stations]

    def files(self, station: str, received: Collection[datetime]) -> Mapping[datetime, FileHead]:
        """Return the files received at these times (UTC, milliseconds); unknown ones are left out."""
        if not received:
            return {}
        span = {"first": to_sql_milliseconds(min(received)), "last": to_sql_milliseconds(max(received))}
        columns = self._database.columns(_FILES, {"station": station} | span)
        times = set(received)
        return {
            received_at: FileHead(*head)
            for received_at, *head in zip(*columns.values(), strict=True)
            if received_at in times
        }

    def _newest_of(self, stations: Sequence[str]) -> Mapping[str, float]:
        """Return what :meth:`newest` does, of many stations."""
        return self._newest_before(stations, _LAST_SECOND)

    def _newest_before(self, stations: Sequence[str], time: float) -> dict[str, float]:
        columns = self._database.columns(_NEWEST, {"stations": list(stations), "before": _second(time)})
        rows = zip(columns.get("station", ()), map(float, columns.get("newest", ())), strict=True)
        return dict.fromkeys(stations, -math.inf) | dict(rows)


class HistorySnapshot(ClickHouseHistory):
    """A history for one batch of work: the newest reading of a station is looked for once.

    What is stored later has requests of its own.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._newest: dict[str, float] = {}

    def _newest_of(self, stations: Sequence[str]) -> Mapping[str, float]:
        """Return the newest readings as they were when first asked for."""
        missing = [station for station in stations if station not in self._newest]
        if missing:
            self._newest |= super()._newest_of(missing)
        return self._newest


def baseline_columns(
    station: str, statistics: StationStatistics, computed_at: datetime
) -> dict[str, list[Any]]:
    """Return the columns of ``baseline_blocks`` for new statistics of a station, one row a block."""
    rows = [
        (station, code, from_seconds(block * BLOCK), *numbers, computed_at)
        for code, code_figures in statistics.items()
        for block, *numbers in zip(
            *(getattr(code_figures, name).tolist() for name in _STATISTICS_COLUMNS), strict=True
        )
    ]
    names = ("station", "parameter", *_STATISTICS_COLUMNS, "computed_at")
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}


def _slices(names: Sequence[str], part: slice = slice(None)) -> Iterator[tuple[str, slice]]:
    """Yield each name of a part of the rows, which are ordered by it, with its rows."""
    start = part.start or 0
    for name, rows in groupby(names[part]):
        end = start + sum(1 for _ in rows)
        yield name, slice(start, end)
        start = end


def _second(time: float) -> int:
    """The first whole second at or after a time, within what the tables can hold."""
    return math.ceil(min(max(time, 0), _LAST_SECOND))
