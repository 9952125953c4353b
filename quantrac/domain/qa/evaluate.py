"""Run every test over a window, guarded, and roll the outcomes of a reading up into its flag."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from quantrac.domain.qa.checks.table import TESTS, Test
from quantrac.domain.qa.window import Bools, Floats, Indices, Outcomes, Window
from quantrac.domain.readings import Flag

NOT_RUN = 0
"""Outcome of a test that the rules switched off for a row; such a test is left out of ``tests``."""

Crash = Callable[[str, Exception], None]
"""What to do with the exception of a test: it gets the test's name and the exception."""


def raise_crash(test: str, error: Exception) -> None:
    """Let the exception of a test stop everything: for tests and for work at a desk."""
    raise error


class _Part(Window):
    """Some rows of a window, each column taken when a test asks for it: most look at two or three."""

    def __init__(self, window: Window, rows: Indices) -> None:
        # The class is frozen, and what is not set is looked for by __getattr__.
        object.__setattr__(self, "_window", window)
        object.__setattr__(self, "_rows", rows)
        object.__setattr__(self, "companions", window.companions)

    def __getattr__(self, name: str) -> Any:
        column = getattr(self._window, name).take(self._rows, axis=0)
        object.__setattr__(self, name, column)
        return column

    def take(self, rows: Indices | Bools) -> Window:
        return _Part(self._window, self._rows[rows])

    def last(self, readings: int) -> tuple[Floats, Floats]:
        value, time = self._window.last(readings)
        return value[:, self._rows], time[:, self._rows]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcomes of ``n`` rows."""

    outcomes: Outcomes
    """(n, tests) in the order of the table of tests; :data:`NOT_RUN` where a test is off."""
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
    """Apply each test to the rows that want it.

    ``thresholds`` gives keyword arguments by test, one value a row (n,); ``asked`` which rows (n,) want it.
    A value that is no finite number is judged by the test of gaps alone. A test that raises gives
    NOT_EVALUATED, never a pass, and its exception goes to ``on_crash``.
    """
    crashed = set()
    parts: dict[bytes, Window] = {}
    outcomes = np.full((len(window), len(tests)), NOT_RUN, dtype=np.uint8)
    present = np.isfinite(window.value)
    missing = ~present

    def run(position: int, name: str, test: Test) -> None:
        rows = np.flatnonzero(asked[name] & (missing if test.on_missing else present))
        if not len(rows):
            return
        part, given, where = window, thresholds[name], cast(Indices | slice, slice(None))
        if len(rows) < len(window):
            where = rows
            part = parts.setdefault(rows.tobytes(), _Part(window, rows))
            given = {keyword: column.take(rows) for keyword, column in given.items()}
        try:
            with np.errstate(all="ignore"):  # the tests compare so that an overflow or NaN is no pass
                outcomes[where, position] = test.judge(part, **given)
        except Exception as error:
            crashed.add(name)
            on_crash(name, error)
            outcomes[where, position] = Flag.NOT_EVALUATED

    stages: tuple[list[tuple[int, str, Test]], ...] = ([], [])
    for position, (name, test) in enumerate(tests.items()):
        stages[test.second_stage].append((position, name, test))
    for each in stages[0]:
        run(*each)
    if any(asked[name].any() for _, name, _ in stages[1]):
        window.companions.mark_bad(is_bad(outcomes))
        for each in stages[1]:
            run(*each)
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


def roll_up_rows(outcomes: Outcomes, needed: Bools) -> Outcomes:
    """Return the flags (n,) of outcomes (n, tests), of which those in ``needed`` (n, tests) must be able to
    judge: :func:`quantrac.domain.qa.evaluate.roll_up` for many rows.
    """
    unable = np.any(needed & (outcomes == Flag.NOT_EVALUATED), axis=1)
    flag = np.where(np.any(outcomes == Flag.GOOD, axis=1) & ~unable, Flag.GOOD, Flag.NOT_EVALUATED)
    flag = flag.astype(np.uint8)
    for worse in (Flag.MISSING, Flag.SUSPECT, Flag.FAIL):
        flag[np.any(outcomes == worse, axis=1)] = worse
    return flag


def is_bad(outcomes: Outcomes) -> Bools:
    """Return which rows (n,) of outcomes (n, tests) have a SUSPECT or FAIL."""
    bad: Bools = np.any((outcomes == Flag.SUSPECT) | (outcomes == Flag.FAIL), axis=1)
    return bad
