"""Stations, what they measure and how often."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from quantrac.domain.bounds import MEASURED
from quantrac.domain.numbers import DecimalSign
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.registry.intervals import Interval, Intervals
from quantrac.domain.registry.permits import Permit
from quantrac.domain.registry.pollution import KnownPollution, Pollution
from quantrac.domain.registry.validity import Valid, change_times
from quantrac.domain.stamps import MiddleOffset, Stamps, middle_offset, middles, start_offset
from quantrac.domain.times import DAY_DELTA, from_seconds, to_seconds, to_whole_seconds


class StationType(StrEnum):
    """The media of Circular 10/2021/TT-BTNMT; never derived from a station's code."""

    AMBIENT_AIR = "ambient-air"
    STACK = "stack"
    SURFACE_WATER = "surface-water"
    GROUNDWATER = "groundwater"
    WASTEWATER = "wastewater"


@dataclass(frozen=True, slots=True)
class WarningLevels:
    """Values from which a duty officer is told, long before any average is judged; ``None`` = not told.

    A level that counts downwards (dissolved oxygen) has its largest value first.
    """

    tendency: float | None = None
    preparing: float | None = None
    exceeded: float | None = None


@dataclass(frozen=True, slots=True)
class StationParameter(Valid):
    """One parameter that a station measures."""

    code: str
    """Catalogue code, such as ``PM2.5``."""
    unit: str
    """Unit the values are kept in, in the catalogue's spelling."""
    file_names: tuple[str, ...] = ()
    """Names the station's files use, beside the code and the catalogue's aliases."""
    file_unit: str | None = None
    """Unit to take where the file's unit column is empty; ``None`` takes ``unit``."""
    unit_override: tuple[tuple[str, str], ...] = ()
    """(unit as the files write it, unit it really is), where the logger is known to write a wrong one."""
    range_low: float | None = None
    range_high: float | None = None
    """Equipment range (LRV, URV) in ``unit``."""
    warning_levels: WarningLevels | None = None
    """In ``unit``; ``None`` derives them from the limit that applies."""
    counter: bool = False
    """Whether its values are a running sum, such as the rain of the day so far."""


@dataclass(frozen=True, slots=True)
class StampMeaning(Valid):
    """What the stamps of a station's readings mean."""

    at: Stamps
    seconds: int | None = None
    """Length of what was averaged; ``None`` = the station's interval of then."""


@dataclass(frozen=True, slots=True)
class Station(Valid):
    """One automatic station."""

    code: str
    name: str
    name_en: str
    type: StationType
    province: str
    """Code of Decision 19/2025/QĐ-TTg (``01`` = Hà Nội)."""
    latitude: float
    longitude: float
    interval_seconds: int
    """Distance between two files."""
    intervals: tuple[Interval, ...] = ()
    """Where it was another one: spans that win over ``interval_seconds``."""
    stamps: tuple[StampMeaning, ...] = ()
    """No two are valid at once; where none is, a stamp names an instant."""
    publish_index: bool = False
    """Whether VN_AQI or VN_WQI is made of it; a station that only serves as a reference publishes none."""
    timezone: str = "Asia/Ho_Chi_Minh"
    aliases: tuple[str, ...] = ()
    """Other station codes its file names carry."""
    file_patterns: tuple[str, ...] = ()
    """Parts of its files' names, or globs where they hold ``*`` or ``?``, for names that state no code."""
    encoding: str = "utf-8"
    """Of its files, where they have no BOM: ``utf-8`` or ``cp1258`` (Windows, Vietnamese)."""
    decimal_sign: DecimalSign | None = None
    """Of its numbers, the other sign then dividing thousands; ``None`` where each file shows it."""
    parameters: tuple[StationParameter, ...] = ()
    maintenance: tuple[Decision, ...] = ()
    """Spans known beforehand in which its readings are not of the environment."""
    withdrawn: tuple[Decision, ...] = ()
    """Parameters that were a mistake, each as a decision that its readings are missing."""
    permits: tuple[Permit, ...] = ()
    """What its averages are judged by; where none is valid, the rows of its medium that need no choice."""
    pollution: tuple[KnownPollution, ...] = ()
    """What is known of the water body that it measures; decides how VN_WQI is computed."""
    facility_since: datetime | None = None
    """When the facility it watches began to exist or had its first licence, whichever was first (UTC).

    A replaced standard goes on for facilities older than the new one. ``None`` = since its first permit.
    """

    @property
    def all_intervals(self) -> Intervals:
        """The distance between two files at every time."""
        return Intervals(self.interval_seconds, self.intervals)

    def interval_at(self, time: datetime) -> int:
        """Return the distance between two files at a time (UTC), in seconds."""
        return self.all_intervals.at(time)

    def mean_span(self, measured_at: datetime) -> tuple[datetime, datetime]:
        """Return start and end of what a reading with this stamp is the mean of; the same time twice of an
        instant.
        """
        stamps, length = self._meaning_at(measured_at)
        start = measured_at + timedelta(seconds=start_offset(stamps, length))
        return start, start + timedelta(seconds=0 if stamps is Stamps.INSTANT else length)

    def middle_of(self, measured_at: datetime) -> datetime:
        """Return the time (UTC) whose hour and day a reading with this stamp counts in."""
        seconds = to_whole_seconds(measured_at)
        return measured_at + timedelta(seconds=middles(seconds, self.middle_offsets()) - seconds)

    def middle_offsets(self) -> tuple[MiddleOffset, ...]:
        """Return how far from the stamps the middles lie, in order of time; nothing where all are instants.

        A stamp within a day of the bounds of times of measurement is its own middle, so that every average it
        enters keeps within them.
        """
        if not self.stamps:
            return ()
        first, last = MEASURED.first + DAY_DELTA, MEASURED.last - DAY_DELTA
        changes = change_times((*self.stamps, *self.intervals))
        cuts = [first, *sorted(at for at in changes if first < at < last), last]
        offsets = (
            # Stamps are whole seconds, and the first one at or after a cut begins the span.
            MiddleOffset(
                math.ceil(to_seconds(start)),
                math.ceil(to_seconds(end)),
                middle_offset(*self._meaning_at(start)),
            )
            for start, end in pairwise(cuts)
        )
        return tuple(offset for offset in offsets if offset.seconds)

    def stamps_at(self, time: datetime) -> Stamps:
        """Return which time of what is averaged stamps name at a time (UTC)."""
        return self._meaning_at(time)[0]

    def _meaning_at(self, time: datetime) -> tuple[Stamps, int]:
        """Return which time stamps name, and the seconds of what is averaged; 0 of instants."""
        meaning = next((meaning for meaning in self.stamps if meaning.valid_at(time)), None)
        if meaning is None:
            return Stamps.INSTANT, 0
        return meaning.at, meaning.seconds or self.interval_at(time)

    def grid_time(self, measured_at: datetime) -> datetime:
        """Return the step of the interval of then that is nearest to a time (UTC): loggers stamp seconds off.

        Steps are counted from midnight UTC, which is one of every interval that divides an hour. Half-way
        between two it is the later one, so that readings an interval apart lie at different steps.
        """
        interval = self.interval_at(measured_at)
        return from_seconds(math.floor(to_seconds(measured_at) / interval + 0.5) * interval)

    def pollution_at(self, time: datetime) -> frozenset[Pollution]:
        """Return the pollution of its water body that is known at a time (UTC)."""
        return frozenset(entry.kind for entry in self.pollution if entry.valid_at(time))

    @property
    def counters(self) -> frozenset[str]:
        """Codes of the parameters that are counters at some time."""
        return frozenset(entry.code for entry in self.parameters if entry.counter)

    def parameter(self, code: str, time: datetime) -> StationParameter | None:
        """Return the entry for a catalogue code valid at ``time`` (UTC), or ``None``."""
        for entry in self.parameters:
            if entry.code == code and entry.valid_at(time):
                return entry
        return None
