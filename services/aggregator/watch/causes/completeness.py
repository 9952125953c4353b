"""Too little of a station's data counts: the share of its expected readings over 24 whole hours.

Expected is what the intervals of then allow for every parameter that the registry holds, outside maintenance;
what counts is what the hourly averages are made of. A station is looked at only once its first known reading
is 24 hours old. The window ends with the last hour that is over by more than the grace. Closed once the share
is above the limit by a margin, so that a station on the edge gives one alert.
"""

from array import array
from collections.abc import Iterable, Iterator
from typing import Final

from quantrac.domain.averaging import count_expected_at
from quantrac.domain.periods import Period
from quantrac.domain.registry.stations import Station
from quantrac.domain.times import HOUR, from_seconds, to_whole_seconds
from schemas.codecs.aggregated import AggregatedMessage
from services.aggregator.watch.causes.cause import (
    Cause,
    Finding,
    FindingState,
    Rest,
    States,
    in_maintenance,
    show_time,
    write_time,
)
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import NEVER, CauseKey, Database, WatchedStation, iterate_rows

_KIND: Final = "data-incomplete"

_WINDOW_HOURS = 24
# The hours of the window, the one under way, and one that ended within the grace.
_RING_HOURS = _WINDOW_HOURS + 2
_COUNT_BITS = 12
_MOST = (1 << _COUNT_BITS) - 1

HOURS_SQL = """
SELECT station, parameter, groupArray(toUnixTimestamp(starts_at)) AS starts, groupArray(count) AS counts
FROM averages FINAL
WHERE period = 'hour' AND starts_at >= toDateTime({start:UInt32}, 'UTC')
  AND starts_at <= toDateTime({now:UInt32}, 'UTC')
GROUP BY station, parameter
"""


class HourRing:
    """How many readings of one series count in each of the last hours."""

    __slots__ = ("_hours",)

    def __init__(self) -> None:
        # Hours since 1970 << 12 | readings that count, at the hour's index in the ring.
        self._hours = array("I", bytes(4 * _RING_HOURS))

    def put(self, start: int, count: int) -> None:
        """Take the count of the hour that begins at ``start``, unless a later hour has its index."""
        hour = start // HOUR
        index = hour % _RING_HOURS
        if hour >= self._hours[index] >> _COUNT_BITS:
            self._hours[index] = hour << _COUNT_BITS | min(count, _MOST)

    def count(self, hour: int) -> int:
        """Return how many readings count in an hour (hours since 1970) of the last day."""
        packed = self._hours[hour % _RING_HOURS]
        return packed & _MOST if packed >> _COUNT_BITS == hour else 0


class CompletenessState(FindingState):
    """The counts of each parameter, and the share they made last."""

    __slots__ = ("_rings", "_share")

    def __init__(self, station: WatchedStation) -> None:
        super().__init__(station)
        self._rings: dict[str, HourRing] = {}
        self._share: tuple[Station, int, int, int] | None = None
        """The registry's entry and the end of the window that counted and expected are of."""

    def take_aggregated(self, message: AggregatedMessage, now: int) -> None:
        """Take the counts of hours; longer averages say nothing here."""
        for average in message.averages:
            if average.period == Period.HOUR:
                self.put(average.parameter, [(to_whole_seconds(average.starts_at), average.count)])

    def put(self, parameter: str, hours: Iterable[tuple[int, int]]) -> None:
        """Take the counts of hours: (start, count)."""
        self.station.series_of(parameter)
        ring = self._rings.setdefault(parameter, HourRing())
        for start, count in hours:
            ring.put(start, count)
        self._share = None

    def forget(self, parameter: str) -> None:
        """Drop a parameter's counts."""
        self._rings.pop(parameter, None)

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        """Yield the finding of a share that is too small."""
        end = (now - rules.grace) // HOUR
        first_at = self.station.first_at
        if first_at == NEVER or first_at > (end - _WINDOW_HOURS) * HOUR:
            return
        if self._share is None or self._share[0] is not entry or self._share[1] != end:
            self._share = entry, end, *self._count(entry, end)
        _, _, counted, expected = self._share
        if not expected:
            return
        alert = self.station.open.get(CauseKey(_KIND))
        limit = rules.completeness + (rules.completeness_margin if alert else 0.0)
        if counted < limit * expected:
            facts: dict[str, str | float] = {
                "from": write_time((end - _WINDOW_HOURS) * HOUR),
                "to": write_time(end * HOUR),
                "counted": counted,
                "expected": expected,
                "share": round(counted / expected, 4),
                "limit": rules.completeness,
            }
            detail = (
                f"Only {counted} of {expected} expected readings ({counted / expected:.0%}) of the 24 hours "
                f"to {show_time(end * HOUR)} count; {rules.completeness:.0%} are asked for."
            )
            yield Finding(alert.opened_at if alert else end * HOUR, detail, facts)

    def _count(self, entry: Station, end: int) -> tuple[int, int]:
        """Return how many readings count and how many are expected in the hours before ``end``."""
        counted = expected = 0
        for hour in range(end - _WINDOW_HOURS, end):
            start = from_seconds(hour * HOUR)
            if not entry.valid_at(start):
                continue
            most = count_expected_at(entry, start)
            for parameter in entry.parameters:
                if parameter.valid_at(start) and not in_maintenance(entry, parameter.code, start):
                    expected += most
                    ring = self._rings.get(parameter.code)
                    counted += min(most, ring.count(hour)) if ring else 0
        return counted, expected


def read_hours(database: Database, now: int) -> Iterator[tuple[str, str, list[tuple[int, int]]]]:
    """Yield (station, parameter, [(start, count)]) of the last day's hours; raises ``ClickHouseError``."""
    columns = database.columns(HOURS_SQL, {"start": now - _RING_HOURS * HOUR, "now": now})
    for row in iterate_rows(columns):
        yield row["station"], row["parameter"], list(zip(row["starts"], row["counts"], strict=True))


def _load(database: Database, states: States, now: int) -> None:
    for station, parameter, hours in read_hours(database, now):
        state: CompletenessState | None = states.of(station)
        if state is not None:
            state.put(parameter, hours)


CAUSE = Cause(
    _KIND,
    CompletenessState,
    "Enough of the last 24 hours' readings count again.",
    rest=Rest.ALL,
    load=_load,
)
