"""One limit as it applies to a station."""

from dataclasses import dataclass
from typing import Literal

from quantrac.domain.periods import Period

Certainty = Literal["high", "medium", "low", "unverified"]
"""How sure a figure is: read in the text itself or a careful transcription, in a secondary source, in a weak
one, or in none that could be read."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as it applies: coefficients are multiplied in."""

    parameter: str
    """Catalogue code."""
    period: Period
    """Of the averages that are judged."""
    unit: str
    standard: str
    """Such as ``QCVN 40:2011/BTNMT``, or the number of the permit that states the limit."""
    column: str = ""
    minimum: float | None = None
    maximum: float | None = None
    reference_oxygen: float | None = None
    """Volume percent of oxygen that values are corrected to before they are judged."""
    source: str = ""
    certainty: Certainty = "unverified"


def round_digits(value: float) -> float:
    """Round to 12 digits, so that 75 x 0.9 x 1.1 is 74.25 and not 74.25000000000001."""
    return float(f"{value:.12g}")
