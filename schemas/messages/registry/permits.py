"""The licence that a station's averages are judged by."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from quantrac.domain.registry import permits as domain
from quantrac.domain.units import canonical_unit
from schemas.messages.base import Message
from schemas.messages.registry.fields import CatalogueCode, Dated, fields_of


class PermitLimit(Message):
    """A value that a permit itself states; it wins over the standard's for its parameter and period."""

    parameter: CatalogueCode = Field(examples=["COD"])
    """Catalogue code of what is limited."""
    unit: str = Field(examples=["mg/L"])
    """Unit of the values here: the one in which the station measures the parameter."""
    period: Literal["hour", "8h", "day", "month", "year"] = Field(default="day", examples=["hour"])
    """Of the averages that are judged."""
    minimum: float | None = Field(default=None, examples=[5.5])
    """Averages below it exceed the limit; this or ``maximum`` has to be there."""
    maximum: float | None = Field(default=None, examples=[75])
    """Averages above it exceed the limit."""
    reference_oxygen: Annotated[float, Field(ge=0, lt=20.9)] | None = Field(default=None, examples=[6])
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

    standard: Annotated[str, Field(min_length=1)] = Field(examples=["QCVN 40:2011/BTNMT"])
    """Such as ``QCVN 40:2011/BTNMT``; ``quantrac limits list`` shows those that are known."""
    column: str = Field(default="", examples=["A"])
    """Such as ``A``; absent where the standard has none."""
    category: str = Field(default="", examples=["biomass-boiler-under-20t"])
    """Kind of source, where the standard tells several apart."""
    coefficients: Annotated[
        dict[str, Annotated[float, Field(gt=0)]],
        Field(default_factory=dict, examples=[{"Kq": 0.9, "Kf": 1}]),
    ]
    """Kq and Kf of wastewater, Kp and Kv of stacks."""
    limits: tuple[PermitLimit, ...] = Field(
        default=(), examples=[[{"parameter": "COD", "unit": "mg/L", "maximum": 75}]]
    )
    """Values that win over those of the standard."""
    without: tuple[CatalogueCode, ...] = Field(default=(), examples=[["Cl-"]])
    """Parameters that the standard does not limit here, such as chloride discharged into saline water."""
    number: str = Field(default="", examples=["123/GPMT-BTNMT"])
    """Number of the licence; alerts and exceedances name it."""

    def to_domain(self) -> domain.Permit:
        """Convert for use."""
        fields = fields_of(self)
        fields["coefficients"] = tuple(sorted(self.coefficients.items()))
        fields["limits"] = tuple(domain.PermitLimit(**fields_of(limit)) for limit in self.limits)
        return domain.Permit(**fields)
