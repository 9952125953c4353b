"""Episodes: runs of consecutive averages beyond one limit. Pure; times are seconds since 1970, UTC.

An average is judged by the limit that holds at its start. Averages are consecutive where their periods begin
one after the other: every hour (the means of 8 hours too), every day, month and year of Vietnam's. An average
that does not count (not complete, in another unit than the limit, not there) ends a run and judges nothing.
A limit that changes splits a run, for an episode is beyond one value.

An episode is *open* while no later average is known that counts and is within the limit, or is judged by
another one or by none: what follows a gap may still be the same excess.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from quantrac.domain.averaging import Floats, Ints
from quantrac.domain.limits import Limit
from quantrac.domain.periods import Period
from quantrac.domain.times import DAY, HOUR, VIETNAM_OFFSET

MOST_RATIO = 1000.0
"""Greatest ratio, and that of a peak that has none: dissolved oxygen of 0 is infinitely below its limit."""

_CALENDAR = {Period.MONTH: "datetime64[M]", Period.YEAR: "datetime64[Y]"}


@dataclass(frozen=True, slots=True)
class Episodes:
    """Columns, one row an episode, in the order of the averages."""

    first: Ints
    """Row of its first average."""
    last: Ints
    """Row of its last average."""
    peak: Ints
    """Row of the average farthest beyond the limit; of equal ones the first."""
    ratio: Floats
    """Peak to a maximum, or a minimum to the peak; at most :data:`MOST_RATIO`."""
    open: Ints


def steps(starts: Ints, period: Period) -> Ints:
    """Return numbers of periods, which rise by one from a period to the next, from their starts.

    >>> new_year = 1767200400  # of 2026 in Vietnam
    >>> steps(np.array([new_year, new_year + 31 * 86400]), Period.MONTH).tolist()
    [672, 673]
    """
    if period in _CALENDAR:
        numbers: Ints = (
            (starts + VIETNAM_OFFSET).astype("datetime64[s]").astype(_CALENDAR[period]).astype(np.int64)
        )
        return numbers
    return (starts + VIETNAM_OFFSET) // DAY if period is Period.DAY else starts // HOUR


def starts(steps: Ints, period: Period) -> Ints:
    """Return when periods of these numbers begin.

    >>> starts(np.array([56]), Period.YEAR).tolist()  # 2026 in Vietnam
    [1767200400]
    """
    if period in _CALENDAR:
        times: Ints = (
            steps.astype(_CALENDAR[period]).astype("datetime64[s]").astype(np.int64) - VIETNAM_OFFSET
        )
        return times
    return steps * DAY - VIETNAM_OFFSET if period is Period.DAY else steps * HOUR


def ends(steps: Ints, period: Period) -> Ints:
    """Return when periods of these numbers are over."""
    return starts(steps + _steps_to_next(period), period)


def last_steps(ends: Ints, period: Period) -> Ints:
    """Return the numbers of the periods that are over at these times."""
    return steps(ends, period) - _steps_to_next(period)


def _steps_to_next(period: Period) -> int:
    """Return the steps to the next period that does not overlap: 8 for 8-hour means, else 1."""
    return 8 if period is Period.EIGHT_HOURS else 1


def excess(means: Floats, limit_index: Ints, limits: Sequence[Limit]) -> Floats:
    """Return how far each mean is beyond its limit, in its unit; not above 0 within, NaN where it is NaN.

    ``limit_index``: index in ``limits`` of what judges it, -1 = nothing.
    """
    # Bounds by index of the limit; the last entry is that of no limit.
    low = np.array([*(-np.inf if limit.minimum is None else limit.minimum for limit in limits), -np.inf])
    high = np.array([*(np.inf if limit.maximum is None else limit.maximum for limit in limits), np.inf])
    distance: Floats = np.maximum(means - high[limit_index], low[limit_index] - means)
    return distance


def episodes(
    series: Ints, steps: Ints, means: Floats, limit_index: Ints, limits: Sequence[Limit]
) -> Episodes:
    """Return the episodes of averages, one average a row: sorted by series and step, none twice.

    ``means`` are NaN where an average does not count; ``limit_index`` is the index in ``limits`` of what
    judges it, -1 = nothing. Two indices mean two limits, whatever their values.

    >>> limit = Limit("PM2.5", Period.DAY, "µg/m3", "QCVN 05:2023/BTNMT", maximum=50.0)
    >>> day, mean = np.arange(6), np.array([60.0, 75.0, 40.0, 51.0, np.nan, 80.0])
    >>> runs = episodes(np.zeros(6, int), day, mean, np.zeros(6, int), [limit])
    >>> runs.first.tolist(), runs.last.tolist(), runs.peak.tolist(), runs.open.tolist()
    ([0, 3, 5], [1, 3, 5], [1, 3, 5], [False, True, True])
    """
    # Masks, one an average: whether it is beyond its limit, and whether it goes on with the one before.
    distance = excess(means, limit_index, limits)
    beyond = distance > 0
    follows = np.zeros(len(series), bool)
    follows[1:] = (
        (beyond[1:] & beyond[:-1])
        & (series[1:] == series[:-1])
        & (steps[1:] == steps[:-1] + 1)
        & (limit_index[1:] == limit_index[:-1])
    )
    begins = beyond & ~follows
    # The first and the last row of each episode.
    first = np.flatnonzero(begins)
    last = np.flatnonzero(beyond & ~np.append(follows[1:], False))
    if not len(first):
        none = np.zeros(0, np.int64)
        return Episodes(none, none, none, np.zeros(0), np.zeros(0, bool))
    # The episode that each average is of, where it is of one; then of each episode the greatest distance.
    run = np.cumsum(begins) - 1
    most = np.maximum.reduceat(np.where(beyond, distance, -np.inf), first)
    # Rows that are as far beyond as that; the first one of each episode is its peak.
    highest = np.flatnonzero(beyond & (distance == most[run]))
    peak = highest[np.unique(run[highest], return_index=True)[1]]
    ratios = _ratios(means[peak], limit_index[peak], limits)
    return Episodes(first, last, peak, ratios, _open(series, means, limit_index, beyond)[last])


def _ratios(means: Floats, limit_index: Ints, limits: Sequence[Limit]) -> Floats:
    """Return how many times its limit each mean is; of a minimum the reciprocal."""
    low = np.array([np.nan if limit.minimum is None else limit.minimum for limit in limits])[limit_index]
    high = np.array([np.inf if limit.maximum is None else limit.maximum for limit in limits])[limit_index]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(means > high, means / high, low / means)
    return np.where((ratios >= 1) & (ratios <= MOST_RATIO), ratios, MOST_RATIO)


def _open(series: Ints, means: Floats, limit_index: Ints, beyond: Ints) -> Ints:
    """Tell for each average whether all that count after it are beyond the same limit."""
    # Rows of the averages that count; of each the limit that it is beyond, -1 = none.
    rows = np.flatnonzero(~np.isnan(means))
    state = np.where(beyond, limit_index, -1)[rows]
    # Between each of them and the next: whether another series begins.
    is_end = series[rows][1:] != series[rows][:-1]
    # Stretches of one series and one state, numbered; and the last row of each series.
    stretch = np.cumsum(np.append(0, is_end | (state[1:] != state[:-1])))
    newest = np.flatnonzero(np.append(is_end, True))
    # Whether an average is in the last stretch of its series.
    trailing = stretch == stretch[newest][np.cumsum(np.append(0, is_end))]
    is_open = np.zeros(len(series), bool)
    is_open[rows] = trailing
    return is_open
