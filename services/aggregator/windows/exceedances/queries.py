"""The averages and episodes that judging needs: the SQL of exceedances. Times are seconds since 1970, UTC."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from quantrac.domain.periods import Period
from services.aggregator.windows.averages.queries import ClickHouseAverages
from services.aggregator.windows.columns import PERIODS, Records, indices_by_name
from services.aggregator.windows.exceedances.episode import Episode
from services.aggregator.windows.scope import Database, Scope

MEANS = np.dtype([("span", "<u2"), ("starts_at", "<u4"), ("unit", "<u2"), ("mean", "<f8")])

END = 2**32 - 1
"""Later than every time a table can hold."""


@dataclass(frozen=True, slots=True)
class Span:
    """The averages of one series that start from ``start`` to before ``end``."""

    station: str
    parameter: str
    period: Period
    start: int
    end: int


class ExceedanceTables(Protocol):
    """Where averages are and episodes go; every method raises ``ClickHouseError``."""

    def hours(self, scope: Scope) -> Records:
        """Return stored hours as :class:`services.aggregator.windows.averages.queries.AverageTables` does."""
        ...

    def means(self, spans: Sequence[Span], units: Sequence[str]) -> Records:
        """Return stored averages (:data:`MEANS`) of spans, each of another series; NaN where not complete."""
        ...

    def episodes(
        self, stations: Sequence[str], parameters: Sequence[str], earliest: Mapping[Period, int], since: int
    ) -> Sequence[tuple[str, Episode, int, int]]:
        """Return (station, episode, version, seconds of computed_at) of newest versions, by periods.

        Of each series: what begins or ends at the time of ``earliest`` or later, withdrawn ones too; what is
        open; the last one that ended before; and what was stored at ``since`` or later.
        """
        ...

    def insert(self, table: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Insert one block of any types durably."""
        ...


# The averages' own filter is on the key alone; the span of each series is looked up by its number.
_MEANS = """
SELECT toUInt16(span - 1), toUnixTimestamp(starts_at),
  toUInt16(indexOf({units:Array(String)}, unit)),
  toFloat64(if(complete = 1, coalesce(mean, nan), nan))
FROM
(
  SELECT starts_at, unit, complete, mean,
    transform(station, {stations:Array(String)}, range(length({stations:Array(String)})), 0)
      * {width:UInt32} + indexOf({parameters:Array(String)}, parameter) - 1 AS of_station,
    of_station * 5 + indexOf({periods:Array(String)}, period) - 1 AS number,
    transform(toUInt32(number), {series:Array(UInt32)},
      range(1, length({series:Array(UInt32)}) + 1), 0) AS span
  FROM averages FINAL
  PREWHERE station IN {stations:Array(String)} AND parameter IN {parameters:Array(String)}
    AND period IN {judged:Array(String)}
    AND starts_at >= toDateTime({start:UInt32}, 'UTC') AND starts_at < toDateTime({end:UInt32}, 'UTC')
)
WHERE span > 0 AND toUnixTimestamp(starts_at) >= arrayElement({starts:Array(UInt32)}, span)
  AND toUnixTimestamp(starts_at) < arrayElement({ends:Array(UInt32)}, span)
SETTINGS do_not_merge_across_partitions_select_final = 1, max_threads = 1
"""

_EPISODES = """
SELECT station, parameter, period, standard, column, minimum, maximum, unit, start, end, periods, peak,
  toUnixTimestamp(peak_at), ratio, open, version, toUnixTimestamp(computed_at)
FROM
(
  SELECT *, arrayElement({earliest:Array(UInt32)}, indexOf({judged:Array(String)}, period)) AS low,
    max(if(periods > 0 AND end < low, start, 0)) OVER (PARTITION BY station, parameter, period) AS before
  FROM
  (
    SELECT *, toUnixTimestamp(starts_at) AS start, toUnixTimestamp(ends_at) AS end
    FROM exceedances
    WHERE station IN {stations:Array(String)} AND parameter IN {parameters:Array(String)}
      AND period IN {judged:Array(String)}
    ORDER BY version DESC
    LIMIT 1 BY station, parameter, period, standard, column, starts_at
  )
)
WHERE start >= low OR toUnixTimestamp(computed_at) >= {since:UInt32}
  OR periods > 0 AND (end >= low OR open = 1 OR start = before)
"""


class ClickHouseExceedances:
    """Satisfies :class:`ExceedanceTables`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.hours = ClickHouseAverages(database).hours
        self.insert = database.insert

    def means(self, spans: Sequence[Span], units: Sequence[str]) -> Records:
        """Read complete averages, the query's own span of time being that of all."""
        stations = indices_by_name(list(dict.fromkeys(span.station for span in spans)))
        parameters = indices_by_name(list(dict.fromkeys(span.parameter for span in spans)))
        series = [
            (stations[span.station] * len(parameters) + parameters[span.parameter]) * len(PERIODS)
            + PERIODS.index(span.period)
            for span in spans
        ]
        bound = {
            "stations": list(stations),
            "parameters": list(parameters),
            "width": len(parameters),
            "periods": list(PERIODS),
            "judged": sorted({span.period.value for span in spans}),
            "units": list(units[1:]),
            "series": series,
            "starts": [span.start for span in spans],
            "ends": [span.end for span in spans],
            "start": min(span.start for span in spans),
            "end": max(span.end for span in spans),
        }
        return self._database.records(_MEANS, bound, MEANS)

    def episodes(
        self, stations: Sequence[str], parameters: Sequence[str], earliest: Mapping[Period, int], since: int
    ) -> Sequence[tuple[str, Episode, int, int]]:
        """Read what may have to be changed, or published again."""
        bound = {
            "stations": list(stations),
            "parameters": list(parameters),
            "judged": [period.value for period in earliest],
            "earliest": list(earliest.values()),
            "since": since,
        }
        rows = self._database.query(_EPISODES, bound).rows
        # The table's 0 and 1 become what a message may hold: what is stored is published again as it is.
        return [(row[0], Episode(*row[1:-2])._replace(open=bool(row[-3])), *row[-2:]) for row in rows]
