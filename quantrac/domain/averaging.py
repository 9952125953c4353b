"""What an average is.

A period is half-open, [start, end), in UTC. A reading counts when it is flagged good; calibrating and faulty
devices never are. The hourly mean is the plain mean of the readings that count (Decision 1459/QĐ-TCMT 2.2.2;
QCVN 05:2023/BTNMT 1.3.6).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of one period, with what it rests on."""

    mean: float | None
    """``None`` when no reading counts."""
    minimum: float | None
    maximum: float | None
    count: int
    """Readings that count."""
    received: int
    """All readings of the period, whatever their flag."""
    expected: int
    """Readings that the station's interval allows in the period."""

    @property
    def completeness(self) -> float:
        """Share of the expected readings that count; above 1 when a station sends more often."""
        return self.count / self.expected


def hour_of(moment: datetime) -> datetime:
    """Return the start of the hour that ``moment`` (UTC) lies in.

    >>> from datetime import UTC
    >>> hour_of(datetime(2026, 3, 25, 0, 59, 59, tzinfo=UTC)).isoformat()
    '2026-03-25T00:00:00+00:00'
    """
    return moment.replace(minute=0, second=0, microsecond=0)


def expected_in(period: timedelta, interval_seconds: int) -> int:
    """Return how many readings an interval allows in a period; at least 1.

    >>> expected_in(HOUR, 300), expected_in(HOUR, 3600), expected_in(HOUR, 7200)
    (12, 1, 1)
    """
    return max(1, int(period.total_seconds()) // interval_seconds)


def mean_of(good: Sequence[float], *, received: int, expected: int) -> Mean:
    """Average the values that count, in any order: the exactly rounded sum makes order irrelevant.

    That matters because the same input must give the same bits, else every recompute would be a new version.

    >>> mean_of([0.1] * 10, received=11, expected=12)
    Mean(mean=0.1, minimum=0.1, maximum=0.1, count=10, received=11, expected=12)
    >>> mean_of([], received=2, expected=12).mean is None
    True
    """
    if not good:
        return Mean(None, None, None, 0, received, expected)
    return Mean(
        mean=math.fsum(good) / len(good),
        minimum=min(good),
        maximum=max(good),
        count=len(good),
        received=received,
        expected=expected,
    )
