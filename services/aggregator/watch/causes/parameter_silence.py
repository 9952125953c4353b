"""A parameter is silent while others of its station still come.

Counted by the times of the data alone: the station's newest reading is later than the parameter's last one by
more than the interval and the grace. Asked for are the parameters that the registry holds now, and others for
a day after they last came. One that has never come counts from its ``valid_from``, as a station does.
"""

from collections.abc import Iterator

from quantrac.domain.registry.stations import Station
from services.aggregator.watch.causes.cause import Cause, Finding, begun_at, minutes, resumed_at
from services.aggregator.watch.state import DAY, NEVER, Watched, WatchRules, iso, moment


def _found(watched: Watched, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
    present = moment(now)
    begun = {
        each.code: max(begun_at(each.valid_from), begun_at(entry.valid_from))
        for each in entry.parameters
        if each.valid_at(present)
    }
    begun |= {
        code: NEVER
        for code, series in watched.series.items()
        if code not in begun and series.last_at != NEVER and now - series.last_at <= DAY
    }
    for code, start in begun.items():
        last = series.last_at if (series := watched.series.get(code)) else NEVER
        if max(last, start) == NEVER:
            continue
        since = max(last, start, resumed_at(entry, code, now))
        interval = entry.interval_at(moment(since))
        due = since + interval + rules.parameter_grace
        if watched.last_at >= due:
            facts: dict[str, str | float] = {"last_at": iso(last)} if last != NEVER else {"since": iso(since)}
            facts |= {"interval_minutes": minutes(interval), "grace_minutes": minutes(rules.parameter_grace)}
            detail = f"No {code} since {iso(since)}, while other parameters of the station still come."
            yield Finding(due, detail, facts, parameter=code)


CAUSE = Cause(
    "parameter-silent", _found, "The parameter comes again, or is no longer asked for.", absence=True
)
