"""Stuck: an analyser whose digits still flicker but which has not followed its medium for days.

Source: IOOS QARTOD, test 10 (attenuated signal): the range over a test period is below a minimum. The period
is that of the last days' blocks; ``flat_line`` finds series that repeat one value to the last digit.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, rows
from quantrac.domain.qa.window import Floats, Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def stuck(window: Window, *, tolerance: Threshold, relative: Threshold = 0.0) -> Outcomes:
    """Suspect a reading when the last days and it lie in a band of ``tolerance`` or narrower.

    The band, in the unit of the value, is ``tolerance`` plus ``relative`` times the greatest value of the
    last days. A reading that leaves the band is GOOD: the analyser lives. Too little known of the last days
    is NOT_EVALUATED, and so is a row without thresholds.

    >>> stuck(Window.of([7.01, 7.2], recent=(7.0, 7.02)), tolerance=0.05).tolist()
    [3, 1]
    >>> stuck(Window.of([7.01]), tolerance=0.05).tolist()
    [2]
    """
    width, band = _band_with(window), tolerance + relative * np.abs(window.recent_high)
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[width <= band] = Flag.SUSPECT
    outcome[np.isnan(width) | np.isnan(band)] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, tolerance: Threshold, relative: Threshold = 0.0) -> list[str]:
    """Name the range of the last days with the reading in it, and the band.

    >>> explain(Window.of([7.01], recent=(7.0, 7.02)), tolerance=0.05)
    ['7.01 and the last days, 7 to 7.02, lie within 0.02; a living analyser moves by more than 0.05']
    >>> explain(Window.of([7.01]), tolerance=0.05)
    ['too little is known of the last days']
    """
    band = tolerance + relative * np.abs(window.recent_high)
    numbers = rows(window.value, window.recent_low, window.recent_high, _band_with(window), band)
    return [
        "too little is known of the last days"
        if np.isnan(low) or np.isnan(high)
        else NO_THRESHOLD
        if np.isnan(most)
        else f"{value:.10g} and the last days, {low:.10g} to {high:.10g}, lie within {moved:.6g}; "
        f"a living analyser moves by more than {most:.6g}"
        for value, low, high, moved, most in numbers
    ]


def _band_with(window: Window) -> Floats:
    """Range (n,) of the last days and the value together."""
    moved: Floats = np.maximum(window.recent_high, window.value) - np.minimum(window.recent_low, window.value)
    return moved
