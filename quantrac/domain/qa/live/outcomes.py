"""The outcomes of a reading's tests, rolled up into its flag."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple, TypeAlias

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
"""Outcomes of sets that are remembered, 1 KB each."""

_INDEX = np.dtype(np.uint32)
Required: TypeAlias = tuple[tuple[int, frozenset[str]], ...]
"""Sets of required tests by index."""

TEST_NAMES = [*TESTS, DECISION]
"""What the digits of outcomes are of."""


class FileOutcomes(NamedTuple):
    """What the tests say of the ``n`` readings of one set; shared between sets, so not to be changed."""

    flag: list[int]
    """(n,)"""
    outcome: list[int]
    """(n,) index in ``distinct``."""
    distinct: list[str]
    """Outcomes in digits, one for each of :data:`TEST_NAMES`."""


class OutcomeCache:
    """The outcomes of whole sets by their digits: most sets of a country are flagged as one was before."""

    def __init__(self) -> None:
        self._by_digits: dict[tuple[bytes, bytes, Required], FileOutcomes] = {}

    def outcomes(
        self,
        verdict: Verdict,
        decision: Outcomes,
        profiles: Indices,
        expectations: Expectations,
        starts: Sequence[int],
    ) -> list[FileOutcomes]:
        """Return the flags and outcomes of each set.

        ``decision`` (n,) is the flag that people gave, which wins, or ``NOT_DECIDED``; ``profiles`` (n,) are
        those of the rows, ``starts`` (m + 1,) the first rows of the sets and the end of the last.
        """
        required_sets = expectations.required_set_indices(profiles)
        required = tuple(
            (index, expectations.required_set(index) | verdict.crashed)
            for index in np.unique(required_sets).tolist()
        )
        # (n, tests + 1) digits, and (n,) which tests are required, as bytes
        matrix = np.column_stack([verdict.outcomes, decision]) + ord("0")
        width, digits = matrix.shape[1], matrix.tobytes()
        size, indices = _INDEX.itemsize, required_sets.astype(_INDEX).tobytes()
        if len(self._by_digits) > MOST_COMBINATIONS:
            self._by_digits.clear()
        outcomes = []
        for start, end in pairwise(starts):
            key = digits[width * start : width * end], indices[size * start : size * end], required
            file_outcomes = self._by_digits.get(key)
            if file_outcomes is None:
                file_outcomes = self._by_digits[key] = _read_outcomes(*key)
            outcomes.append(file_outcomes)
        return outcomes


def _read_outcomes(digits: bytes, indices: bytes, required: Required) -> FileOutcomes:
    width, required_sets = len(TEST_NAMES), dict(required)
    rows = [digits[start : start + width].decode() for start in range(0, len(digits), width)]
    distinct = list(dict.fromkeys(rows))
    row_indices = np.frombuffer(indices, _INDEX).tolist()
    flag = [_flag(row, required_sets[index]) for row, index in zip(rows, row_indices, strict=True)]
    return FileOutcomes(flag, list(map(distinct.index, rows)), distinct)


def _flag(digits: str, required: frozenset[str]) -> int:
    *by_test, decision = map(int, digits)
    if decision != NOT_DECIDED:
        return decision
    return int(roll_up(outcomes_by_test(by_test, decision), required))


def flag_readings(
    readings: Readings, outcomes: FileOutcomes, equal_since: list[datetime | None]
) -> FlaggedReadings:
    """Return the readings of a set with their outcomes, and since when they have been equal (n,)."""
    return FlaggedReadings(
        readings.line,
        readings.parameter,
        readings.value,
        readings.text,
        readings.unit,
        readings.measured_at,
        readings.status,
        readings.qualifier,
        outcomes.flag,
        outcomes.outcome,
        equal_since,
        TEST_NAMES,
        outcomes.distinct,
    )


def equal_since_by_set(
    sets: Sequence[ReadingSet], batch: BatchColumns, past: Past
) -> list[list[datetime | None]]:
    """Return by set since when the series of its readings have shown their values, ``None`` where unsure."""
    # Most values have just changed: their own times are the answer.
    columns: list[list[datetime | None]] = [s.readings.measured_at for s in sets]  # type: ignore[misc]
    rows = np.flatnonzero(past.is_run_uncertain | (past.equal_since < batch.arrivals.time))
    # (k,) rows where it is another time, and the set of each
    indices = np.searchsorted(batch.starts, rows, side="right") - 1
    for index in set(indices.tolist()):
        columns[index] = list(columns[index])
    for row, index in zip(rows.tolist(), indices.tolist(), strict=True):
        since = None if past.is_run_uncertain[row] else from_seconds(float(past.equal_since[row]))
        columns[index][row - batch.starts[index]] = since
    return columns
