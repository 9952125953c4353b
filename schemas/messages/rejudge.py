"""``rejudge``: which stored readings are to be judged again, and why."""

from collections.abc import Iterable
from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.messages.base import Message, StationCode, Utc

Cause = Annotated[str, Field(pattern=r"^[a-z]+$")]
"""``late``, ``companion``, ``block``, ``neighbours``, ``neighbour``, ``decision``, ``replay``,
``registry``, ``memory``, ``baseline``."""


class RejudgeRequest(Message):
    """A span of one station to judge again from what is stored."""

    station: StationCode
    start: Utc
    """Inclusive, by the time of measurement, UTC."""
    end: Utc
    """Exclusive, UTC."""
    causes: Annotated[list[Cause], Field(min_length=1)]
    """Why; the same cause once."""
    registry_offset: Annotated[int, Field(ge=0)] | None = None
    """Offset of the station-registry record that must be known first."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError("start must lie before end")
        return self


def merged(requests: Iterable[RejudgeRequest]) -> list[RejudgeRequest]:
    """Join the spans of each station that overlap or touch, ordered by station and start.

    A joined request has every cause and the highest registry offset of its parts.
    """
    joined: list[RejudgeRequest] = []
    for request in sorted(requests, key=lambda request: (request.station, request.start)):
        last = joined[-1] if joined else None
        if last is None or last.station != request.station or last.end < request.start:
            joined.append(request)
            continue
        offsets = [offset for offset in (last.registry_offset, request.registry_offset) if offset is not None]
        joined[-1] = RejudgeRequest(
            station=request.station,
            start=last.start,
            end=max(last.end, request.end),
            causes=sorted({*last.causes, *request.causes}),
            registry_offset=max(offsets, default=None),
        )
    return joined
