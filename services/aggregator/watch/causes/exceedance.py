"""A limit is exceeded: an episode of the windows goes on, and its first average is over.

Closed when a complete average within the limit ends the episode, or corrected data withdraw it. Told again
when the ratio of the peak to the limit has grown by another tenth. An episode that is over when it becomes
known is history, and nobody is woken for it.
"""

import math
from collections.abc import Iterator

from quantrac.domain.registry.stations import Station
from services.aggregator.watch.causes.cause import Cause, Facts, Finding
from services.aggregator.watch.state import Watched, WatchRules, instant, is_open, iso


def _found(watched: Watched, _entry: Station, _rules: WatchRules, now: int) -> Iterator[Finding]:
    latest = {
        episode.cause: episode
        for episode in sorted(watched.episodes.values(), key=lambda each: each.told.starts_at)
        if is_open(episode) and episode.first_over <= now
    }
    for episode in latest.values():
        told = episode.told
        bounds: dict[str, str | float] = {
            name: bound
            for name, bound in (("minimum", told.minimum), ("maximum", told.maximum))
            if bound is not None
        }
        facts: dict[str, str | float] = {
            **bounds,
            "period": told.period,
            "standard": told.standard,
            "column": told.column,
            "unit": told.unit,
            "starts_at": iso(instant(told.starts_at)),
            "ends_at": iso(instant(told.ends_at)),
            "periods": told.periods,
            "peak": told.peak,
            "peak_at": iso(instant(told.peak_at)),
            "ratio": told.ratio,
        }
        limit = " and ".join(f"a {name} of {bound:g}" for name, bound in bounds.items())
        column = f", column {told.column}" if told.column else ""
        detail = (
            f"The {told.period} average of {told.parameter} is beyond {limit} {told.unit} "
            f"({told.standard}{column}) since {facts['starts_at']}; "
            f"peak {told.peak:g} {told.unit}, {told.ratio:.2f} times the limit."
        )
        yield Finding(
            episode.first_over,
            detail,
            facts,
            "critical",
            told.parameter,
            (told.period, told.standard, told.column),
            "/".join(filter(None, (told.period, told.standard, told.column, iso(instant(told.starts_at))))),
        )


def _step(facts: Facts, rules: WatchRules) -> object:
    """Count how many times the ratio has grown by the share that is told again."""
    return math.floor(math.log(max(float(facts["ratio"]), 1.0)) / math.log1p(rules.growth))


CAUSE = Cause(
    "limit-exceeded", _found, "The averages are within the limit again, or were corrected.", step=_step
)
