"""What the validator remembers: the newest readings of every series, kept in arrays over all series.

A *series* is one parameter of one station. Each keeps the ``depth`` newest readings *by time*, each time
once. A reading sees those measured before it, whatever order they came in; so readings that come in order
see exactly what the store will hold. What a reading sees never depends on how arrivals are cut into batches.

What cannot be known here is told beside the window (:class:`Seen`), to be judged again from the store:

- a reading not newer than the newest of its series is *late*; one older than all that is remembered is judged
  without a past and not remembered;
- such an old reading may have broken or lengthened the run of equal values that reaches back beyond the ring:
  the run is *unsure* until it breaks or has certainly lasted as long as the tests look back;
- after a restart, or when an idle series had to give way, a reading with less than ``depth`` before it has a
  *short* past unless the tests do not look back further.

Equal times: of two readings the one received later counts, of one receipt the later line.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol

import numpy as np

from quantrac.domain.qa.live.arrivals import (
    NO_SERIES,
    Arrivals,
    Seen,
    Wave,
    by_series,
    in_order,
    see_runs,
    waves,
)
from quantrac.domain.qa.live.rings import Rings
from quantrac.domain.qa.shared_rules import DEPTH, LONGEST_AHEAD, measured
from quantrac.domain.qa.window import Floats, Indices

MOST_SERIES = 100_000
"""Series remembered, 90 MB: three times those of the country. A quarter, idle longest, gives way to more."""
MOST_PARAMETERS = 500
"""Series of one station; what else it names has :data:`NO_SERIES`."""


class Remembered(Protocol):
    """One reading of a set judged before."""

    parameter: str
    value: float
    measured_at: datetime
    status: str
    equal_since: datetime | None


class RememberedSet(Protocol):
    """A set judged before: a :class:`~quantrac.domain.readings.FlaggedSet`, or what matters of one."""

    station: str
    received_at: datetime
    revision: int

    @property
    def readings(self) -> Sequence[Remembered]:
        """In the order of the file."""


class Series(dict[str, int]):
    """Series numbers of one station by parameter, given out at first use."""

    def __init__(self, rings: Rings) -> None:
        self._rings = rings
        self._last: tuple[list[str], Indices] = [], np.empty(0, dtype=np.intp)

    def __missing__(self, parameter: str) -> int:
        if len(self) >= MOST_PARAMETERS:
            return NO_SERIES
        number = self[parameter] = self._rings.open()
        return number

    def of(self, parameters: list[str]) -> tuple[list[str], Indices]:
        """Return the parameters of one file and their numbers (n,).

        A station's files mostly hold the same parameters: the very same objects are given again then.
        """
        if parameters != self._last[0]:
            self._last = parameters, np.array([self[each] for each in parameters], dtype=np.intp)
        return self._last

    def forget(self, gone: AbstractSet[int]) -> None:
        """Take out the numbers that are no longer good."""
        for parameter in [name for name, number in self.items() if number in gone]:
            del self[parameter]
        self._last = [], np.empty(0, dtype=np.intp)


class Memory:
    """The newest readings of each series; rebuilt at start from flagged sets by :meth:`remember`."""

    def __init__(self) -> None:
        self.whole = True
        """Whether there were no readings but those seen."""
        self.newest: dict[str, float] = {}
        """Time of the newest reading of each station (seconds since 1970 UTC), clocks ahead left out."""
        self._stations: dict[str, Series] = {}
        self._rings = Rings()

    @property
    def count(self) -> int:
        """How many series are remembered."""
        return self._rings.count

    def series(self, station: str) -> Series:
        """Return the series numbers of a station by parameter; a new parameter gets one when looked up.

        A number holds until the next :meth:`see`.
        """
        known = self._stations.get(station)
        if known is None:
            known = self._stations[station] = Series(self._rings)
        return known

    def see(self, arrivals: Arrivals) -> Seen:
        """Remember readings and return what was known before each when it arrived."""
        return self._see(arrivals, None)

    def remember(self, sets: Iterable[RememberedSet]) -> None:
        """Take sets that were judged before, in the order they were, with their own ``equal_since``.

        Sets without a station are left out, and so are revisions: they hold the same values again. There may
        have been more before them.
        """
        series: list[Indices] = []
        times: list[float] = []
        since: list[float] = []
        received: list[float] = []
        readings: list[Remembered] = []
        for each in sets:
            if each.station and each.readings and not each.revision:
                numbers, at = self.series(each.station), whole_milliseconds(each.received_at)
                moments = seconds(each.readings)
                self.advance(each.station, moments, at)
                times += moments
                received += [at] * len(moments)
                readings += each.readings
                series.append(numbers.of([reading.parameter for reading in each.readings])[1])
                for reading, time in zip(each.readings, moments, strict=True):
                    start = reading.equal_since
                    if start is None:
                        since.append(np.nan)
                    else:
                        since.append(time if start == reading.measured_at else start.timestamp())
        if readings:
            value = np.array([reading.value for reading in readings], dtype=np.float64)
            status = np.array([reading.status for reading in readings], dtype=object)
            arrivals = Arrivals(
                series=np.concatenate(series),
                value=value,
                time=np.array(times),
                received=np.array(received),
                measured=measured(value, status),
                reach=np.zeros(len(readings)),
            )
            self._see(arrivals, np.array(since))
            self.whole = False

    def advance(self, station: str, times: Sequence[float], received: float) -> tuple[float, float]:
        """Move the newest time of a station on; returns the one before and the new one (-inf: none)."""
        before = self.newest.get(station, -np.inf)
        newest = max(times)
        if newest > received + LONGEST_AHEAD:
            newest = max((each for each in times if each <= received + LONGEST_AHEAD), default=-np.inf)
        if newest > before:
            self.newest[station] = newest
            return before, newest
        return before, before

    def times(self, series: int) -> list[float]:
        """Return the times that are remembered of a series, earliest first."""
        times = self._rings.time[series]
        return sorted(times[times > -np.inf].tolist())

    def _see(self, arrivals: Arrivals, known_since: Floats | None) -> Seen:
        n = len(arrivals.value)
        seen = Seen(
            past_value=np.full((n, DEPTH), np.nan),
            past_time=np.full((n, DEPTH), np.nan),
            equal_since=arrivals.time.copy(),
            replaced=np.full(n, np.nan),
            late=np.zeros(n, dtype=np.bool_),
            unsure=np.zeros(n, dtype=np.bool_),
            short=np.zeros(n, dtype=np.bool_),
        )
        with np.errstate(invalid="ignore"):  # empty slots, at -inf, are compared like all others
            order = by_series(arrivals.series)
            if known_since is None:
                runs = in_order(self._rings, arrivals, order)
                if len(runs):
                    see_runs(self._rings, arrivals, order[runs], seen, whole=self.whole)
                    order = np.delete(order, runs)
            for rows in waves(arrivals.series, order):
                Wave(self._rings, arrivals, rows, seen, whole=self.whole).see(known_since)
        self._rings.used(arrivals.series)
        if self._rings.count > MOST_SERIES:
            self._make_room()
        return seen

    def _make_room(self) -> None:
        gone = self._rings.forget(MOST_SERIES * 3 // 4)
        for station, numbers in list(self._stations.items()):
            numbers.forget(gone)
            if not numbers:
                del self._stations[station]
                self.newest.pop(station, None)
        self.whole = False


def remember(times: list[float], at: float, received: float) -> None:
    """Put a time among those remembered of a series, earliest first: what :meth:`Memory.see` keeps."""
    if at in times or at > received + LONGEST_AHEAD or (times and at < times[0]):
        return
    insort(times, at)
    del times[:-DEPTH]


class Timed(Protocol):
    """Anything measured."""

    measured_at: datetime


def seconds(readings: Sequence[Timed]) -> list[float]:
    """Return the times of readings as seconds since 1970 UTC; a file mostly has one."""
    moments = [reading.measured_at for reading in readings]
    if moments.count(moments[0]) == len(moments):
        return [moments[0].timestamp()] * len(moments)
    known = {moment: moment.timestamp() for moment in dict.fromkeys(moments)}
    return [known[moment] for moment in moments]


def whole_milliseconds(at: datetime) -> float:
    """Return a time as seconds since 1970 UTC, cut to milliseconds as the store keeps it."""
    return int(at.timestamp() * 1000) / 1000
