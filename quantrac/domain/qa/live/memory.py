"""What the validator remembers: the newest readings of every series, kept in arrays over all series.

A *series* is one parameter of one station. Each keeps the ``DEPTH`` newest readings *by time*, each time
once. A reading sees those measured before it, whatever order they came in; so readings that come in order
see exactly what the store will hold. What a reading sees never depends on how arrivals are cut into batches.

What cannot be known here is noted beside the window (:class:`~quantrac.domain.qa.live.arrivals.Past`), to be
rejudged from the store:

- a reading not newer than the newest of its series is *late*; one older than all that is remembered is judged
  without a past and not remembered;
- such an old reading may have broken or lengthened the run of equal values that reaches back beyond the ring:
  the run is *uncertain* until it breaks or has certainly lasted as long as the tests look back;
- after a restart, or when an idle series had to give way, a reading with less than ``DEPTH`` before it has an
  *incomplete* past unless the tests do not look back further.

Equal times: of two readings the one received later counts, of one receipt the later line.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from quantrac.domain.qa.live.arrivals import Arrivals, Past, sort_by_series
from quantrac.domain.qa.live.long_files import add_ordered, find_ordered
from quantrac.domain.qa.live.rings import Rings
from quantrac.domain.qa.live.series import StationSeries
from quantrac.domain.qa.live.waves import Wave, split_waves
from quantrac.domain.qa.shared_rules import DEPTH, has_wrong_clock, measured
from quantrac.domain.qa.window import Bools, Floats, Indices
from quantrac.domain.readings import FlaggedReadings, FlaggedSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.times import to_receipt_seconds, to_seconds

MOST_SERIES = 100_000
"""Series remembered, 90 MB, beside those of registered stations. A quarter, idle longest, makes room."""
SERIES_OF_A_STATION = 30
"""Series that a registered station may have on average before others give way: twice the usual."""


class Memory:
    """The newest readings of each series; rebuilt at start from flagged sets by :meth:`remember`."""

    def __init__(self, registry: Registry | None = None) -> None:
        """With a registry there is room for its stations, however many."""
        self._registry = registry or Registry()
        self.is_complete = True
        """Whether there were no readings but those taken in."""
        self.newest: dict[str, float] = {}
        """Time of the newest reading of each station (seconds since 1970 UTC), wrong clocks left out."""
        self._stations: dict[str, StationSeries] = {}
        self._rings = Rings()

    @property
    def count(self) -> int:
        """How many series are remembered."""
        return self._rings.count

    @property
    def room(self) -> int:
        """How many series are remembered at most."""
        return MOST_SERIES + SERIES_OF_A_STATION * len(self._registry.stations)

    def series(self, station: str) -> StationSeries:
        """Return the series indices of a station by parameter; a new parameter gets one when looked up.

        An index holds until the next :meth:`add`.
        """
        series = self._stations.get(station)
        if series is None:
            series = self._stations[station] = StationSeries(self._rings)
        return series

    def add(self, arrivals: Arrivals) -> Past:
        """Remember readings and return what was known before each when it arrived."""
        return self._add(arrivals, None)

    def remember(self, sets: Iterable[FlaggedSet]) -> None:
        """Take sets that were judged before, in the order they were, with their own ``equal_since``.

        Sets without a station are left out, and so are revisions, which hold the same values again, and
        history, which is not remembered. There may have been more before them.
        """
        series: list[Indices] = []
        times: list[float] = []
        run_starts: list[float] = []
        received: list[float] = []
        values: list[float] = []
        statuses: list[str] = []
        qualified: list[int] = []
        for judged in sets:
            readings = judged.readings
            if not judged.station or not readings or judged.revision or judged.is_imported:
                continue
            receipt, set_times = (
                to_receipt_seconds(judged.received_at),
                measurement_seconds(readings.measured_at),
            )
            series.append(self.series(judged.station).of_file(readings.parameter)[1])
            self.advance(judged.station, set_times, receipt)
            times += set_times
            received += [receipt] * len(set_times)
            qualified += find_qualified(readings.qualifier, len(values))
            values += readings.value
            statuses += readings.status
            run_starts += _run_starts(readings, set_times)
        if values:
            value, status = np.array(values, dtype=np.float64), np.array(statuses, dtype=object)
            arrivals = Arrivals(
                series=np.concatenate(series),
                value=value,
                time=np.array(times),
                received=np.array(received),
                measured=measured(value, status, mark_rows(len(value), qualified)),
                look_back=np.zeros(len(values)),
            )
            self._add(arrivals, np.array(run_starts))
            self.is_complete = False

    def forget(self, stations: Iterable[str]) -> None:
        """Take out all that is remembered of some stations."""
        for station in stations:
            self.newest.pop(station, None)
            series = self._stations.pop(station, None)
            if series is not None:
                self._rings.close(list(series.values()))

    def advance(self, station: str, times: Sequence[float], received: float) -> tuple[float, float]:
        """Move the newest time of a station on; returns the one before and the new one (-inf: none)."""
        before = self.newest.get(station, -np.inf)
        newest = max(times)
        if has_wrong_clock(newest, received):  # then others of the file may be right
            newest = max((time for time in times if not has_wrong_clock(time, received)), default=-np.inf)
        if newest > before:
            self.newest[station] = newest
            return before, newest
        return before, before

    def times(self, series: int) -> list[float]:
        """Return the times that are remembered of a series, earliest first."""
        times = self._rings.time[series]
        return sorted(times[times > -np.inf].tolist())

    def _add(self, arrivals: Arrivals, restored_run_start: Floats | None) -> Past:
        past = Past.empty(arrivals.time)
        with np.errstate(invalid="ignore"):  # empty slots, at -inf, are compared like all others
            order = sort_by_series(arrivals.series)
            if restored_run_start is None:
                ordered = find_ordered(self._rings, arrivals, order)
                if len(ordered):
                    add_ordered(self._rings, arrivals, order[ordered], past, is_complete=self.is_complete)
                    order = np.delete(order, ordered)
            for rows in split_waves(arrivals.series, order):
                wave = Wave(self._rings, arrivals, rows, past)
                wave.add(restored_run_start, is_complete=self.is_complete)
        self._rings.mark_used(arrivals.series)
        if self._rings.count > self.room:
            self._make_room()
        return past

    def _make_room(self) -> None:
        forgotten = self._rings.forget_idle(self.room * 3 // 4)
        for station, series in list(self._stations.items()):
            series.forget(forgotten)
            if not series:
                del self._stations[station]
                self.newest.pop(station, None)
        self.is_complete = False


def remember_time(times: list[float], time: float, received: float) -> None:
    """Put a time among those remembered of a series, earliest first: what :meth:`Memory.add` remembers."""
    if time in times or has_wrong_clock(time, received) or (times and time < times[0]):
        return
    insort(times, time)
    del times[:-DEPTH]


def measurement_seconds(times: Sequence[datetime]) -> list[float]:
    """Return when readings were measured, seconds since 1970 UTC; a file mostly has one time."""
    if times.count(times[0]) == len(times):
        return [to_seconds(times[0])] * len(times)
    seconds = {time: to_seconds(time) for time in dict.fromkeys(times)}
    return [seconds[time] for time in times]


def find_qualified(qualifiers: Sequence[str], first: int) -> list[int]:
    """Return the rows of values beyond a limit of the method, the first row being ``first``."""
    if not any(qualifiers):  # nearly always
        return []
    return [row for row, qualifier in enumerate(qualifiers, first) if qualifier]


def mark_rows(count: int, rows: Sequence[int]) -> Bools:
    """Return a mask (count,) that is set at ``rows``."""
    mask = np.zeros(count, dtype=np.bool_)
    mask[list(rows)] = True
    return mask


def _run_starts(readings: FlaggedReadings, times: Sequence[float]) -> list[float]:
    """Return when the runs of equal values began, seconds since 1970 UTC; NaN where that is uncertain."""
    if readings.equal_since == readings.measured_at:
        return list(times)
    return [np.nan if since is None else to_seconds(since) for since in readings.equal_since]
