"""Decides which indices the stored hours of a batch become."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import groupby

from quantrac.domain.averaging import AverageRules
from quantrac.domain.registry.registry import Registry
from quantrac.io.records import Record
from schemas.codec import encode_aggregated
from services.aggregator.windows.averages.queries import AverageTables, Scope
from services.aggregator.windows.columns import DAY
from services.aggregator.windows.dirty_hours import Look
from services.aggregator.windows.indices import columns as index_rows
from services.aggregator.windows.indices.columns import Index


class IndexStep:
    """Makes the indices of the stations that publish one; the same hours write nothing."""

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

    def publish(self, look: Look, units: Sequence[str], since: float, untold: list[Record]) -> None:
        """Write the indices that differ, and append to ``untold`` what tells them.

        Told again is what was stored at ``since`` (seconds since 1970) or later. Raises ``ClickHouseError``.
        """
        published = {code: kind for code in look.stations if (kind := self._kind(code, look.part))}
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
        scope = Scope(list(wanted), codes, units, start, end)
        means: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
        for row in self._tables.hours(scope):
            station, code = scope.stations[row["station"]], codes[row["parameter"]]
            if index_rows.usable(code, scope.units[row["unit"]], published[station]):
                means[station][code][int(row["starts_at"])] = float(row["member"])
        stored = {tuple(row[:4]): row[4:] for row in self._tables.indices(scope)}
        changed: list[tuple[str, Index, int]] = []
        again: list[tuple[str, Index, int]] = []
        for station, hours in wanted.items():
            kind = published[station]
            for index in index_rows.indices(
                kind, means[station], *index_rows.touched(kind, hours), self._rules
            ):
                key = station, index.kind, index.period, index.starts_at
                *before, version, computed_at = stored.get(key, (None, 0, 0))
                if before != [index.value, list(index.responsible), dict(index.subindices)]:
                    changed.append((station, index, version + 1))
                elif computed_at >= since:
                    again.append((station, index, version))
        now = self._clock()
        if changed:
            self._tables.insert("indices", index_rows.columns(changed, int(now.timestamp() * 1000)))
        for code, some in groupby(sorted([*changed, *again], key=_station), key=_station):
            told = [index_rows.told(index, version) for _, index, version in some]
            value = encode_aggregated(code, now, [], told)
            untold.append(Record(self._aggregated, code.encode(), value))

    def _kind(self, code: str, at: int) -> str | None:
        station = self._registry.station(code, datetime.fromtimestamp(at, UTC))
        return index_rows.KINDS.get(station.type) if station and station.publish_index else None


def _station(found: tuple[str, Index, int]) -> str:
    return found[0]
