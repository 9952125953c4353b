"""A year of hourly air data of a Hanoi station with gross faults: all must be flagged, good hours not.

Four faults come from other stations of the national network whose files are not here; they are set into the
series of this station (``set in``). The others are in the data.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scoring import runs
from series import numbers, table

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Station = dict[str, Floats]

FILE = "hanoi_cem_2025/HN_NC_conc_hourly_2025.csv"
COLUMNS = {
    "Temp": "Nhiệt độ(oC}",
    "NOx": "NOx(µg/Nm3}",
    "SO2": "SO2(µg/Nm3}",
    "O3": "O3(µg/Nm3}",
    "PM10": "PM-10(µg/Nm3}",
    "PM2.5": "PM-2-5(µg/Nm3}",
    "NO": "NO(µg/Nm3}",
    "NO2": "NO2(µg/Nm3}",
    "CO": "CO(mg/Nm3}",  # holds µg/m3
    "Pressure": "Áp suất khí quyển(hPa}",
    "WindDir": "Hướng gió(Degree}",
    "WindSpeed": "Tốc độ gió(m/s}",
    "Humidity": "Độ ẩm(%}",
}
MEDIUM, INTERVAL = "ambient-air", 3600
STUCK_AFTER = 24
"""Hours: by then a stuck value must be flagged."""

PLAUSIBLE = {
    "Temp": (3, 43),
    "NOx": (0, 1200),
    "SO2": (0, 350),
    "O3": (0, 400),
    "PM10": (0, 600),
    "PM2.5": (0, 500),
    "NO": (0, 1000),
    "NO2": (0, 400),
    "CO": (50, 30_000),
    "Pressure": (970, 1045),
    "WindDir": (0, 360),
    "WindSpeed": (0, 40),
    "Humidity": (10, 100),
}
"""What hourly means at a roadside in Hanoi can be (°C, µg/m3, hPa, °, m/s, %): set by hand
and wide, unverified; narrower than the physical limits of the tests and read from none of them."""
REPEATS = 12
"""Hours: an hourly mean that stays equal to the last digit for so long is no measurement."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One known fault and the readings that carry it."""

    name: str
    parameter: str
    at: Mask
    stuck: bool = False


def station(data: Path) -> tuple[NDArray[np.datetime64], Station]:
    """Read the year, first of each doubled hour; times are UTC."""
    path = data / FILE
    if not path.exists():
        raise SystemExit(f"No {FILE} in {data}: name the folder that has it.")
    columns = table(path)
    local = [datetime.strptime(text, "%H:%M %d/%m/%Y").replace(tzinfo=UTC) for text in columns["Datetime"]]
    times = np.array([at.replace(tzinfo=None) for at in local], dtype="datetime64[s]") - np.timedelta64(
        7, "h"
    )
    _, first = np.unique(times, return_index=True)
    values = {
        name: numbers([text.strip() for text in columns[title]])[first] for name, title in COLUMNS.items()
    }
    return times[first], values


def with_faults(values: Mapping[str, Floats]) -> tuple[Station, list[Fault]]:
    """Return the station with the faults of elsewhere set in, and the list of all."""
    given = {name: each.copy() for name, each in values.items()}
    hours = len(given["CO"])
    for parameter, hour, value in (("CO", 3000, 41_907_390.0), ("PM10", 3000, -32_570.0)):
        given[parameter][hour] = value
    given["CO"][5000 : 5000 + 1783] = 3087.03
    mixed_up = slice(7000, 7000 + 440)
    given["NO2"][mixed_up] = 1.2 * given["NOx"][mixed_up] + 3
    return given, list(_faults(given, hours))


def _faults(given: Mapping[str, Floats], hours: int) -> Iterator[Fault]:
    hour = np.arange(hours)
    yield Fault("CO = 41,907,390 (set in)", "CO", hour == 3000)
    yield Fault("PM10 = -32,570 (set in)", "PM10", hour == 3000)
    yield Fault("CO equal for 1,783 h (set in)", "CO", (hour >= 5000) & (hour < 6783), stuck=True)
    yield Fault("PM10 below 0", "PM10", (given["PM10"] < 0) & (hour != 3000))
    yield Fault("PM2.5 below 0", "PM2.5", given["PM2.5"] < 0)
    yield Fault("O3 to 12,318", "O3", given["O3"] > 1000)
    yield Fault("SO2 to 2,357", "SO2", given["SO2"] > 900)
    for name in ("NO", "NO2", "NOx"):
        longest = max(runs(given[name] == 0), key=lambda run: run[1] - run[0])
        at = (hour >= longest[0]) & (hour < longest[1])
        yield Fault(f"{name} = 0 for {np.sum(at):,} h", name, at, stuck=True)
    yield Fault("NO2 above 1.1 NOx + 2 (set in)", "NO2", given["NO2"] > most_no2(given["NOx"]))


def most_no2(nox: Floats) -> Floats:
    """Return up to which NO2 may exceed NOx (µg/m3): two channels of one analyser, read in turn."""
    return 1.1 * nox + 2


def found(fault: Fault, flagged: Mask) -> Mask:
    """Return which readings of a fault are flagged, at once or one interval later.

    A stuck one counts after :data:`STUCK_AFTER`, and then at once.

    >>> at = np.array([0, 1, 1, 0, 1], dtype=bool)
    >>> found(Fault("", "CO", at), np.array([0, 0, 0, 1, 0], dtype=bool)).tolist()
    [False, True, False]
    """
    in_time = flagged | np.append(flagged[1:], False)
    if not fault.stuck:
        return in_time[fault.at]
    return flagged[np.flatnonzero(fault.at)[STUCK_AFTER:]]


def plausible(values: Mapping[str, Floats], parameter: str) -> Mask:
    """Return the hours of a parameter that nothing speaks against.

    A number within :data:`PLAUSIBLE`, outside runs of :data:`REPEATS` equal hours, and no NO2 above
    :func:`most_no2`.
    """
    each = values[parameter]
    low, high = PLAUSIBLE[parameter]
    fine = (each >= low) & (each <= high)
    for start, end in runs(np.append(False, each[1:] == each[:-1])):
        if end - start + 1 >= REPEATS:
            fine[start - 1 : end] = False
    if parameter == "NO2":
        fine &= each <= most_no2(values["NOx"])
    return fine
