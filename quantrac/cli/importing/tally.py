"""What reading gives, counted by station and parameter, and what it does not, by reason with an example."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from quantrac.cli.shown_times import show_time
from quantrac.domain.parsing import ParsedFile
from quantrac.domain.registry.stations import Station
from quantrac.domain.times import to_seconds


@dataclass(slots=True)
class SeriesCount:
    """Readings of one parameter of a station."""

    readings: int = 0
    first: datetime | None = None
    """UTC."""
    last: datetime | None = None


@dataclass(slots=True)
class RejectCount:
    """Rejects of one reason of a station, with the first as an example."""

    lines: int = 0
    example: str = ""


@dataclass(slots=True)
class Tally:
    """Counts, filled file by file."""

    series: dict[tuple[str, str], SeriesCount] = field(default_factory=dict)
    """By station and parameter."""
    rejects: dict[tuple[str, str], RejectCount] = field(default_factory=dict)
    """By station and reason."""

    def add(self, station: str, parsed: ParsedFile) -> None:
        """Count what a file gave."""
        readings = parsed.readings
        for parameter, measured_at in zip(readings.parameter, readings.measured_at, strict=True):
            count = self.series.setdefault((station, parameter), SeriesCount())
            count.readings += 1
            count.first = min(count.first or measured_at, measured_at)
            count.last = max(count.last or measured_at, measured_at)
        for reject in parsed.rejects:
            rejects = self.rejects.setdefault((station, reject.reason), RejectCount())
            rejects.lines += 1
            rejects.example = rejects.example or f"{parsed.name}, line {reject.line}: {reject.detail}"


def describe_interval(station: Station, parsed: ParsedFile) -> str:
    """Say what the registry lacks where readings are further apart than it says; empty where they are not.

    ``parsed`` is a part of the station's history with some rows.
    """
    times = np.unique([to_seconds(time) for time in parsed.readings.measured_at])
    if len(times) < 3:
        return ""
    step = round(float(np.median(np.diff(times))))
    first = parsed.readings.measured_at[0]
    expected = station.interval_at(first)
    if step <= expected:
        return ""
    minutes, usual = f"{step / 60:g}", f"{expected / 60:g}"
    return (
        f"{station.code}: readings are {minutes} min apart, and the registry expects one every {usual} min: "
        "hours would have complete 0. Put into the station's entry, with the dates it holds for: "
        f"intervals: [{{minutes: {minutes}, valid_to: ...}}]"
    )


def describe_tally(tally: Tally) -> Iterator[str]:
    """Yield the lines of a report."""
    for (station, parameter), count in sorted(tally.series.items()):
        first, last = (show_time(time) if time else "" for time in (count.first, count.last))
        yield f"  {station}  {parameter}: {count.readings:,} readings, {first} to {last}"
    for (station, reason), rejects in sorted(tally.rejects.items()):
        yield f"  {station}  {rejects.lines:,} rejected, {reason}; such as {rejects.example}"
