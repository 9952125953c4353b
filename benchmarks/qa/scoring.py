"""Points and events, found and false.

An *event* is a run of consecutive labelled readings. It is found when a flag lies on it or within
:data:`NEAR` readings of it; a run of consecutive flags that lies near no labelled reading is a false event.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
NEAR = 2
"""Readings."""


@dataclass(frozen=True, slots=True)
class Score:
    """Counts that add up over series."""

    found: int = 0
    false: int = 0
    missed: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.found + other.found, self.false + other.false, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """Share of the flags that are right; NaN where nothing was flagged."""
        return _share(self.found, self.found + self.false)

    @property
    def recall(self) -> float:
        """Share of the labels that were found; NaN where nothing is labelled."""
        return _share(self.found, self.found + self.missed)

    @property
    def f1(self) -> float:
        """Harmonic mean of both: 2 TP / (2 TP + FP + FN)."""
        return _share(2 * self.found, 2 * self.found + self.false + self.missed)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def runs(mask: Mask) -> list[tuple[int, int]]:
    """Return the (start, end) of each run of true entries; the end is the first entry after it.

    >>> runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def near(mask: Mask, reach: int = NEAR) -> Mask:
    """Widen each run by ``reach`` entries on both sides.

    >>> near(np.array([0, 0, 0, 1, 0, 0, 0], dtype=bool)).astype(int).tolist()
    [0, 1, 1, 1, 1, 1, 0]
    """
    return np.convolve(mask, np.ones(2 * reach + 1), mode="full")[reach : reach + len(mask)] > 0.5


def points(labelled: Mask, flagged: Mask, excluded: Mask) -> Score:
    """Count readings; an excluded reading counts nowhere.

    >>> points(np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 1], bool), np.array([0, 0, 0, 1], bool))
    Score(found=1, false=1, missed=1)
    """
    flagged = flagged & ~excluded
    return Score(
        int(np.sum(labelled & flagged)), int(np.sum(~labelled & flagged)), int(np.sum(labelled & ~flagged))
    )


def events(labelled: Mask, flagged: Mask, excluded: Mask) -> Score:
    """Count events; flags on excluded readings are no false events.

    >>> labelled, flagged = np.zeros(20, bool), np.zeros(20, bool)
    >>> labelled[[3, 4, 10]] = flagged[[6, 14, 15, 18]] = True
    >>> events(labelled, flagged, excluded=np.arange(20) == 18)
    Score(found=1, false=1, missed=1)
    """
    flagged = flagged & ~excluded
    close, touched = near(flagged), near(labelled)
    found = sum(bool(close[start:end].any()) for start, end in runs(labelled))
    false = sum(not touched[start:end].any() for start, end in runs(flagged))
    return Score(found, false, len(runs(labelled)) - found)
