"""Against another parameter: a part is never more than its whole.

Source: IOOS QARTOD, test 9 (multi-variate), in the form that the national software has: value against
coefficient times another parameter. PM2.5 is a part of PM10 by definition, and NO2 of NOx.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, explain_no_companion, format_limits, rows
from quantrac.domain.qa.window import Expected, Floats, Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def against_other(
    window: Window,
    *,
    other: Expected,
    at_most: Threshold = np.nan,
    at_least: Threshold = np.nan,
    tolerance: Threshold = 0.0,
    fail_tolerance: Threshold = np.inf,
) -> Outcomes:
    """Compare each reading with ``at_most`` and ``at_least`` times the parameter ``other`` of that moment.

    A reading further than ``tolerance`` beyond these bounds is SUSPECT, further than ``fail_tolerance``
    FAIL, both in the unit of the value. A bound that is NaN is open; both NaN, or no ``other`` at that
    moment, is NOT_EVALUATED.

    >>> pm25 = Window.of([38.0, 44.0, 60.0, 200.0], companions={"PM10": 40.0})
    >>> against_other(pm25, other="PM10", at_most=1, tolerance=5, fail_tolerance=100).tolist()
    [1, 1, 3, 4]
    >>> against_other(Window.of([60.0]), other="PM10", at_most=1).tolist()
    [2]
    """
    if np.any(np.greater(at_least, at_most)):
        raise ValueError(f"at_least {at_least} is above at_most {at_most}")
    if np.any(np.greater(tolerance, fail_tolerance)):
        raise ValueError(f"tolerance {tolerance} is above fail_tolerance {fail_tolerance}")
    low, high = _bounds(window, other, at_least, at_most)
    beyond = np.fmax(window.value - high, low - window.value)
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[~(beyond <= tolerance)] = Flag.SUSPECT
    outcome[~(beyond <= fail_tolerance)] = Flag.FAIL
    lacking = np.isnan(tolerance) | np.isnan(fail_tolerance)
    outcome[(np.isnan(low) & np.isnan(high)) | lacking] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window,
    *,
    other: Expected,
    at_most: Threshold = np.nan,
    at_least: Threshold = np.nan,
    tolerance: Threshold = 0.0,
    fail_tolerance: Threshold = np.inf,
) -> list[str]:
    """Name both values, the bounds and the tolerance.

    >>> explain(Window.of([60.0], companions={"PM10": 40.0}), other="PM10", at_most=1, tolerance=5)
    ['60 against PM10 40: at most 40, limit 5 on the excess']
    >>> explain(Window.of([60.0]), other="PM10", at_most=1)
    ['PM10 is not known at this time']
    """
    low, high = _bounds(window, other, at_least, at_most)
    numbers = rows(window.value, window.companion(other), low, high, other, tolerance, fail_tolerance)
    return [
        explain_no_companion(name)
        if np.isnan(reference)
        else NO_THRESHOLD
        if (np.isnan(least) and np.isnan(most)) or np.isnan(suspect) or np.isnan(fail)
        else f"{value:.10g} against {name} {reference:.10g}: "
        + " and ".join(
            f"at {word} {bound:.6g}"
            for word, bound in (("least", least), ("most", most))
            if not np.isnan(bound)
        )
        + f", {format_limits(suspect, fail)} on the excess"
        for value, reference, least, most, name, suspect, fail in numbers
    ]


def _bounds(
    window: Window, other: Expected, at_least: Threshold, at_most: Threshold
) -> tuple[Floats, Floats]:
    """Bounds (n,) of the value, NaN where open."""
    reference = window.companion(other)
    return at_least * reference, at_most * reference
