"""Why a reading has its flag: what every test compared, in words.

The sentences come from the tests themselves, on the very window and thresholds that gave the outcomes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantrac.domain.qa.baseline.blocks import StationStatistics
from quantrac.domain.qa.baseline.neighbour_hours import Neighbours, nobody
from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.stretch import StationWindows, judge_plainly
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Outcomes, Window
from quantrac.domain.readings import NOT_RUN, Flag
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.times import from_seconds


@dataclass(frozen=True, slots=True)
class Explained:
    """One test's outcome for one reading."""

    test: str
    outcome: Flag
    says: str
    """The numbers compared, or what was lacking."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why one reading has its flag."""

    parameter: str
    flag: Flag
    """As judged now; the stored one differs only while a re-judgement is under way."""
    rules: str
    """Version of the rules that judge it."""
    tests: tuple[Explained, ...]
    """In the order of the table of tests; a person's decision, which wins, comes first."""


def explain(
    window: Window, thresholds: Mapping[str, Mapping[str, Any]], outcomes: Outcomes
) -> list[list[Explained]]:
    """Put outcomes (n, tests) into words, one list a row; tests that were not run are left out.

    The window must be the one that was judged, whose companions know what the first stage said.
    """
    explained: list[list[Explained]] = [[] for _ in range(len(window))]
    for index, (name, test) in enumerate(TESTS.items()):
        rows = np.flatnonzero(outcomes[:, index] != NOT_RUN)
        if not len(rows):
            continue
        arguments = {keyword: column[rows] for keyword, column in thresholds[name].items()}
        try:
            with np.errstate(all="ignore"):
                sentences = test.explain(window.take(rows), **arguments)
        except Exception as error:  # as when judging: a test that fails stops no other
            sentences = [f"the test failed: {error}"] * len(rows)
        for row, sentence in zip(rows.tolist(), sentences, strict=True):
            explained[row].append(Explained(name, Flag(int(outcomes[row, index])), sentence))
    return explained


def explain_readings(
    readings: StationReadings,
    expectations: Expectations,
    time: float,
    *,
    parameter: str | None = None,
    statistics: StationStatistics,
    neighbours: Neighbours = nobody,
    decisions: Sequence[Decision] = (),
    newest: float | None = None,
) -> list[Explanation]:
    """Explain the readings of one time (seconds since 1970 UTC), by parameter, or that of one parameter.

    ``readings`` hold that time, what lies before it as far as the tests look, and the rest of its block of
    time; the rest is as for :func:`quantrac.domain.qa.stored.span.judge_span`. Nothing where the station has
    no such reading.
    """
    rows = np.flatnonzero(readings.time == time)
    if not len(rows):
        return []
    station = StationWindows(readings, expectations, decisions, lambda _test, _error: None, newest)
    stretch = judge_plainly(station, rows)
    stretch.compare(statistics, neighbours)
    flags = stretch.flags()
    sentences = explain(stretch.window, stretch.thresholds, stretch.outcomes)
    explanations = []
    for index, row in enumerate(rows.tolist()):
        code = readings.parameters[readings.series[row]]
        if parameter not in (None, code):
            continue
        covering = [decision for decision in decisions[::-1] if decision.covers(code, from_seconds(time))]
        decided = [_decided(decision) for decision in covering[:1]]
        rules = expectations.version(int(stretch.profile[index]))
        explanations.append(Explanation(code, Flag(int(flags[index])), rules, (*decided, *sentences[index])))
    return explanations


def _decided(decision: Decision) -> Explained:
    return Explained("decision", Flag(decision.flag), f"{decision.by}: {decision.why}")
