"""Finds the course of a station's parameter."""

from collections.abc import Mapping

from quantrac.domain.registry.stations import StationParameter, StationType
from quantrac.local.simulator.air import AIR
from quantrac.local.simulator.industry import STACK, WASTEWATER
from quantrac.local.simulator.moment import Course, Moment
from quantrac.local.simulator.water import GROUNDWATER, SURFACE_WATER

COURSES: Mapping[StationType, Mapping[str, Course]] = {
    StationType.AMBIENT_AIR: AIR,
    StationType.STACK: STACK,
    StationType.SURFACE_WATER: SURFACE_WATER,
    StationType.GROUNDWATER: GROUNDWATER,
    StationType.WASTEWATER: WASTEWATER,
}


def find_course(medium: StationType, parameter: StationParameter) -> Course:
    """Return the course of a parameter; one without its own moves about the middle of its range."""
    return COURSES[medium].get(parameter.code) or _mid_range(parameter)


def equipment_range(parameter: StationParameter) -> tuple[float, float]:
    """Return the equipment range; 0 to 100 where the registry gives none."""
    low = parameter.range_low if parameter.range_low is not None else 0.0
    return low, parameter.range_high if parameter.range_high is not None else low + 100.0


def _mid_range(parameter: StationParameter) -> Course:
    low, high = equipment_range(parameter)

    def course(m: Moment) -> float:
        return low + (high - low) * (0.4 + 0.1 * m.drift(parameter.code, 12) + 0.01 * m.noise(parameter.code))

    return course
