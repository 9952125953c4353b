"""The licence that a station's averages are judged by."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from quantrac.domain.registry import permits as domain
from quantrac.domain.units import canonical_unit
from schemas.messages.base import Message
from schemas.messages.registry.fields import CatalogueCode, Dated, fields_of


class PermitLimit(Message):
    """A value that a permit itself states; it wins over the standard's for its parameter and period."""

    parameter: CatalogueCode
    unit: str
    period: Literal["hour", "8h", "day", "month", "year"] = "day"
    """Of the averages that are judged."""
    minimum: float | None = None
    maximum: float | None = None
    reference_oxygen: Annotated[float, Field(ge=0, lt=20.9)] | None = None
    """Volume percent that values are corrected to before they are judged."""

    @field_validator("unit")
    @classmethod
    def _check_unit(cls, unit: str) -> str:
        canonical = canonical_unit(unit)
        if canonical is None:
            raise ValueError(f"the unit {unit!r} is unknown")
        return canonical

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give minimum or maximum")
        return self


class Permit(Dated):
    """What a station's licence holds it to: a national standard, its column, its coefficients."""

    standard: Annotated[str, Field(min_length=1)]
    """Such as ``QCVN 40:2011/BTNMT``; ``quantrac limits list`` shows those that are known."""
    column: str = ""
    """Such as ``A``; absent where the standard has none."""
    category: str = ""
    """Kind of source, where the standard tells several apart."""
    coefficients: Annotated[dict[str, Annotated[float, Field(gt=0)]], Field(default_factory=dict)]
    """Kq and Kf of wastewater, Kp and Kv of stacks."""
    limits: tuple[PermitLimit, ...] = ()
    """Values that win over those of the standard."""
    without: tuple[CatalogueCode, ...] = ()
    """Parameters that the standard does not limit here, such as chloride discharged into saline water."""
    number: str = ""
    """Of the licence."""

    def to_domain(self) -> domain.Permit:
        """Convert for use."""
        fields = fields_of(self)
        fields["coefficients"] = tuple(sorted(self.coefficients.items()))
        fields["limits"] = tuple(domain.PermitLimit(**fields_of(limit)) for limit in self.limits)
        return domain.Permit(**fields)
