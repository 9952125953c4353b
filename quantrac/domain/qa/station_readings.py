"""A station's readings in columns, as the store keeps them: what the batch form judges.

One row a parameter and time. Of several versions of one reading the newest counts, as in the store: the one
received last, of one file its last re-judgement. What a version received earlier said stands in
``replaced``; a line that another line of the same file repeats leaves no trace, because the two have one
version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantrac.domain.ids import MOST_REVISIONS, reading_version
from quantrac.domain.qa.shared_rules import LONGEST_AHEAD
from quantrac.domain.qa.window import Bools, Floats, Indices, Outcomes, Texts
from quantrac.domain.readings import FlaggedReading, FlaggedSet, ReadingSet

Integers: TypeAlias = NDArray[np.int64]

NOT_JUDGED = 0
"""Stored flag of a reading that has none yet."""
NO_VERSION = 0
"""Version of a reading of which nobody knows when it was received."""
REVISIONS = MOST_REVISIONS + 1
"""Versions of one received file: its first judgement and its revisions."""


@dataclass(frozen=True, slots=True)
class StationReadings:
    """``n`` readings of one station, sorted by parameter, then time; each parameter and time once."""

    station: str
    parameters: tuple[str, ...]
    """Codes in order."""
    series: Indices
    """(n,) place of the parameter in ``parameters``."""
    time: Floats
    """(n,) when they were measured, seconds since 1970 UTC."""
    value: Floats
    """(n,) in ``unit``."""
    status: Texts
    """(n,) device status as sent."""
    unit: Texts
    """(n,) unit of ``value``."""
    version: Integers
    """(n,) :func:`quantrac.domain.ids.reading_version`, or :data:`NO_VERSION`."""
    replaced: Floats
    """(n,) the value that an earlier file gave; NaN where none is known."""
    flag: Outcomes
    """(n,) the flag as stored; :data:`NOT_JUDGED` where there is none."""
    line: Integers
    """(n,) line in the file."""
    text: Texts
    """(n,) the value as it stood in the file."""

    def __len__(self) -> int:
        return len(self.time)

    @property
    def received(self) -> Floats:
        """When the file was received, (n,) seconds since 1970 UTC in whole milliseconds; NaN if unknown."""
        return np.where(self.version == NO_VERSION, np.nan, (self.version // REVISIONS) / 1000)

    @property
    def ahead(self) -> Bools:
        """Tell which readings (n,) were stamped long after they were received.

        Their clock is wrong: they are judged without a past and are no past, and no part of a baseline.
        """
        ahead: Bools = self.time > self.received + LONGEST_AHEAD
        return ahead

    @property
    def revision(self) -> Integers:
        """Which judgement of the file it is, (n,); 0 is the first."""
        return self.version % REVISIONS

    @property
    def parameter(self) -> Texts:
        """(n,) code of each row."""
        return np.array([*self.parameters, None], dtype=object)[self.series]

    @property
    def newest(self) -> float:
        """Time of the newest reading whose clock is not ahead; -inf where there is none."""
        return float(self.time[~self.ahead].max(initial=-np.inf))

    def take(self, rows: Indices | Bools | slice) -> "StationReadings":
        """Return some of the rows, in the order they have."""
        given = {each.name: getattr(self, each.name) for each in fields(self)[2:]}
        return replace(self, **{name: column[rows] for name, column in given.items()})

    def between(self, start: float, end: float) -> Indices:
        """Rows (m,) measured in ``[start, end)``, seconds since 1970 UTC."""
        return np.flatnonzero((self.time >= start) & (self.time < end))

    @classmethod
    def of(
        cls,
        station: str,
        *,
        parameter: ArrayLike,
        time: ArrayLike,
        value: ArrayLike,
        status: ArrayLike = "00",
        unit: ArrayLike = "",
        version: ArrayLike = NO_VERSION,
        flag: ArrayLike = NOT_JUDGED,
        line: ArrayLike = 0,
        text: ArrayLike = "",
    ) -> Self:
        """Sort rows (n,) in any order and of any versions, repeated ones among them.

        Older versions, where the store still knows them, only fill ``replaced``. A single value holds for
        all rows.

        >>> twice = StationReadings.of("A", parameter=["CO", "CO"], time=[300, 300], value=[7.5, 8.0],
        ...                            version=[1 << 20, 2 << 20])
        >>> twice.value.tolist(), twice.replaced.tolist()
        ([8.0], [7.5])
        """
        times = np.atleast_1d(np.asarray(time, dtype=np.float64))

        def each(given: ArrayLike, kind: Any) -> Any:
            return np.broadcast_to(np.asarray(given, dtype=kind), len(times))

        codes = each(parameter, object)
        names = tuple(sorted(set(codes.tolist())))
        places = {name: place for place, name in enumerate(names)}
        series = np.array([places[code] for code in codes.tolist()], dtype=np.intp)
        versions, lines = each(version, np.int64), each(line, np.int64)
        order = np.lexsort((lines, versions, times, series))
        values = each(value, np.float64)[order]
        series, sorted_times, files = series[order], times[order], versions[order] // REVISIONS

        same = (series[1:] == series[:-1]) & (sorted_times[1:] == sorted_times[:-1])
        # The last row before each that came in another file, if it is of the same parameter and time.
        changed = np.concatenate([[True], ~same | (files[1:] != files[:-1])])
        head = np.maximum.accumulate(np.where(changed, np.arange(len(order)), 0)) if len(order) else order
        first = np.concatenate([[True], ~same])[: len(order)]
        replaced = np.full(len(order), np.nan)
        has_other = ~first[head]
        replaced[has_other] = values[head[has_other] - 1]
        keep = np.concatenate([~same, [True]])[: len(order)]
        rows = order[keep]
        return cls(
            station=station,
            parameters=names,
            series=series[keep],
            time=sorted_times[keep],
            value=values[keep],
            status=each(status, object)[rows],
            unit=each(unit, object)[rows],
            version=versions[rows],
            replaced=replaced[keep],
            flag=each(flag, np.uint8)[rows],
            line=lines[rows],
            text=each(text, object)[rows],
        )

    @classmethod
    def of_sets(cls, station: str, sets: Iterable[ReadingSet | FlaggedSet]) -> Self:
        """Build from the sets of a station, whether they have been judged or not; others are left out."""
        rows = [
            (reading, reading_version(each.received_at, _revision(each)))
            for each in sets
            if each.station == station
            for reading in each.readings
        ]
        readings = [reading for reading, _ in rows]
        return cls.of(
            station,
            parameter=texts([reading.parameter for reading in readings]),
            time=[reading.measured_at.timestamp() for reading in readings],
            value=[reading.value for reading in readings],
            status=texts([reading.status for reading in readings]),
            unit=texts([reading.unit for reading in readings]),
            version=[version for _, version in rows],
            flag=[each.flag if isinstance(each, FlaggedReading) else NOT_JUDGED for each in readings],
            line=[reading.line for reading in readings],
            text=texts([reading.text for reading in readings]),
        )


def _revision(each: ReadingSet | FlaggedSet) -> int:
    return each.revision if isinstance(each, FlaggedSet) else 0


def texts(given: Sequence[str | None]) -> Texts:
    """Turn texts into a column."""
    return np.array(given, dtype=object)


def instant(seconds: float) -> datetime:
    """Return the time (UTC) of seconds since 1970.

    >>> instant(1774414800.0).isoformat()
    '2026-03-25T05:00:00+00:00'
    """
    return datetime.fromtimestamp(seconds, UTC)
