"""The two long lists as plain data: written so, 2,000 readings take 4 ms instead of 17 as pydantic models.

``models`` states the form; ``tests/unit/test_api_answers.py`` holds both together.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import Response

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.readings import Flag
from quantrac.domain.stations import Station

Row = Mapping[str, Any]

_FLAG_NAMES = {flag.value: flag.name.lower().replace("_", " ") for flag in Flag}


class PlainJson(Response):
    """Plain data as JSON, times in UTC with ``Z``."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write the body."""
        return orjson.dumps(content, option=orjson.OPT_UTC_Z)


def reading(row: Row, station: Station) -> dict[str, Any]:
    """Present a row of ``readings`` as :class:`services.api.models.Reading`."""
    return {
        **row,
        "text": row["text"] or shortest_decimal(row["value"]),
        "measured_at_local": row["measured_at"].astimezone(zone_of(station.timezone)),
        "grid_at": station.grid_time(row["measured_at"]),
        "flag_name": flag_name(row["flag"]),
        "tests": _outcomes(row["tests"]),
    }


def flag_name(flag: int) -> str:
    """Return a QARTOD flag in words.

    >>> flag_name(2), flag_name(7)
    ('not evaluated', 'unknown')
    """
    return _FLAG_NAMES.get(flag, "unknown")


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name."""
    return ZoneInfo(name)


def average(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    """Present a row of ``averages`` as :class:`services.api.models.Average`."""
    return {
        **row,
        "starts_at_local": row["starts_at"].astimezone(zone),
        "ends_at_local": row["ends_at"].astimezone(zone),
        "complete": bool(row["complete"]),
    }


@lru_cache(maxsize=4096)  # a few dozen combinations of outcomes make up nearly all readings
def _outcomes(tests: str) -> dict[str, int]:
    outcomes: dict[str, int] = orjson.loads(tests or "{}")
    return outcomes
