"""Clock drift: all readings of late lie on the same side of the station's steps, so it is the clock.

Source: IOOS QARTOD, test 1 (timing). A clock loses or gains some seconds a day, far too little to see within
the hours that a window holds; what shows is the sum of many days: the whole run of readings is off the steps.
That is just what a logger looks like whose steps do not begin on the clock. Only where the rules of a station
say at which ``phase`` it stamps can the two be told apart, and only there is this test evaluated. ``grid``
judges one reading among those before it, and ``future`` a clock ahead of the receipt. A logger that takes its
steps from its own clock is always in step; there only ``future`` can tell.
"""

import numpy as np

from quantrac.domain.qa.checks.grid import NO_INTERVAL, away, offset
from quantrac.domain.qa.checks.past import is_newest
from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_count, format_duration, rows
from quantrac.domain.qa.window import Bools, Floats, Outcomes, Threshold, Window, column
from quantrac.domain.readings import Flag


def clock_drift(
    window: Window,
    *,
    seconds: Threshold,
    phase: Threshold = np.nan,
    readings: Threshold = 6,
    minutes: Threshold = 360,
) -> Outcomes:
    """Suspect a reading when it and the last ``readings`` ones lie more than ``seconds`` off the steps.

    All on the same side, and all within ``minutes``. Steps are ``phase`` seconds after those of the clock. A
    reading no more than ``seconds`` off is GOOD whatever came before. Fewer readings before it, no registered
    interval, no phase and no threshold are NOT_EVALUATED.

    >>> late = Window.of([27.8] * 2, time=[975.0, 910.0], past=[27.8] * 5, interval_minutes=5)
    >>> clock_drift(late, seconds=60, phase=0, readings=5).tolist(), clock_drift(late, seconds=60).tolist()
    ([3, 1], [2, 2])
    """
    outcome = np.full(len(window), Flag.NOT_EVALUATED, dtype=np.uint8)
    lacking = np.isnan(seconds) | np.isnan(phase) | np.isnan(readings) | np.isnan(minutes)
    judged = np.flatnonzero(~lacking & ~np.isnan(window.interval))
    if not len(judged):
        return outcome
    part = window.take(judged)
    limit, start, count, reach = (
        np.broadcast_to(threshold, len(window))[judged] for threshold in (seconds, phase, readings, minutes)
    )
    off = offset(part.time - start, part.interval)
    outcome[judged[~np.isnan(off)]] = Flag.GOOD
    far = np.flatnonzero(np.abs(off) > limit)
    among, offsets = _before(part.take(far), start[far], count[far], reach[far])
    # On the same side: seen from that side none is nearer than the limit.
    least = np.min(np.where(among, np.sign(off[far])[:, None] * offsets, np.inf), axis=1, initial=np.inf)
    outcome[judged[far[least > limit[far]]]] = Flag.SUSPECT
    outcome[judged[far[~(among.sum(axis=1) >= count[far])]]] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window,
    *,
    seconds: Threshold,
    phase: Threshold = np.nan,
    readings: Threshold = 6,
    minutes: Threshold = 360,
) -> list[str]:
    """Name the offset of the reading, and the least and the greatest of those before.

    >>> stamps = [-1500.0, -1200.0, -900.0, -600.0, -295.0]
    >>> late = Window.of([27.8], time=975.0, past=[27.8] * 5, past_time=stamps, interval_minutes=5)
    >>> explain(late, seconds=60, phase=0, readings=5)
    ['1.25 min after a step of 5 min, 5 readings before it 1.25 min after to 1.33 min after, limit 1 min']
    >>> explain(late, seconds=60, phase=0)
    ['1.25 min after a step of 5 min, limit 1 min; 5 readings in 6 h, needs 6']
    >>> explain(late, seconds=60)
    ['the phase of the steps is not given']
    """
    off = offset(window.time - phase, window.interval)
    among, offsets = _before(window, phase, readings, minutes)
    count = among.sum(axis=1)
    least = np.min(np.where(among, offsets, np.inf), axis=1, initial=np.inf)
    greatest = np.max(np.where(among, offsets, -np.inf), axis=1, initial=-np.inf)
    numbers = rows(off, window.interval, phase, count, least, greatest, seconds, readings, minutes)
    return [
        "the phase of the steps is not given"
        if np.isnan(start)
        else NO_INTERVAL
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
        for own, step, start, known, low, high, limit, needed, within in numbers
    ]


def _before(
    window: Window, phase: Threshold, readings: Threshold, minutes: Threshold
) -> tuple[Bools, Floats]:
    """Which of the readings before count, and the offsets of all, both (n, depth)."""
    off = offset(window.past_time - column(phase), column(window.interval))
    return is_newest(window, readings, minutes), off
