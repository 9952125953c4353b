"""A station is silent: its last reading is older than its interval and the grace.

A station that has never sent counts from ``valid_from``; where the registry does not say that either, there
is no time to count from and no alert before its first reading.
"""

from collections.abc import Iterator

from quantrac.domain.registry.stations import Station
from quantrac.domain.times import from_seconds
from services.aggregator.watch.causes.cause import (
    Cause,
    Finding,
    FindingState,
    maintenance_end,
    minutes,
    read_time,
    start_of,
    write_time,
)
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import NEVER, CauseKey, OpenAlert, mean_made_at


class _State(FindingState):
    __slots__ = ()

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        # The station may be silent for longer than readings are looked back.
        if "last_at" in alert.facts:
            self.station.last_at = max(self.station.last_at, read_time(alert.facts["last_at"]))

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        last_at = self.station.last_at
        if last_at == NEVER and entry.valid_from is None:
            return
        # A file comes when its mean is made: one stamped with the start of it an interval after its stamp.
        made_at = NEVER if last_at == NEVER else mean_made_at(entry, last_at)
        since = max(made_at, start_of(entry.valid_from), maintenance_end(entry, "", now))
        interval = entry.interval_at(from_seconds(since))
        due = since + interval + rules.grace
        if now < due:
            return
        facts: dict[str, str | float] = {
            "interval_minutes": minutes(interval),
            "grace_minutes": minutes(rules.grace),
        }
        if last_at != NEVER:
            facts = {"last_at": write_time(last_at), **facts}
            sentence = f"Nothing received since {write_time(last_at)}"
        else:
            facts = {"valid_from": write_time(since), **facts}
            sentence = f"Nothing received since the station became valid at {write_time(since)}"
        yield Finding(due, f"{sentence}; a file is due every {minutes(interval)} minutes.", facts)


CAUSE = Cause("station-silent", _State, "The station sends again.", absence=True)
