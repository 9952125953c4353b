"""A history in memory: what the sink stores and rejudging reads, without a database."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from quantrac.domain.ids import reading_version
from quantrac.domain.qa.baseline import blocks
from quantrac.domain.qa.baseline.blocks import NOTHING, BlockStatistics, StationStatistics
from quantrac.domain.qa.baseline.neighbour_hours import HourMedians, hour_medians
from quantrac.domain.qa.shared_rules import has_wrong_clock
from quantrac.domain.qa.station_readings import StationReadings
from quantrac.domain.qa.stored.history import FileHead
from quantrac.domain.qa.stored.span import judge_span
from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.readings import FlaggedSet
from quantrac.domain.times import DAY, HOUR, to_seconds

_Key = tuple[str, float, int]
"""Parameter, time and version of a reading."""
_COLUMNS = (
    *("parameter", "time", "version", "value", "status", "unit", "flag", "line", "text", "qualifier"),
    "imported",
)


class HistoryInMemory:
    """Satisfies :class:`quantrac.domain.qa.stored.history.History`; the highest version of a reading wins."""

    def __init__(self) -> None:
        self._days: defaultdict[tuple[str, int], dict[_Key, tuple[Any, ...]]] = defaultdict(dict)
        self._newest: defaultdict[str, float] = defaultdict(lambda: -np.inf)
        self._statistics: defaultdict[str, dict[str, BlockStatistics]] = defaultdict(dict)
        self._files: dict[tuple[str, int], FileHead] = {}

    def insert(self, flagged: FlaggedSet) -> None:
        """Store a judged set, as the sink does; the same set twice is stored once."""
        version = reading_version(flagged.received_at, flagged.revision)
        self._files[flagged.station, reading_version(flagged.received_at)] = FileHead(
            flagged.file_id, flagged.file_name, flagged.account, flagged.transport, flagged.format
        )
        for reading in flagged.readings:
            time = to_seconds(reading.measured_at)
            row = (
                reading.parameter,
                time,
                version,
                reading.value,
                reading.status,
                reading.unit,
                reading.flag,
                reading.line,
                reading.text,
                reading.qualifier,
                flagged.is_imported,
            )
            self._days[flagged.station, int(time // DAY)][row[:3]] = row
            if not has_wrong_clock(time, to_seconds(flagged.received_at)):
                self._newest[flagged.station] = max(self._newest[flagged.station], time)

    def store(self, station: str, changed: StationStatistics) -> None:
        """Store statistics that changed."""
        for code, statistics in changed.items():
            stored = self._statistics[station].get(code, NOTHING)
            for row, block in enumerate(statistics.block.tolist()):
                stored = blocks.merged(stored, statistics.take(slice(row, row + 1)), block, block)
            self._statistics[station][code] = stored

    def readings(self, station: str, start: float, end: float) -> StationReadings:
        """Return the readings measured in ``[start, end)``, seconds since 1970 UTC."""
        days = (self._days.get((station, day), {}) for day in range(int(start // DAY), int(end // DAY) + 1))
        rows = [row for day in days for row in day.values() if start <= row[1] < end]
        columns = zip(*rows, strict=True) if rows else [()] * len(_COLUMNS)
        return StationReadings.of(station, **dict(zip(_COLUMNS, columns, strict=True)))

    def newest(self, station: str) -> float:
        """Return the time of the newest reading whose clock may be right; -inf where there is none."""
        return self._newest[station]

    def newest_before(self, station: str, time: float) -> float:
        """Return the time of the newest such reading before ``time``."""
        days = sorted((day for name, day in self._days if name == station), reverse=True)
        parts = (self.readings(station, day * DAY, min(time, (day + 1) * DAY)).newest for day in days)
        return next((newest for newest in parts if newest > -np.inf), -np.inf)

    def statistics(self, station: str, first: int, last: int) -> StationStatistics:
        """Return the stored statistics of the blocks ``first`` to ``last``."""
        return {code: series.within(first, last) for code, series in self._statistics[station].items()}

    def hours(self, stations: Sequence[str], first: int, last: int) -> list[HourMedians]:
        """Return of each station the medians of its finished hours ``first`` to ``last``."""
        return [
            hour_medians(self.readings(station, first * HOUR, (last + 1) * HOUR), self._newest[station])
            for station in stations
        ]

    def files(self, station: str, received: Collection[datetime]) -> Mapping[datetime, FileHead]:
        """Return the files received at these times."""
        heads = {at: self._files.get((station, reading_version(at))) for at in received}
        return {at: head for at, head in heads.items() if head is not None}

    def flags(self, station: str) -> dict[tuple[str, float], int]:
        """Return the flag of every stored reading by parameter and time."""
        days = [day for name, day in self._days if name == station]
        everything = self.readings(station, min(days) * DAY, (max(days) + 1) * DAY)
        keys = zip(everything.parameter.tolist(), everything.time.tolist(), strict=True)
        return dict(zip(keys, everything.flag.tolist(), strict=True))


def statistics_of(readings: StationReadings, expectations: Expectations) -> StationStatistics:
    """Return the statistics of all blocks of a station's readings, whether they are finished or not."""
    judged = judge_span(readings, expectations)
    statistics = blocks.summarize(readings.series, readings.time, readings.value, judged.clean)
    return {readings.parameters[index]: series for index, series in statistics.items()}
