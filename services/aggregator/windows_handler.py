"""Decides which averages a set of dirty hours becomes: recomputed from the readings, never incremented."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Protocol

from quantrac.domain.averaging import HOUR, Mean, expected_in, hour_of, mean_of
from quantrac.domain.stations import Registry
from quantrac.io.clickhouse import Result
from quantrac.io.records import Record
from schemas.messages.aggregates import Aggregated, Average, DirtyWindow, WindowDirty

Window = tuple[str, str, datetime]
"""Station, parameter, start of the hour."""

# Stations of one query: their codes travel in the URL, which servers limit (16 KiB is the smallest in use).
_STATIONS_A_QUERY = 200

# The national register's default, for a station that the registry does not (any longer) hold.
_DEFAULT_INTERVAL_SECONDS = 300

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


def merge(collected: bytes | None, message: bytes) -> bytes:
    """Add one ``window-dirty`` message to what is collected for its station; raises ``ValueError`` if bad."""
    new = WindowDirty.model_validate_json(message)
    old = WindowDirty.model_validate_json(collected).windows if collected else []
    windows = sorted({(w.parameter, w.hour) for w in (*old, *new.windows)})
    return (
        WindowDirty(station=new.station, windows=[DirtyWindow(parameter=p, hour=h) for p, h in windows])
        .model_dump_json()
        .encode()
    )


class WindowsHandler:
    """Recomputes dirty hours; the same readings give the same averages and then nothing is written."""

    def __init__(
        self, database: Database, registry: Registry, *, aggregated: str, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._registry, self._aggregated, self._clock = database, registry, aggregated, clock

    def recompute(self, collected: Mapping[bytes, bytes]) -> list[Record]:
        """Return ``aggregated`` records for the averages that changed, after writing them to ClickHouse.

        ``collected`` is station key -> merged ``window-dirty``. Raises ``ClickHouseError`` with nothing lost:
        the caller keeps what is collected.
        """
        wanted: set[Window] = set()
        for value in collected.values():
            dirty = WindowDirty.model_validate_json(value)
            wanted.update((dirty.station, w.parameter, hour_of(w.hour)) for w in dirty.windows)
        changed: dict[str, list[Average]] = defaultdict(list)
        for windows in _chunks(wanted):
            for station, average in self._changed(windows):
                changed[station].append(average)
        computed_at = self._clock()
        if changed:
            self._database.insert("averages", _columns(changed, computed_at))
        return [
            Record(
                self._aggregated,
                station.encode(),
                Aggregated(station=station, computed_at=computed_at, averages=averages)
                .model_dump_json()
                .encode(),
            )
            for station, averages in changed.items()
        ]

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


def _columns(changed: Mapping[str, Sequence[Average]], computed_at: datetime) -> dict[str, list[Any]]:
    pairs = [(station, average) for station, averages in changed.items() for average in averages]
    columns: dict[str, list[Any]] = {"station": [station for station, _ in pairs]}
    columns |= {name: [getattr(a, name) for _, a in pairs] for name in Average.model_fields}
    return columns | {"computed_at": [computed_at] * len(pairs)}
