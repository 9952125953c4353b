"""Decimals without binary error, and the rounding of both indices.

O3 = 161.2 µg/m3 has the sub-index 51.5, which rounds to 52; in doubles the formula gives 51.49999999999999,
which rounds to 51. So a value is taken for the shortest decimal that reads back as the same double, and all
that follows is arithmetic of fractions.
"""

from decimal import Decimal
from fractions import Fraction
from math import isfinite

Amount = float | Fraction | None
"""A concentration or another quantity that is never negative; ``None`` and NaN where there is none."""


def exact(amount: Amount) -> Fraction | None:
    """Return the decimal that a double stands for; ``None`` for no number, an infinite or a negative one.

    A fraction is returned as it is, so a caller may convert once and use the value in many windows.

    >>> exact(0.1), exact(-0.2), exact(float("nan"))
    (Fraction(1, 10), None, None)
    """
    if amount is None:
        return None
    if isinstance(amount, Fraction):
        return amount if amount.numerator >= 0 else None
    if not isfinite(amount) or amount < 0:
        return None
    # float(): the repr of a numpy double is no decimal.
    return Fraction(Decimal(repr(float(amount))))


def half_up(numerator: int, denominator: int) -> int:
    """Round a fraction to the nearest whole number, a half upwards; ``denominator`` is above 0.

    >>> half_up(1095, 10), half_up(10949, 100)
    (110, 109)
    """
    return (2 * numerator + denominator) // (2 * denominator)
