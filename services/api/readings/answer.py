"""Readings as they are answered."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from pydantic import Field

from quantrac.domain.decimals import shortest_decimal
from quantrac.domain.qualifiers import Qualifier
from quantrac.domain.readings import Flag
from quantrac.domain.registry.stations import Station
from services.api.common.answers import AnswerModel, Row
from services.api.common.times import time_zone

_FLAG_NAMES = {flag.value: flag.words for flag in Flag}


class Reading(AnswerModel):
    """One value of one parameter at one time."""

    station: str
    parameter: str
    """Catalogue code."""
    value: float
    """In `unit`."""
    text: str
    """The value as it stood in the file, before any conversion of its unit."""
    unit: str
    """Unit of `value`; empty = dimensionless."""
    measured_at: datetime
    """UTC, seconds as sent: the stamp. What it means, and so in which hour the reading counts, the registry
    says (`/stations/{code}`, `stamps`)."""
    measured_at_local: datetime
    """On the station's clock."""
    grid_at: datetime
    """The step of the station's interval that it is nearest to, UTC."""
    status: str
    """Device status as sent: 00 measuring, 01 calibrating, 02 device error."""
    qualifier: Qualifier
    """`<` or `>` where the true value lies beyond `value`, a limit of the method; else empty."""
    flag: int
    """QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing; the worst of `tests`, or a decision."""
    flag_name: str = Field(examples=["good"])
    """The flag in words."""
    tests: dict[str, int]
    """Outcome of each quality test, as a QARTOD flag."""
    rules: str
    """Version of the rule set that judged it."""
    received_at: datetime
    """When the whole file was here, UTC."""
    line: int
    """Line in the file, from 1."""


class Readings(AnswerModel):
    """A page of readings."""

    items: list[Reading]
    next: str | None
    """Link to the next page; null on the last."""


class StationLatest(AnswerModel):
    """The latest reading of each parameter of one station."""

    station: str
    items: list[Reading]
    """By parameter."""


def present_reading(row: Row, station: Station) -> dict[str, Any]:
    """Present a row of ``readings`` as :class:`Reading`."""
    return {
        **row,
        "text": row["text"] or shortest_decimal(row["value"]),
        "measured_at_local": row["measured_at"].astimezone(time_zone(station.timezone)),
        "grid_at": station.grid_time(row["measured_at"]),
        "flag_name": flag_name(row["flag"]),
        "tests": _parse_outcomes(row["tests"]),
    }


def flag_name(flag: int) -> str:
    """Return a QARTOD flag in words.

    >>> flag_name(2), flag_name(7)
    ('not evaluated', 'unknown')
    """
    return _FLAG_NAMES.get(flag, "unknown")


@lru_cache(maxsize=4096)  # a few dozen combinations of outcomes make up nearly all readings
def _parse_outcomes(tests: str) -> dict[str, int]:
    outcomes: dict[str, int] = orjson.loads(tests or "{}")
    return outcomes
