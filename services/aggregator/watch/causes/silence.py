"""A station is silent: its last reading is older than its interval and the grace.

A station that has never sent counts from ``valid_from``; where the registry does not say that either, there
is no time to count from and nothing is told until its first reading.
"""

from collections.abc import Iterator

from quantrac.domain.registry.stations import Station
from services.aggregator.watch.causes.cause import Cause, Finding, begun_at, minutes, resumed_at
from services.aggregator.watch.state import NEVER, Watched, WatchRules, iso, moment


def _found(watched: Watched, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
    since = max(watched.last_at, begun_at(entry.valid_from), resumed_at(entry, "", now))
    if since == NEVER or (watched.last_at == NEVER and entry.valid_from is None):
        return
    interval = entry.interval_at(moment(since))
    due = since + interval + rules.grace
    if now < due:
        return
    facts: dict[str, str | float] = {
        "interval_minutes": minutes(interval),
        "grace_minutes": minutes(rules.grace),
    }
    if watched.last_at != NEVER:
        facts = {"last_at": iso(watched.last_at), **facts}
        since_when = f"Nothing received since {iso(watched.last_at)}"
    else:
        facts = {"valid_from": iso(since), **facts}
        since_when = f"Nothing received since the station became valid at {iso(since)}"
    yield Finding(due, f"{since_when}; a file is due every {minutes(interval)} minutes.", facts)


CAUSE = Cause("station-silent", _found, "The station sends again.", absence=True)
