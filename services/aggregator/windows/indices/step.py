"""Decides which indices the stored hours of a batch become."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from quantrac.domain.averaging import AverageRules
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import DAY, from_seconds, to_milliseconds
from quantrac.io.records import Record
from schemas.codec import encode_aggregated
from services.aggregator.windows.batch import WindowBatch
from services.aggregator.windows.dirty_hours import HourGroup, group_by_day
from services.aggregator.windows.indices.columns import (
    AFTER,
    BEFORE,
    KINDS,
    PARAMETERS,
    Index,
    IndexVersion,
    Means,
    find_periods,
    index_columns,
    indices,
    is_usable,
    to_message,
)
from services.aggregator.windows.indices.queries import IndexKey, IndexTables, StoredIndex
from services.aggregator.windows.scope import Scope


class IndexStep:
    """Makes the indices of the stations that publish one, from hours: the second step of the windows."""

    def __init__(
        self,
        tables: IndexTables,
        registry: Registry,
        *,
        aggregated: str,
        clock: Callable[[], datetime],
        rules: AverageRules = AverageRules(),  # noqa: B008  # frozen
    ) -> None:
        """``aggregated`` is the topic."""
        self._tables, self._registry, self._aggregated = tables, registry, aggregated
        self._clock, self._rules = clock, rules

    def process(self, batch: WindowBatch) -> None:
        """Write the indices that differ; see :class:`services.aggregator.windows.batch.Step`."""
        for group in group_by_day(batch.hours):
            kinds = {code: kind for code in group.stations if (kind := self._kind(code, group.part))}
            hours = _relevant_hours(group, kinds)
            if hours:
                self._process_day(batch, group.part, kinds, hours)

    def _process_day(
        self,
        batch: WindowBatch,
        day: int,
        kinds: Mapping[str, str],
        hours: Mapping[str, set[int]],
    ) -> None:
        """Do so for the dirty hours of one day: ``kinds`` and ``hours`` by station."""
        codes = sorted(set().union(*(PARAMETERS[kinds[station]] for station in hours)))
        scope = Scope(list(hours), codes, batch.units, day - BEFORE, day + DAY + AFTER)
        means = self._means(scope, kinds)
        stored = self._tables.indices(scope)
        changed: list[IndexVersion] = []
        again: list[IndexVersion] = []
        for station, starts in hours.items():
            touched = find_periods(kinds[station], starts)
            for index in indices(kinds[station], means[station], *touched, self._rules):
                key: IndexKey = station, index.kind, index.period, index.starts_at
                current = stored.get(key)
                if current is None or not _is_same(current, index):
                    changed.append((station, index, current.version + 1 if current else 1))
                elif current.computed_at >= batch.since:
                    again.append((station, index, current.version))
        now = self._clock()
        if changed:
            self._tables.insert("indices", index_columns(changed, to_milliseconds(now)))
        batch.unpublished += self._messages([*changed, *again], now)

    def _means(self, scope: Scope, kinds: Mapping[str, str]) -> Mapping[str, Means]:
        """Return the hourly means of each station that are in the unit of its index's tables."""
        means: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
        for row in self._tables.hours(scope):
            station, code = scope.stations[row["station"]], scope.parameters[row["parameter"]]
            if is_usable(code, scope.units[row["unit"]], kinds[station]):
                means[station][code][int(row["starts_at"])] = float(row["member"])
        return means

    def _messages(self, versions: Sequence[IndexVersion], now: datetime) -> Iterator[Record]:
        """Yield a message for each station."""
        ordered = sorted(versions, key=_station)
        for station, group in groupby(ordered, key=_station):
            messages = [to_message(index, version) for _, index, version in group]
            value = encode_aggregated(station, now, [], messages)
            yield Record(self._aggregated, station.encode(), value)

    def _kind(self, code: str, day: int) -> str | None:
        """Return the index that a station publishes on a day, if it does."""
        station = self._registry.station(code, from_seconds(day))
        return KINDS.get(station.type) if station and station.publish_index else None


def _relevant_hours(group: HourGroup, kinds: Mapping[str, str]) -> dict[str, set[int]]:
    """Return by station the dirty hours of the parameters that its index looks at."""
    hours: dict[str, set[int]] = defaultdict(set)
    for series, start in zip(group.series.tolist(), group.times.tolist(), strict=True):
        station, parameter = divmod(series, len(group.parameters))
        kind = kinds.get(group.stations[station])
        if kind and group.parameters[parameter] in PARAMETERS[kind]:
            hours[group.stations[station]].add(start)
    return hours


def _is_same(stored: StoredIndex, index: Index) -> bool:
    return (stored.value, stored.responsible, stored.subindices) == (
        index.value,
        list(index.responsible),
        dict(index.subindices),
    )


def _station(version: IndexVersion) -> str:
    return version[0]
