"""Whether values can be in the unit that they are taken to be in: a slip of a thousand shows within days.

``mg/m3`` taken for ``µg/m3`` makes air cleaner than any on earth, the other way round it makes air that
nobody would live in. A slip between ppb and µg/m3, a factor near 2, shows nowhere.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

LEAST_IN_DAY = 12
"""Values that a day needs to be looked at."""
LEAST_DAYS = 2
"""Days out of the bounds that are too many to be chance."""

AMBIENT: Mapping[str, tuple[float, float]] = {
    "CO": (50, 50_000),
    "O3": (1, 1_500),
    "NO2": (0.1, 4_000),
    "SO2": (0.01, 5_000),
    "PM10": (0.5, 10_000),
    "PM2.5": (0.2, 5_000),
}
"""Parameter → µg/m3 that the highest value of a day does not stay below, and its median does not exceed.

Source: default, unverified; the air of the open ocean holds some 100 µg/m3 of CO.
"""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Days whose values cannot be in the unit that they are taken to be in."""

    is_too_low: bool
    days: int
    of_days: int
    bound: float
    """In µg/m3."""


def doubt_unit(parameter: str, values: Iterable[tuple[int, float]]) -> Doubt | None:
    """Return what speaks against the unit of values of ambient air in µg/m3; ``None`` where nothing does.

    ``values``: (number of the day, value). Days with few values are left out, and so are values up to 0.

    >>> doubt_unit("CO", [(hour // 24, 2.1) for hour in range(72)])
    Doubt(is_too_low=True, days=3, of_days=3, bound=50)
    """
    if parameter not in AMBIENT:
        return None
    by_day: dict[int, list[float]] = defaultdict(list)
    for day, value in values:
        if value > 0:
            by_day[day].append(value)
    days = [day for day in by_day.values() if len(day) >= LEAST_IN_DAY]
    low, high = AMBIENT[parameter]
    below, above = sum(max(day) < low for day in days), sum(median(day) > high for day in days)
    if max(below, above) < LEAST_DAYS:
        return None
    is_too_low = below >= above
    return Doubt(is_too_low, max(below, above), len(days), low if is_too_low else high)
