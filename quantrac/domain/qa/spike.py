"""Spike: one reading far from those just before it.

Source: IOOS QARTOD, test 6 (spike). QARTOD compares with the neighbours on both sides; a live reading must
have its flag at once, so this one looks back only.
"""

import numpy as np

from quantrac.domain.qa.window import Floats, Outcomes, Threshold, Window, column
from quantrac.domain.readings import Flag


def spike(
    window: Window,
    *,
    suspect: Threshold,
    fail: Threshold,
    spreads: Threshold = 0.0,
    readings: Threshold = 5,
    at_least: Threshold = 3,
    minutes: Threshold = 360,
) -> Outcomes:
    """Judge each reading by its distance from the median of the last ``readings`` ones within ``minutes``.

    The distance counts beyond ``spreads`` times the series' own spread (median absolute deviation), and is
    compared with ``suspect`` and ``fail`` in the unit of the value. Fewer than ``at_least`` readings to
    compare with is NOT_EVALUATED, and so is a row without thresholds.

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
    recent = window.past_time >= window.time[:, None] - 60 * column(minutes)
    rank = recent[:, ::-1].cumsum(axis=1)[:, ::-1]  # 1 = the newest
    history = np.where(recent & (rank <= column(readings)), window.past_value, np.nan)
    count = np.sum(~np.isnan(history), axis=1)
    median = _median(history, count)
    spread = _median(np.abs(history - median[:, None]), count)
    distance = np.abs(window.value - median) - spreads * spread
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    # Negated, so that a distance that is no number is not a pass.
    outcome[~(distance <= suspect)] = Flag.SUSPECT
    outcome[~(distance <= fail)] = Flag.FAIL
    outcome[(count < at_least) | np.isnan(suspect) | np.isnan(fail)] = Flag.NOT_EVALUATED
    return outcome


def _median(matrix: Floats, count: np.ndarray) -> Floats:
    """Median of each row's ``count`` numbers, NaN where there are none; numpy's nanmedian loops in Python."""
    if not matrix.shape[1]:
        return np.full(len(matrix), np.nan)
    ordered = np.sort(matrix, axis=1)  # NaN last
    row = np.arange(len(matrix))
    below, above = ordered[row, np.maximum(count - 1, 0) // 2], ordered[row, count // 2]
    middle: Floats = below / 2 + above / 2
    return middle
