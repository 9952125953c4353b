"""The outcomes of a reading's tests, rolled up into its flag."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TypeAlias

import numpy as np

from quantrac.domain.qa.checks.table import TESTS
from quantrac.domain.qa.decisions import DECISION, NOT_DECIDED
from quantrac.domain.qa.evaluate import Verdict, outcomes_by_test, roll_up
from quantrac.domain.qa.live.arrivals import Past
from quantrac.domain.qa.live.batch import BatchColumns
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.window import Indices, Outcomes
from quantrac.domain.readings import FlaggedReadings, Readings, ReadingSet
from quantrac.domain.times import from_seconds

MOST_COMBINATIONS = 10_000
"""Combinations of outcomes whose flag is kept; a country shows some hundreds."""

TEST_NAMES = [*TESTS, DECISION]
"""What the digits of outcomes are of."""

Outcome: TypeAlias = tuple[int, str]
"""Flag, and outcomes in digits, one for each of :data:`TEST_NAMES`."""


class _OutcomeByRow(dict[bytes, Outcome]):
    """What a row of digits means, worked out when it is first met."""

    def __init__(self, required: AbstractSet[str]) -> None:
        self._required = required

    def __missing__(self, row: bytes) -> Outcome:
        digits = row.decode()
        *by_test, decision = map(int, digits)
        flag = decision
        if decision == NOT_DECIDED:
            flag = int(roll_up(outcomes_by_test(by_test, decision), self._required))
        self[row] = flag, digits
        return self[row]


class OutcomeCache:
    """Flags of combinations of outcomes."""

    def __init__(self) -> None:
        self._by_required: dict[frozenset[str], _OutcomeByRow] = {}

    def outcomes(
        self, verdict: Verdict, decision: Outcomes, profiles: Indices, expectations: Expectations
    ) -> list[Outcome]:
        """Return flag and outcomes of each row of a verdict.

        ``decision`` (n,) is the flag that people gave, which wins, or ``NOT_DECIDED``; ``profiles`` (n,) are
        those of the rows.
        """
        required_sets = expectations.required_set_indices(profiles).tolist()
        caches = {
            index: self._cache(expectations.required_set(index) | verdict.crashed)
            for index in set(required_sets)
        }
        # (n, tests + 1) digits, and (n,) each row of them
        matrix = np.column_stack([verdict.outcomes, decision]) + ord("0")
        rows: list[bytes] = matrix.view(f"S{matrix.shape[1]}").ravel().tolist()
        outcomes = [caches[index][row] for index, row in zip(required_sets, rows, strict=True)]
        if max(map(len, self._by_required.values())) > MOST_COMBINATIONS:
            self._by_required.clear()
        return outcomes

    def _cache(self, required: frozenset[str]) -> _OutcomeByRow:
        return self._by_required.setdefault(required, _OutcomeByRow(required))


def flag_readings(
    readings: Readings, outcomes: Sequence[Outcome], equal_since: list[datetime | None]
) -> FlaggedReadings:
    """Return the readings of a set with their outcomes (n,) and since when they have been equal (n,)."""
    digits = [digits for _, digits in outcomes]
    distinct = list(dict.fromkeys(digits))
    index = {digits: number for number, digits in enumerate(distinct)}
    return FlaggedReadings(
        readings.line,
        readings.parameter,
        readings.value,
        readings.text,
        readings.unit,
        readings.measured_at,
        readings.status,
        [flag for flag, _ in outcomes],
        list(map(index.__getitem__, digits)),
        equal_since,
        TEST_NAMES,
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
