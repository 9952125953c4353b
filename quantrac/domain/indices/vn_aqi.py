"""VN_AQI, the air quality index: hourly and daily.

Source: Decision 1459/QĐ-TCMT of 12 November 2019, section 2 (formulas and the table of BPi) and the table of
levels. Concentrations are µg/m3, hourly means. A negative concentration counts as missing: the decision wants
values that passed quality control (2.1).
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, lcm
from typing import Literal

from quantrac.domain.indices.levels import Level, level_of
from quantrac.domain.indices.rounding import Amount, exact, half_up

PARTICLES = ("PM10", "PM2.5")
PARAMETERS = ("SO2", "CO", "NO2", "O3", *PARTICLES)
O3_8H = "O3 8h"
HIGHEST = 500
WINDOW_HOURS = 12
EVENING_HOURS = 7
"""Hours of the evening before that the first 8-hour mean of a day needs."""

HalvedForm = Literal["literal", "normalised"]
HALVED: HalvedForm = "literal"
"""How NowCast sums where its weight is 1/2: see :func:`nowcast`."""

LEAST_OF_8 = 6
LEAST_OF_24 = 18
"""Hours that an 8-hour and a 24-hour mean need; source: default, unverified (75 % is the habit elsewhere)."""

INDICES = (0, 50, 100, 150, 200, 300, 400, 500)
BREAKPOINTS: Mapping[str, tuple[int, ...]] = {
    "O3": (0, 160, 200, 300, 400, 800, 1_000, 1_200),
    O3_8H: (0, 100, 120, 170, 210, 400),
    "CO": (0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000),
    "SO2": (0, 125, 350, 550, 800, 1_600, 2_100, 2_630),
    "NO2": (0, 100, 200, 700, 1_200, 2_350, 3_100, 3_850),
    "PM10": (0, 50, 150, 250, 350, 420, 500, 600),
    "PM2.5": (0, 25, 50, 80, 150, 250, 350, 500),
}
"""Scale → BPi in µg/m3, at :data:`INDICES`; segments touch. O3 has one scale for 1 h and one for 8 h."""

_WORDS = "English words: a translation"
LEVELS = (
    Level(0, "Tốt", "good", "xanh", "green", (0, 228, 0), _WORDS),
    Level(51, "Trung bình", "moderate", "vàng", "yellow", (255, 255, 0), _WORDS),
    Level(101, "Kém", "poor", "da cam", "orange", (255, 126, 0), _WORDS),
    Level(151, "Xấu", "bad", "đỏ", "red", (255, 0, 0), _WORDS),
    Level(201, "Rất xấu", "very bad", "tím", "purple", (143, 63, 151), _WORDS),
    Level(301, "Nguy hại", "hazardous", "nâu", "brown", (126, 0, 35), _WORDS),
)


@dataclass(frozen=True, slots=True)
class AirIndex:
    """VN_AQI of an hour or a day, with what it rests on."""

    subindices: Mapping[str, int]
    """Parameter → sub-index, where there is one."""

    @property
    def index(self) -> int | None:
        """The highest sub-index; ``None`` without any of PM10 and PM2.5."""
        if not any(particles in self.subindices for particles in PARTICLES):
            return None
        return max(self.subindices.values())

    @property
    def responsible(self) -> tuple[str, ...]:
        """The parameters that give the index; several where they are equal, none where there is no index."""
        return tuple(name for name, subindex in self.subindices.items() if subindex == self.index)

    @property
    def level(self) -> Level | None:
        """Words and colour of the index."""
        return None if self.index is None else level_of(self.index, LEVELS)


def subindex(scale: str, concentration: Amount) -> int | None:
    """Return the sub-index of a concentration (µg/m3) on one of :data:`BREAKPOINTS`, rounded half up.

    ``None`` where there is no concentration or it is negative. From the last breakpoint on the table says
    "at least", so the sub-index stays 500; the 8-hour scale of O3 ends at 400 µg/m3 and has none above.

    >>> subindex("PM2.5", 55.7), subindex("SO2", 9_999.0), subindex("O3 8h", 400.1)
    (110, 500, None)
    """
    amount = exact(concentration)
    points = BREAKPOINTS[scale]
    if amount is None:
        return None
    # Whole numbers throughout, and breakpoints are such: a year of hours takes half the time of fractions.
    upper = max(1, bisect_left(points, ceil(amount)))
    if upper == len(points):
        return None if scale == O3_8H else HIGHEST
    low, high = INDICES[upper - 1], INDICES[upper]
    start, end = points[upper - 1], points[upper]
    rise = (high - low) * (amount.numerator - start * amount.denominator)
    return low + half_up(rise, (end - start) * amount.denominator)


def nowcast(window: Sequence[Amount], *, halved: HalvedForm = HALVED) -> Fraction | None:
    """Weigh the last hours of PM: ``window[0]`` is the hour itself, then up to 11 hours before it.

    ``None`` unless at least 2 of the first 3 are there. The weight of hour i is w^(i-1), with w the ratio of
    the lowest to the highest value but at least 1/2; a missing hour has weight 0. Above 1/2 the weighted sum
    is divided by the sum of the weights. At 1/2 the decision writes the sum of c_i / 2^i, undivided: a window
    with gaps then falls below its own values. ``literal`` does what is written; ``normalised`` divides there
    too.

    >>> hours = [20.6, 19.6, 22.4, 20.3, 16.5, 19.0, 16.5, 19.5, 23.5, 20.5, 24.7, 26.9]
    >>> round(float(nowcast(hours)), 1)
    20.3
    """
    values = [(i, exact(amount)) for i, amount in enumerate(window[:WINDOW_HOURS])]
    present = [(i, value) for i, value in values if value is not None]
    if sum(i < 3 for i, _ in present) < 2:
        return None
    # Whole numbers from here on: fractions would be reduced after each of 24 operations.
    unit = lcm(*(value.denominator for _, value in present))
    scaled = [(i, value.numerator * (unit // value.denominator)) for i, value in present]
    lowest, highest = min(value for _, value in scaled), max(value for _, value in scaled)
    half = 2 * lowest <= highest
    p, q = (1, 2) if half else (lowest, highest)
    weights = [(p**i * q ** (WINDOW_HOURS - 1 - i), value) for i, value in scaled]
    total = sum(weight * value for weight, value in weights)
    if half and halved == "literal":
        return Fraction(total, unit << WINDOW_HOURS)
    return Fraction(total, unit * sum(weight for weight, _ in weights))


def hourly(hours: Mapping[str, Sequence[Amount]], *, halved: HalvedForm = HALVED) -> AirIndex:
    """Return VN_AQI of an hour.

    ``hours``: parameter → hourly means (µg/m3), newest first, the hour itself at 0. PM looks at 12 of them,
    the other parameters at the first only. A parameter may be absent.

    >>> air = hourly({"O3": [136.1], "NO2": [118.7], "PM2.5": [20.3] * 12})
    >>> dict(air.subindices), air.index, air.responsible, air.level.name
    ({'NO2': 59, 'O3': 43, 'PM2.5': 41}, 59, ('NO2',), 'moderate')
    """
    return _index(
        (name, subindex(name, nowcast(window, halved=halved) if name in PARTICLES else _first(window)))
        for name, window in _in_order(hours)
    )


def daily(
    hours: Mapping[str, Sequence[Amount]], *, least_of_8: int = LEAST_OF_8, least_of_24: int = LEAST_OF_24
) -> AirIndex:
    """Return VN_AQI of a day.

    ``hours``: parameter → 31 hourly means (µg/m3), oldest first: the hours labelled, at their end, 18:00 to
    24:00 of the evening before, then 01:00 to 24:00 (UTC+7). Only O3 looks at the evening. PM takes the mean
    of the day, SO2, NO2 and CO the highest hour, O3 the higher of the sub-indices of its highest hour and of
    its highest 8-hour mean; the latter is left out above 400 µg/m3. Raises ValueError for another length.
    """
    return _index((name, _of_day(name, window, least_of_8, least_of_24)) for name, window in _in_order(hours))


def _of_day(name: str, window: Sequence[Amount], least_of_8: int, least_of_24: int) -> int | None:
    if len(window) != EVENING_HOURS + 24:
        raise ValueError(f"{name}: a day takes {EVENING_HOURS + 24} hours, not {len(window)}")
    day = window[EVENING_HOURS:]
    if name in PARTICLES:
        return subindex(name, _mean(day, least_of_24))
    of_hour = subindex(name, _highest(day))
    if name != "O3":
        return of_hour
    of_eight = subindex(O3_8H, _highest(eight_hour_means(window, least=least_of_8)))
    return max((index for index in (of_hour, of_eight) if index is not None), default=None)


def eight_hour_means(hours: Sequence[Amount], *, least: int = LEAST_OF_8) -> list[Fraction | None]:
    """Return the mean of each hour with the seven before it, from the eighth hour on, oldest first.

    ``None`` where fewer than ``least`` of the eight are there. 31 hours give the 24 means of a day.
    """
    values = [exact(amount) for amount in hours]
    return [_mean(values[end - 8 : end], least) for end in range(8, len(values) + 1)]


def _mean(amounts: Sequence[Amount], least: int) -> Fraction | None:
    present = [value for value in map(exact, amounts) if value is not None]
    return sum(present, Fraction(0)) / len(present) if len(present) >= max(1, least) else None


def _highest(amounts: Iterable[Amount]) -> Fraction | None:
    return max((value for value in map(exact, amounts) if value is not None), default=None)


def _first(window: Sequence[Amount]) -> Amount:
    return window[0] if window else None


def _in_order(hours: Mapping[str, Sequence[Amount]]) -> Iterable[tuple[str, Sequence[Amount]]]:
    return ((name, hours[name]) for name in PARAMETERS if name in hours)


def _index(subindices: Iterable[tuple[str, int | None]]) -> AirIndex:
    return AirIndex({name: value for name, value in subindices if value is not None})
