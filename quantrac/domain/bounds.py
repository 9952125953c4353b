"""What a value may be, so that every table can hold it as it is: the one description for doors and tables.

The contracts (``schemas.messages``) and the parser take their bounds from here; a contract test holds them
against the types of the ClickHouse columns.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

UINT16 = 2**16 - 1
"""The greatest UInt16: revisions."""
UINT32 = 2**32 - 1
"""The greatest UInt32: line numbers, counts, versions of averages and alerts."""
UINT64 = 2**64 - 1
"""The greatest UInt64: versions of readings."""

FILE_NAME_LENGTH = 255
"""Bytes of a file's name in UTF-8: what file systems take."""
NAME_LENGTH = 64
"""Characters of a station's code, a parameter and a unit, which are keys and travel in statements."""


_NO_OFFSET = timedelta()
_SECOND, _MILLISECOND, _MICROSECOND = 1_000_000, 1_000, 1


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The times of one kind; all UTC."""

    first: datetime
    last: datetime
    step: int
    """Microseconds, the smallest difference between two of them."""

    def problem(self, time: datetime) -> str:
        """Return why ``time`` is not one of these times, as the end of a sentence; empty where it is.

        >>> MEASURED.problem(datetime(1969, 12, 31, tzinfo=UTC))
        'must not lie before 1990-01-01T00:00:00Z'
        """
        if time.tzinfo is UTC and self.first <= time <= self.last and not time.microsecond % self.step:
            return ""  # nearly always
        if time.utcoffset() != _NO_OFFSET:
            return "must be in UTC"
        if time < self.first:
            return f"must not lie before {_text(self.first)}"
        if time > self.last:
            return f"must not lie after {_text(self.last)}"
        if time.microsecond % self.step:
            return f"must be in whole {'seconds' if self.step == _SECOND else 'milliseconds'}"
        return ""


DATETIME = TimeRange(datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC), _SECOND)
"""What a ``DateTime`` can state: 32 bits of seconds."""

DATETIME64 = TimeRange(
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2299, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    _MICROSECOND,
)
"""What a ``DateTime64(3)`` can state, from 1970 on; it keeps the milliseconds."""

MEASURED = TimeRange(
    # No automatic station in the country is older.
    datetime(1990, 1, 1, tzinfo=UTC),
    # The end of Vietnam's year 2105, the last whose averages end within a DateTime.
    datetime(2105, 12, 31, 16, 59, 59, tzinfo=UTC),
    _SECOND,
)
"""Times of measurement: within ``DateTime``, and so that every average they enter is as well."""

RECEIVED = TimeRange(DATETIME64.first, DATETIME64.last, _MILLISECOND)
"""Times of receipt: within ``DateTime64(3)``, and in whole milliseconds, since one names a file and is the
version of its readings: 1024 times its milliseconds, plus a revision, fits UInt64."""

MEASURED_AHEAD = timedelta(days=366)
"""A time of measurement may lie so far after its receipt: a clock wrong by less is a reading to be flagged,
not a line to be refused."""


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds" if time.microsecond else "seconds").replace("+00:00", "Z")
