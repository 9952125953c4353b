"""What one station file becomes: readings, rejects, and readings with their flags.

All times are UTC and timezone-aware. Values are in the unit named beside them; the text is what stood in
the file, so that a value can always be traced to its bytes.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum


class Flag(IntEnum):
    """QARTOD primary level flags (IOOS QARTOD manual, "Flags for time series data", 2020)."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


@dataclass(slots=True)
class Reading:
    """One value of one parameter at one time, as a station file stated it."""

    line: int
    """Line number in the file, counted from 1."""
    parameter: str
    """Catalogue code (``PM2.5``), or the name as sent where no registry entry translates it."""
    value: float
    """In ``unit``; equal to ``text`` unless a unit conversion applied."""
    text: str
    """The value column exactly as it stood in the file."""
    unit: str
    """Unit of ``value``; empty for dimensionless parameters such as pH."""
    measured_at: datetime
    """UTC, seconds kept as sent."""
    status: str
    """Device status as sent: 00 measuring, 01 calibrating, 02 device error; 00 where none was sent."""


@dataclass(slots=True)
class Reject:
    """One line that gave no reading, kept with its reason."""

    line: int
    """Line number in the file, counted from 1; 0 when the whole file is meant."""
    text: str
    """The line as read, cut to 500 characters."""
    reason: str
    """A stable code such as ``value-not-a-number``; the list is in ``quantrac.domain.parsing``."""
    detail: str = ""
    """One sentence for a person."""


@dataclass(slots=True)
class ReadingSet:
    """Everything one file gave: the value of one ``parsed-reading`` message."""

    station: str
    """Station code; empty when no station could be assigned."""
    file_id: str
    """SHA-256 of the file's bytes, lower-case hex."""
    file_name: str
    account: str
    transport: str
    received_at: datetime
    format: str
    """Name of the dialect that read the file; empty when nothing was readable."""
    readings: list[Reading] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(slots=True)
class FlaggedReading(Reading):
    """A reading with the outcome of every quality test."""

    flag: int
    """The worst of the outcomes (:class:`Flag`)."""
    tests: dict[str, int]
    """Outcome of each test by name (:class:`Flag`); readings with the same outcomes share one dictionary, so
    it is not to be changed."""
    equal_since: datetime | None
    """Since when the series has shown this very value (UTC); carries the flat-line memory across restarts.
    ``None`` where that was not known for sure when the reading was judged."""


@dataclass(slots=True)
class Provisional:
    """A span of a station whose flags the judge of arrivals could not know for sure."""

    start: datetime
    """UTC, inclusive."""
    end: datetime
    """UTC, exclusive."""
    causes: list[str]
    """In order, of: ``block`` (a block of time is over and can enter the baseline, or its bounds had not
    come), ``companion`` (a parameter that a test compares with came in another file), ``late`` (not newer
    than the newest of its series, or one such reading left the run of equal values unsure), ``memory`` (what
    came before is not remembered), ``neighbours`` (an hour is over)."""


@dataclass(slots=True)
class FlaggedSet:
    """A reading set after the validator: the value of one ``qa-flagged`` message."""

    station: str
    file_id: str
    file_name: str
    account: str
    transport: str
    received_at: datetime
    format: str
    rules: str
    """Version (content hash) of the rule set that judged its first reading."""
    readings: list[FlaggedReading] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    revision: int = 0
    """0 for the first judgement of a file; a higher one holds only readings whose flag has changed."""
    cause: str = ""
    """Why it was judged again; empty for the first judgement."""
    provisional: Provisional | None = None
    """What has to be judged again from the stored readings, ``None`` where these flags are final."""
