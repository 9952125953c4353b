"""Decides which averages dirty hours become: recomputed from what is stored, never incremented."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from quantrac.domain.averaging import AverageRules, count_expected_at
from quantrac.domain.periods import Period
from quantrac.domain.registry.registry import Registry
from quantrac.domain.stamps import MiddleOffset
from quantrac.domain.times import DAY, HOUR, VIETNAM_OFFSET, from_seconds, to_milliseconds
from quantrac.domain.units import UNITS
from quantrac.io.clickhouse_native import Array, Words
from quantrac.io.records import Record
from schemas.codecs.aggregated import encode_aggregated
from services.aggregator.windows.averages.columns import SeriesRows, add_content, is_over, to_messages
from services.aggregator.windows.averages.counters import counter_hours, hourly_increments
from services.aggregator.windows.averages.queries import COUNTS, AverageTables
from services.aggregator.windows.averages.stored import StoredAverages
from services.aggregator.windows.batch import TouchedAverages, WindowBatch, select_touched
from services.aggregator.windows.columns import (
    PERIODS,
    Block,
    Numbers,
    average_keys,
    indices_by_name,
    join_blocks,
    match_averages,
    pack_pairs,
    pad_rows,
    select_rows,
)
from services.aggregator.windows.dirty_hours import HourGroup, group_hours
from services.aggregator.windows.scope import Scope

# Every five minutes, the national register's default: of a station that the registry does not hold.
_USUALLY_EXPECTED = 12

# While the engine answers one group's statements, each in one thread of its own, another group is computed.
_GROUPS_AT_ONCE = 2

# A backlog of weeks changes thousands of averages of one station; some 500 bytes each.
_AVERAGES_A_MESSAGE = 500

# The bits that a key of a series and an hour has for the hour.
_TIME = 0xFFFFFFFF

# Some 60 are in the table of units; those that only a delivery names get an index as long as they are so few.
_MOST_UNITS = 200


class AverageStep:
    """Recomputes dirty hours and every longer average they enter: the first step of the windows.

    Hours from readings; 8-hour means and days from hours; months from days; years from months and the days of
    all of them. What is stored is read first; everything that differs is written at once at the end.
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
        self._units_lock = Lock()

    def process(self, batch: WindowBatch) -> None:
        """Write the averages that differ; see :class:`services.aggregator.windows.batch.Step`."""
        with ThreadPoolExecutor(_GROUPS_AT_ONCE) as pool:
            groups = pool.map(partial(self._find_changes, batch.since), group_hours(batch.hours))
            changes = [item for item in groups if item is not None]
        batch.units = units = list(self._units)
        if not changes:
            return
        batch.touched += [item.touched for item in changes]
        now = max(item.now for item in changes)
        self._write(changes, units, now)
        for item in changes:
            batch.unpublished += self._messages(item, units, now)

    def _find_changes(self, since: float, group: HourGroup) -> "_Changes | None":
        """Return what of a group is to be written or published; ``None`` where it has no averages.

        Published again is what was stored at ``since`` (seconds since 1970) or later: a process that died
        between insert and publishing stored it. Runs in several threads.
        """
        hours = self._hours(group)
        reader = StoredAverages(self._tables, group, list(self._units), self._rules)
        block = add_content(_drop_absent(reader.compute(hours), reader), self._rules, list(self._units))
        if not len(block["count"]):
            return None
        touched = select_touched(group.stations, group.parameters, block, self._rules)
        now = self._clock()
        # Masks and numbers, one a row of the block.
        changed, version, computed_at = self._compare(reader, block, now)
        block["version"] = version
        again = ~changed & (computed_at >= since)
        published = select_rows(block, changed | again)
        return _Changes(group, touched, select_rows(block, changed), published, now)

    def _hours(self, group: HourGroup) -> Block:
        """Return the group's dirty hours; those without readings have counts of 0."""
        days = (group.times + VIETNAM_OFFSET) // DAY
        scope = Scope.of_days(group.stations, group.parameters, list(self._units), days)
        scope = replace(scope, start=int(group.times.min()), end=int(group.times.max()) + HOUR)
        # Columns, a row an hour that holds readings: of every station and parameter of the group.
        offsets = self._offsets(group)
        columns = self._tables.readings(scope, self._rules, offsets)
        stations, parameters = indices_by_name(group.stations), indices_by_name(group.parameters)
        station = np.array([stations[code] for code in columns.get("station", ())], np.int64)
        parameter = np.array([parameters[code] for code in columns.get("parameter", ())], np.int64)
        number = station * len(group.parameters) + parameter
        keys = pack_pairs(number, np.array(columns.get("hour", ()), np.int64))
        dirty = pack_pairs(group.series, group.times)
        # Indices of the rows that are dirty, and keys of the dirty hours without readings, which come last.
        rows, empty = np.flatnonzero(np.isin(keys, dirty)), dirty[~np.isin(dirty, keys)]
        keys = np.concatenate([keys[rows], empty])
        number, hour = keys >> 32, keys & _TIME
        # Dirty hours x readings: what counts in each hour, NaN where it has fewer than the fullest one.
        counting = self._members(columns, rows, scope, offsets)
        members = pad_rows([*counting, *[()] * len(empty)])
        series = SeriesRows(number, hour, group.combinations)
        order, _ = series.find(number, hour)
        block = series.block(order, members, Period.HOUR)
        nothing = np.zeros(len(empty), np.int64)
        for name in (*COUNTS, "first_at", "last_at"):
            block[name] = np.concatenate([np.array(columns.get(name, ()), np.int64)[rows], nothing])
        units = [self._unit_index(columns["last_unit"][row]) for row in rows.tolist()]
        block["unit"] = np.concatenate([np.array(units, np.int64), nothing])
        block["starts_at"], block["ends_at"] = hour, hour + HOUR
        block["expected"] = self._count_expected(group, number // len(group.parameters), hour)
        return block

    def _members(
        self,
        columns: Mapping[str, Sequence[Any]],
        rows: Numbers,
        scope: Scope,
        offsets: Mapping[str, Sequence[MiddleOffset]],
    ) -> list[Sequence[float]]:
        """Return what counts in the hours of some ``rows``: values, of counters what they grew by."""
        counting = [columns["counting"][row] for row in rows.tolist()]
        hours = [(columns["station"][r], columns["parameter"][r], columns["hour"][r]) for r in rows.tolist()]
        of_counters = counter_hours(hours, self._registry)
        added = hourly_increments(self._tables, of_counters, scope, self._rules, offsets)
        return [
            added.get(hour, ()) if hour in of_counters else values
            for hour, values in zip(hours, counting, strict=True)
        ]

    def _offsets(self, group: HourGroup) -> dict[str, Sequence[MiddleOffset]]:
        """Return the offsets of the stations whose stamps name no instant."""
        entries = {code: self._registry.stations.get(code) for code in group.stations}
        offsets = {code: entry.middle_offsets() for code, entry in entries.items() if entry is not None}
        return {code: spans for code, spans in offsets.items() if spans}

    def _unit_index(self, unit: str) -> int:
        """Return the index of a unit; that of the empty one past :data:`_MOST_UNITS`."""
        with self._units_lock:
            if unit not in self._units and len(self._units) < _MOST_UNITS:
                self._units[unit] = len(self._units)
        return self._units.get(unit, 0)

    def _count_expected(self, group: HourGroup, stations: Numbers, hours: Numbers) -> Numbers:
        """Return how many readings the station's interval allows in each hour."""
        # Each pair of a station and an hour once: its parameters share the answer.
        pairs, inverse = np.unique(pack_pairs(stations, hours), return_inverse=True)
        expected = []
        for pair in pairs.tolist():
            start = from_seconds(pair & _TIME)
            entry = self._registry.station(group.stations[pair >> 32], start)
            expected.append(count_expected_at(entry, start) if entry else _USUALLY_EXPECTED)
        return np.array(expected)[inverse]

    def _compare(
        self, reader: StoredAverages, block: Block, now: datetime
    ) -> tuple[Numbers, Numbers, Numbers]:
        """Return for each row whether to write it, its version, and when what is stored was computed."""
        parameters = len(reader.group.parameters)
        keys = average_keys(block, parameters)
        current, is_stored = match_averages(reader.versions(), keys, parameters)
        same = is_stored & (current["content"] == block["content"])
        version = np.where(is_stored, current["version"].astype(np.int64), 0)
        over = is_over(block, now)
        if over.any():
            records = reader.highest_versions(select_rows(block, over))
            highest, is_stored = match_averages(records, keys, parameters)
            # A process died after it had written this version and before it became the current one. What it
            # was made of may have changed back since: then the current version is right, and yet has to be
            # written again as the last one.
            ahead = is_stored & (highest["version"] > version)
            same &= ~ahead
            last = highest["version"].astype(np.int64) - (highest["content"] == block["content"])
            version = np.where(ahead, last, version)
        return ~same, version + ~same, current["computed_at"]

    def _write(self, changes: Sequence["_Changes"], units: Sequence[str], now: datetime) -> None:
        """Insert what changed, of all groups one block a table."""
        stations: list[str] = []
        blocks = []
        for item in changes:
            blocks.append(item.changed | {"station": item.changed["station"] + len(stations)})
            stations += item.group.stations
        parameters, block = changes[0].group.parameters, join_blocks(blocks)
        # First the version, then what points to it: a death in between repeats both.
        for table, rows in (
            ("average_versions", select_rows(block, is_over(block, now))),
            ("averages", block),
        ):
            if len(rows["count"]):
                columns: dict[str, Array] = {
                    **rows,
                    "station": Words(stations, rows["station"]),
                    "parameter": Words(parameters, rows["parameter"]),
                    "period": Words(PERIODS, rows["period"]),
                    "unit": Words(units, rows["unit"]),
                    "computed_at": np.full(len(rows["count"]), to_milliseconds(now)),
                }
                self._tables.insert(table, columns)

    def _messages(self, item: "_Changes", units: Sequence[str], now: datetime) -> Iterator[Record]:
        """Yield the messages of a group's averages, each of one station and sorted."""
        # What is not over yet changes with every file: of that only hours are published.
        block = item.published
        block = select_rows(block, is_over(block, now) | (block["period"] == PERIODS.index(Period.HOUR)))
        order = np.lexsort((block["parameter"], block["starts_at"], block["period"], block["station"]))
        block = select_rows(block, order)
        averages = to_messages(block, item.group.parameters, units)
        codes, starts = np.unique(block["station"], return_index=True)
        for code, start, end in zip(codes.tolist(), starts, [*starts[1:], len(averages)], strict=False):
            station = item.group.stations[code]
            for first in range(start, end, _AVERAGES_A_MESSAGE):
                part = averages[first : min(end, first + _AVERAGES_A_MESSAGE)]
                yield Record(self._aggregated, station.encode(), encode_aggregated(station, now, part))


@dataclass(frozen=True, slots=True)
class _Changes:
    """What of one group differs from what is stored."""

    group: HourGroup
    touched: TouchedAverages
    """All that was computed and may be judged."""
    changed: Block
    """To be written, with the next version."""
    published: Block
    """To be published: these, and what was stored and perhaps not published."""
    now: datetime
    """When it was compared, UTC."""


def _drop_absent(block: Block, reader: StoredAverages) -> Block:
    """Leave out averages without a reading, but for those that are stored: they have lost theirs.

    A changed meaning of the station's stamps has given them to other periods.
    """
    is_present = block["received"] > 0
    if not is_present.all():
        parameters = len(reader.group.parameters)
        is_present |= match_averages(reader.versions(), average_keys(block, parameters), parameters)[1]
    return select_rows(block, is_present)
