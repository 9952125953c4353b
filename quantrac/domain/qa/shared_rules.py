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
"""A reading measured more than this after its file was received (seconds) has a wrong clock."""
EARLIEST_CLOCK = 978_307_200.0
"""2001-01-01 in seconds since 1970 UTC: a reading stamped before has a wrong clock. Clocks that lost their
power begin again in 1970, 1980, 1990 or on 1 January 2000 and go on from there."""


def measured(value: Floats, status: Texts, is_qualified: Bools) -> Floats:
    """Return the values (n,) that a measuring device gave; NaN for all others.

    The number of a qualified value is a limit of the method and no measurement: it is nobody's past, no
    companion and no part of a baseline.

    >>> status = np.array(["00", "02", "00"], dtype=object)
    >>> measured(np.array([27.8, 0.0, 0.2]), status, np.array([False, False, True])).tolist()
    [27.8, nan, nan]
    """
    return np.where((status == MEASURING) & ~is_qualified, value, np.nan)


@overload
def has_wrong_clock(time: float, received: float) -> bool: ...
@overload
def has_wrong_clock(time: Floats, received: Floats) -> Bools: ...
def has_wrong_clock(time: float | Floats, received: float | Floats) -> bool | Bools:
    """Tell whether readings were stamped by a clock that cannot be right: long after their receipt, or in a
    year in which a clock without power starts.

    One reading or columns (n,) of them, seconds since 1970 UTC. Where nobody knows when the file was received
    (NaN), no time lies after it. Such a reading is judged by itself and is in nobody's past: once remembered,
    a time to come would make every true reading a late one, and one long gone a silence of years.

    >>> now = 1_769_900_000.0
    >>> [has_wrong_clock(time, now) for time in (now + LONGEST_AHEAD, now + LONGEST_AHEAD + 1, 946_684_800.0)]
    [False, True, True]
    """
    wrong: bool | Bools = (time > received + LONGEST_AHEAD) | (time < EARLIEST_CLOCK)
    return wrong


def right_clock_sql(seconds: str, received: str) -> str:
    """Write as ClickHouse's SQL that a reading's clock may be right: the opposite of :func:`has_wrong_clock`.

    ``seconds`` is when it was measured, ``received`` when its file was received in milliseconds, both since
    1970 UTC.

    >>> right_clock_sql("s", "toInt64(r)")
    's >= 978307200 AND s * 1000 <= toInt64(toInt64(r)) + 86400000'
    """
    latest = f"{seconds} * 1000 <= toInt64({received}) + {round(1000 * LONGEST_AHEAD)}"
    return f"{seconds} >= {round(EARLIEST_CLOCK)} AND {latest}"


def continues_run(value: Floats, time: Floats, previous_value: Floats, previous_time: Floats) -> Bools:
    """Tell which readings (n,) carry on the run of equal values that the reading before them is in.

    ``value`` and ``previous_value`` (n,) are those of measuring devices (:func:`measured`), NaN is in no run;
    ``previous_time`` (n,) is that of the last measured reading before in the same series, times in seconds
    since 1970 UTC. Missing values and readings of a device that calibrates or failed say nothing of the
    signal, so that they neither break a run nor belong to one. A silence longer than
    :data:`LONGEST_SILENCE` ends it.

    >>> day = np.array([300.0, 600.0, 86400.0])
    >>> continues_run(np.full(3, 7.5), day, np.array([7.4, 7.5, 7.5]), np.array([0.0, 300.0, 600.0])).tolist()
    [False, True, False]
    """
    continues: Bools = (value == previous_value) & (time - previous_time <= LONGEST_SILENCE)
    return continues
