"""Courses of ambient air: traffic by day, sun on ozone, still air and rain on everything."""

import math
from collections.abc import Mapping

from quantrac.local.simulator import weather
from quantrac.local.simulator.moment import Course, Moment

NO_AS_NO2 = 46.006 / 30.006  # NOx counts NO by the mass it would have as NO2 (46.006 and 30.006 g/mol)


def _traffic(m: Moment) -> float:
    """Traffic, 0.1 to 1.1: a morning and an evening peak, less at the weekend."""
    morning = math.exp(-(((m.hour - 7.6) / 1.4) ** 2))
    evening = math.exp(-(((m.hour - 18.0) / 1.9) ** 2))
    daytime = max(0.0, m.wave(13)) * 0.25
    weekend = 0.7 if m.local.weekday() >= 5 else 1.0
    return 0.1 + weekend * (0.85 * morning + 0.95 * evening + daytime) * 0.8


def _still(m: Moment) -> float:
    """How far the air gathers what is let into it: 0.6 in wind to 1.7 in calm."""
    return 2.2 / (1 + weather.wind_speed(m))


def _washout(m: Moment) -> float:
    return 1 / (1 + weather.rain(m) / 8)


def _no(m: Moment) -> float:
    emitted = (2 + 20 * _traffic(m)) * _still(m) * m.level("traffic")
    return m.scatter("NO", emitted * (1 - 0.5 * weather.sun(m)))


def _no2(m: Moment) -> float:
    return m.scatter("NO2", (12 + 40 * _traffic(m)) * _still(m) * m.level("traffic"))


def _nox(m: Moment) -> float:
    return _no2(m) + NO_AS_NO2 * _no(m)


def _co(m: Moment) -> float:
    return m.scatter("CO", (450 + 1200 * _traffic(m)) * _still(m) * m.level("traffic"))


def _so2(m: Moment) -> float:
    return m.scatter("SO2", (14 + 9 * m.drift("SO2", 9)) * _still(m) * _washout(m))


def _o3(m: Moment) -> float:
    # Ozone follows the sun with the hours that its making takes: the peak lies near 14:30.
    made = max(0.0, m.wave(14.5)) ** 1.4 * weather.clear(m) * (95 + 25 * weather.summer(m))
    return m.scatter("O3", max(4.0, 24 + made - 9 * _traffic(m)) * m.level("O3"))


def _pm2_5(m: Moment) -> float:
    season = 24 - 9 * weather.summer(m) + 13 * m.city.drift("haze", 40)
    dust = (season + 13 * _traffic(m) + 5 * m.drift("PM2.5", 12)) * _still(m) * _washout(m)
    return m.scatter("PM2.5", max(2.0, dust) * m.level("dust"))


def _pm10(m: Moment) -> float:
    coarse = (9 + 11 * _traffic(m) + 3 * weather.wind_speed(m)) * _washout(m)
    return _pm2_5(m) + m.scatter("PM10", coarse * m.level("coarse dust"))


def _organic(name: str, typical: float) -> Course:
    """Course of a solvent or fuel vapour in ppb."""

    def course(m: Moment) -> float:
        return m.scatter(name, typical * (0.4 + _traffic(m)) * _still(m) * m.level(name), share=0.05)

    return course


def _radiation(m: Moment) -> float:
    # A pyranometer cools against the night sky and then shows a little less than nothing.
    by_day = m.scatter("Radiation", 1000 * weather.sun(m) * weather.clear(m), share=0.02)
    return by_day - 1.6 + 0.3 * m.noise("Radiation")


AIR: Mapping[str, Course] = {
    "NO": _no,
    "NO2": _no2,
    "NOx": _nox,
    "CO": _co,
    "SO2": _so2,
    "O3": _o3,
    "PM2.5": _pm2_5,
    "PM10": _pm10,
    "Benzene": _organic("Benzene", 1.6),
    "Toluene": _organic("Toluene", 4.5),
    "m,p-Xylene": _organic("m,p-Xylene", 2.2),
    "Temp": lambda m: weather.temperature(m) + 0.15 * m.noise("Temp"),
    "TempIn": lambda m: 25.5 + 0.6 * m.drift("TempIn", 2) + 0.1 * m.noise("TempIn"),
    "Humidity": lambda m: min(100.0, weather.humidity(m) + 0.4 * m.noise("Humidity")),
    "Pressure": lambda m: weather.pressure(m) + 0.08 * m.noise("Pressure"),
    "Radiation": _radiation,
    "WindSpeed": lambda m: max(0.1, weather.wind_speed(m) * m.level("wind") + 0.15 * m.noise("WindSpeed")),
    "WindDir": lambda m: (weather.wind_direction(m) + 9 * m.noise("WindDir")) % 360,
}
