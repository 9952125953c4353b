"""Sum of the parts: a total that its analyser measures beside its parts must agree with them.

Source: IOOS QARTOD, test 9 (multi-variate). NOx is NO + NO2 in ppb; in µg/m³, where NOx is given as NO2, NO
counts 46.01 / 30.01 = 1.53 times (molar masses in g/mol).
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, explain_no_companion, rows
from quantrac.domain.qa.window import Expected, Floats, Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def sum_of_parts(
    window: Window,
    *,
    first: Expected,
    second: Expected,
    first_factor: Threshold = 1.0,
    second_factor: Threshold = 1.0,
    tolerance: Threshold = 0.0,
    relative: Threshold = 0.0,
) -> Outcomes:
    """Suspect a total further than ``tolerance`` plus ``relative`` times the sum from the sum of two parts.

    The rule belongs to the total; which of the three is wrong the numbers cannot tell. ``tolerance`` is in
    the unit of the total. Where a part is not known at that moment, and without thresholds, a row is
    NOT_EVALUATED.

    >>> nox = Window.of([61.0, 90.0], companions={"NO": 20.0, "NO2": 30.0})
    >>> sum_of_parts(nox, first="NO", second="NO2", first_factor=1.53, tolerance=5).tolist()
    [1, 3]
    >>> lacking = Window.of([61.0], companions={"NO": 20.0})
    >>> sum_of_parts(lacking, first="NO", second="NO2", tolerance=5).tolist()
    [2]
    """
    total = _total(window, first, second, first_factor, second_factor)
    most = tolerance + relative * np.abs(total)
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[~(np.abs(window.value - total) <= most)] = Flag.SUSPECT
    outcome[np.isnan(total) | np.isnan(most)] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window,
    *,
    first: Expected,
    second: Expected,
    first_factor: Threshold = 1.0,
    second_factor: Threshold = 1.0,
    tolerance: Threshold = 0.0,
    relative: Threshold = 0.0,
) -> list[str]:
    """Name the total, the parts, their sum and the tolerance.

    >>> nox = Window.of([90.0], companions={"NO": 20.0, "NO2": 30.0})
    >>> explain(nox, first="NO", second="NO2", first_factor=1.53, tolerance=5)
    ['90 is 29.4 from 60.6, the sum of NO 20 × 1.53 and NO2 30 × 1, limit 5']
    >>> explain(Window.of([90.0], companions={"NO": 20.0}), first="NO", second="NO2", tolerance=5)
    ['NO2 is not known at this time']
    """
    total = _total(window, first, second, first_factor, second_factor)
    parts = rows(
        window.companion(first), first, first_factor, window.companion(second), second, second_factor
    )
    numbers = rows(window.value, total, tolerance + relative * np.abs(total))
    return [
        explain_no_companion(one)
        if np.isnan(a)
        else explain_no_companion(two)
        if np.isnan(b)
        else NO_THRESHOLD
        if np.isnan(total) or np.isnan(most)
        else f"{value:.10g} is {abs(value - total):.6g} from {total:.6g}, the sum of "
        f"{one} {a:.10g} × {one_factor:g} and {two} {b:.10g} × {two_factor:g}, limit {most:.6g}"
        for (a, one, one_factor, b, two, two_factor), (value, total, most) in zip(parts, numbers, strict=True)
    ]


def _total(
    window: Window, first: Expected, second: Expected, first_factor: Threshold, second_factor: Threshold
) -> Floats:
    """Sum of the two parts (n,), NaN where one is not known."""
    return first_factor * window.companion(first) + second_factor * window.companion(second)
