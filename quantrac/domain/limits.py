"""What averages are judged by: limits of national standards and of permits. Pure.

A *limit* belongs to one parameter and one averaging period and holds from a time on. An average is judged
only when it is complete, so never on bad data. The daily mean that the law looks at and the levels that warn
a duty officer (:class:`quantrac.domain.stations.WarningLevels`) are two different things.
"""

from dataclasses import dataclass
from typing import Literal

from quantrac.domain.averaging import Period

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
    """Such as ``QCVN 40:2011/BTNMT``."""
    column: str = ""
    minimum: float | None = None
    maximum: float | None = None
    reference_oxygen: float | None = None
    """Volume percent of oxygen that values are corrected to before they are judged."""
    source: str = ""
    certainty: Certainty = "unverified"
