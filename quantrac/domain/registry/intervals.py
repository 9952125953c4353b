"""How far apart a station's files are, and since when: an interval holds for its dates and for no others."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from quantrac.domain.bounds import MEASURED
from quantrac.domain.registry.validity import BEFORE_ALL, Valid, change_times

STEADY = timedelta(hours=6)
"""How far back the test ``grid`` looks for the steps that a station keeps."""


@dataclass(frozen=True, slots=True)
class Interval(Valid):
    """The distance between two files of a station while it was another one than now."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Intervals:
    """The distance between two files of a station, by time. All times are UTC."""

    usual: int
    """In seconds, where no entry says otherwise."""
    entries: tuple[Interval, ...] = ()

    def at(self, time: datetime) -> int:
        """Return the distance between two files at a time, in seconds."""
        return next((entry.seconds for entry in self.entries if entry.valid_at(time)), self.usual)

    def step_at(self, time: datetime) -> int:
        """Return the seconds of which stamps at a time, and those before them, lie multiples apart.

        The interval; for six hours after a change what both intervals are multiples of, so that readings of
        the one before and of the one after are in step with each other.
        """
        cuts = [BEFORE_ALL, *self._changes()]
        recent = [self.at(before) for before, cut in pairwise(cuts) if cut <= time and time - cut < STEADY]
        return math.gcd(self.at(time), *recent)

    def step_changes(self) -> set[datetime]:
        """Return the times at which :meth:`step_at` may change."""
        changes = self._changes()
        return {*changes, *(cut + STEADY for cut in changes if cut <= MEASURED.last)}

    def wait_after(self, time: datetime) -> int:
        """Return the seconds until the file after that of a time is due: where the interval becomes longer
        meanwhile, the longer one.
        """
        seconds = self.at(time)
        return max(seconds, self.at(time + timedelta(seconds=seconds)))

    def _changes(self) -> list[datetime]:
        return sorted(change_times(self.entries))
