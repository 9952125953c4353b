"""What a province sends to the ministry and what it gets back.

A *delivery* is the body of one HTTP request: flagged sets, one JSON object a line, of one partition's
offset range of ``qa-flagged``. Its id is the SHA-256 of that uncompressed body, so a repeated delivery is
recognised.
"""

from typing import Annotated

from pydantic import Field

from schemas.messages.base import (
    Count,
    Message,
    Millisecond,
    ReceivedAt,
    Revision,
    Sha256,
    StationCode,
    Utc,
)


class RejectedSet(Message):
    """One line of a delivery that the ministry could not accept."""

    line: Annotated[int, Field(ge=1)]
    """Line of the delivery's body, counted from 1."""
    reason: str
    """One sentence."""


class Receipt(Message):
    """The ministry's answer, given only after its own broker has the sets."""

    delivery_id: Sha256
    """SHA-256 of the uncompressed body, as the ministry computed it."""
    accepted: Annotated[int, Field(ge=0)]
    """Sets accepted."""
    duplicate: bool
    """Whether this delivery had been accepted before."""
    rejected: list[RejectedSet]
    received_at: Utc
    """When the ministry first accepted it, UTC."""


class DeliveredFile(Message):
    """One file's readings, as delivered."""

    file_id: Sha256
    readings: Count
    """How many readings the set held."""
    received_at: ReceivedAt
    """When the province's intake had the file, UTC."""
    revision: Revision = 0
    """Which re-judgement of the file it was; 0 is the first, with all the file's readings."""


class DeliveryReceipt(Message):
    """What the ministry confirmed for one station: the value of ``delivery-receipt``."""

    station: StationCode | Annotated[str, Field(max_length=0)]
    delivery_id: Sha256
    target: str
    """Name of the ministry endpoint."""
    confirmed_at: Millisecond
    """The receipt's ``received_at``, UTC."""
    files: Annotated[list[DeliveredFile], Field(min_length=1)]
