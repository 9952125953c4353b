"""Decides which averages dirty hours become: recomputed from what is stored, never incremented."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from quantrac.domain import averaging
from quantrac.domain.averaging import AverageRules, Period, month_starts
from quantrac.domain.registry.registry import Registry
from quantrac.domain.units import UNITS
from quantrac.io.clickhouse_native import Array, Words
from quantrac.io.records import Record
from schemas.codec import encode_aggregated
from services.aggregator.windows.averages import columns as rows
from services.aggregator.windows.averages.columns import Series
from services.aggregator.windows.averages.queries import AverageTables, Scope
from services.aggregator.windows.columns import (
    DAY,
    FLAGS,
    HOUR,
    PERIODS,
    Block,
    Numbers,
    Records,
    chosen,
    day_start,
    padded,
    year_and_month,
)
from services.aggregator.windows.dirty_hours import Hours, Look, looks, paired, places
from services.aggregator.windows.exceedances.columns import Touched, touched

# Every five minutes, the national register's default: of a station that the registry does not hold.
_USUALLY_EXPECTED = 12

# A backlog of weeks changes thousands of averages of one station; some 500 bytes each.
_AVERAGES_A_MESSAGE = 500

# Some 60 are in the table of units; those that only a delivery names are kept as long as they are so few.
_MOST_UNITS = 200


class AverageStep:
    """Hours from readings; 8-hour means and days from hours; months and years from days."""

    def __init__(
        self,
        tables: AverageTables,
        registry: Registry,
        *,
        aggregated: str,
        clock: Callable[[], datetime],
        rules: AverageRules,
    ) -> None:
        self._tables, self._registry, self._aggregated = tables, registry, aggregated
        self._clock, self._rules = clock, rules
        self._units = {
            unit: place for place, unit in enumerate(dict.fromkeys(["", *(u.name for u in UNITS)]))
        }
        self._touched: list[Touched] = []
        self._since = 0.0
        self._untold: list[Record] = []

    @property
    def units(self) -> list[str]:
        """The names of the units of the touched averages."""
        return list(self._units)

    def recompute(self, wanted: Hours, since: float, untold: list[Record]) -> list[Touched]:
        """Write the averages that differ, and append to ``untold`` what tells them.

        Told again is what was stored at ``since`` (seconds since 1970) or later. Raises ``ClickHouseError``.
        """
        self._touched, self._since, self._untold = [], since, untold
        days = list(looks(wanted, day_start))
        for look in days:
            self._hours(look)
        for look in days:
            self._days(look)
        for look in looks(wanted, lambda times: year_and_month(times)[0]):
            self._years(look)
        return self._touched

    def _hours(self, look: Look) -> None:
        scope = self._scope(look, int(look.times.min()), int(look.times.max()) + HOUR)
        found = self._tables.readings(scope, sorted(self._rules.flags))
        if not found:
            return
        stations, parameters = places(look.stations), places(look.parameters)
        station = np.array([stations[code] for code in found["station"]])
        parameter = np.array([parameters[code] for code in found["parameter"]])
        hour = np.array(found["hour"], np.int64)
        number = station * len(look.parameters) + parameter
        keep = np.isin(paired(number, hour), paired(look.series, look.times))
        some = np.flatnonzero(keep)
        if not len(some):
            return
        counting = [found["counting"][row] for row in some.tolist()]
        series = Series(number[keep], look.combined)
        block = series.block(series.rows(number[keep])[0], padded(counting), Period.HOUR)
        for name in ("received", *FLAGS, "first_at", "last_at"):
            block[name] = np.array(found[name], np.int64)[keep]
        units = [found["last_unit"][row] for row in some.tolist()]
        block["unit"] = np.array([self._unit_index(unit) for unit in units])
        block["starts_at"], block["ends_at"] = hour[keep], hour[keep] + HOUR
        block["expected"] = self._expected(look, station[keep], hour[keep])
        self._write_changes(look, block)

    def _unit_index(self, unit: str) -> int:
        """Return the index of a unit; that of the empty one past :data:`_MOST_UNITS`."""
        if unit not in self._units and len(self._units) < _MOST_UNITS:
            self._units[unit] = len(self._units)
        return self._units.get(unit, 0)

    def _days(self, look: Look) -> None:
        start = int(look.part)
        scope = self._scope(look, start - rows.BEFORE * HOUR, start + DAY + rows.AFTER * HOUR)
        series = Series(look.series, look.combined)
        dirty = series.rows(look.series)[0], look.times
        found = self._tables.hours(scope)
        self._write_changes(look, rows.hours_around_a_day(found, series, len(look.parameters), start, dirty))

    def _years(self, look: Look) -> None:
        starts = month_starts(int(look.part))
        scope = self._scope(look, int(starts[0].timestamp()), int(starts[-1].timestamp()))
        series = Series(look.series, look.combined)
        dirty = series.rows(look.series)[0], year_and_month(look.times)[1]
        found = self._tables.days(scope)
        self._write_changes(
            look, rows.months_and_year(found, series, len(look.parameters), int(look.part), dirty)
        )

    def _write_changes(self, look: Look, block: Block) -> None:
        """Write the rows that differ from what is stored, with the next version, and tell them.

        Told again is what was stored after the oldest message of the batch was written: a process that died
        between the insert and the telling stored it.
        """
        if not len(block["count"]):
            return
        units = list(self._units)
        block = rows.finished(block, self._rules, units)
        self._touched.append(touched(look.stations, look.parameters, block, self._rules))
        now = self._clock()
        keys = _average_keys(block, len(look.parameters))
        stored, found = _matching(self._tables.stored(*self._asked(look, block)), keys, len(look.parameters))
        same = found & (stored["content"] == block["content"])
        again = same & (stored["computed_at"] >= self._since)
        version = np.where(found, stored["version"].astype(np.int64), 0)
        over = _over(block, now)
        if over.any():
            asked = self._asked(look, chosen(block, over))
            kept, found = _matching(self._tables.kept(*asked), keys, len(look.parameters))
            # A process died with this version written and not standing yet; what it was made of may have
            # changed back since, so that what stands is right and yet has to become the last version.
            ahead = found & (kept["version"] > version)
            same &= ~ahead
            last = kept["version"].astype(np.int64) - (kept["content"] == block["content"])
            version = np.where(ahead, last, version)
        block["version"] = version + ~same
        self._write(look, chosen(block, ~same), units, now)
        self._tell(look, chosen(block, ~same | again), units, now)

    def _asked(self, look: Look, block: Block) -> tuple[Scope, list[Period]]:
        scope = self._scope(look, int(block["starts_at"].min()), int(block["starts_at"].max()) + 1)
        return scope, [PERIODS[place] for place in np.unique(block["period"])]

    def _write(self, look: Look, block: Block, units: Sequence[str], now: datetime) -> None:
        milliseconds = int(now.timestamp() * 1000)
        over = _over(block, now)
        # First the version, then what points to it: a death in between repeats both.
        for table, part in (("average_versions", chosen(block, over)), ("averages", block)):
            if len(part["count"]):
                columns: dict[str, Array] = {
                    **part,
                    "station": Words(look.stations, part["station"]),
                    "parameter": Words(look.parameters, part["parameter"]),
                    "period": Words(PERIODS, part["period"]),
                    "unit": Words(units, part["unit"]),
                    "computed_at": np.full(len(part["count"]), milliseconds),
                }
                self._tables.insert_arrays(table, columns)

    def _tell(self, look: Look, block: Block, units: Sequence[str], now: datetime) -> None:
        # What is not over yet changes with every file: of that only hours are told.
        over = _over(block, now)
        told = chosen(block, over | (block["period"] == PERIODS.index(Period.HOUR)))
        by_station = np.argsort(told["station"], kind="stable")
        told = chosen(told, by_station)
        averages = rows.told(told, look.parameters, units)
        codes, starts = np.unique(told["station"], return_index=True)
        for code, start, end in zip(codes.tolist(), starts, [*starts[1:], len(averages)], strict=False):
            station = look.stations[code]
            for first in range(start, end, _AVERAGES_A_MESSAGE):
                part_of = averages[first : min(end, first + _AVERAGES_A_MESSAGE)]
                self._untold.append(
                    Record(self._aggregated, station.encode(), encode_aggregated(station, now, part_of))
                )

    def _scope(self, look: Look, start: int, end: int) -> Scope:
        return Scope(look.stations, look.parameters, list(self._units), start, end)

    def _expected(self, look: Look, stations: Numbers, hours: Numbers) -> Numbers:
        pairs, back = np.unique(paired(stations, hours), return_inverse=True)
        expected = []
        for pair in pairs.tolist():
            at = datetime.fromtimestamp(pair & 0xFFFFFFFF, UTC)
            entry = self._registry.station(look.stations[pair >> 32], at)
            expected.append(averaging.expected_at(entry, at) if entry else _USUALLY_EXPECTED)
        return np.array(expected)[back]


def _over(block: Block, now: datetime) -> Numbers:
    over: Numbers = block["ends_at"] <= now.timestamp()
    return over


def _matching(records: Records, keys: Numbers, parameters: int) -> tuple[Records, NDArray[np.bool_]]:
    """Return for each key its record, and whether there is one."""
    if not len(records):
        return np.zeros(len(keys), records.dtype), np.zeros(len(keys), bool)
    known = _average_keys(records, parameters)
    order = np.argsort(known)
    row = order[np.minimum(np.searchsorted(known, keys, sorter=order), len(known) - 1)]
    return records[row], known[row] == keys


def _average_keys(found: Mapping[str, Numbers] | Numbers, parameters: int) -> Numbers:
    station, parameter, period = (found[name].astype(np.int64) for name in ("station", "parameter", "period"))
    return paired(
        (station * parameters + parameter) * len(PERIODS) + period, found["starts_at"].astype(np.int64)
    )
