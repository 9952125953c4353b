"""Rate of change: nothing in nature moves so far within one step.

Source: IOOS QARTOD, test 7 (rate of change), with limits from the rules in place of a multiple of the
standard deviation, which one wild value among the readings before would inflate.
"""

import numpy as np

from quantrac.domain.qa.checks.past import explain_no_previous, previous_reading
from quantrac.domain.qa.checks.scale import growth
from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_duration, format_limits, rows
from quantrac.domain.qa.window import Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def rate_of_change(
    window: Window,
    *,
    suspect: Threshold,
    fail: Threshold = np.inf,
    step_minutes: Threshold = np.nan,
    minutes: Threshold = 60,
    relative: Threshold = 0.0,
) -> Outcomes:
    """Judge each reading by its distance from the one before, which is at most ``minutes`` old.

    ``suspect`` and ``fail`` are in the unit of the value; ``relative`` times the reading before is added to
    both. ``step_minutes`` is the step that they were made for: after a longer one they are wider
    (:func:`~quantrac.domain.qa.checks.scale.growth`). Without a reading before, or without limits, a row is
    NOT_EVALUATED.

    >>> rate_of_change(Window.of([21, 253.0], past=[20.1]), suspect=30).tolist()
    [1, 3]
    >>> hourly = Window.of([60.0], past=[10.0], past_time=[-3600.0])
    >>> [int(rate_of_change(hourly, suspect=30, step_minutes=step)[0]) for step in (60, 5)]
    [3, 1]
    """
    if np.any(np.greater(suspect, fail)):
        raise ValueError(f"suspect {suspect} is above fail {fail}")
    if np.any(np.less_equal(step_minutes, 0)):
        raise ValueError(f"step_minutes {step_minutes} is not above 0")
    before, age = previous_reading(window)
    change = np.abs(window.value - before)
    wider, own = growth(age, step_minutes), relative * np.abs(before)
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    # Negated, so that a change that is no number is not a pass.
    outcome[~(change <= suspect * wider + own)] = Flag.SUSPECT
    outcome[~(change <= fail * wider + own)] = Flag.FAIL
    lacking = np.isnan(suspect) | np.isnan(fail) | np.isnan(relative)
    outcome[~(age <= minutes) | lacking] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window,
    *,
    suspect: Threshold,
    fail: Threshold = np.inf,
    step_minutes: Threshold = np.nan,
    minutes: Threshold = 60,
    relative: Threshold = 0.0,
) -> list[str]:
    """Name the distance from the reading before, and the limits as they are after this step.

    >>> explain(Window.of([253.0], past=[20.1]), suspect=30, fail=1000)
    ['253 is 232.9 from 20.1 of 5 min before, limits 30 and 1000']
    >>> explain(Window.of([253.0]), suspect=30)
    ['no reading before is known']
    """
    before, age = previous_reading(window)
    wider, own = growth(age, step_minutes), relative * np.abs(before)
    lacking = np.isnan(suspect) | np.isnan(fail) | np.isnan(relative)
    numbers = rows(window.value, before, age, suspect * wider + own, fail * wider + own, minutes, lacking)
    return [
        NO_THRESHOLD
        if no_threshold
        else f"{value:.10g} is {abs(value - last):.6g} from {last:.10g} of {format_duration(since)} before, "
        f"{format_limits(low, high)}"
        if since <= within
        else explain_no_previous(since, within)
        for value, last, since, low, high, within, no_threshold in numbers
    ]
