"""Future: nothing is received before it was measured.

Source: IOOS QARTOD, test 1 (timing); the default tolerances are unverified.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_duration, format_limits, rows
from quantrac.domain.qa.window import Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def future(window: Window, *, tolerance: Threshold = 5.0, fail_after: Threshold = 1440.0) -> Outcomes:
    """Suspect a reading stamped more than ``tolerance`` minutes after its receipt.

    By more than ``fail_after`` minutes it is no drift but a wrong date: FAIL. Where the time of receipt is
    not known, and without thresholds, a row is NOT_EVALUATED.

    >>> ahead = Window.of([27.8] * 3, time=[240.0, 360.0, 90_000.0], received=0.0)
    >>> future(ahead).tolist()
    [1, 3, 4]
    """
    if np.any(np.greater(tolerance, fail_after)):
        raise ValueError(f"tolerance {tolerance} is above fail_after {fail_after}")
    ahead = (window.time - window.received) / 60
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[ahead > tolerance] = Flag.SUSPECT
    outcome[ahead > fail_after] = Flag.FAIL
    outcome[np.isnan(ahead) | np.isnan(tolerance) | np.isnan(fail_after)] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, tolerance: Threshold = 5.0, fail_after: Threshold = 1440.0) -> list[str]:
    """Name how long before or after its receipt the reading is stamped.

    >>> explain(Window.of([27.8, 27.8], time=[420.0, -60.0], received=0.0))
    ['stamped 7 min after its receipt, limits 5 min and 1 d', 'stamped 1 min before its receipt']
    >>> explain(Window.of([27.8]))
    ['the time of receipt is not known']
    """
    ahead = (window.time - window.received) / 60
    return [
        "the time of receipt is not known"
        if np.isnan(minutes)
        else NO_THRESHOLD
        if np.isnan(suspect) or np.isnan(fail)
        else f"stamped {format_duration(minutes)} after its receipt, "
        f"{format_limits(suspect, fail, format_duration)}"
        if minutes > 0
        else f"stamped {format_duration(-minutes)} before its receipt"
        for minutes, suspect, fail in rows(ahead, tolerance, fail_after)
    ]
