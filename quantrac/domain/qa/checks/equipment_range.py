"""Equipment range: no instrument can report outside what it can measure.

Source: IOOS QARTOD, test 4 (gross range, sensor limits); the range [LRV, URV] that the national software
keeps for each station parameter.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import format_bound, rows
from quantrac.domain.qa.window import Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def equipment_range(window: Window, *, low: Threshold = np.nan, high: Threshold = np.nan) -> Outcomes:
    """Fail values outside ``[low, high]``, in the unit of the value; both ends belong to the range.

    NaN leaves that end open; both NaN is NOT_EVALUATED.

    >>> equipment_range(Window.of([-32570.0, 0.0, 500.0, 500.1]), low=0, high=500).tolist()
    [4, 1, 1, 4]
    >>> equipment_range(Window.of([48.2])).tolist()
    [2]
    """
    if np.any(np.greater(low, high)):
        raise ValueError(f"low {low} is above high {high}")
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[(window.value < low) | (window.value > high)] = Flag.FAIL
    outcome[np.broadcast_to(np.isnan(low) & np.isnan(high), len(window))] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, low: Threshold = np.nan, high: Threshold = np.nan) -> list[str]:
    """Name the value and the range.

    >>> explain(Window.of([-32570.0]), low=0, high=500)
    ['-32570, equipment range 0 to 500']
    >>> explain(Window.of([48.2]))
    ['no equipment range is registered']
    """
    return [
        "no equipment range is registered"
        if np.isnan(from_) and np.isnan(to)
        else f"{value:.10g}, equipment range {format_bound(from_)} to {format_bound(to)}"
        for value, from_, to in rows(window.value, low, high)
    ]
