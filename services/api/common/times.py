"""Times in a query string and in a link, ISO 8601 with a zone, and time zones."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BeforeValidator

from quantrac.domain.written_times import read_iso

# "+" in a query string means a blank unless written %2B, which people forget.
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:?\d\d$)")


def parse_time(text: object) -> datetime:
    """Read a time; raises ``ValueError`` in one sentence when it is none or has no zone.

    >>> parse_time("2026-03-25T00:05:00+07:00").isoformat()
    '2026-03-24T17:05:00+00:00'
    """
    text = str(text)
    try:
        time = read_iso(_LOST_PLUS.sub("+", text) if "T" in text else text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is not a time in ISO 8601, such as 2026-03-25T00:05:00+07:00") from error
    raise ValueError(f"{text!r} has no time zone: end it with Z or an offset such as +07:00")


QueryTime = Annotated[AwareDatetime, BeforeValidator(parse_time)]
"""A time with its zone in a query string."""


def iso(time: datetime) -> str:
    """Write a time in UTC.

    >>> iso(datetime(2026, 3, 24, 17, 5, tzinfo=UTC))
    '2026-03-24T17:05:00Z'
    """
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=64)
def time_zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name."""
    return ZoneInfo(name)
