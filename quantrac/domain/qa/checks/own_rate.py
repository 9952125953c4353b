"""Own rate: a jump many times larger than this series usually makes.

Source: IOOS QARTOD, test 7 (rate of change), with the largest usual step of the series' own last weeks in
place of its standard deviation; the default of ``factor`` is unverified.
"""

import numpy as np

from quantrac.domain.qa.checks.past import count_equal, explain_no_previous, previous_reading
from quantrac.domain.qa.checks.scale import growth
from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_duration, rows
from quantrac.domain.qa.window import Floats, Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def own_rate(
    window: Window,
    *,
    factor: Threshold = 8.0,
    after_hold: Threshold = np.nan,
    hold: Threshold = 3,
    at_least: Threshold = 0.0,
    minutes: Threshold = 120,
) -> Outcomes:
    """Suspect a reading further from the one before than ``factor`` times the largest usual step.

    The usual step is that of 15 minutes; after a longer one the limit is wider
    (:func:`~quantrac.domain.qa.checks.scale.growth`), and never below ``at_least``, in the unit of the value.
    Where the last ``hold`` readings showed one value to the digit, ``after_hold`` takes the place of
    ``factor``: a logger that repeats its value while the sensor is serviced comes back with a jump.

    A reading before older than ``minutes``, or none, too little known of the series, a series that never
    moves, and no thresholds are NOT_EVALUATED.

    >>> river = Window.of([20.9, 29.0], past=[20.1], own_step=0.5)
    >>> own_rate(river).tolist(), own_rate(river, at_least=10).tolist()
    ([1, 3], [1, 1])
    >>> visit = Window.of([8.4], past=[7.9, 7.9, 7.9], own_step=0.1)
    >>> own_rate(visit).tolist(), own_rate(visit, after_hold=2).tolist()
    ([1], [3])
    >>> own_rate(Window.of([29.0], past=[20.1])).tolist()
    [2]
    """
    before, age = previous_reading(window)
    limit = _limit(window, age, factor=factor, after_hold=after_hold, hold=hold, at_least=at_least)
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[~(np.abs(window.value - before) <= limit)] = Flag.SUSPECT
    outcome[~(age <= minutes) | np.isnan(limit)] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window,
    *,
    factor: Threshold = 8.0,
    after_hold: Threshold = np.nan,
    hold: Threshold = 3,
    at_least: Threshold = 0.0,
    minutes: Threshold = 120,
) -> list[str]:
    """Name the jump, the largest usual one and the limit.

    >>> explain(Window.of([29.0], past=[20.1], own_step=0.5))
    ['29 is 8.9 from 20.1 of 5 min before, largest usual step 0.5, limit 4']
    >>> explain(Window.of([29.0], past=[20.1]))
    ['too little is known of the series']
    """
    before, age = previous_reading(window)
    limit = _limit(window, age, factor=factor, after_hold=after_hold, hold=hold, at_least=at_least)
    numbers = rows(window.value, before, age, window.own_step, limit, minutes)
    return [
        "too little is known of the series"
        if np.isnan(usual)
        else "the series has never moved"
        if not usual > 0
        else NO_THRESHOLD
        if np.isnan(most)
        else f"{value:.10g} is {abs(value - last):.6g} from {last:.10g} of {format_duration(since)} before, "
        f"largest usual step {usual:.6g}, limit {most:.6g}"
        if since <= within
        else explain_no_previous(since, within)
        for value, last, since, usual, most, within in numbers
    ]


def _limit(
    window: Window,
    age: Floats,
    *,
    factor: Threshold,
    after_hold: Threshold,
    hold: Threshold,
    at_least: Threshold,
) -> Floats:
    """Return the largest step allowed (n,), NaN where it is not known."""
    usual = np.where(window.own_step > 0, window.own_step, np.nan)
    if not np.all(np.isnan(after_hold)):
        is_hold = count_equal(window) >= hold
        factor = np.where(is_hold & ~np.isnan(after_hold), after_hold, factor)
    lacking = np.where(np.isnan(hold), np.nan, 0.0)
    limit: Floats = np.maximum(factor * usual * growth(age), at_least) + lacking
    return limit
