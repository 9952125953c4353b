"""Levels that single values are compared with, from the limits of averages. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from quantrac.domain.limits import Limit, round_digits
from quantrac.domain.periods import Period
from quantrac.domain.registry.stations import WarningLevels

# Scales whose zero is a convention: a share of 40 °C or of pH 9 means nothing.
_NO_TRUE_ZERO = {"°C", ""}
# Averages short enough for their limit to say something about a single value.
_SHORT = (Period.HOUR, Period.EIGHT_HOURS, Period.DAY)


@dataclass(frozen=True, slots=True)
class WarningShares:
    """The shares of a limit at which a duty officer is warned; of a minimum, the reciprocals."""

    tendency: float
    preparing: float
    exceeded: float
    source: str = ""


def warning_levels(
    limits: Iterable[Limit], own: WarningLevels | None, shares: WarningShares
) -> WarningLevels | None:
    """Return the levels that single values of a parameter are compared with; ``None`` = there are none.

    ``limits`` are those of one parameter in the unit its values are in; ``own`` are the levels that the
    registry states, which win. Else they are shares of the limit with the shortest averaging period up to a
    day, the strictest of several: that of a year says nothing about a single value. A maximum wins over a
    minimum of another row. There are none from a band (pH from 6 to 9), which one row of levels cannot state,
    nor from a limit of values corrected to a reference oxygen, which single values are not. Of a scale with
    no true zero (°C) only the limit itself is a level.
    """
    if own is not None:
        return own
    one_sided = [
        limit
        for limit in limits
        if limit.period in _SHORT
        and limit.reference_oxygen is None
        and (limit.minimum is None or limit.maximum is None)
    ]
    shortest = min((_SHORT.index(limit.period) for limit in one_sided), default=0)
    nearest = [limit for limit in one_sided if limit.period is _SHORT[shortest]]
    true_zero = all(limit.unit not in _NO_TRUE_ZERO for limit in nearest)
    parts = (shares.tendency, shares.preparing, shares.exceeded)
    maxima = [limit.maximum for limit in nearest if limit.maximum is not None]
    minima = [limit.minimum for limit in nearest if limit.minimum is not None]
    if maxima:
        strictest = min(maxima)
        if not true_zero:
            return WarningLevels(exceeded=strictest)
        return WarningLevels(*(round_digits(strictest * part) for part in parts))
    if minima and true_zero:
        return WarningLevels(*(round_digits(max(minima) / part) for part in parts))
    return None
