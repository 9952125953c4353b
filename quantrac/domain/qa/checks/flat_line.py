"""Flat line: a living signal never repeats itself for long.

Source: IOOS QARTOD, test 8 (flat line), with duration in place of a count so that 5-minute and hourly
stations share a rule. Found in the national data: CO equal to 3087.03 for 1,037 hours, status 00.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_duration, format_limits, rows
from quantrac.domain.qa.window import Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def flat_line(
    window: Window,
    *,
    suspect_after: Threshold,
    fail_after: Threshold,
    exempt_low: Threshold = np.nan,
    exempt_high: Threshold = np.nan,
) -> Outcomes:
    """Judge each reading by how long its series has shown this very value; thresholds in minutes.

    Equal means equal to the last digit: a stuck transmitter repeats its digits, while a calm signal still
    has noise. Values in ``[exempt_low, exempt_high]`` may stand for ever: no rain, no sun, a closed valve.
    A row without thresholds is NOT_EVALUATED, and so is one whose value has stood nobody knows how long.

    >>> stuck = Window.of([3087.03] * 3, equal_minutes=[55, 360, 1440])
    >>> flat_line(stuck, suspect_after=360, fail_after=1440).tolist()
    [1, 3, 4]
    >>> flat_line(Window.of([0.0], equal_minutes=5000), suspect_after=360, fail_after=1440,
    ...           exempt_low=0, exempt_high=0).tolist()
    [1]
    """
    if np.any(np.greater(suspect_after, fail_after)):
        raise ValueError(f"suspect_after {suspect_after} is above fail_after {fail_after}")
    minutes = (window.time - window.equal_since) / 60
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[minutes >= suspect_after] = Flag.SUSPECT
    outcome[minutes >= fail_after] = Flag.FAIL
    outcome[np.isnan(minutes) | np.isnan(suspect_after) | np.isnan(fail_after)] = Flag.NOT_EVALUATED
    outcome[(window.value >= exempt_low) & (window.value <= exempt_high)] = Flag.GOOD
    return outcome


def explain(
    window: Window,
    *,
    suspect_after: Threshold,
    fail_after: Threshold,
    exempt_low: Threshold = np.nan,
    exempt_high: Threshold = np.nan,
) -> list[str]:
    """Name how long the value has stood, and how long it may.

    >>> explain(Window.of([3087.03], equal_minutes=360), suspect_after=360, fail_after=1440)
    ['3087.03 for 6 h, limits 6 h and 1 d']
    """
    minutes = (window.time - window.equal_since) / 60
    numbers = rows(window.value, minutes, suspect_after, fail_after, exempt_low, exempt_high)
    return [
        f"{value:.10g} may stand for ever"
        if low <= value <= high
        else NO_THRESHOLD
        if np.isnan(suspect) or np.isnan(fail)
        else f"how long {value:.10g} has stood is not known"
        if np.isnan(stood)
        else f"{value:.10g} for {format_duration(stood)}, {format_limits(suspect, fail, format_duration)}"
        for value, stood, suspect, fail, low, high in numbers
    ]
