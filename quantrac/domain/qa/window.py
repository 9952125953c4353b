"""The window matrix: one row a judged reading, columns the readings before it in time.

Live, the rows are one Kafka batch over many series; in a replay they are one station. A test sees no
difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Indices: TypeAlias = NDArray[np.intp]
Texts: TypeAlias = NDArray[np.object_]
Outcomes: TypeAlias = NDArray[np.uint8]
"""One :class:`~quantrac.domain.readings.Flag` a row."""
Threshold: TypeAlias = float | Floats
"""One number for all rows, or one a row; NaN where there is none."""
Expected: TypeAlias = str | Texts | None
"""One text for all rows, or one a row; ``None`` where there is none."""


class Companions:
    """Finds what else a station measured at the same time, among the rows judged together."""

    def __init__(self, sample: Indices, parameter: Sequence[str], value: Floats) -> None:
        """Take the rows (n,) to look among.

        ``sample`` is one number for all readings of one station and time; of several rows of a parameter the
        last counts. ``value`` is NaN where the device was not measuring: what it showed then is no reading of
        the parameter.
        """
        self._sample, self._value = sample, value
        self._parameter = np.array([*parameter, None], dtype=object)[:-1]  # None: texts must not be split
        self._rows: dict[str, tuple[Indices, Indices]] = {}
        """By parameter: its samples (m,) in order, and the row of each (m,)."""
        self._bad = np.zeros(len(value), dtype=np.bool_)

    def mark_bad(self, bad: Bools) -> None:
        """Take the outcome of the first stage: the rows (n,) that one of its tests called SUSPECT or FAIL."""
        self._bad = bad

    def value(self, sample: Indices, code: Expected) -> Floats:
        """Return the values (m,) of the parameters ``code`` in ``sample`` (m,); NaN where there is none."""
        row = self._find(sample, code)
        return np.where(row >= 0, self._value[row], np.nan) if len(self._value) else np.full(len(row), np.nan)

    def is_bad(self, sample: Indices, code: Expected) -> Bools:
        """Tell (m,) where the parameters ``code`` have a reading in ``sample`` (m,) and it is bad."""
        row = self._find(sample, code)
        return (row >= 0) & self._bad[row] if len(self._value) else np.zeros(len(row), dtype=np.bool_)

    def _find(self, sample: Indices, code: Expected) -> Indices:
        """Rows (m,) of the parameters ``code`` in ``sample`` (m,); -1 where there is none."""
        codes = np.broadcast_to(np.asarray(code, dtype=object), len(sample))
        companion = np.full(len(sample), -1, dtype=np.intp)
        for parameter in {code for code in codes.tolist() if code is not None}:
            rows = np.flatnonzero(codes == parameter)
            samples, sample_rows = self._rows_of(parameter)
            if len(samples):
                # (rows,) index of the last sample not after that of the row, -1 where all are after it
                index = np.minimum(np.searchsorted(samples, sample[rows], side="right"), len(samples)) - 1
                is_same = (index >= 0) & (samples[index] == sample[rows])
                companion[rows] = np.where(is_same, sample_rows[index], -1)
        return companion

    def _rows_of(self, code: str) -> tuple[Indices, Indices]:
        """Samples of a parameter in order, and the row of each."""
        if code not in self._rows:
            rows = np.flatnonzero(self._parameter == code)
            order = np.argsort(self._sample[rows], kind="stable")
            self._rows[code] = self._sample[rows][order], rows[order]
        return self._rows[code]


@dataclass(frozen=True, slots=True)
class Window:
    """``n`` readings to judge with what was known before each. Times are seconds since 1970 UTC."""

    value: Floats
    """(n,) the judged values; NaN is a missing one."""
    time: Floats
    """(n,) when they were measured."""
    status: Texts
    """(n,) device status as sent."""
    unit: Texts
    """(n,) unit of ``value``."""
    is_qualified: Bools
    """(n,) whether the true value lies beyond ``value``, a limit of the method."""
    equal_since: Floats
    """(n,) since when the series has shown this very value; NaN where that is not known, and for what no
    measuring device gave."""
    past_value: Floats
    """(n, depth) the values before, oldest first; NaN where there is none that the device called good."""
    past_time: Floats
    """(n, depth) their times, each earlier than ``time``; NaN where ``past_value`` is."""
    next_value: Floats
    """(n, following) the readings after it in its block of time, earliest first; NaN until the block is over,
    beyond its end, and where the device called none good. Live, nothing is known of them."""
    received: Floats
    """(n,) when the file was received; NaN where nobody knows."""
    is_imported: Bools
    """(n,) whether the file was imported as history, so that it was received long after it was measured."""
    interval: Floats
    """(n,) seconds between two readings by the registry; NaN where nobody knows."""
    replaced: Floats
    """(n,) the value that an earlier file gave for the same time; NaN where there is none."""
    own_low: Floats
    """(n,) lower quartile of the series' own trailing block medians; NaN where too little is known."""
    own_high: Floats
    """(n,) upper quartile of the same."""
    own_step: Floats
    """(n,) largest usual step between two readings over the same blocks; NaN where too little is known."""
    recent_low: Floats
    """(n,) least value of the last days' blocks; NaN where too little is known."""
    recent_high: Floats
    """(n,) greatest value of the same."""
    neighbours: Floats
    """(n,) median of the neighbour stations' medians of the hour; NaN where it is not known."""
    neighbour_count: Floats
    """(n,) how many neighbour stations that is."""
    sample: Indices
    """(n,) one number for all readings of one station and one time."""
    companions: Companions
    """What else was measured in those samples."""

    def __len__(self) -> int:
        return len(self.value)

    def take(self, rows: Indices | Bools) -> "Window":
        """Return some of the rows; they keep their companions among all."""
        names = [field.name for field in fields(self) if field.name != "companions"]
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def last(self, readings: int) -> tuple[Floats, Floats]:
        """Return the newest ``readings`` columns of past values and times, each (readings, n), newest last.

        There are fewer where the window is less deep. A test that needs few columns is much faster so.
        """
        newest = slice(max(self.past_value.shape[1] - readings, 0), None)
        return self.past_value.T[newest], self.past_time.T[newest]

    def companion(self, code: Expected) -> Floats:
        """Return what the station measured of another parameter at the same time (n,); NaN where nothing."""
        return self.companions.value(self.sample, code)

    def is_companion_bad(self, code: Expected) -> Bools:
        """Tell (n,) where another parameter has a reading and a test of the first stage called it bad."""
        return self.companions.is_bad(self.sample, code)

    @classmethod
    def of(
        cls,
        value: ArrayLike,
        *,
        past: ArrayLike = (),
        past_time: ArrayLike | None = None,
        status: str = "00",
        unit: str = "",
        is_qualified: bool = False,
        following: ArrayLike = (),
        equal_minutes: ArrayLike = 0.0,
        time: ArrayLike = 0.0,
        received: ArrayLike = np.nan,
        is_imported: bool = False,
        interval_minutes: ArrayLike = np.nan,
        replaced: ArrayLike = np.nan,
        own: tuple[float, float] = (np.nan, np.nan),
        own_step: ArrayLike = np.nan,
        recent: tuple[float, float] = (np.nan, np.nan),
        neighbours: ArrayLike = np.nan,
        neighbour_count: ArrayLike = 0,
        companions: dict[str, float] | None = None,
        bad: Sequence[str] = (),
    ) -> Self:
        """Build a window from literals: rows at time 0, ``past`` five minutes apart unless timed.

        ``past`` has shape (depth,) to share it among the rows, or (n, depth), its times seconds before the
        row; ``following`` (k,) or (n, k) are the readings after it; ``equal_minutes`` is how long the value
        has stood. ``companions`` were measured in every row's sample, those in ``bad`` with a bad outcome.
        """
        values = np.atleast_1d(np.asarray(value, dtype=np.float64))
        n = len(values)

        def spread(values: ArrayLike) -> Floats:
            return np.broadcast_to(np.asarray(values, dtype=np.float64), n).copy()

        times = spread(time)
        shared = np.atleast_2d(np.asarray(past, dtype=np.float64))
        past_value = np.broadcast_to(shared, (n, shared.shape[1]))
        after = np.atleast_2d(np.asarray(following, dtype=np.float64))
        spaced = 300.0 * np.arange(-past_value.shape[1], 0) if past_time is None else past_time
        before = times[:, None] + np.asarray(spaced, dtype=np.float64)
        values_by_code = companions or {}
        codes = list(values_by_code)
        same_sample = Companions(
            np.zeros(len(codes), dtype=np.intp), codes, np.array(list(values_by_code.values()), dtype=float)
        )
        same_sample.mark_bad(np.array([code in bad for code in codes], dtype=np.bool_))
        return cls(
            value=values,
            time=times,
            status=np.full(n, status, dtype=object),
            unit=np.full(n, unit, dtype=object),
            is_qualified=np.full(n, is_qualified),
            equal_since=times - 60.0 * spread(equal_minutes),
            past_value=past_value,
            past_time=np.where(np.isnan(past_value), np.nan, before),
            next_value=np.broadcast_to(after, (n, after.shape[1])),
            received=spread(received),
            is_imported=np.full(n, is_imported),
            interval=60.0 * spread(interval_minutes),
            replaced=spread(replaced),
            own_low=spread(own[0]),
            own_high=spread(own[1]),
            own_step=spread(own_step),
            recent_low=spread(recent[0]),
            recent_high=spread(recent[1]),
            neighbours=spread(neighbours),
            neighbour_count=spread(neighbour_count),
            sample=np.zeros(n, dtype=np.intp),
            companions=same_sample,
        )


def column(threshold: Threshold) -> Floats:
    """Shape a threshold to compare with a (n, depth) matrix."""
    return np.asarray(threshold, dtype=np.float64).reshape(-1, 1)
