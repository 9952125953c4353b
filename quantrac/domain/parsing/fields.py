"""The time column."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from quantrac.domain.bounds import MEASURED, MEASURED_AHEAD
from quantrac.domain.parsing.reasons import ParseError, Reason
from quantrac.domain.parsing.targets import Names, Targets
from quantrac.domain.written_times import read_digits


class Times(dict[str, tuple[datetime, Targets]]):
    """Time column → UTC and the names registered then; nearly always one entry a file."""

    def __init__(self, names: Names, received_at: datetime) -> None:
        super().__init__()
        self._names = names
        self._latest = min(received_at + MEASURED_AHEAD, MEASURED.last)

    def __missing__(self, text: str) -> tuple[datetime, Targets]:
        measured_at = to_utc(text, self._names.zone)
        if not MEASURED.first <= measured_at <= self._latest:
            raise ParseError(Reason.TIME_OUT_OF_RANGE, text=text)
        self[text] = measured_at, self._names.targets_at(measured_at)
        return self[text]


@lru_cache(maxsize=1024)  # the country's files of one interval say the same time
def to_utc(text: str, zone: ZoneInfo) -> datetime:
    """Read yyyyMMddHHmmss, or 12 digits without seconds, in the station's clock; 24:00 is midnight."""
    try:
        return read_digits(text.strip()).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParseError(Reason.BAD_TIME, text=text) from None
