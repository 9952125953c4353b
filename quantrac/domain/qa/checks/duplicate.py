"""Duplicate: two files gave different values for one time.

Source: the project's own promise that a later file corrects an earlier one; where a logger never corrects,
two values for one time mean that one of them is wrong.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, rows
from quantrac.domain.qa.window import Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def duplicate(window: Window, *, tolerance: Threshold = 0.0, corrections: Threshold = 1) -> Outcomes:
    """Suspect a value that replaces another one, unless ``corrections`` are allowed (1; 0 forbids them).

    The same value sent again is GOOD, same meaning within ``tolerance`` in the unit of the value, and so is
    one that replaces nothing. A row without thresholds is NOT_EVALUATED.

    >>> again = Window.of([5.2, 5.3], replaced=5.2)
    >>> duplicate(again).tolist(), duplicate(again, corrections=0).tolist()
    ([1, 1], [1, 3])
    """
    change = np.abs(window.value - window.replaced)
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[(change > tolerance) & np.equal(corrections, 0)] = Flag.SUSPECT
    outcome[np.broadcast_to(np.isnan(tolerance) | np.isnan(corrections), len(window))] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, tolerance: Threshold = 0.0, corrections: Threshold = 1) -> list[str]:
    """Name both values.

    >>> explain(Window.of([5.3], replaced=5.2), corrections=0)
    ['5.3 replaces 5.2, a difference of 0.1, limit 0']
    >>> explain(Window.of([5.3], replaced=5.2)), explain(Window.of([5.3]))
    (['5.3 corrects 5.2'], ['5.3 replaces nothing'])
    """
    return [
        NO_THRESHOLD
        if np.isnan(most) or np.isnan(allowed)
        else f"{value:.10g} replaces nothing"
        if np.isnan(before)
        else f"{value:.10g} corrects {before:.10g}"
        if allowed
        else f"{value:.10g} replaces {before:.10g}, "
        f"a difference of {abs(value - before):.6g}, limit {most:.6g}"
        for value, before, most, allowed in rows(window.value, window.replaced, tolerance, corrections)
    ]
