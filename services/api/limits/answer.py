"""Limits as they are answered."""

from dataclasses import asdict
from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from quantrac.domain.limits import Applied
from services.api.common.answers import AnswerModel


class Limit(AnswerModel):
    """A limit as it applies to a station: coefficients are multiplied in."""

    parameter: str
    """Catalogue code."""
    period: Literal["hour", "8h", "day", "month", "year"]
    """Of the averages that are judged."""
    unit: str
    """Unit of the limit."""
    standard: str = Field(examples=["QCVN 40:2011/BTNMT"])
    """The standard, or the number of the permit that states the limit."""
    column: str = Field(examples=["A"])
    """Column of the standard; empty where it has none."""
    coefficients: dict[str, float]
    """What the standard's value was multiplied by, such as Kq and Kf."""
    minimum: float | None
    """An average below it is beyond the limit; null = none."""
    maximum: float | None
    """An average above it is beyond the limit; null = none."""
    reference_oxygen: float | None
    """Volume percent of oxygen that averages are corrected to before they are judged; null = none."""
    source: str
    """Where the figure was read."""
    certainty: Literal["high", "medium", "low", "unverified"]
    """How sure the figure is: read in the text itself, in a secondary source, in a weak one, or in none."""

    @classmethod
    def from_applied(cls, applied: Applied) -> Self:
        """Present a limit with the coefficients that are multiplied in."""
        return cls(**asdict(applied.limit), coefficients=dict(applied.factors))


class Limits(AnswerModel):
    """What applied to a station at one time."""

    station: str
    at: datetime
    """Start of the average that they judge, UTC."""
    items: list[Limit]
    """By parameter and period; empty where nothing names a limit."""
