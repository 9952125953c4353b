"""Decides which averages dirty hours become: recomputed from what is stored, never incremented."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.averaging import AverageRules, Period, count_expected_at, month_starts
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import DAY, HOUR, from_seconds, to_milliseconds, to_whole_seconds
from quantrac.domain.units import UNITS
from quantrac.io.clickhouse_native import Array, Words
from quantrac.io.records import Record
from schemas.codec import encode_aggregated
from services.aggregator.windows.averages.columns import (
    AFTER,
    BEFORE,
    SeriesRows,
    add_content,
    day_block,
    to_messages,
    year_block,
)
from services.aggregator.windows.averages.queries import AverageTables
from services.aggregator.windows.batch import WindowBatch, select_touched
from services.aggregator.windows.columns import (
    FLAGS,
    PERIODS,
    Block,
    Numbers,
    Records,
    indices_by_name,
    pack_pairs,
    pad_rows,
    select_rows,
    year_and_month,
)
from services.aggregator.windows.dirty_hours import HourGroup, group_by_day, group_by_year
from services.aggregator.windows.scope import Scope

# Every five minutes, the national register's default: of a station that the registry does not hold.
_USUALLY_EXPECTED = 12

# A backlog of weeks changes thousands of averages of one station; some 500 bytes each.
_AVERAGES_A_MESSAGE = 500

# Some 60 are in the table of units; those that only a delivery names get an index as long as they are so few.
_MOST_UNITS = 200


class AverageStep:
    """Recomputes dirty hours and every longer average they enter: the first step of the windows.

    Hours from readings; 8-hour means and days from hours; months and years from days.
    """

    def __init__(
        self,
        tables: AverageTables,
        registry: Registry,
        *,
        aggregated: str,
        clock: Callable[[], datetime],
        rules: AverageRules = AverageRules(),  # noqa: B008  # frozen
    ) -> None:
        """``aggregated`` is the topic."""
        self._tables, self._registry, self._aggregated = tables, registry, aggregated
        self._clock, self._rules = clock, rules
        self._units = indices_by_name(list(dict.fromkeys(["", *(unit.name for unit in UNITS)])))

    def process(self, batch: WindowBatch) -> None:
        """Write the averages that differ; see :class:`services.aggregator.windows.batch.Step`."""
        days = list(group_by_day(batch.hours))
        for group in days:
            self._store_changes(batch, group, self._hours(group))
        for group in days:
            self._store_changes(batch, group, self._days(group))
        for group in group_by_year(batch.hours):
            self._store_changes(batch, group, self._years(group))
        batch.units = list(self._units)

    def _hours(self, group: HourGroup) -> Block:
        """Return the group's dirty hours; no columns where they hold no readings."""
        scope = self._scope(group, int(group.times.min()), int(group.times.max()) + HOUR)
        # Columns, a row an hour that holds readings: of every station and parameter of the group.
        columns = self._tables.readings(scope, sorted(self._rules.flags))
        if not columns:
            return {}
        stations, parameters = indices_by_name(group.stations), indices_by_name(group.parameters)
        station = np.array([stations[code] for code in columns["station"]])
        parameter = np.array([parameters[code] for code in columns["parameter"]])
        hour = np.array(columns["hour"], np.int64)
        number = station * len(group.parameters) + parameter
        # A mask of the rows that are dirty, and their indices.
        dirty = np.isin(pack_pairs(number, hour), pack_pairs(group.series, group.times))
        rows = np.flatnonzero(dirty).tolist()
        if not rows:
            return {}
        # Dirty hours x readings: what counts in each hour, NaN where it has fewer than the fullest one.
        members = pad_rows([columns["counting"][row] for row in rows])
        series = SeriesRows(number[dirty], group.combinations)
        block = series.block(series.rows(number[dirty])[0], members, Period.HOUR)
        for name in ("received", *FLAGS, "first_at", "last_at"):
            block[name] = np.array(columns[name], np.int64)[dirty]
        block["unit"] = np.array([self._unit_index(columns["last_unit"][row]) for row in rows])
        block["starts_at"], block["ends_at"] = hour[dirty], hour[dirty] + HOUR
        block["expected"] = self._count_expected(group, station[dirty], hour[dirty])
        return block

    def _unit_index(self, unit: str) -> int:
        """Return the index of a unit; that of the empty one past :data:`_MOST_UNITS`."""
        if unit not in self._units and len(self._units) < _MOST_UNITS:
            self._units[unit] = len(self._units)
        return self._units.get(unit, 0)

    def _count_expected(self, group: HourGroup, stations: Numbers, hours: Numbers) -> Numbers:
        """Return how many readings the station's interval allows in each hour."""
        # Each pair of a station and an hour once: its parameters share the answer.
        pairs, inverse = np.unique(pack_pairs(stations, hours), return_inverse=True)
        expected = []
        for pair in pairs.tolist():
            start = from_seconds(pair & 0xFFFFFFFF)
            entry = self._registry.station(group.stations[pair >> 32], start)
            expected.append(count_expected_at(entry, start) if entry else _USUALLY_EXPECTED)
        return np.array(expected)[inverse]

    def _days(self, group: HourGroup) -> Block:
        """Return the 8-hour means and the day of each series of a group of one day."""
        start = int(group.part)
        scope = self._scope(group, start - BEFORE * HOUR, start + DAY + AFTER * HOUR)
        series = SeriesRows(group.series, group.combinations)
        dirty = series.rows(group.series)[0], group.times
        return day_block(self._tables.hours(scope), series, start, dirty)

    def _years(self, group: HourGroup) -> Block:
        """Return the months and the year of each series of a group of one year."""
        starts = month_starts(int(group.part))
        scope = self._scope(group, to_whole_seconds(starts[0]), to_whole_seconds(starts[-1]))
        series = SeriesRows(group.series, group.combinations)
        dirty = series.rows(group.series)[0], year_and_month(group.times)[1]
        return year_block(self._tables.days(scope), series, int(group.part), dirty)

    def _store_changes(self, batch: WindowBatch, group: HourGroup, block: Block) -> None:
        """Write the rows that differ from what is stored, with the next version, and publish them.

        Published again is what was stored at ``batch.since`` or later: a process that died between insert and
        publishing stored it.
        """
        if not block or not len(block["count"]):
            return
        units = list(self._units)
        block = add_content(block, self._rules, units)
        batch.touched.append(select_touched(group.stations, group.parameters, block, self._rules))
        now = self._clock()
        # Masks and numbers, one a row of the block.
        changed, version, computed_at = self._compare(group, block, now)
        block["version"] = version
        again = ~changed & (computed_at >= batch.since)
        self._write(group, select_rows(block, changed), units, now)
        batch.unpublished += self._messages(group, select_rows(block, changed | again), units, now)

    def _compare(self, group: HourGroup, block: Block, now: datetime) -> tuple[Numbers, Numbers, Numbers]:
        """Return for each row whether to write it, its version, and when what is stored was computed."""
        parameters = len(group.parameters)
        keys = _average_keys(block, parameters)
        current, is_stored = _match(
            self._tables.current_versions(*self._extent(group, block)), keys, parameters
        )
        same = is_stored & (current["content"] == block["content"])
        version = np.where(is_stored, current["version"].astype(np.int64), 0)
        over = _is_over(block, now)
        if over.any():
            extent = self._extent(group, select_rows(block, over))
            highest, is_stored = _match(self._tables.highest_versions(*extent), keys, parameters)
            # A process died after it had written this version and before it became the current one. What it
            # was made of may have changed back since: then the current version is right, and yet has to be
            # written again as the last one.
            ahead = is_stored & (highest["version"] > version)
            same &= ~ahead
            last = highest["version"].astype(np.int64) - (highest["content"] == block["content"])
            version = np.where(ahead, last, version)
        return ~same, version + ~same, current["computed_at"]

    def _write(self, group: HourGroup, block: Block, units: Sequence[str], now: datetime) -> None:
        # First the version, then what points to it: a death in between repeats both.
        for table, rows in (
            ("average_versions", select_rows(block, _is_over(block, now))),
            ("averages", block),
        ):
            if len(rows["count"]):
                columns: dict[str, Array] = {
                    **rows,
                    "station": Words(group.stations, rows["station"]),
                    "parameter": Words(group.parameters, rows["parameter"]),
                    "period": Words(PERIODS, rows["period"]),
                    "unit": Words(units, rows["unit"]),
                    "computed_at": np.full(len(rows["count"]), to_milliseconds(now)),
                }
                self._tables.insert_arrays(table, columns)

    def _messages(self, group: HourGroup, block: Block, units: Sequence[str], now: datetime) -> list[Record]:
        """Return the messages of some averages, each of one station."""
        # What is not over yet changes with every file: of that only hours are published.
        block = select_rows(block, _is_over(block, now) | (block["period"] == PERIODS.index(Period.HOUR)))
        block = select_rows(block, np.argsort(block["station"], kind="stable"))
        averages = to_messages(block, group.parameters, units)
        records = []
        codes, starts = np.unique(block["station"], return_index=True)
        for code, start, end in zip(codes.tolist(), starts, [*starts[1:], len(averages)], strict=False):
            station = group.stations[code]
            for first in range(start, end, _AVERAGES_A_MESSAGE):
                part = averages[first : min(end, first + _AVERAGES_A_MESSAGE)]
                value = encode_aggregated(station, now, part)
                records.append(Record(self._aggregated, station.encode(), value))
        return records

    def _extent(self, group: HourGroup, block: Block) -> tuple[Scope, list[Period]]:
        """Return the smallest scope, and the periods, that hold all rows of a block."""
        scope = self._scope(group, int(block["starts_at"].min()), int(block["starts_at"].max()) + 1)
        return scope, [PERIODS[index] for index in np.unique(block["period"])]

    def _scope(self, group: HourGroup, start: int, end: int) -> Scope:
        return Scope(group.stations, group.parameters, list(self._units), start, end)


def _is_over(block: Block, now: datetime) -> Numbers:
    """Return a mask of the averages whose period is over."""
    over: Numbers = block["ends_at"] <= now.timestamp()
    return over


def _match(records: Records, keys: Numbers, parameters: int) -> tuple[Records, NDArray[np.bool_]]:
    """Return for each key the record that has it, and a mask of the keys that have one."""
    if not len(records):
        return np.zeros(len(keys), records.dtype), np.zeros(len(keys), bool)
    record_keys = _average_keys(records, parameters)
    order = np.argsort(record_keys)
    row = order[np.minimum(np.searchsorted(record_keys, keys, sorter=order), len(order) - 1)]
    return records[row], record_keys[row] == keys


def _average_keys(columns: Mapping[str, Numbers] | Numbers, parameters: int) -> Numbers:
    """Return one number for each average: of station, parameter, period and start."""
    station, parameter, period = (
        columns[name].astype(np.int64) for name in ("station", "parameter", "period")
    )
    series = (station * parameters + parameter) * len(PERIODS) + period
    return pack_pairs(series, columns["starts_at"].astype(np.int64))
