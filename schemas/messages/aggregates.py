"""``window-dirty`` and ``aggregated``: which averages must be redone, and what they became."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.messages.base import Message, StationCode, Utc


class DirtyWindow(Message):
    """One parameter's hour that new rows have touched."""

    parameter: str
    hour: Utc
    """Start of the hour, UTC."""


class WindowDirty(Message):
    """The hours of one station that one batch of the sink touched."""

    station: StationCode
    windows: Annotated[list[DirtyWindow], Field(min_length=1)]


class Average(Message):
    """One average of one parameter over one period."""

    parameter: str
    unit: str
    period: Literal["hour"]
    starts_at: Utc
    """Inclusive, UTC."""
    ends_at: Utc
    """Exclusive, UTC."""
    mean: float | None
    """Mean of the readings that count; ``None`` when none does."""
    minimum: float | None
    maximum: float | None
    count: Annotated[int, Field(ge=0)]
    """Readings that count: those flagged good."""
    received: Annotated[int, Field(ge=0)]
    """All readings of the period, whatever their flag."""
    expected: Annotated[int, Field(ge=1)]
    """Readings the station's interval allows in the period."""
    completeness: Annotated[float, Field(ge=0)]
    """``count / expected``."""
    version: Annotated[int, Field(ge=1)]
    """Counts up each time the same period gives another result."""


class Aggregated(Message):
    """Averages of one station that changed together."""

    station: StationCode
    computed_at: Utc
    averages: Annotated[list[Average], Field(min_length=1)]
