"""What the ministry has decided about the stations that provinces ask it to take."""

from typing import Annotated, Literal

from pydantic import Field

from quantrac.domain.registry import approvals as domain
from schemas.messages.base import Line, Message, Sha256, StationCode, Utc
from schemas.messages.registry.fields import fields_in_utc


class Approval(Message):
    """The ministry's last decision about a station that a province asked it to take."""

    station: StationCode
    version: Sha256
    """Of the entry that it is about."""
    state: Literal["approved", "rejected"]
    takes_sets: bool
    """Whether the ministry takes the station's sets from then on."""
    reason: Line = ""
    by: Annotated[Line, Field(min_length=1)]
    at: Utc

    def to_domain(self) -> domain.Approval:
        """Convert for use."""
        return domain.Approval(**fields_in_utc(self) | {"state": domain.RequestState(self.state)})
