"""What was taken for granted when a file was read, and no quality test looks at."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from quantrac.domain.assignment import fits_pattern, stands_in
from quantrac.domain.catalogue import find_parameter
from quantrac.domain.inspection.doubt import Assumption, Doubt
from quantrac.domain.inspection.file import InspectedFile
from quantrac.domain.numbers import has_unsure_comma
from quantrac.domain.parsing import DEFAULT_ZONE, name_time, station_code_from_name
from quantrac.domain.qualifiers import split_qualifier
from quantrac.domain.readings import Reading
from quantrac.domain.registry.stations import Station
from quantrac.domain.units import canonical_unit

_USUAL_INTERVAL = timedelta(minutes=5)
"""Between two files where no station says another one: the step of most loggers; default, unverified."""
_CLOCK = "%Y%m%d%H%M%S"


def find_assumptions(file: InspectedFile, stations: Iterable[Station] = ()) -> Iterator[Doubt]:
    """Yield what was taken for granted, of the whole file first; ``stations`` are all of the registry."""
    if not file.parsed.readings:
        return
    if file.station is not None and (words := _name_another_station(file, file.station, stations)):
        detail = f"{words}, and the file is taken for {file.station.code}."
        yield Doubt(0, Assumption.STATION_APART, None, detail)
    if detail := _name_another_time(file):
        yield Doubt(0, Assumption.TIME_APART, None, detail)
    for reading in file.parsed.readings:
        if _has_assumed_unit(file, reading):
            unit = f"is taken as {reading.unit}" if reading.unit else "may be any"
            detail = f"The unit of {reading.parameter} is not written and {unit}."
            yield Doubt(reading.line, Assumption.UNIT_ASSUMED, None, detail)
        if _has_inferred_sign(file, reading):
            detail = f'"{reading.text.strip()}" is read as {reading.text.strip().replace(",", ".")}.'
            yield Doubt(reading.line, Assumption.DECIMAL_SIGN_INFERRED, None, detail)


def _name_another_station(file: InspectedFile, station: Station, stations: Iterable[Station]) -> str:
    """Say what names another station; empty where nothing does."""
    code = station_code_from_name(file.name)
    if code and not stands_in(station, file.name) and not fits_pattern(file.name, station.file_patterns):
        return f"The file's name states {code}"
    if file.title and not stands_in(station, file.title):
        for neighbour in stations:
            if neighbour.code != station.code and stands_in(neighbour, file.title):
                return f"The file's first line states {neighbour.code}"
    return ""


def _name_another_time(file: InspectedFile) -> str:
    zone = ZoneInfo(file.station.timezone) if file.station else DEFAULT_ZONE
    stated = name_time(file.name, zone)
    if stated is None:
        return ""
    times = file.parsed.readings.measured_at
    nearest = min(set(times), key=lambda time: abs(time - stated))
    interval = timedelta(seconds=file.station.interval_at(stated)) if file.station else _USUAL_INTERVAL
    if abs(nearest - stated) <= interval:
        return ""
    clock_times = (f"{time.astimezone(zone):{_CLOCK}}" for time in (stated, nearest))
    return "The file's name states {}, and its nearest line {}.".format(*clock_times)


def _has_assumed_unit(file: InspectedFile, reading: Reading) -> bool:
    """Tell whether a value has a unit that neither its line nor the parameter's entry states."""
    _, _, unit, _, _ = file.written[reading.line]
    if canonical_unit(unit):
        return False
    if file.station is None:
        parameter = find_parameter(reading.parameter)
        return parameter is not None and bool(parameter.units) and "" not in parameter.units.values()
    entry = file.station.parameter(reading.parameter, reading.measured_at)
    return entry is not None and bool(entry.unit) and entry.file_unit is None


def _has_inferred_sign(file: InspectedFile, reading: Reading) -> bool:
    is_declared = file.station is not None and file.station.decimal_sign is not None
    return not is_declared and has_unsure_comma(split_qualifier(reading.text)[1])
