"""Grid: a logger stamps its readings on the steps of the station's interval.

Source: IOOS QARTOD, test 1 (timing); loggers of the country send on the clock, every 5 minutes by default.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_duration, rows
from quantrac.domain.qa.window import Floats, Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def grid(window: Window, *, tolerance: Threshold) -> Outcomes:
    """Suspect a reading more than ``tolerance`` seconds from the nearest step of its station's interval.

    NOT_EVALUATED where the interval is not registered, and without threshold.

    >>> stamped = Window.of([27.8] * 3, time=[600.0, 630.0, 870.0], interval_minutes=5)
    >>> grid(stamped, tolerance=29).tolist()
    [1, 3, 3]
    """
    distance = np.abs(offset(window.time, window.interval))
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[distance > tolerance] = Flag.SUSPECT
    outcome[np.isnan(distance) | np.isnan(tolerance)] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, tolerance: Threshold) -> list[str]:
    """Name the distance from the step.

    >>> explain(Window.of([27.8, 27.8], time=[630.0, 870.0], interval_minutes=5), tolerance=29)
    ['30 s after a step of 5 min, limit 29 s', '30 s before a step of 5 min, limit 29 s']
    """
    return [
        "the interval is not registered"
        if np.isnan(seconds)
        else NO_THRESHOLD
        if np.isnan(most)
        else f"{away(seconds)} a step of {format_duration(step / 60)}, limit {format_duration(most / 60)}"
        for seconds, step, most in rows(offset(window.time, window.interval), window.interval, tolerance)
    ]


def offset(time: Floats, interval: Floats) -> Floats:
    """Return the seconds since the nearest step, below 0 before it; NaN without interval.

    Steps are counted as in :meth:`.Station.grid_time`. Both arguments are seconds
    and may have any shapes that go together.

    >>> offset(np.array([607.0, 899.0]), np.array([300.0, np.nan])).tolist()
    [7.0, nan]
    """
    since: Floats = time - interval * np.rint(time / interval)
    return since


def away(seconds: float) -> str:
    """Put an offset into words.

    >>> away(-30.0)
    '30 s before'
    """
    return f"{format_duration(abs(seconds) / 60)} {'before' if seconds < 0 else 'after'}"
