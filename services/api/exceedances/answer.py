"""Exceedances as they are answered."""

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from services.api.common.answers import AnswerModel, Row


class Exceedance(AnswerModel):
    """One episode: consecutive complete averages beyond one limit."""

    station: str
    parameter: str
    """Catalogue code."""
    period: Literal["hour", "8h", "day", "month", "year"]
    """Of the averages that were judged."""
    standard: str = Field(examples=["QCVN 40:2011/BTNMT"])
    """The standard, or the number of the permit that states the limit."""
    column: str = Field(examples=["A"])
    """Column of the standard; empty where it has none."""
    minimum: float | None
    """Limit that the average must not be below, coefficients multiplied in; null = none."""
    maximum: float | None
    """Limit that the average must not be above, coefficients multiplied in; null = none."""
    unit: str
    """Unit of the limit and of `peak`."""
    starts_at: datetime
    """Start of the first average beyond the limit, UTC."""
    ends_at: datetime
    """End of the last one, UTC."""
    starts_at_local: datetime
    """On the station's clock."""
    ends_at_local: datetime
    """On the station's clock."""
    periods: int
    """Consecutive averages beyond the limit."""
    peak: float
    """The mean farthest beyond the limit, corrected to the reference oxygen where the limit has one."""
    peak_at: datetime
    """Start of its period, UTC."""
    ratio: float
    """Peak to maximum, or minimum to peak."""
    open: bool
    """Whether no later complete average within the limit is known."""
    version: int
    """Counts up when the same episode comes out otherwise."""
    computed_at: datetime
    """UTC."""


class Exceedances(AnswerModel):
    """A page of exceedances."""

    items: list[Exceedance]
    next: str | None
    """Link to the next page; null on the last."""


def present_exceedance(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    """Present a row of ``exceedances`` as :class:`Exceedance`."""
    return {
        **row,
        "starts_at_local": row["starts_at"].astimezone(zone),
        "ends_at_local": row["ends_at"].astimezone(zone),
        "open": bool(row["open"]),
    }
