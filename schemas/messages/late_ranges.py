"""``late-range``: which messages of ``qa-flagged`` the forwarder delivers behind the present."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schemas.messages.base import Message

_Offset = Annotated[int, Field(ge=0)]


class LateRange(Message):
    """A range of offsets of one partition of ``qa-flagged``, read and left for later."""

    partition: Annotated[int, Field(ge=0)]
    """Of ``qa-flagged``."""
    first: _Offset
    """Offset of the first message that is left."""
    end: _Offset
    """Offset after the last one that is left."""
    excluded: Annotated[list[_Offset], Field(default_factory=list)]
    """Offsets between them that need no delivery: confirmed, dead letters, sets without a station."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first >= self.end:
            raise ValueError("first must lie before end")
        return self

    @property
    def messages(self) -> int:
        """How many messages are left."""
        return self.end - self.first - len(self.excluded)
