"""Courses of factories: stacks that follow the load of the shift, outlets that discharge in cycles."""

import math
from collections.abc import Mapping

from quantrac.local.simulator import weather
from quantrac.local.simulator.air import NO_AS_NO2
from quantrac.local.simulator.moment import Course, Moment
from quantrac.local.simulator.noise import uniform

_CYCLE_HOURS = 6
_PUMPING = 0.6  # share of a cycle in which the outlet runs


def _load(m: Moment) -> float:
    """Load of the plant, 0.45 to 1: high by day, lower at night, with slow changes."""
    return 0.73 + 0.17 * math.tanh(3 * m.wave(13)) + 0.09 * m.drift("load", 5)


def _nox(m: Moment) -> float:
    return STACK["NO2"](m) + NO_AS_NO2 * STACK["NO"](m)


def _emission(name: str, typical: float, power: float = 1.0) -> Course:
    """Course of a substance in flue gas, mg/Nm3, that rises with the load to ``power``."""

    def course(m: Moment) -> float:
        slow = 1 + 0.2 * m.drift(name, 3)
        return m.scatter(name, typical * m.level(name, 0.3) * _load(m) ** power * slow)

    return course


STACK: Mapping[str, Course] = {
    "Temp": lambda m: m.scatter("Temp", 95 + 60 * _load(m) * m.level("Temp", 0.1), share=0.006),
    "Pressure": lambda m: weather.pressure(m) / 10 - 0.4 * _load(m) + 0.02 * m.noise("Pressure"),
    "Flow": lambda m: m.scatter("Flow", 62_000 * m.level("Flow", 0.3) * _load(m), share=0.01),
    "O2": lambda m: 13.5 - 5.5 * _load(m) + 0.6 * m.drift("O2", 2) + 0.05 * m.noise("O2"),
    "PM": _emission("PM", 34),
    "SO2": _emission("SO2", 130),
    "NO": _emission("NO", 95, power=1.4),
    "NO2": _emission("NO2", 14),
    "NOx": _nox,
    "CO": _emission("CO", 150, power=-0.8),  # bad burning at low load
    "NH3": _emission("NH3", 5),
    "HCl": _emission("HCl", 11),
}


def _discharge(m: Moment) -> float:
    """Discharge, 0.1 (between) to 1 (pumping): each outlet begins its cycles at a time of its own."""
    offset = _CYCLE_HOURS * uniform(m.seed, m.station, "cycle")
    phase = (m.hour + offset) % _CYCLE_HOURS / _CYCLE_HOURS
    return 0.1 + 0.9 * math.sqrt(math.sin(math.pi * phase / _PUMPING)) if phase < _PUMPING else 0.1


def _flow(m: Moment) -> float:
    return m.scatter("flow out", 85 * m.level("flow", 0.5) * _discharge(m), share=0.02)


def _inflow(m: Moment) -> float:
    arriving = 0.55 + 0.2 * m.wave(13) + 0.05 * m.drift("flow in", 2)
    return m.scatter("flow in", 85 * m.level("flow", 0.5) * arriving, share=0.02)


def _load_in_water(name: str, typical: float) -> Course:
    """Course of a substance in treated water: more while pumping, and better and worse days of treatment."""

    def course(m: Moment) -> float:
        treated = 0.75 + 0.3 * _discharge(m) + 0.3 * m.drift("treatment", 30)
        return m.scatter(name, typical * m.level(name, 0.3) * treated)

    return course


WASTEWATER: Mapping[str, Course] = {
    "Flow": _flow,
    "FlowOut": _flow,
    "FlowIn": _inflow,
    "Temp": lambda m: 28.5 + 2.5 * weather.summer(m) + 1.2 * m.wave(15) + 0.08 * m.noise("Temp"),
    "pH": lambda m: 7.3 + 0.35 * m.drift("pH", 10) + 0.03 * m.noise("pH"),
    "COD": _load_in_water("COD", 58),
    "BOD": _load_in_water("BOD", 24),
    "TSS": _load_in_water("TSS", 38),
    "NH4": _load_in_water("NH4", 3.4),
    "TN": _load_in_water("TN", 15),
    "TP": _load_in_water("TP", 2.1),
    "Color": _load_in_water("Color", 42),
    "Cl": _load_in_water("Cl", 0.6),
}
