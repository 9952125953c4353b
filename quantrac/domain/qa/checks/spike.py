"""Spike: a reading far from those just before it, from which the series comes back at once.

Source: IOOS QARTOD, test 6 (spike), which compares with the neighbours on both sides. A live reading must
have its flag at once, by those before it alone. Once its block of time is over, what came after it may take
the flag back: a sensor's spike is gone at the next readings, a pulse of a river decays over hours.
"""

import numpy as np

from quantrac.domain.qa.checks.past import recent_values
from quantrac.domain.qa.checks.scale import rescale
from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_count, format_duration, format_limits, rows
from quantrac.domain.qa.window import Floats, Indices, Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def spike(
    window: Window,
    *,
    suspect: Threshold,
    fail: Threshold = np.inf,
    spreads: Threshold = 0.0,
    readings: Threshold = 5,
    at_least: Threshold = 3,
    minutes: Threshold = 360,
    log_floor: Threshold = np.nan,
    return_share: Threshold = np.nan,
) -> Outcomes:
    """Judge each reading by its distance from the median of the last ``readings`` ones within ``minutes``.

    The distance counts beyond ``spreads`` times the series' own spread (median absolute deviation), and is
    compared with ``suspect`` and ``fail`` in the unit of the value; with ``log_floor`` (unit of the value)
    logarithms are compared (:func:`~quantrac.domain.qa.checks.scale.rescale`), for quantities that vary by
    factors: 0.69 is a factor of 2. Fewer than ``at_least`` readings to compare with is NOT_EVALUATED, and so
    is a row without thresholds.

    >>> turbid = Window.of([40.0, 120.0], past=[10.0, 12.0, 11.0])
    >>> spike(turbid, suspect=1.25, log_floor=3).tolist()
    [1, 3]

    With ``return_share`` a SUSPECT reading is GOOD after all where the readings after it are known and none
    has come back by that share of the distance from the median. FAIL stays.

    >>> storm = Window.of([120.0], past=[10.0, 12.0, 11.0], following=[95.0, 80.0])
    >>> bubble = Window.of([120.0], past=[10.0, 12.0, 11.0], following=[12.0, 11.0])
    >>> [int(spike(pulse, suspect=1.25, log_floor=3, return_share=0.6)[0]) for pulse in (storm, bubble)]
    [1, 3]

    A median needs no verdict on the readings it is taken from: one wild value among five does not move it.
    And it follows a genuine step once most of its readings have made it, after three of five.

    >>> river = [20.1, 19.8, 20.4, 20.0, 20.2]
    >>> spike(Window.of([21, 253.0], past=river), suspect=30, fail=1000).tolist()
    [1, 3]
    >>> spike(Window.of([60.0], past=[20.1, 19.8, 60.2, 60.1, 59.9]), suspect=30, fail=1000).tolist()
    [1]
    """
    if np.any(np.greater(suspect, fail)):
        raise ValueError(f"suspect {suspect} is above fail {fail}")
    history, count, median = _history(window, readings, minutes, log_floor)
    distance = np.abs(rescale(window.value, log_floor) - median)
    # The spread only brings a value nearer, so that it is looked for where the distance alone is too great.
    far = np.flatnonzero(~(distance <= suspect) | ~np.greater_equal(spreads, 0))
    spread = _median(np.abs(history[:, far] - median[far]), count[far])
    distance[far] -= np.broadcast_to(spreads, len(window))[far] * spread
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    # Negated, so that a distance that is no number is not a pass.
    outcome[~(distance <= suspect)] = Flag.SUSPECT
    outcome[~(distance <= fail)] = Flag.FAIL
    outcome[_find_pulses(window, outcome, median, return_share, log_floor)] = Flag.GOOD
    lacking = np.isnan(suspect) | np.isnan(fail) | np.isnan(spreads)
    outcome[~(count >= at_least) | lacking] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window,
    *,
    suspect: Threshold,
    fail: Threshold = np.inf,
    spreads: Threshold = 0.0,
    readings: Threshold = 5,
    at_least: Threshold = 3,
    minutes: Threshold = 360,
    log_floor: Threshold = np.nan,
    return_share: Threshold = np.nan,
) -> list[str]:
    """Name the distance from the readings before, and the limits with the series' own spread in them.

    >>> explain(Window.of([253.0], past=[20.1, 19.8, 20.4, 20.0, 20.2]), suspect=30, fail=1000)
    ['253 is 232.9 from the median 20.1 of 5 readings, limits 30 and 1000']
    >>> explain(Window.of([253.0], past=[20.1]), suspect=30, fail=1000)
    ['1 reading in 6 h, needs 3']
    >>> pulse = Window.of([90.0], past=[20, 19, 21], following=[83.0, 80.0])
    >>> explain(pulse, suspect=30, return_share=0.6)
    ['90 is 70 from the median 20 of 3 readings, limit 30; back by 14 % soon after, a spike by 60 %']
    """
    history, count, median = _history(window, readings, minutes, log_floor)
    spread = _median(np.abs(history - median), count)
    lacking = np.isnan(suspect) | np.isnan(fail) | np.isnan(spreads)
    numbers = rows(
        rescale(window.value, log_floor),
        median,
        spreads * spread,
        count,
        suspect,
        fail,
        at_least,
        minutes,
        lacking,
        log_floor,
        _share_come_back(window, median, log_floor),
        return_share,
    )
    return [
        NO_THRESHOLD
        if no_threshold
        else f"{format_count(known)} in {format_duration(within)}, needs {needed:g}"
        if not known >= needed
        else f"{'' if np.isnan(floor) else 'logarithm '}{value:.10g} is {abs(value - middle):.6g} "
        f"from the median {middle:.6g} of {format_count(known)}, {format_limits(low + own, high + own)}"
        + (
            f"; back by {back:.0%} soon after, a spike by {share:.0%}".replace("%", " %")
            if abs(value - middle) > low + own and not np.isnan(back) and not np.isnan(share)
            else ""
        )
        for value, middle, own, known, low, high, needed, within, no_threshold, floor, back, share in numbers
    ]


def _find_pulses(
    window: Window, outcome: Outcomes, median: Floats, return_share: Threshold, log_floor: Threshold
) -> Indices:
    """Rows (m,) that are SUSPECT although the series has not come back after them."""
    if np.all(np.isnan(return_share)):
        return np.empty(0, dtype=np.intp)
    rows = np.flatnonzero(outcome == Flag.SUSPECT)  # few
    share, floor = (np.broadcast_to(threshold, len(window))[rows] for threshold in (return_share, log_floor))
    pulses: Indices = rows[_share_come_back(window.take(rows), median[rows], floor) < share]
    return pulses


def _share_come_back(window: Window, median: Floats, log_floor: Threshold) -> Floats:
    """Share (n,) of its distance from the median by which the series came back after each reading.

    That of the reading after it that is nearest to the median, or beyond; NaN where none is known.
    """
    distance = rescale(window.value, log_floor) - median
    # (n, following) what is left of the distance, below 0 on the other side of the median
    left = (rescale(window.next_value, log_floor) - median[:, None]) / distance[:, None]
    share: Floats = 1.0 - np.fmin.reduce(left, axis=1, initial=np.nan)
    return share


def _history(
    window: Window, readings: Threshold, minutes: Threshold, log_floor: Threshold
) -> tuple[Floats, Indices, Floats]:
    """The readings to compare with (most, n), NaN where there are fewer, and their count and median (n,)."""
    history = rescale(recent_values(window, readings, minutes).T, log_floor).T
    count: Indices = np.sum(~np.isnan(history), axis=0)
    return history, count, _median(history, count)


def _median(numbers: Floats, count: Indices) -> Floats:
    """Median (n,) of the ``count`` numbers of each column (most, n); NaN for none."""
    if not len(numbers):
        return np.full(numbers.shape[1], np.nan)
    ordered = numbers.copy(order="C")
    # Neighbours change places, odd and even pairs in turn, NaN to the end: five numbers of each of many
    # columns are in order eight times sooner than by numpy's sort.
    for turn in range(len(ordered)):
        low, high = ordered[turn % 2 : -1 : 2], ordered[turn % 2 + 1 :: 2]
        low[:], high[:] = np.fmin(low, high), np.maximum(low, high)
    if count.min(initial=len(ordered)) == len(ordered):  # mostly nothing is missing
        below, above = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    else:
        column = np.arange(ordered.shape[1])
        below, above = ordered[np.maximum(count - 1, 0) // 2, column], ordered[count // 2, column]
    middle: Floats = below / 2 + above / 2
    return middle
