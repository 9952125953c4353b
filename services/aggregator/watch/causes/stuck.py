"""An analyser is stuck: the validator's tests ``flat_line`` or ``stuck`` doubt the newest reading.

Opened by a reading that one of them finds suspect or failed, closed when each that did calls a later one
good; a test that could not be evaluated says nothing.
"""

from collections.abc import Iterator

from quantrac.domain.registry.stations import Station
from services.aggregator.watch.causes.cause import Cause, Finding
from services.aggregator.watch.state import STUCK_TESTS, Watched, WatchRules, iso


def _found(watched: Watched, _entry: Station, _rules: WatchRules, _now: int) -> Iterator[Finding]:
    for code, series in watched.series.items():
        if series.stuck:
            tests = ", ".join(test for bit, test in enumerate(STUCK_TESTS) if series.stuck >> bit & 1)
            value = f"{series.value:g} {series.unit}".rstrip()
            facts: dict[str, str | float] = {
                "tests": tests,
                "value": series.value,
                "unit": series.unit,
                "at": iso(series.stuck_at),
            }
            detail = (
                f"{code} does not move as a living signal does ({tests}): {value} at {iso(series.stuck_at)}."
            )
            yield Finding(series.stuck_at, detail, facts, parameter=code)


CAUSE = Cause("analyser-stuck", _found, "The signal moves again.")
