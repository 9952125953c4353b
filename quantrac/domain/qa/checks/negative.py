"""Negative: a concentration, a level or a flow below zero by more than noise.

Source: the automatic rule "negative" of the national software. An analyser that measures clean air scatters
around zero and so reports small negative values rightly: they are kept, within the tolerance.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, rows
from quantrac.domain.qa.window import Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def negative(window: Window, *, tolerance: Threshold = 0.0) -> Outcomes:
    """Fail values below ``-tolerance``, in the unit of the value; NaN is NOT_EVALUATED.

    >>> negative(Window.of([0.0, -0.4, -5.0]), tolerance=2).tolist()
    [1, 1, 4]
    """
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[window.value < -np.asarray(tolerance)] = Flag.FAIL
    outcome[np.broadcast_to(np.isnan(tolerance), len(window))] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, tolerance: Threshold = 0.0) -> list[str]:
    """Name the value and the lowest one allowed.

    >>> explain(Window.of([-5.0]), tolerance=2)
    ['-5, at least -2']
    """
    return [
        NO_THRESHOLD if np.isnan(most) else f"{value:.10g}, at least {0 - most:.10g}"
        for value, most in rows(window.value, tolerance)
    ]
