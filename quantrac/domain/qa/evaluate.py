"""Run every test over a window, guarded, and roll the outcomes of a reading up into its flag."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantrac.domain.qa.table import TESTS, Test
from quantrac.domain.qa.window import Outcomes, Window
from quantrac.domain.readings import Flag

NOT_ASKED = 0
"""Outcome of a test that the rules switched off for a row; such a test is left out of ``tests``."""

Crash = Callable[[str, Exception], None]
"""What to do with the exception of a test: it gets the test's name and the exception."""


def raise_crash(test: str, error: Exception) -> None:
    """Let the exception of a test stop everything: for tests and for work at a desk."""
    raise error


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcomes of ``n`` rows."""

    outcomes: Outcomes
    """(n, tests) in the order of the table of tests; :data:`NOT_ASKED` where a test is off."""
    crashed: frozenset[str]
    """Tests that raised; their rows are NOT_EVALUATED."""


def evaluate(
    window: Window,
    thresholds: Mapping[str, Mapping[str, Any]],
    asked: Mapping[str, np.ndarray],
    *,
    on_crash: Crash = raise_crash,
    tests: Mapping[str, Test] = TESTS,
) -> Verdict:
    """Apply each test to all rows at once.

    ``thresholds`` gives keyword arguments by test, ``asked`` which rows (n,) want it. A value that is no
    finite number is MISSING in every test. A test that raises gives NOT_EVALUATED, never a pass, and its
    exception goes to ``on_crash``.
    """
    crashed = set()
    outcomes = np.full((len(window), len(tests)), NOT_ASKED, dtype=np.uint8)
    missing = ~np.isfinite(window.value)
    for position, (name, test) in enumerate(tests.items()):
        try:
            with np.errstate(all="ignore"):  # the tests compare so that an overflow or NaN is no pass
                outcome = test(window, **thresholds[name])
        except Exception as error:
            crashed.add(name)
            on_crash(name, error)
            outcome = np.full(len(window), Flag.NOT_EVALUATED, dtype=np.uint8)
        outcome = np.where(missing, np.uint8(Flag.MISSING), outcome)
        outcomes[:, position] = np.where(asked[name], outcome, np.uint8(NOT_ASKED))
    return Verdict(outcomes, frozenset(crashed))


def roll_up(tests: Mapping[str, int], needed: AbstractSet[str]) -> Flag:
    """Return the flag of a reading: the worst of FAIL, SUSPECT, MISSING that any test gave.

    Without one of these the reading is GOOD if at least one test passed it and none of the ``needed`` tests
    was unable to judge; otherwise it is NOT_EVALUATED. So the first reading of a series, which has no
    history to be a spike in, still enters averages, while one whose unit nobody registered does not. A
    needed test that the rules switch off for a series is not waited for.

    >>> roll_up({"status": 1, "unit": 1, "spike": 2}, {"status", "unit"}).name
    'GOOD'
    >>> roll_up({"status": 1, "unit": 2, "spike": 1}, {"status", "unit"}).name
    'NOT_EVALUATED'
    >>> roll_up({"status": 4, "unit": 2, "spike": 3}, {"status", "unit"}).name
    'FAIL'
    """
    outcomes = set(tests.values())
    for bad in (Flag.FAIL, Flag.SUSPECT, Flag.MISSING):
        if bad in outcomes:
            return bad
    unable = any(tests.get(name) == Flag.NOT_EVALUATED for name in needed)
    return Flag.NOT_EVALUATED if unable or Flag.GOOD not in outcomes else Flag.GOOD
