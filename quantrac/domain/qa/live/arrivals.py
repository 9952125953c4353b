"""Readings in order of arrival, and what was known before each of them."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from quantrac.domain.qa.shared_rules import DEPTH
from quantrac.domain.qa.window import Bools, Floats, Indices

NO_SERIES = -1
"""Series index of a reading that has no past and is no past: one without a station, for example."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """``n`` readings in order of arrival. Times are seconds since 1970 UTC."""

    series: Indices
    """(n,) from :meth:`quantrac.domain.qa.live.memory.Memory.series`, or :data:`NO_SERIES`."""
    value: Floats
    """(n,) as sent."""
    time: Floats
    """(n,) when they were measured."""
    received: Floats
    """(n,) when their file was received."""
    measured: Floats
    """(n,) the value where the device measured it, else NaN."""
    look_back: Floats
    """(n,) seconds that the tests of the series look back."""


@dataclass(frozen=True, slots=True)
class Past:
    """What was known before each of ``n`` readings: columns as in a window, and what was not known."""

    past_value: Floats
    """(n, DEPTH) oldest first; NaN where there is none."""
    past_time: Floats
    """(n, DEPTH)"""
    equal_since: Floats
    """(n,) as far as known: where ``is_run_uncertain``, the latest it can be. NaN for what no measuring
    device gave: it is in no run."""
    replaced: Floats
    """(n,) the value that an earlier file gave for the same time; NaN where there is none."""
    is_late: Bools
    """(n,) not newer than the newest of its series, and its clock may be right."""
    is_run_uncertain: Bools
    """(n,) the run of equal values may have begun earlier."""
    is_incomplete: Bools
    """(n,) there may have been readings before it that are not remembered."""

    @classmethod
    def empty(cls, time: Floats) -> Self:
        """Return the past of readings at ``time`` (n,) of which each is the first of its series."""
        n = len(time)
        return cls(
            past_value=np.full((n, DEPTH), np.nan),
            past_time=np.full((n, DEPTH), np.nan),
            equal_since=time.copy(),
            replaced=np.full(n, np.nan),
            is_late=np.zeros(n, dtype=np.bool_),
            is_run_uncertain=np.zeros(n, dtype=np.bool_),
            is_incomplete=np.zeros(n, dtype=np.bool_),
        )


def sort_by_series(series: Indices) -> Indices:
    """Return the rows that have a series, series by series, each in order of arrival.

    >>> sort_by_series(np.array([4, NO_SERIES, 2, 4])).tolist()
    [2, 0, 3]
    """
    order = np.argsort(series, kind="stable")
    return order[np.searchsorted(series[order], 0) :]


def is_series_start(ordered: Indices) -> Bools:
    """Tell where in sorted series (n,) another one begins.

    >>> is_series_start(np.array([2, 4, 4])).tolist()
    [True, True, False]
    """
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
