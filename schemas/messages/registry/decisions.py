"""People's flags, which win over those of the tests."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from quantrac.domain.readings import Flag
from quantrac.domain.registry import decisions as domain
from schemas.messages.base import Message, StationCode, Utc
from schemas.messages.registry.fields import CatalogueCode, DecidedFlag, RecordId, check_order, fields_in_utc


class Withdrawal(Message):
    """A decision taken back."""

    by: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]
    at: Utc


class Decision(Message):
    """A person's flag for the readings of a span of a station; it wins over every test."""

    id: RecordId
    station: StationCode
    parameters: tuple[CatalogueCode, ...] = ()
    """None = all."""
    start: Utc
    """Inclusive, by the time of measurement."""
    end: Utc
    """Exclusive."""
    flag: DecidedFlag
    by: Annotated[str, Field(min_length=1)]
    why: Annotated[str, Field(min_length=1)]
    decided_at: Utc
    """The last decision about a reading counts."""
    withdrawn: Withdrawal | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        check_order(self.start, self.end)
        return self

    def to_domain(self) -> domain.Decision:
        """Convert for use."""
        fields = fields_in_utc(self) | {"flag": Flag[self.flag.upper()]}
        if self.withdrawn is not None:
            fields["withdrawn"] = domain.Withdrawal(**fields_in_utc(self.withdrawn))
        return domain.Decision(**fields)
