"""Zero: a quantity that is never exactly 0 and reads 0 was not measured.

Source: the automatic rule "equal to 0" of the national software, which also writes 0 itself where a value
was not numeric or the device failed.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_duration, format_limits, rows
from quantrac.domain.qa.window import Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def zero(window: Window, *, after: Threshold = 0.0, fail_after: Threshold = np.inf) -> Outcomes:
    """Suspect a value of exactly 0 that has stood for ``after`` minutes, fail it after ``fail_after``.

    With the defaults every 0 is SUSPECT and none fails. Where ``after`` is more than 0 and nobody knows how
    long the zero has stood, it is NOT_EVALUATED.

    >>> zero(Window.of([0.0, 0.01])).tolist()
    [3, 1]
    >>> zero(Window.of([0.0] * 3, equal_minutes=[55, 60, 1440]), after=60, fail_after=1440).tolist()
    [1, 3, 4]
    """
    if np.any(np.greater(after, fail_after)):
        raise ValueError(f"after {after} is above fail_after {fail_after}")
    stood = (window.time - window.equal_since) / 60
    is_zero = window.value == 0
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[is_zero & np.isnan(stood)] = Flag.NOT_EVALUATED
    outcome[is_zero & (np.less_equal(after, 0) | (stood >= after))] = Flag.SUSPECT
    outcome[is_zero & (stood >= fail_after)] = Flag.FAIL
    outcome[np.broadcast_to(np.isnan(after) | np.isnan(fail_after), len(window))] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, after: Threshold = 0.0, fail_after: Threshold = np.inf) -> list[str]:
    """Name how long the zero has stood, and how long it may.

    >>> explain(Window.of([0.0, 0.2], equal_minutes=90), after=60, fail_after=1440)
    ['0 for 1.5 h, limits 1 h and 1 d', '0.2 is not 0']
    >>> explain(Window.of([0.0, 0.0], equal_minutes=np.nan), after=np.array([60.0, 0.0]), fail_after=1440)
    ['0, and how long it has stood is not known, limits 1 h and 1 d', '0, limits 0 s and 1 d']
    """
    stood = (window.time - window.equal_since) / 60
    return [
        NO_THRESHOLD
        if np.isnan(suspect) or np.isnan(fail)
        else f"{value:.10g} is not 0"
        if value != 0
        else f"0, and how long it has stood is not known, {format_limits(suspect, fail, format_duration)}"
        if np.isnan(minutes) and suspect > 0
        else f"0, {format_limits(suspect, fail, format_duration)}"
        if np.isnan(minutes)
        else f"0 for {format_duration(minutes)}, {format_limits(suspect, fail, format_duration)}"
        for value, minutes, suspect, fail in rows(window.value, stood, after, fail_after)
    ]
