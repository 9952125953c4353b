"""Too little of a station's data counts: the share of its expected readings over 24 whole hours.

Expected is what the intervals of then allow for every parameter that the registry holds, outside maintenance;
what counts is what the hourly averages are made of. A station is asked only once its first known reading is
24 hours old. The window ends with the last hour that is over by more than the grace. Closed once the share is
above the limit by a margin, so that a station on the edge is told once.
"""

from collections.abc import Iterator
from typing import Final

from quantrac.domain.averaging import expected_in
from quantrac.domain.registry.stations import Station
from quantrac.domain.times import HOUR_DELTA
from services.aggregator.watch.causes.cause import Cause, Finding, in_maintenance
from services.aggregator.watch.state import (
    HOUR,
    NEVER,
    WINDOW_HOURS,
    CauseKey,
    Watched,
    WatchRules,
    iso,
    moment,
)

_KIND: Final = "data-incomplete"


def _found(watched: Watched, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
    end = (now - rules.grace) // HOUR
    if watched.first_at == NEVER or watched.first_at > (end - WINDOW_HOURS) * HOUR:
        return
    if watched.share is None or watched.share[0] is not entry or watched.share[1] != end:
        watched.share = entry, end, *_counted(watched, entry, end)
    _, _, counted, expected = watched.share
    if not expected:
        return
    known = watched.open.get(CauseKey(_KIND))
    limit = rules.completeness + (rules.completeness_margin if known else 0.0)
    if counted < limit * expected:
        facts: dict[str, str | float] = {
            "from": iso((end - WINDOW_HOURS) * HOUR),
            "to": iso(end * HOUR),
            "counted": counted,
            "expected": expected,
            "share": round(counted / expected, 4),
            "limit": rules.completeness,
        }
        detail = (
            f"Only {counted} of {expected} expected readings ({counted / expected:.0%}) of the 24 hours to "
            f"{iso(end * HOUR)} count; {rules.completeness:.0%} are asked for."
        )
        yield Finding(known.opened_at if known else end * HOUR, detail, facts)


def _counted(watched: Watched, entry: Station, end: int) -> tuple[int, int]:
    """Return how many readings count and how many are expected in the hours before ``end``."""
    counted = expected = 0
    for hour in range(end - WINDOW_HOURS, end):
        at = moment(hour * HOUR)
        if not entry.valid_at(at):
            continue
        most = expected_in(HOUR_DELTA, entry.interval_at(at))
        for parameter in entry.parameters:
            if parameter.valid_at(at) and not in_maintenance(entry, parameter.code, at):
                expected += most
                series = watched.series.get(parameter.code)
                counted += min(most, series.counted(hour)) if series else 0
    return counted, expected


CAUSE = Cause(_KIND, _found, "Enough of the last 24 hours' readings count again.", absence=True)
