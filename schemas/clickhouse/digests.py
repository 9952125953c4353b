"""Counts and digests of what is stored, in SQL: the same in both tiers, so that they can be compared.

The hash of a row is XXH64 (seed 0) of bytes that docs/reconciliation.md states; a digest is the sum of the
hashes of some rows modulo 2^64, in whatever order. Of readings, averages and indices those count that stand
now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Protocol

from quantrac.domain.reconciliation.differences import RowDigest, RowKey, Subject, Sum, SumKey
from quantrac.domain.reconciliation.levels import Level, period_start
from quantrac.domain.times import DAY, HOUR, VIETNAM_OFFSET, from_seconds

_LAST_SECOND = 2**32 - 1
"""Of the tables' type of time: 2106."""
_MODULUS = 2**64


class Database(Protocol):
    """Where the tables are."""

    def columns(self, sql: str, parameters: Mapping[str, Any]) -> Mapping[str, Sequence[Any]]:
        """Run one SELECT; returns column name -> values, no columns where there are no rows."""


def _hash(texts: Sequence[str], numbers: Sequence[str]) -> str:
    """Return the SQL of the hash of texts, each followed by a TAB, and of little-endian numbers."""
    parts = [part for text in texts for part in (text, "'\\t'")]
    parts += [f"reinterpretAsFixedString({number})" for number in numbers]
    return f"xxHash64(concat({', '.join(parts)}))"


READING_HASH = _hash(
    ("station", "parameter", "unit", "status", "qualifier"),
    ("toUnixTimestamp(measured_at)", "value", "flag", "version"),
)
"""SQL: of a row of ``readings`` (UInt64)."""
_AVERAGE_HASH = _hash(
    ("station", "parameter", "period", "unit", "if(isNull(mean), '', hex(assumeNotNull(mean)))"),
    ("toUnixTimestamp(starts_at)", "count", "received", "expected", "content"),
)
_SUBINDICES = "arrayMap(k -> concat(k, '=', hex(subindices[k])), arraySort(mapKeys(subindices)))"
_INDEX_HASH = _hash(
    (
        *(
            "station",
            "kind",
            "period",
            "level",
            "ifNull(toString(value), '')",
            "ifNull(toString(formula), '')",
        ),
        *("arrayStringConcat(responsible, ',')", f"arrayStringConcat({_SUBINDICES}, ',')"),
    ),
    ("toUnixTimestamp(starts_at)",),
)

_STATIONS = "({all_stations:UInt8} OR station IN {stations:Array(String)})"


def _span(column: str) -> str:
    return f"{column} >= toDateTime({{start:UInt32}}, 'UTC') AND {column} < toDateTime({{end:UInt32}}, 'UTC')"


_ENDED = "ends_at <= toDateTime({ended_before:UInt32}, 'UTC')"
# The partitions are made from a column of the key, so a row never has its like in another partition.
_SETTINGS = "SETTINGS do_not_merge_across_partitions_select_final = 1, max_execution_time = 30"


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one subject that stand now."""

    source: str
    """FROM and WHERE."""
    time: str
    name: str
    period: str
    hash: str


_ROWS = {
    Subject.READINGS: _Rows(
        f"readings FINAL WHERE {_STATIONS} AND {_span('measured_at')}",
        "measured_at",
        "toString(parameter)",
        "''",
        READING_HASH,
    ),
    Subject.AVERAGES: _Rows(
        f"averages FINAL WHERE {_STATIONS} AND {_span('starts_at')} AND {_ENDED}",
        "starts_at",
        "toString(parameter)",
        "toString(period)",
        _AVERAGE_HASH,
    ),
    Subject.INDICES: _Rows(
        f"""(
  SELECT * FROM indices FINAL WHERE {_STATIONS} AND {_span("starts_at")} AND {_ENDED}
  ORDER BY version DESC LIMIT 1 BY station, kind, period, starts_at
)""",  # noqa: S608  # constants of our own
        "starts_at",
        "toString(kind)",
        "toString(period)",
        _INDEX_HASH,
    ),
}


def _period_starts(level: Level, time: str) -> str:
    """Return the SQL of the start of the period that a time lies in, as Int64: it may lie before 1970."""
    if level is Level.HOUR:
        return f"toInt64(toUnixTimestamp(toStartOfHour({time})))"
    function = {Level.YEAR: "toStartOfYear", Level.MONTH: "toStartOfMonth", Level.DAY: "toDate"}[level]
    local = f"{function}({time} + {VIETNAM_OFFSET})"
    return f"toInt64(toUnixTimestamp(toDateTime({local}, 'UTC'))) - {VIETNAM_OFFSET}"


def _sums(level: Level, time: str, rows: str, digest: str, source: str) -> str:
    return f"""
SELECT toString(station) AS whose, {_period_starts(level, time)} AS period_start,
  {rows} AS row_count, {digest} AS digest_sum
FROM {source}
GROUP BY whose, period_start
HAVING row_count > 0
{_SETTINGS}
"""  # noqa: S608  # constants of our own


_SUMS = {
    (subject, level): _sums(level, rows.time, "count()", f"sum({rows.hash})", rows.source)
    for subject, rows in _ROWS.items()
    for level in Level
}
_KEPT_SUMS = {
    level: _sums(
        level,
        "hour",
        "sum(readings)",
        "sum(digest)",
        f"digests FINAL WHERE {_STATIONS} AND {_span('hour')} AND is_pending = 0",
    )
    for level in Level
}
_PENDING = f"""
SELECT toString(station) AS station, toUnixTimestamp(hour) AS hour
FROM digests FINAL
WHERE {_STATIONS} AND {_span("hour")} AND is_pending = 1
{_SETTINGS}
"""  # noqa: S608
# Beside others of the windows: one thread takes a quarter less of the processor's time than several.
_HOURS = f"""
SELECT toString(station) AS station, toUnixTimestamp(toStartOfHour(measured_at)) AS hour,
  count() AS readings, sum({READING_HASH}) AS digest
FROM readings FINAL
PREWHERE station IN {{stations:Array(String)}}
  AND measured_at >= toDateTime({{start:UInt32}}, 'UTC') AND measured_at <= toDateTime({{last:UInt32}}, 'UTC')
  AND toUnixTimestamp(toStartOfHour(measured_at)) IN {{hours:Array(UInt32)}}
GROUP BY station, hour
{_SETTINGS}, max_threads = 1
"""  # noqa: S608
_COUNT = f"""
SELECT count() AS readings FROM readings WHERE {_STATIONS} AND {_span("measured_at")} {_SETTINGS}
"""  # noqa: S608


def _row_page(rows: _Rows) -> str:
    return f"""
SELECT toUnixTimestamp({rows.time}) AS time, {rows.name} AS name, {rows.period} AS period,
  toUInt64(version) AS version, {rows.hash} AS digest
FROM (SELECT * FROM {rows.source})
WHERE (time, name, period) > ({{after_time:Int64}}, {{after_name:String}}, {{after_period:String}})
ORDER BY time, name, period
LIMIT {{limit:UInt64}}
{_SETTINGS}
"""  # noqa: S608  # constants of our own


_ROW_PAGES = {subject: _row_page(rows) for subject, rows in _ROWS.items()}

_BEFORE_ALL = RowKey(from_seconds(-1), "", "")
_ALL_ROWS = 2**63


class StoredDigests:
    """Counts and digests of one tier's tables; every method raises what the database raises."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def sums(
        self,
        subject: Subject,
        level: Level,
        start: datetime,
        end: datetime,
        *,
        stations: Sequence[str] | None = None,
        ended_before: datetime | None = None,
        is_fresh: bool = True,
    ) -> dict[SumKey, Sum]:
        """Return the sums of ``[start, end)`` (UTC) by station and period; ``stations`` of ``None`` are all.

        Of averages and indices only what ended at ``ended_before`` or earlier counts. Readings are summed up
        anew, or, not ``is_fresh``, from what ``aggregator.windows`` keeps of whole hours.
        """
        bound = _bind(stations, start, end, ended_before)
        if is_fresh or subject is not Subject.READINGS:
            return self._read_sums(_SUMS[subject, level], bound)
        sums = self._read_sums(_KEPT_SUMS[level], bound)
        for (station, hour), (rows, digest) in self._pending_hours(bound).items():
            key = SumKey(station, period_start(level, from_seconds(hour)))
            before = sums.get(key, Sum(0, 0))
            sums[key] = Sum(before.rows + rows, (before.digest + digest) % _MODULUS)
        return sums

    def rows(
        self,
        subject: Subject,
        station: str,
        start: datetime,
        end: datetime,
        *,
        ended_before: datetime | None = None,
        after: RowKey = _BEFORE_ALL,
        limit: int = _ALL_ROWS,
    ) -> dict[RowKey, RowDigest]:
        """Return the rows of a station in ``[start, end)`` by key, ``limit`` of those past ``after``."""
        bound = _bind([station], start, end, ended_before) | {
            "after_time": int(after.time.timestamp()),
            "after_name": after.name,
            "after_period": after.period,
            "limit": limit,
        }
        columns = self._database.columns(_ROW_PAGES[subject], bound)
        return {
            RowKey(from_seconds(time), name, period): RowDigest(version, digest)
            for time, name, period, version, digest in zip(*columns.values(), strict=True)
        }

    def hours(self, hours: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Sum]:
        """Return the sums of hours of stations (code, start in seconds since 1970) from their readings.

        An hour without readings has sums of 0.
        """
        sums = {hour: Sum(0, 0) for hour in hours}
        # Those of one time together: in between lies what no question is about.
        for _, group in groupby(sorted(sums, key=_start), key=_Days()):
            pairs = set(group)
            starts = sorted({start for _, start in pairs})
            bound = {
                "stations": sorted({station for station, _ in pairs}),
                "hours": starts,
                "start": starts[0],
                "last": min(starts[-1] + HOUR - 1, _LAST_SECOND),
            }
            columns = self._database.columns(_HOURS, bound)
            for station, hour, rows, digest in zip(*columns.values(), strict=True):
                if (station, hour) in pairs:
                    sums[station, hour] = Sum(rows, digest)
        return sums

    def count_readings(self, start: datetime, end: datetime, stations: Sequence[str] | None = None) -> int:
        """Return about how many readings are stored of ``[start, end)``: versions not merged yet count."""
        columns = self._database.columns(_COUNT, _bind(stations, start, end, None))
        return int(columns["readings"][0]) if columns else 0

    def _read_sums(self, sql: str, bound: Mapping[str, Any]) -> dict[SumKey, Sum]:
        columns = self._database.columns(sql, bound)
        return {
            SumKey(station, from_seconds(start)): Sum(rows, digest)
            for station, start, rows, digest in zip(*columns.values(), strict=True)
        }

    def _pending_hours(self, bound: Mapping[str, Any]) -> dict[tuple[str, int], Sum]:
        """Return the sums of the hours that the windows have yet to sum up: those under way, as a rule."""
        columns = self._database.columns(_PENDING, bound)
        hours = zip(columns.get("station", ()), columns.get("hour", ()), strict=True)
        return {hour: total for hour, total in self.hours(hours).items() if total.rows}


class _Days:
    """Numbers the runs of hours in which none follows another after more than a day."""

    def __init__(self) -> None:
        self._run, self._last = 0, 0

    def __call__(self, hour: tuple[str, int]) -> int:
        self._run += hour[1] > self._last + DAY
        self._last = hour[1]
        return self._run


def _start(hour: tuple[str, int]) -> int:
    return hour[1]


def _bind(
    stations: Sequence[str] | None, start: datetime, end: datetime, ended_before: datetime | None
) -> dict[str, Any]:
    return {
        "all_stations": int(stations is None),
        "stations": list(stations or ()),
        "start": _second(start),
        "end": _second(end),
        "ended_before": _LAST_SECOND if ended_before is None else _second(ended_before),
    }


def _second(time: datetime) -> int:
    """Return the first whole second at or after a time, within what the tables can hold."""
    return min(max(-int(-time.timestamp() // 1), 0), _LAST_SECOND)
