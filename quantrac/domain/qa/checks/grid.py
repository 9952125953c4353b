"""Grid: a logger stamps its readings at a steady step; one that leaves the step was not stamped by it.

Source: IOOS QARTOD, test 1 (timing). Many loggers of the country stamp on the clock, every 5 minutes by
default; others count from when they were switched on: 2 and a half minutes past, or 42 minutes past every
hour. Such a phase is no error: it follows from the readings just before, or is told by the station's rules.
"""

import numpy as np

from quantrac.domain.qa.checks.past import is_newest
from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_count, format_duration, rows
from quantrac.domain.qa.window import Bools, Floats, Indices, Outcomes, Threshold, Window, column
from quantrac.domain.readings import Flag

READINGS, MOST = 5, 3
"""From how many readings before a phase follows, and how many are most of them."""
MINUTES = 360.0
"""How far back these may lie."""
NO_INTERVAL = "the interval is not registered"


def grid(window: Window, *, tolerance: Threshold, phase: Threshold = np.nan) -> Outcomes:
    """Suspect a reading more than ``tolerance`` seconds off the steps of its station's interval.

    Steps are ``phase`` seconds after those of the clock. Where no phase is given, a reading is in step that
    comes a whole number of intervals after most of the last five within six hours: one wild stamp spoils no
    other, and a station that changes its phase is in step again from the fourth reading on. Fewer than three
    readings before it are NOT_EVALUATED, and so are a row without tolerance and a station whose interval is
    not registered.

    >>> half_past = Window.of([27.8] * 2, past=[27.8] * 5, time=[150.0, 240.0], interval_minutes=5)
    >>> half_past.past_time[:] = 150.0 - 300.0 * np.arange(5, 0, -1)
    >>> grid(half_past, tolerance=60).tolist(), grid(half_past, tolerance=60, phase=240).tolist()
    ([1, 3], [3, 1])
    """
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    is_told = np.broadcast_to(~np.isnan(phase), len(window))
    rest = np.flatnonzero(~is_told & ~_is_steady(window, tolerance))
    if len(rest):
        count, in_step = _count(window, rest, tolerance)
        outcome[rest[2 * in_step <= count]] = Flag.SUSPECT
        outcome[rest[count < MOST]] = Flag.NOT_EVALUATED
    if is_told.any():
        is_off = np.abs(offset(window.time - phase, window.interval)) > tolerance
        outcome[is_told & is_off] = Flag.SUSPECT
    outcome[~(window.interval > 0) | np.isnan(tolerance)] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, tolerance: Threshold, phase: Threshold = np.nan) -> list[str]:
    """Name the distance from the step, or how many of the readings before are in step with it.

    >>> stamped = Window.of([27.8], past=[27.8] * 5, time=240.0, interval_minutes=5)
    >>> stamped.past_time[:] = 150.0 - 300.0 * np.arange(5, 0, -1)
    >>> explain(stamped, tolerance=60)
    ['in step with 0 of the 5 readings before, 1.5 min after the step of the last; step 5 min, limit 1 min']
    >>> explain(stamped, tolerance=60, phase=150)
    ['1.5 min after a step of 5 min, limit 1 min']
    """
    count, in_step = _count(window, np.arange(len(window)), tolerance)
    is_known = ~np.isnan(window.past_time)
    last = np.max(np.where(is_known, window.past_time, -np.inf), axis=1, initial=-np.inf)
    numbers = rows(
        offset(window.time - last, window.interval),
        offset(window.time - phase, window.interval),
        window.interval,
        tolerance,
        phase,
        count,
        in_step,
    )
    return [
        NO_INTERVAL
        if not step > 0
        else NO_THRESHOLD
        if np.isnan(limit)
        else f"{away(off)} a step of {format_duration(step / 60)}, limit {format_duration(limit / 60)}"
        if not np.isnan(start)
        else f"{format_count(before)} in {format_duration(MINUTES)}, needs {MOST}"
        if before < MOST
        else f"in step with {same:g} of the {format_count(before)} before, {away(since)} the step of the "
        f"last; step {format_duration(step / 60)}, limit {format_duration(limit / 60)}"
        for since, off, step, limit, start, before, same in numbers
    ]


def _is_steady(window: Window, tolerance: Threshold) -> Bools:
    """Tell which readings (n,) are in step with each of the last three: nearly all of them.

    These are enough, and most of those that count.
    """
    _, times = window.last(MOST)
    if len(times) < MOST:
        return np.zeros(len(window), dtype=np.bool_)
    is_steady: Bools = window.time - times[0] <= 60 * MINUTES
    for time in times:
        # (n,) seconds from a whole number of steps after it; column by column, which is three times as fast
        since = window.time - time
        off = np.rint(since / window.interval)
        off *= window.interval
        off -= since
        is_steady &= np.abs(off, out=off) <= tolerance
    return is_steady


def _count(window: Window, members: Indices, tolerance: Threshold) -> tuple[Indices, Indices]:
    """Count (k,) the readings before some of the rows (k,), and those of them that are in step with it."""
    part, limit = window.take(members), np.broadcast_to(tolerance, len(window))[members]
    is_counted = is_newest(part, READINGS, MINUTES)
    off = offset(part.time[:, None] - part.past_time, column(part.interval))
    is_in_step = is_counted & (np.abs(off) <= column(limit))
    return is_counted.sum(axis=1), is_in_step.sum(axis=1)


def offset(time: Floats, interval: Floats) -> Floats:
    """Return the seconds since the nearest step, below 0 before it; NaN without interval.

    Steps are counted as in :meth:`.Station.grid_time`. Both arguments are seconds
    and may have any shapes that go together.

    >>> offset(np.array([607.0, 899.0]), np.array([300.0, np.nan])).tolist()
    [7.0, nan]
    """
    since: Floats = time - interval * np.floor(time / interval + 0.5)
    return since


def away(seconds: float) -> str:
    """Put an offset into words.

    >>> away(-30.0)
    '30 s before'
    """
    return f"{format_duration(abs(seconds) / 60)} {'before' if seconds < 0 else 'after'}"
