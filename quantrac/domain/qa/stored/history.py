"""What the store knows of a station, as rejudging asks for it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from quantrac.domain.qa.baseline.blocks import StationStatistics
from quantrac.domain.qa.baseline.neighbour_hours import HourMedians
from quantrac.domain.qa.station_readings import StationReadings


@dataclass(frozen=True, slots=True)
class FileHead:
    """The file that readings came in, as a flagged set names it."""

    file_id: str
    file_name: str
    account: str
    transport: str
    format: str


class History(Protocol):
    """What is stored. Raises whatever the store raises when it is away."""

    def readings(self, station: str, start: float, end: float) -> StationReadings:
        """Return the readings measured in ``[start, end)``, with older versions in ``replaced``."""

    def newest(self, station: str) -> float:
        """Return the time of the newest reading whose clock may be right; -inf where there is none."""

    def newest_before(self, station: str, time: float) -> float:
        """Return the time of the newest such reading before ``time``."""

    def statistics(self, station: str, first: int, last: int) -> StationStatistics:
        """Return the stored statistics of the blocks ``first`` to ``last`` by parameter."""

    def hours(self, stations: Sequence[str], first: int, last: int) -> list[HourMedians]:
        """Return of each station the medians of its finished hours ``first`` to ``last`` (seconds since 1970
        / 3600), as
        :func:`quantrac.domain.qa.baseline.neighbour_hours.hour_medians` defines them.
        """

    def files(self, station: str, received: Collection[datetime]) -> Mapping[datetime, FileHead]:
        """Return the files received at these times (UTC, milliseconds)."""
