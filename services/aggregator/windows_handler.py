"""Decides which averages a set of dirty hours becomes: recomputed from the readings, never incremented."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol

from pydantic import ValidationError

from quantrac.domain.averaging import HOUR, Mean, expected_in, hour_of, mean_of
from quantrac.domain.stations import Registry
from quantrac.io.clickhouse import ClickHouseError, Result
from quantrac.io.records import DeadLetter, Done, NotNow, Record
from schemas.messages.aggregates import Aggregated, Average, WindowDirty

Window = tuple[str, str, datetime]
"""Station, parameter, start of the hour."""

# Stations of one query: their codes travel in the URL, which servers limit (16 KiB is the smallest in use).
_STATIONS_A_QUERY = 200

# The national register's default, for a station that the registry does not (any longer) hold.
_DEFAULT_INTERVAL_SECONDS = 300

# A backlog of weeks changes thousands of averages of one station; some 250 bytes each.
_AVERAGES_A_MESSAGE = 500

_RETRY_SECONDS = 2.0

_READINGS = """
SELECT station, parameter, toStartOfHour(measured_at) AS hour,
       argMax(unit, measured_at) AS last_unit, groupArrayIf(value, flag = 1) AS good, count() AS received
FROM readings FINAL
WHERE station IN {stations:Array(String)}
  AND measured_at >= {start:DateTime('UTC')} AND measured_at < {end:DateTime('UTC')}
GROUP BY station, parameter, hour
"""

_AVERAGES = """
SELECT station, parameter, starts_at, unit, mean, minimum, maximum, count, received, expected, version
FROM averages FINAL
WHERE station IN {stations:Array(String)} AND period = 'hour'
  AND starts_at >= {start:DateTime('UTC')} AND starts_at < {end:DateTime('UTC')}
"""


class Database(Protocol):
    """Where the readings are and the averages go."""

    def query(self, sql: str, parameters: Mapping[str, Any]) -> Result:
        """Run one SELECT; raises :class:`quantrac.io.clickhouse.ClickHouseError`."""
        ...

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert one block durably."""
        ...


class WindowsHandler:
    """Recomputes dirty hours; the same readings give the same averages and then nothing is written."""

    def __init__(
        self, database: Database, registry: Registry, *, aggregated: str, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._registry, self._aggregated, self._clock = database, registry, aggregated, clock

    def handle(self, batch: Sequence[Record]) -> Done | NotNow:
        """Write the averages that changed, then tell ``aggregated``; a ClickHouse that is away costs lag."""
        wanted: set[Window] = set()
        dead: list[DeadLetter] = []
        for record in batch:
            try:
                dirty = WindowDirty.model_validate_json(record.value or b"")
            except ValidationError as error:
                dead.append(DeadLetter(record, str(error)))
            else:
                wanted.update((dirty.station, w.parameter, hour_of(w.hour)) for w in dirty.windows)
        try:
            changed = [pair for windows in _chunks(wanted) for pair in self._changed(windows)]
            computed_at = self._clock()
            if changed:
                self._database.insert("averages", _columns(changed, computed_at))
        except ClickHouseError as error:
            return NotNow(f"ClickHouse: {error}", _RETRY_SECONDS)
        return Done(list(self._messages(changed, computed_at)), dead)

    def _messages(self, changed: Sequence[tuple[str, Average]], computed_at: datetime) -> Iterator[Record]:
        by_station: dict[str, list[Average]] = defaultdict(list)
        for station, average in changed:
            by_station[station].append(average)
        for station, averages in by_station.items():
            for start in range(0, len(averages), _AVERAGES_A_MESSAGE):
                part = averages[start : start + _AVERAGES_A_MESSAGE]
                message = Aggregated(station=station, computed_at=computed_at, averages=part)
                yield Record(self._aggregated, station.encode(), message.model_dump_json().encode())

    def _changed(self, windows: set[Window]) -> Iterator[tuple[str, Average]]:
        scope = {
            "stations": sorted({station for station, _, _ in windows}),
            "start": min(hour for _, _, hour in windows),
            "end": max(hour for _, _, hour in windows) + HOUR,
        }
        stored = {tuple(row[:3]): tuple(row[3:]) for row in self._database.query(_AVERAGES, scope).rows}
        for station, parameter, hour, unit, good, received in self._database.query(_READINGS, scope).rows:
            if (station, parameter, hour) not in windows:
                continue
            mean = mean_of(good, received=received, expected=self._expected(station, hour))
            *before, version = stored.get((station, parameter, hour), (None, 0))
            if before == [unit, mean.mean, mean.minimum, mean.maximum, mean.count, received, mean.expected]:
                continue
            yield station, _average(parameter, unit, hour, mean, version + 1)

    def _expected(self, station: str, hour: datetime) -> int:
        entry = self._registry.station(station, hour)
        return expected_in(HOUR, entry.interval_seconds if entry else _DEFAULT_INTERVAL_SECONDS)


def _chunks(windows: set[Window]) -> Iterator[set[Window]]:
    """Group windows so that one query reads one UTC day of a bounded number of stations."""
    days: dict[datetime, dict[str, set[Window]]] = defaultdict(lambda: defaultdict(set))
    for window in windows:
        day = window[2] - timedelta(hours=window[2].hour)
        days[day][window[0]].add(window)
    for stations in days.values():
        remaining = iter(stations.values())
        while chunk := list(islice(remaining, _STATIONS_A_QUERY)):
            yield set().union(*chunk)


def _average(parameter: str, unit: str, hour: datetime, mean: Mean, version: int) -> Average:
    return Average(
        parameter=parameter,
        unit=unit,
        period="hour",
        starts_at=hour,
        ends_at=hour + HOUR,
        mean=mean.mean,
        minimum=mean.minimum,
        maximum=mean.maximum,
        count=mean.count,
        received=mean.received,
        expected=mean.expected,
        completeness=mean.completeness,
        version=version,
    )


def _columns(changed: Sequence[tuple[str, Average]], computed_at: datetime) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {"station": [station for station, _ in changed]}
    columns |= {name: [getattr(average, name) for _, average in changed] for name in Average.model_fields}
    return columns | {"computed_at": [computed_at] * len(changed)}
