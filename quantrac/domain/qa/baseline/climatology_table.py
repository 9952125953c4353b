"""The climate of a series: what it usually shows in each month and hour of the day.

Source: IOOS QARTOD, test 5 (climatology), with the table computed from the series' own good readings. The
defaults of quantiles and margin are unverified.
"""

from itertools import pairwise

import numpy as np

from quantrac.domain.qa.thresholds.columns import month_and_hour
from quantrac.domain.qa.window import Floats

MONTHS, HOURS = 12, 24


def climate(
    time: Floats,
    value: Floats,
    *,
    low: float = 0.01,
    high: float = 0.99,
    margin: float = 0.5,
    at_least: int = 30,
) -> tuple[Floats, Floats]:
    """Return the lower and upper limits, each (12, 24): months by hours, UTC.

    ``time`` (n,) is seconds since 1970 UTC. A cell's limits are the values at its quantiles ``low`` and
    ``high`` (values that occurred, no interpolation), moved apart by ``margin`` times their distance on each
    side. Values that are no finite number are left aside; a cell with fewer than ``at_least`` values is NaN.
    Raises ValueError for quantiles out of order.

    >>> noon = 12 * 3600.0 + 86400.0 * np.arange(31)
    >>> lower, upper = climate(noon, np.linspace(20, 30, 31), low=0, high=1, margin=0.1)
    >>> float(lower[0, 12]), float(upper[0, 12]), int(np.isnan(lower).sum())
    (19.0, 31.0, 287)
    """
    if not 0 <= low < high <= 1:
        raise ValueError(f"the quantiles must lie in order between 0 and 1, not {low:g} and {high:g}")
    if margin < 0:
        raise ValueError(f"the margin {margin:g} is below 0")
    usable = np.isfinite(value)
    cell = month_and_hour(time[usable])
    order = np.lexsort((value[usable], cell))
    ordered, cell = value[usable][order], cell[order]
    lower, upper = np.full((2, MONTHS * HOURS), np.nan)
    ends = np.searchsorted(cell, np.arange(MONTHS * HOURS + 1))
    for number, (start, end) in enumerate(pairwise(ends.tolist())):
        if end - start >= max(at_least, 1):
            last = end - start - 1
            least, most = ordered[start + int(low * last)], ordered[start + int(np.ceil(high * last))]
            lower[number], upper[number] = least - margin * (most - least), most + margin * (most - least)
    return lower.reshape(MONTHS, HOURS), upper.reshape(MONTHS, HOURS)
