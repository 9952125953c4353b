"""The outcomes of a reading's tests, rolled up into its flag."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TypeAlias

import numpy as np

from quantrac.domain.qa.decisions import NOT_DECIDED
from quantrac.domain.qa.evaluate import Verdict, outcomes_by_test, roll_up
from quantrac.domain.qa.live.arrivals import Past
from quantrac.domain.qa.live.batch import BatchColumns
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Indices, Outcomes
from quantrac.domain.readings import FlaggedReadings, Readings, ReadingSet
from quantrac.domain.times import from_seconds

MOST_COMBINATIONS = 10_000
"""Combinations of outcomes whose flag is kept; a country shows some hundreds."""

Outcome: TypeAlias = tuple[int, Mapping[str, int]]
"""Flag, and outcomes by test."""


class _OutcomeByRow(dict[bytes, Outcome]):
    """What a row of outcomes means, worked out when it is first met."""

    def __init__(self, required: AbstractSet[str], tests_by_row: dict[bytes, Mapping[str, int]]) -> None:
        self._required, self._tests_by_row = required, tests_by_row

    def __missing__(self, row: bytes) -> Outcome:
        *by_test, decision = row
        tests = outcomes_by_test(by_test, decision)
        flag = int(roll_up(tests, self._required)) if decision == NOT_DECIDED else decision
        self[row] = flag, self._tests_by_row.setdefault(row, tests)
        return self[row]


class OutcomeCache:
    """Flags of combinations of outcomes: rows of the same outcomes get the same objects."""

    def __init__(self) -> None:
        self._by_required: dict[frozenset[str], _OutcomeByRow] = {}
        self._tests_by_row: dict[bytes, Mapping[str, int]] = {}

    def outcomes(
        self, verdict: Verdict, decision: Outcomes, profiles: Indices, expectations: Expectations
    ) -> list[Outcome]:
        """Return flag and outcomes of each row of a verdict.

        ``decision`` (n,) is the flag that people gave, which wins, or ``NOT_DECIDED``; ``profiles`` (n,) are
        those of the rows.
        """
        if len(self._tests_by_row) > MOST_COMBINATIONS:
            self._by_required, self._tests_by_row = {}, {}
        required_sets = expectations.required_set_indices(profiles).tolist()
        caches = {
            index: self._cache(expectations.required_set(index) | verdict.crashed)
            for index in set(required_sets)
        }
        # (n, tests + 1), and (n,) each row of it as bytes
        matrix = np.column_stack([verdict.outcomes, decision])
        rows: list[bytes] = matrix.view(f"V{matrix.shape[1]}").ravel().tolist()
        return [caches[index][row] for index, row in zip(required_sets, rows, strict=True)]

    def _cache(self, required: frozenset[str]) -> _OutcomeByRow:
        if required not in self._by_required:
            self._by_required[required] = _OutcomeByRow(required, self._tests_by_row)
        return self._by_required[required]


def flag_readings(
    readings: Readings, outcomes: Sequence[Outcome], equal_since: list[datetime | None]
) -> FlaggedReadings:
    """Return the readings of a set with their outcomes (n,) and since when they have been equal (n,)."""
    index: dict[int, int] = {}
    distinct: list[Mapping[str, int]] = []
    for _, tests in outcomes:
        if index.setdefault(id(tests), len(distinct)) == len(distinct):
            distinct.append(tests)
    return FlaggedReadings(
        readings.line,
        readings.parameter,
        readings.value,
        readings.text,
        readings.unit,
        readings.measured_at,
        readings.status,
        [flag for flag, _ in outcomes],
        [index[id(tests)] for _, tests in outcomes],
        equal_since,
        distinct,
    )


def equal_since_by_set(
    sets: Sequence[ReadingSet], batch: BatchColumns, past: Past
) -> list[list[datetime | None]]:
    """Return by set since when the series of its readings have shown their values, ``None`` where unsure."""
    # Most values have just changed: their own times are the answer.
    columns: list[list[datetime | None]] = [[*s.readings.measured_at] for s in sets]
    rows = np.flatnonzero(past.is_run_uncertain | (past.equal_since != batch.arrivals.time))
    # (k,) rows where it is another time, and the set of each
    indices = np.searchsorted(batch.starts, rows, side="right") - 1
    for row, index in zip(rows.tolist(), indices.tolist(), strict=True):
        since = None if past.is_run_uncertain[row] else from_seconds(float(past.equal_since[row]))
        columns[index][row - batch.starts[index]] = since
    return columns
