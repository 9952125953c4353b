"""Decides which averages a set of dirty hours becomes: recomputed from what is stored, never incremented."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice

import numpy as np
from pydantic import ValidationError

from quantrac.domain import averaging
from quantrac.domain.averaging import AverageRules, Period, hour_of, month_starts
from quantrac.domain.catalogue import Combined, find_parameter
from quantrac.domain.stations import Registry
from quantrac.domain.units import UNITS
from quantrac.io.clickhouse import Array, ClickHouseError, Words
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.codec import encode_aggregated
from schemas.messages.aggregates import WindowDirty
from services.aggregator import average_rows as rows
from services.aggregator import index_rows
from services.aggregator.average_rows import DAY, HOUR, Block, Numbers, Series
from services.aggregator.average_tables import FLAGS, PERIODS, AverageTables, Scope

Hours = Mapping[str, set[tuple[str, int]]]
"""Station -> (parameter, start of the hour in seconds since 1970)."""

# Stations of one query: their codes travel in the URL, which servers limit (16 KiB is the smallest in use).
_STATIONS_A_QUERY = 200

# The national register's default, for a station that the registry does not (any longer) hold.
_DEFAULT_INTERVAL_SECONDS = 300

# A backlog of weeks changes thousands of averages of one station; some 500 bytes each.
_AVERAGES_A_MESSAGE = 500

_RETRY_SECONDS = 2.0


class WindowsHandler:
    """Recomputes dirty hours and every longer average they enter; the same readings write nothing.

    Three steps, each from what the one before has stored: hours from readings; 8-hour means and days from
    hours; months and years from days. After a death or a refusal the batch comes again and does all three.
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
        self._tables, self._registry, self._aggregated, self._clock = tables, registry, aggregated, clock
        self._rules = rules
        self._units = {
            unit: place for place, unit in enumerate(dict.fromkeys(["", *(u.name for u in UNITS)]))
        }
        self._untold: list[Record] = []
        """What is written and not told yet, since a later step of the batch had to wait."""

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Write the averages that changed, then tell ``aggregated``; a ClickHouse that is away costs lag."""
        wanted: dict[str, set[tuple[str, int]]] = defaultdict(set)
        dead: list[DeadLetter] = []
        for record in batch:
            try:
                dirty = WindowDirty.model_validate_json(record.value or b"")
            except ValidationError as error:
                dead.append(DeadLetter(record, str(error)))
            else:
                hours = ((w.parameter, int(hour_of(w.hour).timestamp())) for w in dirty.windows)
                wanted[dirty.station].update(hours)
        try:
            days = list(_looks(wanted, rows.day_start))
            for look in days:
                self._hours(look)
            for look in days:
                self._days(look)
            for look in _looks(wanted, lambda times: rows.year_and_month(times)[0]):
                self._years(look)
            for look in days:
                self._indices(look)
        except ClickHouseError as error:
            return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
        told, self._untold = self._untold, []
        return Done(told, dead)

    def _hours(self, look: "_Look") -> None:
        scope = self._scope(look, int(look.times.min()), int(look.times.max()) + HOUR)
        found = self._tables.readings(scope, sorted(self._rules.flags))
        if not found:
            return
        stations, parameters = _places(look.stations), _places(look.parameters)
        station = np.array([stations[code] for code in found["station"]])
        parameter = np.array([parameters[code] for code in found["parameter"]])
        hour = np.array(found["hour"], np.int64)
        number = station * len(look.parameters) + parameter
        keep = np.isin(_keys(number, hour), _keys(look.series, look.times))
        chosen = np.flatnonzero(keep)
        if not len(chosen):
            return
        counting = [found["counting"][row] for row in chosen.tolist()]
        series = Series(number[keep], look.combined)
        block = series.block(series.rows(number[keep])[0], rows.padded(counting), Period.HOUR)
        for name in ("received", *FLAGS, "first_at", "last_at"):
            block[name] = np.array(found[name], np.int64)[keep]
        units = [found["last_unit"][row] for row in chosen.tolist()]
        block["unit"] = np.array([self._units.setdefault(unit, len(self._units)) for unit in units])
        block["starts_at"], block["ends_at"] = hour[keep], hour[keep] + HOUR
        block["expected"] = self._expected(look, station[keep], hour[keep])
        self._settle(look, block)

    def _days(self, look: "_Look") -> None:
        start = int(look.part)
        scope = self._scope(look, start - rows.BEFORE * HOUR, start + DAY + rows.AFTER * HOUR)
        series = Series(look.series, look.combined)
        dirty = series.rows(look.series)[0], look.times
        found = self._tables.hours(scope)
        self._settle(look, rows.hours_around_a_day(found, series, len(look.parameters), start, dirty))

    def _years(self, look: "_Look") -> None:
        starts = month_starts(int(look.part))
        scope = self._scope(look, int(starts[0].timestamp()), int(starts[-1].timestamp()))
        series = Series(look.series, look.combined)
        dirty = series.rows(look.series)[0], rows.year_and_month(look.times)[1]
        days, months = self._tables.days(scope), self._tables.months(scope)
        self._settle(
            look, rows.months_and_year(days, months, series, len(look.parameters), int(look.part), dirty)
        )

    def _indices(self, look: "_Look") -> None:
        """Write the indices of the stations that publish one, from the stored hours."""
        published = {code: kind for code in look.stations if (kind := self._published(code, look.part))}
        wanted: dict[str, set[int]] = defaultdict(set)
        for number, at in zip(look.series.tolist(), look.times.tolist(), strict=True):
            station, parameter = divmod(number, len(look.parameters))
            kind = published.get(look.stations[station])
            if kind and look.parameters[parameter] in index_rows.PARAMETERS[kind]:
                wanted[look.stations[station]].add(at)
        if not wanted:
            return
        codes = sorted(set().union(*(index_rows.PARAMETERS[published[code]] for code in wanted)))
        start, end = look.part - index_rows.BEFORE, look.part + DAY + index_rows.AFTER
        scope = Scope(list(wanted), codes, list(self._units), start, end)
        means: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
        for row in self._tables.hours(scope):
            station, code = scope.stations[row["station"]], codes[row["parameter"]]
            if index_rows.usable(code, scope.units[row["unit"]], published[station]):
                means[station][code][int(row["starts_at"])] = float(row["member"])
        stored = {tuple(row[:4]): row[4:] for row in self._tables.indices(scope)}
        changed = []
        for station, hours in wanted.items():
            kind = published[station]
            for index in index_rows.indices(
                kind, means[station], *index_rows.touched(kind, hours), self._rules
            ):
                key = station, index.kind, index.period, index.starts_at
                *before, version = stored.get(key, (None, 0))
                if before != [index.value, list(index.responsible), dict(index.subindices)]:
                    changed.append((station, index, version + 1))
        if changed:
            now = self._clock()
            self._tables.insert("indices", index_rows.columns(changed, int(now.timestamp() * 1000)))
            for code, some in groupby(changed, key=lambda each: each[0]):
                told = [index_rows.told(index, version) for _, index, version in some]
                value = encode_aggregated(code, now, [], told)
                self._untold.append(Record(self._aggregated, code.encode(), value))

    def _published(self, code: str, at: int) -> str | None:
        station = self._registry.station(code, datetime.fromtimestamp(at, UTC))
        return index_rows.KINDS.get(station.type) if station and station.publish_index else None

    def _settle(self, look: "_Look", block: Block) -> None:
        """Write the rows that differ from what is stored, with the next version."""
        if not len(block["count"]):
            return
        units = list(self._units)
        block = rows.finished(block, self._rules, units)
        scope = self._scope(look, int(block["starts_at"].min()), int(block["starts_at"].max()) + 1)
        stored = self._tables.stored(scope, [PERIODS[place] for place in np.unique(block["period"])])
        known = _average_keys(stored, len(look.parameters))
        order = np.argsort(known)
        keys = _average_keys(block, len(look.parameters))
        place = np.searchsorted(known, keys, sorter=order)
        found = np.zeros(len(keys), bool)
        block["version"] = np.ones(len(keys), np.int64)
        if len(known):
            row = order[np.minimum(place, len(known) - 1)]
            found = known[row] == keys
            block["version"] = np.where(found, stored["version"][row].astype(np.int64) + 1, 1)
            found &= stored["content"][row] == block["content"]
        block = rows.chosen(block, ~found)
        if len(block["count"]):
            self._write(look, block, units)

    def _write(self, look: "_Look", block: Block, units: Sequence[str]) -> None:
        now = self._clock()
        milliseconds = int(now.timestamp() * 1000)
        over = block["ends_at"] * 1000 <= milliseconds
        # First the version, then what points to it: a death in between repeats both.
        for table, part in (("average_versions", rows.chosen(block, over)), ("averages", block)):
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
        # What is not over yet changes with every file: of that only hours are told.
        told = rows.chosen(block, over | (block["period"] == PERIODS.index(Period.HOUR)))
        by_station = np.argsort(told["station"], kind="stable")
        told = rows.chosen(told, by_station)
        averages = rows.told(told, look.parameters, units)
        codes, starts = np.unique(told["station"], return_index=True)
        for code, start, end in zip(codes.tolist(), starts, [*starts[1:], len(averages)], strict=False):
            station = look.stations[code]
            for first in range(start, end, _AVERAGES_A_MESSAGE):
                part_of = averages[first : min(end, first + _AVERAGES_A_MESSAGE)]
                self._untold.append(
                    Record(self._aggregated, station.encode(), encode_aggregated(station, now, part_of))
                )

    def _scope(self, look: "_Look", start: int, end: int) -> Scope:
        return Scope(look.stations, look.parameters, list(self._units), start, end)

    def _expected(self, look: "_Look", stations: Numbers, hours: Numbers) -> Numbers:
        pairs, places = np.unique(_keys(stations, hours), return_inverse=True)
        expected = []
        for pair in pairs.tolist():
            at = datetime.fromtimestamp(pair & 0xFFFFFFFF, UTC)
            entry = self._registry.station(look.stations[pair >> 32], at)
            interval = entry.interval_at(at) if entry else _DEFAULT_INTERVAL_SECONDS
            expected.append(averaging.expected_in(averaging.HOUR, interval))
        return np.array(expected)[places]


@dataclass(frozen=True, slots=True)
class _Look:
    """Dirty hours of some stations within one part of time, a day or a year of Vietnam's."""

    part: int
    """Start of the day in seconds since 1970, or the year."""
    stations: list[str]
    parameters: list[str]
    series: Numbers
    """Station's place x parameters + parameter's place, one a dirty hour."""
    times: Numbers
    """Start of the hour."""

    @property
    def combined(self) -> list[Combined]:
        """How the values of each parameter become one."""
        known = (find_parameter(code) for code in self.parameters)
        return [parameter.combined if parameter else Combined.MEAN for parameter in known]


def _looks(wanted: Hours, part_of: Callable[[Numbers], Numbers]) -> Iterator[_Look]:
    """Group hours so that one query reads one part of time of a bounded number of stations."""
    parts: dict[int, dict[str, list[tuple[str, int]]]] = defaultdict(lambda: defaultdict(list))
    for station, hours in wanted.items():
        found = sorted(hours)
        times = np.array([hour for _, hour in found], np.int64)
        for part, each in zip(part_of(times).tolist(), found, strict=True):
            parts[part][station].append(each)
    for part in sorted(parts):
        remaining = iter(sorted(parts[part].items()))
        while some := dict(islice(remaining, _STATIONS_A_QUERY)):
            parameters = sorted({parameter for hours in some.values() for parameter, _ in hours})
            places = _places(parameters)
            series = [
                number * len(parameters) + places[parameter]
                for number, hours in enumerate(some.values())
                for parameter, _ in hours
            ]
            at = [hour for hours in some.values() for _, hour in hours]
            yield _Look(part, list(some), parameters, np.array(series), np.array(at, np.int64))


def _places(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


def _keys(numbers: Numbers, times: Numbers) -> Numbers:
    return numbers.astype(np.int64) << 32 | times


def _average_keys(found: Mapping[str, Numbers] | Numbers, parameters: int) -> Numbers:
    station, parameter, period = (found[name].astype(np.int64) for name in ("station", "parameter", "period"))
    return _keys(
        (station * parameters + parameter) * len(PERIODS) + period, found["starts_at"].astype(np.int64)
    )
