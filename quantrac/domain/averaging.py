"""What an average is.

A period is half-open, [start, end). Hours are those of UTC; day, month and year are Vietnam's (UTC+7, hours
labelled 01:00 to 24:00 by their end). The hourly mean is the mean of the readings that count; the means of
8 hours (one ends with every hour) and of a day are those of their hours, the means of a month and a year
those of their days (Decision 1459/QĐ-TCMT 2.2.2; QCVN 05:2023/BTNMT 1.3.6 to 1.3.9). What an average is made
of (readings, hours or days) are its members; a member that is not complete itself does not count. The share
of members that makes a period complete is a setting (``AverageRules.share``; default, unverified).

An angle (wind direction) has the direction of the sum of unit vectors, not weighted by the speed: a station
may have no speed, and a calm has a direction too. Of rain the total is kept beside the mean, and longer
periods add up totals.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.catalogue import Combined
from quantrac.domain.readings import Flag
from quantrac.domain.registry.stations import Station
from quantrac.domain.registry.validity import change_times
from quantrac.domain.times import HOUR_DELTA, VIETNAM_OFFSET

PERCENTILES = (5, 25, 50, 75, 95, 98)

Floats = NDArray[np.float64]
Ints = NDArray[Any]

# A sum of n unit vectors shorter than n times this has no direction: north and south cancel out to rounding.
_NO_DIRECTION = 1e-9


@dataclass(frozen=True, slots=True)
class AverageRules:
    """What counts, and how much of it is needed."""

    share: float = 0.75
    """Of the expected members; source: default, unverified (the habit elsewhere: 45 min, 6 h, 18 h)."""
    flags: frozenset[Flag] = frozenset({Flag.GOOD})
    """Readings with these flags count; those of a calibrating or faulty device never do."""
    below_limit: float = 0.5
    """Share of its limit that a value below it, such as ``<0.2``, counts as; one above a limit counts as the
    limit. Source: Directive 2009/90/EC Art. 5 (1); EPA's TADA does both; for Vietnam default, unverified."""

    def complete(self, count: Ints, expected: Ints) -> NDArray[np.bool_]:
        """Tell for each period whether enough of it counts."""
        is_complete: NDArray[np.bool_] = (count > 0) & (count >= self.share * expected)
        return is_complete


@dataclass(frozen=True, slots=True)
class Statistics:
    """Figures of many periods, one row a period; NaN where there is none."""

    count: Ints
    """Values present."""
    mean: Floats
    total: Floats
    """Only where values are added up."""
    minimum: Floats
    maximum: Floats
    sd: Floats
    """Of a sample (n - 1), from two values on; of an angle after Yamartino (1984)."""
    percentiles: Floats
    """One column each of :data:`PERCENTILES`, linear between the two nearest values; none of an angle."""

    @property
    def member(self) -> Floats:
        """What enters the next longer period."""
        return np.where(np.isnan(self.total), self.mean, self.total)


def month_starts(year: int) -> list[datetime]:
    """Return the starts (UTC) of the twelve months of Vietnam's year, then its end.

    >>> [f"{at:%m-%d %H}" for at in month_starts(2026)[:2]]
    ['12-31 17', '01-31 17']
    """
    firsts = [datetime(year, month, 1, tzinfo=UTC) for month in range(1, 13)]
    return [at - timedelta(seconds=VIETNAM_OFFSET) for at in (*firsts, datetime(year + 1, 1, 1, tzinfo=UTC))]


def count_expected(period: timedelta, interval_seconds: int) -> int:
    """Return how many readings an interval allows in a period; at least 1.

    >>> count_expected(HOUR_DELTA, 300), count_expected(HOUR_DELTA, 3600), count_expected(HOUR_DELTA, 7200)
    (12, 1, 1)
    """
    return max(1, int(period.total_seconds()) // interval_seconds)


def count_expected_at(station: Station, hour: datetime) -> int:
    """Return how many readings a station's intervals of then allow in an hour (UTC); at least 1.

    An interval that changes within the hour counts for its part of it.
    """
    changes = change_times(station.intervals)
    cuts = [hour, *sorted(at for at in changes if hour < at < hour + HOUR_DELTA), hour + HOUR_DELTA]
    parts = (
        Fraction(round((end - start).total_seconds()), station.interval_at(start))
        for start, end in pairwise(cuts)
    )
    return max(1, int(sum(parts)))


def statistics(values: Floats, combined: Sequence[Combined]) -> Statistics:
    """Return the figures of each row of ``values`` (periods x members, NaN = does not count).

    Sums are exactly rounded, and taken of sorted values, so that neither the order of the members nor the
    width of the matrix changes a bit: the same input must not look like a new version.

    >>> figures = statistics(np.array([[0.1] * 10 + [np.nan]]), [Combined.MEAN])
    >>> figures.count.tolist(), figures.mean.tolist(), figures.sd.tolist()
    ([10], [0.1], [0.0])
    """
    # Periods x members, each row rising, NaN at its end; which of them count, and how many of each row.
    ordered = np.sort(values, axis=1)
    present = ~np.isnan(ordered)
    count = np.count_nonzero(present, axis=1)
    # One number a period from here on.
    total = exact_sums(np.where(present, ordered, 0.0))
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    with np.errstate(over="ignore", invalid="ignore"):
        distances = np.where(present, ordered - mean[:, None], 0.0) ** 2
    squares = exact_sums(distances)
    sd = np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)
    rows, last = np.arange(len(ordered)), np.maximum(count - 1, 0)
    percentiles = np.full((len(ordered), len(PERCENTILES)), np.nan)
    minimum, maximum = np.full((2, len(ordered)), np.nan)
    if ordered.shape[1]:
        minimum, maximum = ordered[:, 0].copy(), ordered[rows, last]
        for column, percent in enumerate(PERCENTILES):
            # Between which two values of each row the percentile lies, and how far (0 to 99) from the lower.
            lower, beyond = np.divmod(last * percent, 100)
            low = ordered[rows, lower]
            high = ordered[rows, np.minimum(lower + 1, last)]
            percentiles[:, column] = low + (high - low) * (beyond / 100)
    angles = np.flatnonzero([way is Combined.ANGLE for way in combined])
    mean[angles], sd[angles] = _directions(ordered[angles], count[angles])
    minimum[angles] = maximum[angles] = percentiles[angles] = np.nan
    adds_up = np.array([way is Combined.TOTAL for way in combined], bool) & (count > 0)
    return Statistics(count, mean, np.where(adds_up, total, np.nan), minimum, maximum, sd, percentiles)


def exact_sums(values: Floats) -> Floats:
    """Return the exactly rounded sum of each row, as :func:`math.fsum` gives it, of many rows at once.

    Each addition is split into its result and its exact error (Knuth's two-sum). The errors' own sum is known
    to a bound; where that bound leaves one double only, it is the answer, else :func:`math.fsum` is called.

    >>> exact_sums(np.array([[0.1] * 10, [1e16, 1.0, -1e16] + [0.0] * 7])).tolist()
    [1.0, 1.0]
    """
    # One number a row: the sum so far, the sum of the errors, and that of their magnitudes.
    total, rest, size = np.zeros((3, len(values)))
    with np.errstate(over="ignore", invalid="ignore"):
        for column in np.ascontiguousarray(values.T):
            after = total + column
            part = after - total
            error = (total - (after - part)) + (column - part)
            rest += error
            size += np.abs(error)
            total = after
    bound = size * (values.shape[1] * 2.0**-51)
    low: Floats = total + (rest - bound)
    high: Floats = total + (rest + bound)
    for row in np.flatnonzero(~(low == high)).tolist():
        low[row] = _sum(values[row].tolist())
    return low


def _sum(values: Sequence[float]) -> float:
    try:
        return math.fsum(values)
    except OverflowError:  # nothing that is measured: it must not stop the others
        return math.inf


def _directions(degrees: Floats, count: Ints) -> tuple[Floats, Floats]:
    """Return direction and spread of rows of angles; NaN where they cancel out or there are none.

    Rounded to 9 decimals: a sine may differ in its last bit between processors.
    """
    # Periods x members.
    present = ~np.isnan(degrees)
    angles = np.radians(degrees)
    # One number a period: the sum of its unit vectors, and its length as a share of their number.
    east = exact_sums(np.where(present, np.sin(angles), 0.0))
    north = exact_sums(np.where(present, np.cos(angles), 0.0))
    length = np.hypot(east, north) / np.maximum(count, 1)
    # Yamartino's estimate of the spread.
    e = np.sqrt(np.maximum(0.0, 1 - length**2))
    spread = np.degrees(np.arcsin(e) * (1 + (2 / math.sqrt(3) - 1) * e**3))
    mean = np.round(np.degrees(np.arctan2(east, north)) % 360, 9) % 360
    has_direction = length > _NO_DIRECTION
    return np.where(has_direction, mean, np.nan), np.where(has_direction, np.round(spread, 9), np.nan)
