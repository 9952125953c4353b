"""Station files of the circular's layout: five columns, TABs, CRLF, the station's local time."""

from datetime import datetime
from zoneinfo import ZoneInfo

from quantrac.domain.registry.stations import Station, StationParameter, StationType
from quantrac.local.simulator.courses import equipment_range, find_course
from quantrac.local.simulator.faults import Fault, lasting_fault, passing_fault
from quantrac.local.simulator.moment import Moment
from quantrac.local.simulator.noise import uniform

TIME_FORMAT = "%Y%m%d%H%M%S"

# Loggers write ASCII where the catalogue does not.
_FILE_UNITS = {"µg/m3": "ug/m3", "°C": "oC", "°": "Degree", "W/m2": "w/m2", "µS/cm": "uS/cm"}


def moment_of(station: Station, time: datetime, seed: int) -> Moment:
    """Return ``time`` (aware) at a station, in its local time."""
    return Moment(time.astimezone(ZoneInfo(station.timezone)), seed, station.code)


def station_file(station: Station, time: datetime, seed: int) -> tuple[str, bytes]:
    """Make the file that a station's logger writes at ``time`` (aware): its name and its bytes.

    The same arguments give the same bytes. Parameters stand in the registry's order, those valid at ``time``.
    """
    m = moment_of(station, time, seed)
    stamp = m.local.strftime(TIME_FORMAT)
    lines = [
        line(written_name(parameter), text, written_unit(parameter), stamp, status)
        for parameter in station.parameters
        if parameter.valid_at(time)
        for text, status in [measure(station.type, parameter, m)]
    ]
    return file_name(station.code, stamp), "".join(lines).encode()


def file_name(code: str, time: str) -> str:
    """Return the name of a file: ``CODE_yyyyMMddHHmmss.txt``."""
    return f"{code}_{time}.txt"


def day_folder(name: str) -> str:
    """Return ``yyyy/MM/dd``, the folder of a station file by the time in its name; ``""`` where it has none.

    >>> day_folder("HN_DEMO_KHI001_20260325000500.txt")
    '2026/03/25'
    """
    time = name.rpartition("_")[2].partition(".")[0]
    if len(time) != 14 or not (time.isascii() and time.isdigit()):
        return ""
    return f"{time[:4]}/{time[4:6]}/{time[6:8]}"


def line(name: str, text: str, unit: str, time: str, status: str = "00") -> str:
    """Return one line of a station file."""
    return f"{name}\t{text}\t{unit}\t{time}\t{status}\r\n"


def written_name(parameter: StationParameter) -> str:
    """Return the name the files use: the first registered one, else the catalogue code."""
    return parameter.file_names[0] if parameter.file_names else parameter.code


def written_unit(parameter: StationParameter) -> str:
    """Return the unit column: empty where the registry says which unit an empty one means."""
    return "" if parameter.file_unit is not None else _FILE_UNITS.get(parameter.unit, parameter.unit)


def measure(medium: StationType, parameter: StationParameter, m: Moment) -> tuple[str, str]:
    """Return a value as text and the device status, with the faults of that moment."""
    course = find_course(medium, parameter)
    lasting = lasting_fault(m, parameter.code)
    if lasting is None:
        return _passing(parameter, course(m), m), "00"
    fault, window = lasting
    if fault is Fault.CALIBRATION:
        return _number(_calibration_value(parameter, m, window.part(m.local))), "01"
    repeated = course(Moment(window.start, m.seed, m.station))
    return _number(repeated), "02" if fault is Fault.DEVICE_ERROR else "00"


def _passing(parameter: StationParameter, value: float, m: Moment) -> str:
    match passing_fault(m, parameter.code):
        case Fault.SPIKE:
            low, high = equipment_range(parameter)
            share = 0.6 + 0.6 * uniform(m.seed, m.station, parameter.code, m.seconds, "spike")
            return _number(value + share * (high - low))  # inside the range or beyond it
        case Fault.GARBLED:
            return f"{value:.1f}x".replace(".", ",")
        case _:
            return _number(value)


def _calibration_value(parameter: StationParameter, m: Moment, part: float) -> float:
    """Zero standard in the first half, span standard at 80 % of the range in the second."""
    low, high = equipment_range(parameter)
    standard = 0.002 if part < 0.5 else 0.8
    return low + (high - low) * standard * (1 + 0.02 * m.noise(parameter.code))


def _number(value: float) -> str:
    return f"{value:.2f}"
