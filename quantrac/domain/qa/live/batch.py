"""The readings of some sets in columns, one row a reading."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np

from quantrac.domain.qa.baseline.blocks import BOUNDS, BaselineBounds
from quantrac.domain.qa.baseline.lookup import Baselines, Lookup
from quantrac.domain.qa.live.arrivals import NO_SERIES, Arrivals, Past
from quantrac.domain.qa.live.memory import Memory, find_qualified, mark_rows, measurement_seconds
from quantrac.domain.qa.shared_rules import FOLLOWING, has_wrong_clock, measured
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qa.thresholds.profiles import StationProfiles
from quantrac.domain.qa.window import Bools, Companions, Floats, Indices, Texts, Window
from quantrac.domain.readings import ReadingSet
from quantrac.domain.times import to_receipt_seconds


class FileColumns(NamedTuple):
    """The readings of one set; times are seconds since 1970 UTC."""

    station: str
    parameters: list[str]
    """The very same list where the station's file before held the same parameters."""
    times: list[float]
    received: float
    is_imported: bool
    has_one_time: bool
    profiles: StationProfiles | None
    """What the tests expect of the station; ``None`` where there is no reading."""

    def parameters_by_time(self) -> dict[float, list[str]]:
        """Return which parameters were measured together."""
        if self.has_one_time:
            return {self.times[0]: self.parameters}
        by_time: dict[float, list[str]] = defaultdict(list)
        for parameter, time in zip(self.parameters, self.times, strict=True):
            by_time[time].append(parameter)
        return by_time


@dataclass(frozen=True, slots=True)
class BatchColumns:
    """``n`` readings of ``m`` sets, set by set. Times are seconds since 1970 UTC."""

    files: list[FileColumns]
    """The sets, also those without readings."""
    starts: list[int]
    """(m + 1,) first row of each set, and the end of the last."""
    parameter: list[str]
    """(n,)"""
    status: Texts
    """(n,) device status as sent."""
    unit: Texts
    """(n,)"""
    is_qualified: Bools
    """(n,) whether the value is a limit of the method."""
    profile: Indices
    """(n,) indices of the profiles of expectations."""
    sample: Indices
    """(n,) one number for all readings of one set and time."""
    bounds: BaselineBounds
    """(n,) bounds of the series' baseline."""
    is_published: Bools
    """(n,) whether the bounds of its block have been published."""
    arrivals: Arrivals
    """The same rows as the memory takes them in."""
    can_change: Bools
    """(n,) whether the flags may still change: of a station, and of a clock that may be right. All others are
    judged by themselves."""

    def __len__(self) -> int:
        return self.starts[-1]

    def spread(self, by_set: Sequence[float] | Sequence[bool]) -> np.ndarray:
        """Return the value of its set for each row (n,)."""
        return np.repeat(by_set, np.diff(self.starts))

    def window(self, past: Past, interval: Floats) -> Window:
        """Return the rows with what was known before each; ``interval`` (n,) in seconds."""
        arrivals = self.arrivals
        return Window(
            value=arrivals.value,
            time=arrivals.time,
            status=self.status,
            unit=self.unit,
            is_qualified=self.is_qualified,
            equal_since=past.equal_since,
            past_value=past.past_value,
            past_time=past.past_time,
            next_value=np.broadcast_to(np.nan, (len(self), FOLLOWING)),  # known when the block is over
            received=arrivals.received,
            is_imported=self.spread([file.is_imported for file in self.files]),
            interval=interval,
            replaced=past.replaced,
            **{name: getattr(self.bounds, name) for name in BOUNDS},
            neighbours=np.full(len(self), np.nan),  # known when the hour is over
            neighbour_count=np.zeros(len(self)),
            sample=self.sample,
            companions=Companions(self.sample, self.parameter, arrivals.measured),
        )


def read_batch(
    sets: Sequence[ReadingSet], expectations: Expectations, memory: Memory, baseline: Baselines
) -> BatchColumns:
    """Put the readings of sets in columns; parameters that are new get a series in the memory."""
    reader = _BatchReader(expectations, memory, baseline)
    for reading_set in sets:
        reader.add(reading_set)
    return reader.columns()


class _BatchReader:
    """Columns that grow set by set."""

    def __init__(self, expectations: Expectations, memory: Memory, baseline: Baselines) -> None:
        self._expectations, self._memory, self._bounds = expectations, memory, Lookup(baseline)
        self._files: list[FileColumns] = []
        self._starts = [0]
        self._values: list[float] = []
        self._statuses: list[str] = []
        self._units: list[str] = []
        self._qualified: list[int] = []
        """Rows, few if any."""
        self._samples: list[int] = []
        self._sample_count = 0
        # Arrays of each set, joined at the end.
        self._series: list[Indices] = []
        self._profiles = [np.empty(0, dtype=np.intp)]

    def add(self, reading_set: ReadingSet) -> None:
        """Add the rows of a set."""
        station, readings = reading_set.station, reading_set.readings
        received, is_imported = to_receipt_seconds(reading_set.received_at), reading_set.is_imported
        self._starts.append(self._starts[-1] + len(readings))
        if not readings:
            self._files.append(
                FileColumns(station, [], [], received, is_imported, has_one_time=False, profiles=None)
            )
            return
        times = measurement_seconds(readings.measured_at)
        self._values += readings.value
        self._statuses += readings.status
        self._units += readings.unit
        self._qualified += find_qualified(readings.qualifier, self._starts[-2])
        parameters = readings.parameter
        # History is no part of what is remembered: its past is in the store, where it is judged again.
        if station and not is_imported:
            parameters, series = self._memory.series(station).of_file(parameters)
        else:
            series = np.full(len(readings), NO_SERIES)
        self._series.append(series)
        profiles = self._expectations.station_profiles(station)
        self._profiles.append(profiles.of_file(parameters, received, times))
        has_one_time = times.count(times[0]) == len(times)
        self._bounds.add(station, parameters, times, same=has_one_time)
        self._files.append(
            FileColumns(station, parameters, times, received, is_imported, has_one_time, profiles)
        )
        self._add_samples(times, has_one_time=has_one_time)

    def _add_samples(self, times: list[float], *, has_one_time: bool) -> None:
        """Number the samples of a set on from those before it."""
        if has_one_time:
            self._samples += [self._sample_count] * len(times)
            self._sample_count += 1
        else:
            numbers = {time: number for number, time in enumerate(dict.fromkeys(times), self._sample_count)}
            self._samples += [numbers[time] for time in times]
            self._sample_count += len(numbers)

    def columns(self) -> BatchColumns:
        """Return the columns of all sets."""
        files, starts = self._files, self._starts
        value, status = np.array(self._values, dtype=np.float64), np.array(self._statuses, dtype=object)
        profile, counts = np.concatenate(self._profiles), np.diff(starts)
        is_qualified = mark_rows(len(value), self._qualified)
        time = np.array(list(chain.from_iterable(file.times for file in files)), dtype=np.float64)
        received = np.repeat([file.received for file in files], counts)
        has_station = np.repeat(np.array([file.station != "" for file in files], dtype=np.bool_), counts)
        return BatchColumns(
            files=files,
            starts=starts,
            parameter=list(chain.from_iterable(file.parameters for file in files)),
            status=status,
            unit=np.array(self._units, dtype=object),
            is_qualified=is_qualified,
            profile=profile,
            sample=np.array(self._samples, dtype=np.intp),
            bounds=self._bounds.bounds(),
            is_published=self._bounds.published(),
            arrivals=Arrivals(
                series=np.concatenate([np.empty(0, dtype=np.intp), *self._series]),
                value=value,
                time=time,
                received=received,
                measured=measured(value, status, is_qualified),
                look_back=self._expectations.look_backs(profile),
            ),
            can_change=has_station & ~has_wrong_clock(time, received),
        )
