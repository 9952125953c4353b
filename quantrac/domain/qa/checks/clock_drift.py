"""Clock drift: all readings of late lie on the same side of the station's grid, so it is the clock.

Source: IOOS QARTOD, test 1 (timing). A clock loses or gains some seconds a day, far too little to see within
the hours that a window holds; what shows is the sum of many days: the whole run of readings is off the grid.
``grid`` judges one reading alone, and ``future`` a clock ahead of the receipt. A logger that takes its steps
from its own clock is always on the grid; there only ``future`` can tell.
"""

import numpy as np

from quantrac.domain.qa.checks.grid import away, offset
from quantrac.domain.qa.checks.past import is_newest
from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_count, format_duration, rows
from quantrac.domain.qa.window import Bools, Floats, Outcomes, Threshold, Window, column
from quantrac.domain.readings import Flag


def clock_drift(
    window: Window, *, seconds: Threshold, readings: Threshold = 6, minutes: Threshold = 360
) -> Outcomes:
    """Suspect a reading when it and the last ``readings`` ones lie more than ``seconds`` off the grid.

    All on the same side, and all within ``minutes``. A reading no more than ``seconds`` off is GOOD whatever
    came before. Fewer readings before it, no registered interval and no threshold are NOT_EVALUATED.

    >>> late = Window.of([27.8] * 2, time=[975.0, 910.0], past=[27.8] * 5, interval_minutes=5)
    >>> clock_drift(late, seconds=60, readings=5).tolist()
    [3, 1]
    """
    off = offset(window.time, window.interval)
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    far = np.flatnonzero(np.abs(off) > seconds)
    count, reach, limit = (
        np.broadcast_to(threshold, len(window))[far] for threshold in (readings, minutes, seconds)
    )
    among, offsets = _before(window.take(far), count, reach)
    # On the same side: seen from that side none is nearer than the limit.
    least = np.min(np.where(among, np.sign(off[far])[:, None] * offsets, np.inf), axis=1, initial=np.inf)
    outcome[far[least > limit]] = Flag.SUSPECT
    outcome[far[~(among.sum(axis=1) >= count)]] = Flag.NOT_EVALUATED
    lacking = np.isnan(seconds) | np.isnan(readings) | np.isnan(minutes)
    outcome[np.isnan(off) | lacking] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window, *, seconds: Threshold, readings: Threshold = 6, minutes: Threshold = 360
) -> list[str]:
    """Name the offset of the reading, and the least and the greatest of those before.

    >>> stamps = [-1500.0, -1200.0, -900.0, -600.0, -295.0]
    >>> late = Window.of([27.8], time=975.0, past=[27.8] * 5, past_time=stamps, interval_minutes=5)
    >>> explain(late, seconds=60, readings=5)
    ['1.25 min after a step of 5 min, 5 readings before it 1.25 min after to 1.33 min after, limit 1 min']
    >>> explain(late, seconds=60)
    ['1.25 min after a step of 5 min, limit 1 min; 5 readings in 6 h, needs 6']
    """
    off = offset(window.time, window.interval)
    among, offsets = _before(window, readings, minutes)
    count = among.sum(axis=1)
    least = np.min(np.where(among, offsets, np.inf), axis=1, initial=np.inf)
    greatest = np.max(np.where(among, offsets, -np.inf), axis=1, initial=-np.inf)
    numbers = rows(off, window.interval, count, least, greatest, seconds, readings, minutes)
    return [
        "the interval is not registered"
        if np.isnan(own)
        else NO_THRESHOLD
        if np.isnan(limit) or np.isnan(needed) or np.isnan(within)
        else f"{away(own)} a step of {format_duration(step / 60)}, limit {format_duration(limit / 60)}"
        + (
            f"; {format_count(known)} in {format_duration(within)}, needs {needed:g}"
            if abs(own) > limit
            else ""
        )
        if abs(own) <= limit or known < needed
        else f"{away(own)} a step of {format_duration(step / 60)}, {format_count(known)} before it "
        f"{away(low)} to {away(high)}, limit {format_duration(limit / 60)}"
        for own, step, known, low, high, limit, needed, within in numbers
    ]


def _before(window: Window, readings: Threshold, minutes: Threshold) -> tuple[Bools, Floats]:
    """Which of the readings before count, and the offsets of all, both (n, depth)."""
    return is_newest(window, readings, minutes), offset(window.past_time, column(window.interval))
