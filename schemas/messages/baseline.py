"""``baseline``: what a station's own past says of the readings of a block of time."""

from typing import Annotated

from pydantic import Field

from schemas.messages.base import Message, StationCode, Utc

Number = Annotated[float, Field(allow_inf_nan=False)] | None
"""``None`` while too little is known."""


class SeriesBounds(Message):
    """Limits of one parameter, in its unit."""

    own_low: Number
    """Lower quantile of the trailing block medians."""
    own_high: Number
    """Upper quantile of the same."""
    own_step: Number
    """Largest usual step between two readings."""
    recent_low: Number
    """Least clean value of the last days' blocks."""
    recent_high: Number
    """Greatest clean value of the same."""


class BaselineBlock(Message):
    """Limits for the readings of one block."""

    start: Utc
    """Start of the block of six hours, on the UTC grid."""
    parameters: dict[str, SeriesBounds]
    """Limits by catalogue code."""


class Baseline(Message):
    """What holds for the current block of one station, and for the next."""

    station: StationCode
    blocks: Annotated[list[BaselineBlock], Field(min_length=1)]
    """By start, earliest first."""
