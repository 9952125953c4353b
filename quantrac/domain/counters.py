"""What the values of a counter add up to.

Some rain gauges and meters send a running sum, such as the rain of the day so far, that begins again now and
then. What fell since the reading before is the difference of the two; after a new beginning it is the value.
Times are seconds since 1970, UTC.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.times import HOUR

LOOK_BACK = 2 * HOUR
"""How far back the reading before may lie: past that nobody knows in which hour the difference arose."""

NEW_BEGINNING = 0.5
"""A value of at most this share of the one before begins a new sum; default, unverified.

A smaller step back is no beginning: a sum does not fall, so one of the two is wrong.
"""


def increments(values: NDArray[np.float64], times: NDArray[Any]) -> NDArray[np.float64]:
    """Return what each of a counter's values (n,) adds; ``times`` (n,) rise.

    NaN where that is unknown: no value within :data:`LOOK_BACK` before, or a sum that falls.

    >>> increments(np.array([11.0, 12.5, 12.5, 0.5, 1.0]), np.arange(0, 1500, 300)).tolist()
    [nan, 1.5, 0.0, 0.5, 0.5]
    """
    added = np.full(len(values), np.nan)
    before, after = values[:-1], values[1:]
    # Of each value but the first one.
    step = np.where(after >= before, after - before, np.where(after <= NEW_BEGINNING * before, after, np.nan))
    added[1:] = np.where(np.diff(times) <= LOOK_BACK, step, np.nan)
    return added


def hours_of_increments(hour: int) -> range:
    """Return the starts of the hours whose increments follow from readings of the hour that starts then.

    >>> list(hours_of_increments(0))
    [0, 3600, 7200]
    """
    return range(hour, hour + LOOK_BACK + 1, HOUR)
