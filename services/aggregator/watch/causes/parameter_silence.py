"""A parameter is silent while others of its station still come.

Counted by the times of the data alone: the station's newest reading is later than the parameter's last one by
more than the interval and the grace. Looked at are the parameters that the registry holds now, and others for
a day after they last came. One that has never come counts from its ``valid_from``, as a station does.

It is one alert until the parameter has caught up, whatever comes late of it meanwhile. While the station
itself is silent nothing opens: what comes then is its backlog, perhaps one parameter after another.
"""

from collections.abc import Iterator
from typing import Final

from quantrac.domain.registry.stations import Station
from quantrac.domain.times import DAY, from_seconds
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
from services.aggregator.watch.causes.silence import is_silent
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import NEVER, CauseKey, OpenAlert

_KIND: Final = "parameter-silent"


class _State(FindingState):
    __slots__ = ()

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        if "last_at" in alert.facts:
            series = self.station.series_of(key.parameter)
            series.last_at = max(series.last_at, read_time(alert.facts["last_at"]))

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        station_is_silent = is_silent(self.station, entry, rules, now)
        for code, start in self._starts(entry, now).items():
            alert = self.station.open.get(CauseKey(_KIND, code))
            if alert is None and station_is_silent:
                continue
            series = self.station.series.get(code)
            last_at = series.last_at if series else NEVER
            if max(last_at, start) == NEVER:
                continue
            since = max(last_at, start, maintenance_end(entry, code, now))
            interval = entry.all_intervals.wait_after(from_seconds(since))
            due = since + interval + rules.parameter_grace
            if self.station.last_at >= due:
                facts: dict[str, str | float] = (
                    {"last_at": write_time(last_at)} if last_at != NEVER else {"since": write_time(since)}
                )
                facts |= {
                    "interval_minutes": minutes(interval),
                    "grace_minutes": minutes(rules.parameter_grace),
                }
                detail = (
                    f"No {code} since {show_time(since)}, while other parameters of the station still come."
                )
                yield Finding(alert.opened_at if alert else due, detail, facts, parameter=code)

    def _starts(self, entry: Station, now: int) -> dict[str, int]:
        """Return the parameters that are looked at, with the start of their validity."""
        present = from_seconds(now)
        starts = {
            parameter.code: max(start_of(parameter.valid_from), start_of(entry.valid_from))
            for parameter in entry.parameters
            if parameter.valid_at(present)
        }
        unregistered = {
            code: NEVER
            for code, series in self.station.series.items()
            if code not in starts and series.last_at != NEVER and now - series.last_at <= DAY
        }
        return starts | unregistered


CAUSE = Cause(_KIND, _State, "The parameter comes again, or is no longer asked for.", rest=Rest.ALL)
