"""What averages are judged by: limits of national standards and of permits. Pure.

A *limit* belongs to one parameter and one averaging period and holds from a time on. An average is judged
only when it is complete, so never on bad data. The daily mean that the law looks at and the levels that warn
a duty officer (:class:`quantrac.domain.registry.stations.WarningLevels`) are two different things.

- ``limit``: one limit as it applies to a station.
- ``standards``: the national technical regulations (QCVN) as dated rows, and how a replaced one goes on.
- ``book``: which limits hold for a station at a time.
- ``problems``: why a permit cannot be used as it stands.
- ``oxygen``: concentrations of a flue gas as they would be at a reference oxygen.
"""

from quantrac.domain.limits.book import Applied, Basis, LimitBook, basis_of, permit_at
from quantrac.domain.limits.limit import Certainty, Limit, round_digits
from quantrac.domain.limits.oxygen import OXYGEN_IN_AIR, correct_oxygen
from quantrac.domain.limits.standards import Coefficient, Row, Standard, Transition

__all__ = [
    "OXYGEN_IN_AIR",
    "Applied",
    "Basis",
    "Certainty",
    "Coefficient",
    "Limit",
    "LimitBook",
    "Row",
    "Standard",
    "Transition",
    "basis_of",
    "correct_oxygen",
    "permit_at",
    "round_digits",
]
