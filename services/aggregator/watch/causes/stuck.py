"""An analyser is stuck: the validator's tests ``flat_line`` or ``stuck`` doubt the newest reading.

Opened by a reading that one of them finds suspect or failed, closed when each that did calls a later one
good; a test that could not be evaluated says nothing, nor does a reading under another status than 00: a
device that calibrates or failed shows no signal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quantrac.domain.readings import Flag
from quantrac.domain.registry.stations import Station
from quantrac.domain.statuses import MEASURING
from services.aggregator.watch.causes.cause import Cause, Finding, FindingState, show_time, write_time
from services.aggregator.watch.rules import WatchRules
from services.aggregator.watch.state import (
    NEVER,
    ArrivedFile,
    CauseKey,
    Context,
    OpenAlert,
    WatchedStation,
)

_TESTS = ("flat_line", "stuck")
"""Tests of ``quantrac.domain.qa`` that doubt an analyser; bit n of a doubt."""


@dataclass(slots=True)
class _Doubt:
    tests: int = 0
    """Bits of :data:`_TESTS`."""
    since: int = NEVER


class _State(FindingState):
    """The doubts of each parameter; one that no test doubts has none."""

    __slots__ = ("_doubts",)

    def __init__(self, station: WatchedStation) -> None:
        super().__init__(station)
        self._doubts: dict[str, _Doubt] = {}

    def take_file(self, file: ArrivedFile, context: Context) -> None:
        # One row a reading: its outcomes of the tests
        outcomes = list(zip(*map(file.readings.outcome_of, _TESTS), strict=True))
        for row, time in file.newest_rows:
            if file.readings.status[row] != MEASURING:
                continue
            self._take_outcomes(file.readings.parameter[row], outcomes[row], time)

    def _take_outcomes(self, parameter: str, outcomes: Sequence[int], time: int) -> None:
        doubt = self._doubts.get(parameter)
        before = tests = doubt.tests if doubt else 0
        for bit, outcome in enumerate(outcomes):
            if outcome in (Flag.SUSPECT, Flag.FAIL):
                tests |= 1 << bit
            elif outcome == Flag.GOOD:
                tests &= ~(1 << bit)
        if not tests:
            self._doubts.pop(parameter, None)
        elif not before or doubt is None:
            self._doubts[parameter] = _Doubt(tests, time)
        else:
            doubt.tests = tests

    def restore(self, key: CauseKey, alert: OpenAlert, now: int) -> None:
        names = str(alert.facts["tests"]).split(", ")
        tests = sum(1 << bit for bit, test in enumerate(_TESTS) if test in names)
        self._doubts[key.parameter] = _Doubt(tests, alert.opened_at)

    def forget(self, parameter: str) -> None:
        self._doubts.pop(parameter, None)

    def find(self, entry: Station, rules: WatchRules, now: int) -> Iterator[Finding]:
        for code, series in self.station.series.items():
            doubt = self._doubts.get(code)
            if doubt is None or not doubt.tests:
                continue
            tests = ", ".join(test for bit, test in enumerate(_TESTS) if doubt.tests >> bit & 1)
            value = f"{series.value:g} {series.unit}".rstrip()
            facts: dict[str, str | float] = {
                "tests": tests,
                "value": series.value,
                "unit": series.unit,
                "at": write_time(doubt.since),
            }
            detail = (
                f"{code} does not move as a living signal does ({tests}): {value} "
                f"at {show_time(doubt.since)}."
            )
            yield Finding(doubt.since, detail, facts, parameter=code)


CAUSE = Cause("analyser-stuck", _State, "The signal moves again.")
