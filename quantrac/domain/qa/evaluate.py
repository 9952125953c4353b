"""Run every test over a window, guarded, and roll the outcomes of a reading up into its flag."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from quantrac.domain.qa.checks.table import TESTS, Test
from quantrac.domain.qa.decisions import DECISION, NOT_DECIDED
from quantrac.domain.qa.window import Bools, Expected, Floats, Indices, Outcomes, Window
from quantrac.domain.readings import NOT_RUN, Flag

Crash = Callable[[str, Exception], None]
"""What to do with the exception of a test: it gets the test's name and the exception."""


def raise_crash(test: str, error: Exception) -> None:
    """Let the exception of a test stop everything: for tests and for work at a desk."""
    raise error


class _WindowRows:
    """Some rows of a window, each column taken when a test first asks for it: most look at two or three."""

    def __init__(self, window: Window, rows: Indices) -> None:
        self._window, self._rows, self.companions = window, rows, window.companions

    def __len__(self) -> int:
        return len(self._rows)

    def __getattr__(self, name: str) -> Any:
        # Only called for a column that no test has asked for yet; from then on it is an attribute.
        column = getattr(self._window, name).take(self._rows, axis=0)
        setattr(self, name, column)
        return column

    def take(self, rows: Indices | Bools) -> "_WindowRows":
        return _WindowRows(self._window, self._rows[rows])

    def last(self, readings: int) -> tuple[Floats, Floats]:
        value, time = self._window.last(readings)
        return value[:, self._rows], time[:, self._rows]

    def companion(self, code: Expected) -> Floats:
        return self.companions.value(self.sample, code)

    def is_companion_bad(self, code: Expected) -> Bools:
        return self.companions.is_bad(self.sample, code)


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
    enabled: Mapping[str, np.ndarray],
    *,
    on_crash: Crash = raise_crash,
    tests: Mapping[str, Test] = TESTS,
) -> Verdict:
    """Run each test on the rows it is enabled for, those of the second stage last.

    ``thresholds`` gives keyword arguments by test, one value a row (n,); ``enabled`` the rows (n,) by test.
    """
    outcomes = np.full((len(window), len(tests)), NOT_RUN, dtype=np.uint8)
    columns = {name: outcomes[:, index] for index, name in enumerate(tests)}
    first, second = (
        {name: test for name, test in tests.items() if test.second_stage == stage} for stage in (False, True)
    )
    crashed = run_tests(first, window, thresholds, enabled, columns, on_crash=on_crash)
    if any(enabled[name].any() for name in second):
        window.companions.mark_bad(is_bad(outcomes))
        crashed |= run_tests(second, window, thresholds, enabled, columns, on_crash=on_crash)
    return Verdict(outcomes, frozenset(crashed))


def run_tests(
    tests: Mapping[str, Test],
    window: Window,
    thresholds: Mapping[str, Mapping[str, Any]],
    enabled: Mapping[str, np.ndarray],
    columns: Mapping[str, Outcomes],
    *,
    on_crash: Crash,
) -> set[str]:
    """Write the outcomes of tests of one stage into ``columns`` (n,), by test; returns those that raised.

    A value that is no finite number is judged by the test of gaps alone, and one beyond a limit of the method
    by those that say so. A test that raises gives
    NOT_EVALUATED, never a pass, and its exception goes to ``on_crash``. Other arguments as for
    :func:`evaluate`.
    """
    crashed = set()
    parts: dict[bytes, Any] = {}
    present = np.isfinite(window.value)
    missing = ~present
    exact = present & ~window.is_qualified if window.is_qualified.any() else present
    for name, test in tests.items():
        fit = missing if test.on_missing else present if test.on_qualified else exact
        rows = np.flatnonzero(enabled[name] & fit)
        if not len(rows):
            continue
        part: Any = window
        arguments, target = thresholds[name], cast(Indices | slice, slice(None))
        if len(rows) < len(window):
            # Tests of the same rows share the columns that were taken of them.
            part = parts.setdefault(rows.tobytes(), _WindowRows(window, rows))
            arguments = {keyword: column.take(rows) for keyword, column in arguments.items()}
            target = rows
        try:
            with np.errstate(all="ignore"):  # the tests compare so that an overflow or NaN is no pass
                columns[name][target] = test.judge(part, **arguments)
        except Exception as error:
            crashed.add(name)
            on_crash(name, error)
            columns[name][target] = Flag.NOT_EVALUATED
    return crashed


def outcomes_by_test(outcomes: Sequence[int], decision: int) -> dict[str, int]:
    """Return a row of outcomes by test; a person's ``decision``, where there is one, comes last.

    >>> outcomes_by_test([1, *[0] * (len(TESTS) - 1)], 4)
    {'status': 1, 'decision': 4}
    """
    tests = {name: outcome for name, outcome in zip(TESTS, outcomes, strict=True) if outcome != NOT_RUN}
    if decision != NOT_DECIDED:
        tests[DECISION] = decision
    return tests


WORST_FIRST = (Flag.FAIL, Flag.SUSPECT, Flag.MISSING)
"""The outcomes that decide a flag whatever other tests say; of several the first here wins."""


def roll_up(tests: Mapping[str, int], required: AbstractSet[str]) -> Flag:
    """Return the flag of a reading: the worst of FAIL, SUSPECT, MISSING that any test gave.

    Without one of these the reading is GOOD if at least one test passed it and none of the ``required`` tests
    was unable to judge; otherwise it is NOT_EVALUATED. So the first reading of a series, which has no
    history to be a spike in, still enters averages, while one whose unit nobody registered does not. A
    required test that the rules switch off for a series is not waited for.

    >>> roll_up({"status": 1, "unit": 1, "spike": 2}, {"status", "unit"}).name
    'GOOD'
    >>> roll_up({"status": 1, "unit": 2, "spike": 1}, {"status", "unit"}).name
    'NOT_EVALUATED'
    >>> roll_up({"status": 4, "unit": 2, "spike": 3}, {"status", "unit"}).name
    'FAIL'
    """
    outcomes = set(tests.values())
    for worst in WORST_FIRST:
        if worst in outcomes:
            return worst
    unable = any(tests.get(name) == Flag.NOT_EVALUATED for name in required)
    return Flag.NOT_EVALUATED if unable or Flag.GOOD not in outcomes else Flag.GOOD


def roll_up_rows(outcomes: Outcomes, required: Bools) -> Outcomes:
    """Return the flags (n,) of outcomes (n, tests): :func:`roll_up` for many rows.

    ``required`` (n, tests) are the tests that must be able to judge.
    """
    # A column at a time, because few tests are required of any row.
    unable = np.zeros(len(outcomes), dtype=np.bool_)
    for index in np.flatnonzero(required.any(axis=0)).tolist():
        unable |= required[:, index] & (outcomes[:, index] == Flag.NOT_EVALUATED)
    has_pass = np.any(outcomes == Flag.GOOD, axis=1)
    flag = np.where(has_pass & ~unable, Flag.GOOD, Flag.NOT_EVALUATED).astype(np.uint8)
    for worst in reversed(WORST_FIRST):
        flag[np.any(outcomes == worst, axis=1)] = worst
    return flag


def is_bad(outcomes: Outcomes) -> Bools:
    """Return which rows (n,) of outcomes (n, tests) have a SUSPECT or FAIL."""
    bad: Bools = np.any((outcomes == Flag.SUSPECT) | (outcomes == Flag.FAIL), axis=1)
    return bad
