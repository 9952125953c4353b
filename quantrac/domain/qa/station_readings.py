"""A station's readings in columns, as the store keeps them: what the batch form judges.

One row a parameter and time. Of several versions of one reading the newest counts, as in the store: the one
received last, of one file its last re-judgement. What a version received earlier said stands in
``replaced``; a line that another line of the same file repeats leaves no trace, because the two have one
version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain, repeat
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.ids import reading_version, received_of, revision_of
from quantrac.domain.qa.shared_rules import has_wrong_clock
from quantrac.domain.qa.window import Bools, Floats, Indices, Outcomes, Texts
from quantrac.domain.qualifiers import NO_QUALIFIER
from quantrac.domain.readings import FlaggedReadings, FlaggedSet, ReadingSet
from quantrac.domain.times import to_seconds

Integers: TypeAlias = NDArray[np.int64]

NOT_JUDGED = 0
"""Stored flag of a reading that has none yet."""
NO_VERSION = 0
"""Version of a reading of which nobody knows when it was received."""


@dataclass(frozen=True, slots=True)
class StationReadings:
    """``n`` readings of one station, sorted by parameter, then time; each parameter and time once."""

    station: str
    parameters: tuple[str, ...]
    """Codes in order."""
    series: Indices
    """(n,) index of the parameter in ``parameters``."""
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
    """(n,) the value as it stood in the file; empty where the value says it itself (:meth:`text_of`)."""
    qualifier: Texts
    """(n,) :data:`quantrac.domain.qualifiers.Qualifier`."""
    is_imported: Bools
    """(n,) whether it came as history."""

    def __len__(self) -> int:
        return len(self.time)

    @property
    def is_qualified(self) -> Bools:
        """Tell of which readings (n,) the value is a limit of the method."""
        has_qualifier: Bools = self.qualifier != NO_QUALIFIER
        return has_qualifier

    @property
    def received(self) -> Floats:
        """When the file was received, (n,) seconds since 1970 UTC in whole milliseconds; NaN if unknown."""
        return np.where(self.version == NO_VERSION, np.nan, received_of(self.version) / 1000)

    @property
    def wrong_clock(self) -> Bools:
        """Tell which readings (n,) were stamped by a clock that cannot be right.

        They are judged without a past and are no past, and no part of a baseline.
        """
        return has_wrong_clock(self.time, self.received)

    @property
    def revision(self) -> Integers:
        """Which judgement of the file it is, (n,); 0 is the first."""
        return revision_of(self.version)

    @property
    def parameter(self) -> Texts:
        """(n,) code of each row."""
        return np.array([*self.parameters, None], dtype=object)[self.series]

    @property
    def newest(self) -> float:
        """Time of the newest reading whose clock may be right; -inf where there is none."""
        return float(self.time[~self.wrong_clock].max(initial=-np.inf))

    def take(self, rows: Indices | Bools | slice) -> "StationReadings":
        """Return some of the rows, in the order they have."""
        names = [field.name for field in fields(self)[2:]]
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def text_of(self, row: int) -> str:
        """Return the value of a row as it stood in the file."""
        text: str = self.text[row]
        return text or shortest_decimal(float(self.value[row]))

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
        qualifier: ArrayLike = NO_QUALIFIER,
        imported: ArrayLike = False,
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

        def spread(values: ArrayLike, kind: Any) -> Any:
            return np.broadcast_to(np.asarray(values, dtype=kind), len(times))

        codes = spread(parameter, object).tolist()
        parameters = tuple(sorted(set(codes)))
        index_of = {code: index for index, code in enumerate(parameters)}
        series = np.array([index_of[code] for code in codes], dtype=np.intp)
        versions, lines = spread(version, np.int64), spread(line, np.int64)
        order = np.lexsort((lines, versions, times, series))
        # From here on (n,) in order: by parameter and time, of one reading the newest version last.
        values = spread(value, np.float64)[order]
        series, sorted_times, files = series[order], times[order], received_of(versions[order])
        same = (series[1:] == series[:-1]) & (sorted_times[1:] == sorted_times[:-1])
        # The first row of the file that each row came in, and whether it is the first of its reading.
        changed = np.concatenate([[True], ~same | (files[1:] != files[:-1])])
        head = np.maximum.accumulate(np.where(changed, np.arange(len(order)), 0)) if len(order) else order
        first = np.concatenate([[True], ~same])[: len(order)]
        # Before the head stands another file's value of the same reading, if there is one.
        replaced = np.full(len(order), np.nan)
        has_other = ~first[head]
        replaced[has_other] = values[head[has_other] - 1]
        newest = np.concatenate([~same, [True]])[: len(order)]
        rows = order[newest]
        return cls(
            station=station,
            parameters=parameters,
            series=series[newest],
            time=sorted_times[newest],
            value=values[newest],
            status=spread(status, object)[rows],
            unit=spread(unit, object)[rows],
            version=versions[rows],
            replaced=replaced[newest],
            flag=spread(flag, np.uint8)[rows],
            line=lines[rows],
            text=spread(text, object)[rows],
            qualifier=spread(qualifier, object)[rows],
            is_imported=spread(imported, np.bool_)[rows],
        )

    @classmethod
    def of_sets(cls, station: str, sets: Iterable[ReadingSet | FlaggedSet]) -> Self:
        """Build from the sets of a station, whether they have been judged or not; others are left out."""
        sets = [s for s in sets if s.station == station]
        parts = [s.readings for s in sets]

        def column(name: str) -> list[Any]:
            return list(chain.from_iterable(getattr(readings, name) for readings in parts))

        flags = (r.flag if isinstance(r, FlaggedReadings) else [NOT_JUDGED] * len(r) for r in parts)
        return cls.of(
            station,
            parameter=texts(column("parameter")),
            time=[to_seconds(time) for time in column("measured_at")],
            value=column("value"),
            status=texts(column("status")),
            unit=texts(column("unit")),
            version=[version for s in sets for version in repeat(_version(s), len(s.readings))],
            flag=list(chain.from_iterable(flags)),
            line=column("line"),
            text=texts(column("text")),
            qualifier=texts(column("qualifier")),
            imported=[s.is_imported for s in sets for _ in s.readings.line],
        )


def _version(s: ReadingSet | FlaggedSet) -> int:
    return reading_version(s.received_at, s.revision if isinstance(s, FlaggedSet) else 0)


def texts(values: Sequence[str | None]) -> Texts:
    """Turn texts into a column."""
    return np.array(values, dtype=object)
