"""The outcomes of a reading's tests, rolled up into its flag."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TypeAlias

import numpy as np

from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.evaluate import NOT_RUN, Verdict, roll_up
from quantrac.domain.qa.live.arrivals import Past
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Floats, Indices
from quantrac.domain.readings import FlaggedReading, Reading
from quantrac.domain.times import from_seconds

MOST_COMBINATIONS = 10_000
"""Combinations of outcomes whose flag is kept; a country shows some hundreds."""

Outcome: TypeAlias = tuple[int, dict[str, int]]
"""Flag, and outcomes by test."""


class _OutcomeByRow(dict[bytes, Outcome]):
    """What a row of outcomes means, worked out when it is first met."""

    def __init__(self, required: AbstractSet[str]) -> None:
        self._required = required

    def __missing__(self, row: bytes) -> Outcome:
        tests = {name: outcome for name, outcome in zip(TESTS, row, strict=True) if outcome != NOT_RUN}
        self[row] = int(roll_up(tests, self._required)), tests
        return self[row]


class OutcomeCache:
    """Flags of combinations of outcomes: rows of the same outcomes get the same objects."""

    def __init__(self) -> None:
        self._by_required: dict[frozenset[str], _OutcomeByRow] = {}

    def outcomes(self, verdict: Verdict, profiles: Indices, expectations: Expectations) -> list[Outcome]:
        """Return flag and outcomes of each row of a verdict by the profile (n,) of each."""
        required_sets = expectations.required_set_indices(profiles).tolist()
        caches = {
            index: self._cache(expectations.required_set(index) | verdict.crashed)
            for index in set(required_sets)
        }
        # (n,) the row of each reading as bytes, one a test
        rows: list[bytes] = verdict.outcomes.view(f"V{verdict.outcomes.shape[1]}").ravel().tolist()
        outcomes = [caches[index][row] for index, row in zip(required_sets, rows, strict=True)]
        if max(map(len, self._by_required.values())) > MOST_COMBINATIONS:
            self._by_required.clear()
        return outcomes

    def _cache(self, required: frozenset[str]) -> _OutcomeByRow:
        return self._by_required.setdefault(required, _OutcomeByRow(required))


def flag_readings(
    readings: Sequence[Reading], outcomes: Sequence[Outcome], time: Floats, past: Past
) -> list[FlaggedReading]:
    """Return the readings with their flags; ``time`` (n,) is seconds since 1970 UTC."""
    # Most values have just changed: their own time needs no new object.
    equal_since: list[datetime | None] = [reading.measured_at for reading in readings]
    for row in np.flatnonzero(past.is_run_uncertain | (past.equal_since != time)).tolist():
        is_uncertain = past.is_run_uncertain[row]
        equal_since[row] = None if is_uncertain else from_seconds(float(past.equal_since[row]))
    return [
        FlaggedReading(
            reading.line,
            reading.parameter,
            reading.value,
            reading.text,
            reading.unit,
            reading.measured_at,
            reading.status,
            flag,
            tests,
            since,
        )
        for reading, (flag, tests), since in zip(readings, outcomes, equal_since, strict=True)
    ]
