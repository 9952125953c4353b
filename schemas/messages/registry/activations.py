"""Rule sets put in force."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from quantrac.domain.registry import activations as domain
from schemas.messages.base import Message, Utc
from schemas.messages.registry.fields import RecordId, check_order, fields_in_utc


class Activation(Message):
    """A rule set put in force, for what is received from a time on or for a span already measured."""

    id: RecordId
    version: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    """Of the rule set in ``content``."""
    content: str
    """The whole rule set, canonical JSON as ``schemas.rules.RuleSet.content`` writes it."""
    by: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]
    activated_at: Utc
    """The last activation that applies to a reading counts."""
    received_from: Utc | None = None
    """Judges every set received at or after this time."""
    measured_from: Utc | None = None
    """Judges every reading measured at or after this time ..."""
    measured_to: Utc | None = None
    """... and before this one."""

    @model_validator(mode="after")
    def _one_span(self) -> Self:
        measured = (self.measured_from, self.measured_to)
        if (self.received_from is None) == (measured == (None, None)):
            raise ValueError("give either received_from, or measured_from and measured_to")
        check_order(*measured)
        return self

    def to_domain(self) -> domain.Activation:
        """Convert for use."""
        return domain.Activation(**fields_in_utc(self))
