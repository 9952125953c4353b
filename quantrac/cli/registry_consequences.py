"""What follows of an import for what is stored: readings to judge again, flags that change, averages."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from quantrac.cli.registry_changes import HORIZON, MOST_JUDGED, Span
from quantrac.cli.registry_plan import Plan, StationChange, make_plan
from quantrac.cli.replay_validator import Comparison, rules_in_force
from quantrac.cli.target import Target
from quantrac.domain.bounds import DATETIME
from quantrac.domain.qa.baseline import update
from quantrac.domain.qa.stored.rejudge import rejudge
from quantrac.domain.qa.stored.revisions import FileNotStored
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import HOUR, HOUR_DELTA, from_seconds, to_seconds
from quantrac.io.clickhouse import ClickHouse, ClickHouseError
from schemas.clickhouse.history import Database, HistorySnapshot
from schemas.registry import Record, apply_record, record_key

_READINGS = """
SELECT uniqExact(parameter, measured_at) AS count, toUnixTimestamp(min(measured_at)) AS first
FROM readings
WHERE station = {station:String} AND ({parameter:String} = '' OR parameter = {parameter:String})
  AND measured_at >= toDateTime({start:UInt32}, 'UTC') AND measured_at < toDateTime({end:UInt32}, 'UTC')
"""
_HOURS = """
SELECT uniqExact(parameter, starts_at) AS count
FROM averages
WHERE station = {station:String} AND period = 'hour'
  AND starts_at >= toDateTime({start:UInt32}, 'UTC') AND starts_at < toDateTime({end:UInt32}, 'UTC')
"""


def find_consequences(
    target: Target,
    registry: Registry,
    values: Mapping[bytes, bytes],
    records: Sequence[Record],
    *,
    now: datetime,
    most: int = MOST_JUDGED,
) -> Plan:
    """Return the plan of an import with what follows of it.

    ``values`` are those of the topic that ``registry`` was read from; it has the new records afterwards.
    ``now`` is UTC. ``most``: see :meth:`Counting.count`.
    """
    plan = make_plan(registry, values, records, now)
    for record in records:
        apply_record(registry, record_key(record), record.model_dump_json().encode())
    if plan.stations:
        Counting(registry, ClickHouse(target.clickhouse)).count(plan, now, most)
    return plan


class Counting:
    """Counts what follows for what is stored."""

    def __init__(self, registry: Registry, database: Database) -> None:
        """``registry`` has the new records; the rules are those in force."""
        self._registry, self._database = registry, database
        self._history = HistorySnapshot(database)
        self._expectations = Expectations(registry, rules_in_force(registry))

    def count(self, plan: Plan, now: datetime, most: int = MOST_JUDGED) -> None:
        """Fill in a plan; where the database is away, say so in it.

        Flags are counted by judging readings as they will be judged: at most ``most`` of them, the newest of
        a station first.
        """
        try:
            for change in plan.stations:
                self._count_stored(change, now)
            for change in plan.stations:
                self._count_flags(change, most)
                most -= change.judged
        except ClickHouseError as error:
            plan.obstacle = f"ClickHouse: {error}"
        except FileNotStored as error:
            plan.obstacle = str(error)

    def _count_stored(self, change: StationChange, now: datetime) -> None:
        """Count what is stored; what is withdrawn begins with the first reading that is stored of it."""
        for number, (parameter, span) in enumerate(change.withdrawn):
            stored = self._ask(_READINGS, change.code, span, parameter)
            first = from_seconds(stored["first"]) if stored["count"] else now - HORIZON
            start = min(max(span[0], first), span[1] - HOUR_DELTA)
            change.withdrawn[number] = parameter, (max(start, span[0]), span[1])
        change.readings = sum(self._ask(_READINGS, change.code, span)["count"] for span in change.spans)
        change.hours = sum(self._ask(_HOURS, change.code, span)["count"] for span in change.average_spans)

    def _count_flags(self, change: StationChange, most: int) -> None:
        """Judge what is stored as it will be, and count the flags that change, and the hours they are of."""
        entry, hours = self._registry.stations[change.code], set()
        newest = from_seconds(max(self._history.newest(change.code), 0) + 1)
        for span in reversed(change.spans):
            start, end = span[0], min(span[1], newest)
            if start >= end or change.judged >= most:
                continue
            start, readings = self._newest_part(change.code, (start, end), most - change.judged)
            request = update.Span(to_seconds(start), to_seconds(end), frozenset({"registry"}))
            answer = rejudge(self._history, self._registry, self._expectations, change.code, request)
            revised = [reading for revision in answer.revisions for reading in revision.readings]
            comparison = Comparison()
            comparison.add(self._database, change.code, revised)
            change.flags.update(comparison.flags)
            change.judged += readings
            hours |= {(r.parameter, to_seconds(entry.middle_of(r.measured_at)) // HOUR) for r in revised}
        change.reopened = len(hours)

    def _newest_part(self, station: str, span: Span, most: int) -> tuple[datetime, int]:
        """Return from when on a span holds no more than so many readings, and how many it holds then."""
        start, end = span
        while True:
            stored = self._ask(_READINGS, station, (start, end))
            if stored["count"] <= most or end - start < HOUR_DELTA:
                return start, stored["count"]
            # Exact where they lie evenly from the first one on.
            start = end - (end - from_seconds(stored["first"])) * (most / stored["count"])

    def _ask(self, sql: str, station: str, span: Span, parameter: str = "") -> dict[str, int]:
        start, end = (round(to_seconds(min(max(at, DATETIME.first), DATETIME.last))) for at in span)
        bound = {"station": station, "parameter": parameter, "start": start, "end": end}
        columns = self._database.columns(sql, bound)
        return {name: values[0] for name, values in columns.items()}
