"""The weather over the city: shared by all stations, in the range of Hanoi's climate."""

import math

from quantrac.local.simulator.moment import Moment


def summer(m: Moment) -> float:
    """Season between -1 (mid January) and 1 (mid July)."""
    return -math.cos(2 * math.pi * (m.local.timetuple().tm_yday - 15) / 365)


def sun(m: Moment) -> float:
    """Sun height, 0 (night) to 1 (noon at midsummer)."""
    half_day = 6 + 0.6 * summer(m)  # 5.4 to 6.6 hours at 21° N
    return max(0.0, math.cos(math.pi * (m.hour - 12) / (2 * half_day))) * (0.85 + 0.15 * summer(m))


def rain(m: Moment) -> float:
    """Rain in mm/h: dry most of the time, events of a few hours."""
    return max(0.0, m.city.drift("rain", 4) - 0.6) * 30


def clear(m: Moment) -> float:
    """Share of the sun that the clouds let through."""
    return (0.65 + 0.35 * m.city.drift("cloud", 5)) / (1 + rain(m) / 4)


def temperature(m: Moment) -> float:
    """Air temperature in °C."""
    daily = 4 * m.wave(14.5) * (0.4 + 0.6 * clear(m))
    return 24 + 6 * summer(m) + daily + 2.5 * m.city.drift("air mass", 60) - rain(m) / 6


def humidity(m: Moment) -> float:
    """Relative humidity in %."""
    return min(99.5, max(30.0, 78 - 10 * m.wave(14.5) + 8 * m.city.drift("humidity", 20) + 2 * rain(m)))


def pressure(m: Moment) -> float:
    """Air pressure in hPa, with the half-day tide of the tropics."""
    return 1010 - 7 * summer(m) + 1.3 * m.wave(10, 12) + 4 * m.city.drift("pressure", 70)


def wind_speed(m: Moment) -> float:
    """Wind in m/s, strongest in the afternoon."""
    return 1.7 + 0.5 * m.wave(15) + 0.9 * m.city.drift("wind", 8)


def wind_direction(m: Moment) -> float:
    """Where the wind comes from, in degrees: north-east in winter, south-east in summer."""
    return (95 + 45 * summer(m) + 70 * m.city.drift("wind direction", 24)) % 360
