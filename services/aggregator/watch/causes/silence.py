"""A station is silent: its last reading is older than its interval and the grace.

It is one alert until the newest reading is within that time again, whatever comes of a backlog before. Only a
reading that came promptly ends a silence and begins another, even where watch was away meanwhile.

A station that has never sent counts from ``valid_from``; where the registry does not say that either, there
is no time to count from and no alert before its first reading.
"""

from collections.abc import Iterator
from typing import Final

from quantrac.domain.registry.stations import Station
from quantrac.domain.times import from_seconds
from services.aggregator.watch.causes.cause import (
    Cause,
    Finding,
    FindingState,
    Rest,
    maintenance_end,
    minutes,
    read_time,
    show_time,
    start_of,
    write_time,
)
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import NEVER, CauseKey, OpenAlert, WatchedStation, mean_made_at

_KIND: Final = "station-silent"


class _State(FindingState):
    __slots__ = ()

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        # The station may be silent for longer than readings are looked back.
        if "last_at" in alert.facts:
            self.station.last_at = max(self.station.last_at, read_time(alert.facts["last_at"]))

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        if not is_silent(self.station, entry, rules, now):
            return
        last_at, since = self.station.last_at, _counts_from(self.station, entry, now)
        interval = entry.all_intervals.wait_after(from_seconds(since))
        facts: dict[str, str | float] = {
            "interval_minutes": minutes(interval),
            "grace_minutes": minutes(rules.grace),
        }
        if last_at != NEVER:
            facts = {"last_at": write_time(last_at), **facts}
            sentence = f"Nothing received since {show_time(last_at)}"
        else:
            facts = {"valid_from": write_time(since), **facts}
            sentence = f"Nothing received since the station became valid at {show_time(since)}"
        due = since + interval + rules.grace
        alert = self.station.open.get(CauseKey(_KIND))
        if alert is not None and self.station.prompt_at <= _last_heard(alert):
            due = alert.opened_at
        yield Finding(due, f"{sentence}; a file is due every {minutes(interval)} minutes.", facts)


def is_silent(station: WatchedStation, entry: Station, rules: WatchRules, now: int) -> bool:
    """Tell whether a station's newest reading is older than its interval and the grace."""
    since = _counts_from(station, entry, now)
    return since != NEVER and now >= since + entry.all_intervals.wait_after(from_seconds(since)) + rules.grace


def _last_heard(alert: OpenAlert) -> int:
    """Return the time from which the next file was waited for when an alert opened."""
    return read_time(alert.facts["last_at" if "last_at" in alert.facts else "valid_from"])


def _counts_from(station: WatchedStation, entry: Station, now: int) -> int:
    """Return the time from which a station's next file is waited for; ``NEVER`` where there is none."""
    if station.last_at == NEVER and entry.valid_from is None:
        return NEVER
    # A file comes when its mean is made: one stamped with the start of it an interval after its stamp.
    made_at = NEVER if station.last_at == NEVER else mean_made_at(entry, station.last_at)
    return max(made_at, start_of(entry.valid_from), maintenance_end(entry, "", now))


CAUSE = Cause(_KIND, _State, "The station sends again.", rest=Rest.PRESENT)
