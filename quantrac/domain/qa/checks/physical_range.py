"""Physical range: values that nature, or this kind of water or air, cannot have.

Source: IOOS QARTOD, test 4 (gross range); its sensor limits are ``equipment_range``, its operator limits
``suspect_low`` and ``suspect_high``.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_bound, rows
from quantrac.domain.qa.window import Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def physical_range(
    window: Window,
    *,
    low: Threshold,
    high: Threshold,
    suspect_low: Threshold = np.nan,
    suspect_high: Threshold = np.nan,
) -> Outcomes:
    """Fail values outside ``[low, high]`` and suspect those outside ``[suspect_low, suspect_high]``.

    All in the unit of the value; both ends belong to a range. A suspect end that is NaN is open; ``low`` or
    ``high`` NaN is NOT_EVALUATED.

    >>> ph = Window.of([7.1, 3.9, 14.2])
    >>> physical_range(ph, low=0, high=14, suspect_low=4, suspect_high=10).tolist()
    [1, 3, 4]
    """
    if np.any(np.greater(low, high)):
        raise ValueError(f"low {low} is above high {high}")
    if np.any(np.greater(suspect_low, suspect_high)):
        raise ValueError(f"suspect_low {suspect_low} is above suspect_high {suspect_high}")
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[(window.value < suspect_low) | (window.value > suspect_high)] = Flag.SUSPECT
    outcome[(window.value < low) | (window.value > high)] = Flag.FAIL
    outcome[np.broadcast_to(np.isnan(low) | np.isnan(high), len(window))] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window,
    *,
    low: Threshold,
    high: Threshold,
    suspect_low: Threshold = np.nan,
    suspect_high: Threshold = np.nan,
) -> list[str]:
    """Name the value and the ranges.

    >>> explain(Window.of([3.9]), low=0, high=14, suspect_low=4, suspect_high=10)
    ['3.9, physical range 0 to 14, usual range 4 to 10']
    >>> explain(Window.of([105.0]), low=0, high=100)
    ['105, physical range 0 to 100']
    """
    return [
        NO_THRESHOLD
        if np.isnan(from_) or np.isnan(to)
        else f"{value:.10g}, physical range {format_bound(from_)} to {format_bound(to)}"
        + (
            ""
            if np.isnan(usual) and np.isnan(most)
            else f", usual range {format_bound(usual)} to {format_bound(most)}"
        )
        for value, from_, to, usual, most in rows(window.value, low, high, suspect_low, suspect_high)
    ]
