"""Climatology: unusual for this month and this hour of the day.

Source: IOOS QARTOD, test 5 (climatology). The table of limits, months by hours UTC, stands in the rules.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import rows
from quantrac.domain.qa.window import Floats, Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def climatology(window: Window, *, low: Threshold, high: Threshold, spans: Threshold = 0.0) -> Outcomes:
    """Suspect values outside ``[low, high]``, each widened by ``spans`` times the distance between them.

    ``low`` and ``high`` are those of the row's month and hour, in the unit of the value; both ends belong to
    the range. A month and hour of which nothing is known (NaN) is NOT_EVALUATED.

    >>> noon = Window.of([31.0, 39.0])
    >>> climatology(noon, low=24, high=36).tolist(), climatology(noon, low=24, high=36, spans=0.5).tolist()
    ([1, 3], [1, 1])
    """
    if np.any(np.greater(low, high)):
        raise ValueError(f"low {low} is above high {high}")
    least, most = _limits(low, high, spans)
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[~((window.value >= least) & (window.value <= most))] = Flag.SUSPECT
    outcome[np.broadcast_to(np.isnan(least) | np.isnan(most), len(window))] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, low: Threshold, high: Threshold, spans: Threshold = 0.0) -> list[str]:
    """Name the value and the range of the month and hour.

    >>> explain(Window.of([45.0]), low=24, high=36, spans=0.5)
    ['45, usual in this month at this hour 24 to 36, limits 18 and 42']
    >>> explain(Window.of([45.0]), low=np.nan, high=np.nan)
    ['nothing is known of this month and hour']
    """
    return [
        "nothing is known of this month and hour"
        if np.isnan(least) or np.isnan(most)
        else f"{value:.10g}, usual in this month at this hour {from_:.6g} to {to:.6g}, "
        f"limits {least:.6g} and {most:.6g}"
        for value, from_, to, least, most in rows(window.value, low, high, *_limits(low, high, spans))
    ]


def _limits(low: Threshold, high: Threshold, spans: Threshold) -> tuple[Floats, Floats]:
    wider = np.asarray(spans * np.subtract(high, low))
    return low - wider, high + wider
