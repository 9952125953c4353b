"""What averages are judged by: limits of national standards and of permits. Pure."""

from quantrac.domain.limits.book import (
    OXYGEN_IN_AIR,
    Applied,
    Certainty,
    Coefficient,
    Limit,
    LimitBook,
    Row,
    Standard,
    correct_oxygen,
    overlap,
    permit_at,
    round_digits,
)

__all__ = [
    "OXYGEN_IN_AIR",
    "Applied",
    "Certainty",
    "Coefficient",
    "Limit",
    "LimitBook",
    "Row",
    "Standard",
    "correct_oxygen",
    "overlap",
    "permit_at",
    "round_digits",
]
