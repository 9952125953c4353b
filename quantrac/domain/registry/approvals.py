"""What the ministry has decided about the stations that provinces ask it to take."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RequestState(StrEnum):
    """How far a registry request has come."""

    WAITING = "waiting"
    """Nobody has decided yet."""
    APPROVED = "approved"
    """The entry is in the ministry's registry."""
    REJECTED = "rejected"
    """The entry is not taken; the reason stands beside it."""


@dataclass(frozen=True, slots=True)
class Approval:
    """The last decision about a station that a province asked the ministry to take."""

    station: str
    version: str
    """Of the entry that it is about."""
    state: RequestState
    """Approved or rejected."""
    takes_sets: bool
    """Whether the ministry takes the station's sets from then on: after an approval, and where a change of an
    approved entry is rejected; not where nothing was ever approved, nor after a withdrawal."""
    reason: str
    by: str
    at: datetime
    """UTC."""
