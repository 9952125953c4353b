"""Levels of an index: the words and the colour shown to the public."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """One level of air or water quality."""

    lowest: int
    """Smallest index of the level; the level ends before the next one begins."""
    name_vi: str
    name: str
    """English."""
    colour_vi: str
    colour: str
    rgb: tuple[int, int, int]
    unverified: str = ""
    """What about this entry stands in no source."""


def level_of(index: int, levels: Sequence[Level]) -> Level:
    """Return the level that an index (0 or more) lies in; ``levels`` rise, and the first begins at 0."""
    return next(level for level in reversed(levels) if index >= level.lowest)
