"""Decides which indices the stored hours of a batch become."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby

import numpy as np

from quantrac.domain.averaging import AverageRules
from quantrac.domain.indices.kinds import INDEX_KINDS, KIND_OF_MEDIUM
from quantrac.domain.registry.pollution import Pollution
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import DAY, VIETNAM_OFFSET, from_seconds, local_day_starts, to_milliseconds
from quantrac.io.records import Record
from schemas.codecs.aggregated import encode_aggregated
from services.aggregator.windows.batch import WindowBatch
from services.aggregator.windows.dirty_hours import HourGroup, group_hours
from services.aggregator.windows.indices.columns import (
    Index,
    IndexVersion,
    Means,
    find_periods,
    index_columns,
    indices,
    to_index_unit,
    to_message,
)
from services.aggregator.windows.indices.queries import IndexKey, IndexTables, StoredIndex
from services.aggregator.windows.scope import Scope

_Publisher = tuple[str, str]
"""Station, and the kind of index it publishes; another kind where its type has changed."""


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
        for group in group_hours(batch.hours):
            hours = self._relevant_hours(group)
            if hours:
                self._process_group(batch, hours)

    def _process_group(self, batch: WindowBatch, hours: Mapping[_Publisher, set[int]]) -> None:
        """Do so for the dirty hours of some stations."""
        stations = sorted({station for station, _ in hours})
        codes = sorted(set().union(*(INDEX_KINDS[kind].parameters for _, kind in hours)))
        numbers = np.array(sorted(set().union(*hours.values())), np.int64)
        days = (numbers + VIETNAM_OFFSET) // DAY
        # NowCast and the first 8-hour mean of a day look back; an evening enters the next day's 8-hour means.
        scope = Scope.of_days(stations, codes, batch.units, np.concatenate([days - 1, days, days + 1]))
        means = self._means(scope, hours)
        stored = self._tables.indices(scope)
        changed: list[IndexVersion] = []
        again: list[IndexVersion] = []
        for (station, kind), starts in hours.items():
            touched, of_station = find_periods(kind, starts), means[station, kind]
            pollution_at = partial(self._pollution, station)
            for index in indices(kind, of_station, *touched, rules=self._rules, pollution_at=pollution_at):
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

    def _means(self, scope: Scope, publishers: Collection[_Publisher]) -> Mapping[_Publisher, Means]:
        """Return the hourly means of each station, in the unit of its index's tables."""
        means: dict[_Publisher, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
        kinds: dict[str, list[str]] = defaultdict(list)
        for station, kind in publishers:
            kinds[station].append(kind)
        records = self._tables.hours(scope)
        columns = (records[name].tolist() for name in ("station", "parameter", "unit", "starts_at", "member"))
        for station_index, parameter, unit, start, member in zip(*columns, strict=True):
            station, code = scope.stations[station_index], scope.parameters[parameter]
            for kind in kinds[station]:
                if code not in INDEX_KINDS[kind].parameters:
                    continue
                factors = to_index_unit(code, scope.units[unit], kind)
                if factors is not None:
                    value = member if factors.is_identity else factors.apply(member)
                    means[station, kind][code][start] = value
        return means

    def _messages(self, versions: Sequence[IndexVersion], now: datetime) -> Iterator[Record]:
        """Yield a message for each station."""
        ordered = sorted(versions, key=_station)
        for station, group in groupby(ordered, key=_station):
            messages = [to_message(index, version) for _, index, version in group]
            value = encode_aggregated(station, now, [], messages)
            yield Record(self._aggregated, station.encode(), value)

    def _relevant_hours(self, group: HourGroup) -> dict[_Publisher, set[int]]:
        """Return the dirty hours of the parameters that the index of their station looks at."""
        # Of each station and day once; most stations publish none.
        kinds: dict[tuple[int, int], str | None] = {}
        hours: dict[_Publisher, set[int]] = defaultdict(set)
        days = local_day_starts(group.times)
        rows = zip(group.series.tolist(), group.times.tolist(), days.tolist(), strict=True)
        for series, start, day in rows:
            station, parameter = divmod(series, len(group.parameters))
            if (station, day) not in kinds:
                kinds[station, day] = self._kind(group.stations[station], day)
            kind = kinds[station, day]
            if kind and group.parameters[parameter] in INDEX_KINDS[kind].parameters:
                hours[group.stations[station], kind].add(start)
        return hours

    def _kind(self, code: str, day: int) -> str | None:
        """Return the index that a station publishes on a day, if it does."""
        station = self._registry.station(code, from_seconds(day))
        kind = KIND_OF_MEDIUM.get(station.type) if station and station.publish_index else None
        return kind.name if kind else None

    def _pollution(self, code: str, time: datetime) -> Collection[Pollution]:
        """Return what the registry knows of a station's water body at a time (UTC)."""
        station = self._registry.stations.get(code)
        return station.pollution_at(time) if station else ()


def _is_same(stored: StoredIndex, index: Index) -> bool:
    """Tell whether nothing that is said of the index has changed, the rule that it follows included."""
    return (stored.value, stored.level, stored.responsible, stored.subindices, stored.formula) == (
        index.value,
        index.level,
        list(index.responsible),
        dict(index.subindices),
        index.formula,
    )


def _station(version: IndexVersion) -> str:
    return version[0]
