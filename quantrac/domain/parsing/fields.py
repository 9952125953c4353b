"""Single columns: numbers and times."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from zoneinfo import ZoneInfo

from quantrac.domain.bounds import MEASURED, MEASURED_AHEAD
from quantrac.domain.parsing.reasons import ParseError, Reason
from quantrac.domain.parsing.targets import Names, Targets

_DECIMAL_COMMA = re.compile(r"\s*([+-]?\d+),(\d+)\s*", re.ASCII)


def to_number(text: str) -> float:
    """Read a decimal number: sign, point, exponent, any number of digits; a lone comma as decimal sign.

    Raises :class:`ParseError` for all else, also for what ``float`` would take: NaN, infinity, ``1_000``,
    digits of other scripts, numbers past the range of a double.

    >>> to_number("-1.60"), to_number("7,85")
    (-1.6, 7.85)
    """
    try:
        value = float(text)
    except ValueError:
        comma = _DECIMAL_COMMA.fullmatch(text)
        if comma:
            return float(f"{comma[1]}.{comma[2]}")
    else:
        if isfinite(value) and "_" not in text and text.isascii():
            return value
    raise ParseError(Reason.VALUE_NOT_A_NUMBER, text=text)


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
    """Read yyyyMMddHHmmss, or 12 digits without seconds, in the station's clock.

    Positions, not ``strptime``: that takes ten times as long and accepts single digits.
    """
    digits = text.strip()
    if len(digits) not in (12, 14) or not (digits.isascii() and digits.isdigit()):
        raise ParseError(Reason.BAD_TIME, text=text)
    year, *rest = int(digits[:4]), *(int(digits[i : i + 2]) for i in range(4, len(digits), 2))
    try:
        return datetime(year, *rest, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type, misc]
    except (ValueError, OverflowError):
        raise ParseError(Reason.BAD_TIME, text=text) from None
