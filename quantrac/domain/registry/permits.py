"""The licence that a station's averages are judged by."""

from dataclasses import dataclass

from quantrac.domain.registry.validity import Valid


@dataclass(frozen=True, slots=True)
class PermitLimit:
    """A value that a permit itself states; it wins over the standard's for its parameter and period."""

    parameter: str
    """Catalogue code."""
    unit: str
    period: str
    """Of the averages that are judged: a value of :class:`quantrac.domain.periods.Period`."""
    minimum: float | None = None
    maximum: float | None = None
    reference_oxygen: float | None = None
    """Volume percent that values are corrected to before they are judged."""


@dataclass(frozen=True, slots=True)
class Permit(Valid):
    """What a station's licence holds it to: a national standard, its column, its coefficients."""

    standard: str
    """Such as ``QCVN 40:2011/BTNMT``."""
    column: str = ""
    """Such as ``A``; empty where the standard has none."""
    category: str = ""
    """Kind of source, where the standard tells several apart."""
    coefficients: tuple[tuple[str, float], ...] = ()
    """(name, value): Kq and Kf of wastewater, Kp and Kv of stacks."""
    limits: tuple[PermitLimit, ...] = ()
    without: tuple[str, ...] = ()
    """Catalogue codes of parameters that the standard does not limit here: chloride into saline water."""
    number: str = ""
    """Of the licence."""
