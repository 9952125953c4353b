"""Rules that the live form and the batch form share, so that both give the same flags."""

from typing import overload

import numpy as np

from quantrac.domain.qa.window import Bools, Floats, Texts
from quantrac.domain.statuses import MEASURING
from quantrac.domain.times import DAY, HOUR

DEPTH = 16  # 80 minutes of a 5-minute series, more than any test counts back
FOLLOWING = 2
"""Readings after the judged one that a test may look at once the block of time is over."""
LONGEST_SILENCE = 3.0 * HOUR
"""Equal values further apart than this (seconds) say nothing about the time between them."""
LONGEST_AHEAD = float(DAY)
"""A reading measured more than this after its file was received (seconds) is in nobody's past: its clock is
wrong, and once remembered it would make every true reading a late one."""


def measured(value: Floats, status: Texts) -> Floats:
    """Return the values (n,) that a measuring device gave; NaN for all others.

    >>> measured(np.array([27.8, 0.0]), np.array(["00", "02"], dtype=object)).tolist()
    [27.8, nan]
    """
    return np.where(status == MEASURING, value, np.nan)


@overload
def is_ahead(time: float, received: float) -> bool: ...
@overload
def is_ahead(time: Floats, received: Floats) -> Bools: ...
def is_ahead(time: float | Floats, received: float | Floats) -> bool | Bools:
    """Tell whether readings were stamped long after they were received, so that their clock must be wrong.

    One reading or columns (n,) of them, seconds since 1970 UTC. Where nobody knows when the file was received
    (NaN), the clock counts as right.

    >>> is_ahead(1000.0 + LONGEST_AHEAD, 1000.0), is_ahead(1001.0 + LONGEST_AHEAD, 1000.0)
    (False, True)
    """
    ahead: bool | Bools = time > received + LONGEST_AHEAD
    return ahead


def right_clock_sql(seconds: str, received: str) -> str:
    """Write as ClickHouse's SQL that a reading's clock is not ahead: the opposite of :func:`is_ahead`.

    ``seconds`` is when it was measured, ``received`` when its file was received in milliseconds, both since
    1970 UTC.

    >>> right_clock_sql("toUnixTimestamp(measured_at)", "bitShiftRight(version, 10)")
    'toUnixTimestamp(measured_at) * 1000 <= toInt64(bitShiftRight(version, 10)) + 86400000'
    """
    return f"{seconds} * 1000 <= toInt64({received}) + {round(1000 * LONGEST_AHEAD)}"


def continues_run(value: Floats, time: Floats, previous_value: Floats, previous_time: Floats) -> Bools:
    """Tell which readings (n,) carry on the run of equal values that the reading before them is in.

    ``previous_value`` and ``previous_time`` (n,) are those of the reading before in the same series, times
    in seconds since 1970 UTC. A gap longer than :data:`LONGEST_SILENCE` ends a run.

    >>> day = np.array([300.0, 600.0, 86400.0])
    >>> continues_run(np.full(3, 7.5), day, np.array([7.4, 7.5, 7.5]), np.array([0.0, 300.0, 600.0])).tolist()
    [False, True, False]
    """
    continues: Bools = (value == previous_value) & (time - previous_time <= LONGEST_SILENCE)
    return continues
