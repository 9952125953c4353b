"""Courses of rivers, lakes and wells: slow drifts, rain that muddies, the day's breath of algae."""

from collections.abc import Mapping

from quantrac.local.simulator import weather
from quantrac.local.simulator.moment import Course, Moment


def _runoff(m: Moment) -> float:
    """Rain in the river: the rain of now, in mm/h, with the station's own slow run-off."""
    return weather.rain(m) * m.level("run-off", 0.4)


def _water_temperature(m: Moment) -> float:
    return 24 + 5 * weather.summer(m) + 0.9 * m.wave(16) + 1.2 * m.drift("Temp", 90) + 0.06 * m.noise("Temp")


def _oxygen(m: Moment) -> float:
    algae = 1.1 * m.wave(15.5) * weather.clear(m)
    return max(0.4, 5.4 * m.level("DO") + algae + 0.5 * m.drift("DO", 60) + 0.05 * m.noise("DO"))


def _surface_ph(m: Moment) -> float:
    return 7.4 + 0.2 * m.wave(16) + 0.25 * m.drift("pH", 80) + 0.02 * m.noise("pH")


def _turbidity(m: Moment) -> float:
    return m.scatter("Turbidity", (38 + 14 * m.drift("mud", 50) + 9 * _runoff(m)) * m.level("mud"))


def _suspended_solids(m: Moment) -> float:
    return m.scatter("TSS", (44 + 15 * m.drift("mud", 50) + 10 * _runoff(m)) * m.level("mud"))


def _conductivity(m: Moment) -> float:
    diluted = (390 * m.level("EC", 0.3) + 45 * m.drift("EC", 70)) / (1 + _runoff(m) / 30)
    return m.scatter("EC", diluted, share=0.005)


def _nutrient(name: str, typical: float, share: float = 0.04) -> Course:
    """Course of what is washed in, in the unit of ``typical``: drifts over two days, rises with rain."""

    def course(m: Moment) -> float:
        slow = 1 + 0.33 * m.drift(name, 48) + 0.08 * m.wave(20) + _runoff(m) / 60
        return m.scatter(name, typical * m.level(name, 0.3) * slow, share)

    return course


SURFACE_WATER: Mapping[str, Course] = {
    "Temp": _water_temperature,
    "pH": _surface_ph,
    "DO": _oxygen,
    "EC": _conductivity,
    "Turbidity": _turbidity,
    "TSS": _suspended_solids,
    "COD": _nutrient("COD", 19),
    "TOC": _nutrient("TOC", 7),
    "NH4": _nutrient("NH4", 0.9),
    "NH4-N": _nutrient("NH4-N", 0.7),
    "NO3": _nutrient("NO3", 7),
    "NO3-N": _nutrient("NO3-N", 2.2),
    "PO4": _nutrient("PO4", 0.5),
    "TN": _nutrient("TN", 4),
    "TP": _nutrient("TP", 0.5),
    "Coliform": _nutrient("Coliform", 4200, share=0.1),
    "WaterLevel": lambda m: 3.2 * m.level("WaterLevel") + 0.5 * m.drift("WaterLevel", 40) + _runoff(m) / 25,
}


def _well_level(m: Moment) -> float:
    """Metres above the sensor: drawn down while the town pumps, slow recovery at night."""
    drawdown = 0.35 * max(0.0, m.wave(13))
    return (
        14 * m.level("WaterLevel")
        - drawdown
        + 0.4 * m.drift("WaterLevel", 200)
        + 0.01 * m.noise("WaterLevel")
    )


GROUNDWATER: Mapping[str, Course] = {
    "WaterLevel": _well_level,
    "Temp": lambda m: 25.2 + 0.4 * m.drift("Temp", 300) + 0.03 * m.noise("Temp"),
    "TempEnv": lambda m: weather.temperature(m) + 0.2 * m.noise("TempEnv"),
    "pH": lambda m: 6.8 + 0.15 * m.drift("pH", 200) + 0.02 * m.noise("pH"),
    "EC": lambda m: m.scatter("EC", 520 * m.level("EC", 0.3) + 25 * m.drift("EC", 150), share=0.004),
    "TDS": lambda m: m.scatter("TDS", 330 * m.level("EC", 0.3) + 16 * m.drift("EC", 150), share=0.004),
    "NH4-N": _nutrient("NH4-N", 0.9),
    "NO3-N": _nutrient("NO3-N", 1.8),
}
