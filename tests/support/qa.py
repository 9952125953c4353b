"""Rules that ask every test, two stations that are neighbours, and a month of their readings."""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from quantrac.domain.qa.thresholds.expectations import Expectations
from quantrac.domain.qualifiers import Qualifier
from quantrac.domain.readings import Reading, Readings, ReadingSet
from quantrac.domain.registry.registry import Registry
from quantrac.domain.registry.stations import Station, StationParameter, StationType
from schemas.rules import RuleBook, RuleSet, load

START = datetime(2026, 3, 1, tzinfo=UTC)
ONE, OTHER = "HN_MOT_KHIKXQ", "HN_HAI_KHIKXQ"

_LOW, _HIGH = ([[end] * 24] * 12 for end in (-100, 3000))
EVERY_TEST = f"""
required: [status, unit]
national:
  source: "made up for a test"
  tests:
    status: {{}}
    gap: {{}}
    unit: {{}}
    equipment_range: {{}}
    zero: {{after: 20, fail_after: 60}}
    negative: {{}}
    flat_line: {{suspect_after: 30, fail_after: 60}}
    spike: {{suspect: 50, fail: 500, spreads: 6, minutes: 60, return_share: 0.6}}
    rate_of_change: {{suspect: 200, minutes: 30}}
    stuck: {{tolerance: 0.5}}
    own_range: {{spans: 0.5}}
    own_rate: {{factor: 2, minutes: 30}}
    neighbours: {{tolerance: 15, at_least: 1}}
    future: {{}}
    age: {{days: 20}}
    grid: {{tolerance: 60}}
    clock_drift: {{seconds: 100, phase: 0, minutes: 60}}
    error_code: {{suspect_codes: [-3]}}
    duplicate: {{corrections: 0}}
  parameters:
    PM2.5:
      physical_range: {{low: 0, high: 4000}}
      against_other: {{other: PM10, at_most: 1.5}}
      climatology: {{low: {_LOW}, high: {_HIGH}}}
    PM10:
      drops_with: {{other: PM2.5}}
    NOx:
      sum_of_parts: {{first: "NO", second: NO2, tolerance: 8}}
"""
STRICTER = EVERY_TEST.replace("suspect: 50, fail: 500", "suspect: 5, fail: 20")


@cache
def rules(text: str = EVERY_TEST) -> RuleSet:
    """Read rules from the text of a rule file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rules.yaml")
        path.write_text(text, encoding="utf-8")
        return load(path)


def registry(codes: tuple[str, ...] = ("PM2.5", "PM10", "CO")) -> Registry:
    """Return two stations 3 km apart."""
    parameters = tuple(StationParameter(code, "ug/m3", range_low=-50.0, range_high=6000.0) for code in codes)

    def station(code: str, latitude: float) -> Station:
        return Station(
            code, code, code, StationType.AMBIENT_AIR, "01", latitude, 105.84, 300, parameters=parameters
        )

    return Registry(stations={ONE: station(ONE, 21.0), OTHER: station(OTHER, 21.027)})


def expectations(registered: Registry | None = None, text: str = EVERY_TEST) -> Expectations:
    """Return what a registry and rules expect."""
    return Expectations(registered or registry(), RuleBook(rules(text)))


def reading(
    minute: float,
    value: float,
    parameter: str = "PM2.5",
    status: str = "00",
    unit: str = "ug/m3",
    line: int = 1,
    qualifier: Qualifier = "",
) -> Reading:
    """Return a reading ``minute`` minutes after the start."""
    at = START + timedelta(minutes=minute)
    text = f"{qualifier}{value!r}"
    return Reading(line, parameter, value, text, unit, at, status, qualifier=qualifier)


def a_set(*readings: Reading, station: str = ONE, received: datetime | None = None) -> ReadingSet:
    """Return a file, received a minute after its last reading if nothing else is said."""
    newest = max((r.measured_at for r in readings), default=START)
    at = received or newest + timedelta(minutes=1)
    name = f"{station}-{at.isoformat()}"
    return ReadingSet(station, name, name, "acc", "ftp", at, "circular-10", Readings.of(readings))


def files(
    station: str = ONE,
    *,
    hours: int,
    seed: int,
    step: int = 5,
    codes: tuple[str, ...] = ("PM2.5", "PM10", "CO"),
) -> list[ReadingSet]:
    """Return the files of a station, in order of time, with what goes wrong in the field.

    Spikes, values that stand still or hardly move, a clock that is late, calibrations (01) and failures (02),
    missing values, values below a limit of the method, a wrong unit, files that never came, hours of silence,
    and parameters in files of their own.
    """
    random, other_random = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    n = hours * 60 // step
    columns = {}
    for code in codes:
        value = np.round(30 + np.cumsum(random.normal(0, 0.7, n)) % 40, 1)
        calm = int(random.integers(n)), 60 * 60 // step
        value[calm[0] : sum(calm)] = np.round(30 + random.random(len(value[calm[0] : sum(calm)])) / 3, 1)
        value[random.random(n) < 0.004] *= 15
        value[random.random(n) < 0.001] *= 300
        value[random.random(n) < 0.002] = np.nan
        value[random.random(n) < 0.002] = -3.0
        status = np.full(n, "00", dtype=object)
        for start in random.choice(n, max(1, n // 400)):
            value[start : start + 16] = random.choice([value[start], 0.0])
        for start in random.choice(n, max(1, n // 500)):
            status[start : start + 6] = random.choice(["01", "02"])
        qualifier = np.full(n, "", dtype=object)
        for start in other_random.choice(n, max(1, n // 300)):
            value[start : start + 9], qualifier[start : start + 9] = 0.2, "<"
        columns[code] = value, status, qualifier
    late_clock = np.zeros(n, dtype=bool)
    for start in random.choice(n, max(1, n // 1000)):
        late_clock[start : start + 9] = True
    silent = np.zeros(n, dtype=bool)
    for start in random.choice(n, max(1, n // 1000)):
        silent[start : start + random.integers(12, 12 * 8)] = True
    silent |= random.random(n) < 0.02
    sets = []
    for slot in np.flatnonzero(~silent):
        drift = 2.0 if late_clock[slot] else random.choice([0, 0, 0, 0, 1 / 60, 1.5])
        unit = "mg/m3" if random.random() < 0.001 else "ug/m3"
        readings = [
            reading(
                step * int(slot) + drift,
                float(value[slot]),
                code,
                str(status[slot]),
                unit,
                line,
                qualifier[slot],
            )
            for line, (code, (value, status, qualifier)) in enumerate(columns.items(), 1)
        ]
        cut = 1 if random.random() < 0.1 else 0
        sets += [a_set(*part, station=station) for part in (readings[:cut], readings[cut:]) if part]
    return sets


def disordered(
    sets: list[ReadingSet],
    random: np.random.Generator,
    *,
    late: float = 0.1,
    again: float = 0.05,
    corrected: float = 0.03,
    furthest: int = 4000,
) -> list[ReadingSet]:
    """Delay some files, send some twice, and correct values of some: sets with new times of receipt.

    ``late``, ``again`` and ``corrected`` are shares of the files, ``furthest`` minutes.
    """
    arrivals = [(a_file.received_at, a_file) for a_file in sets]
    for a_file in sets:
        if random.random() < again:
            at = a_file.received_at + timedelta(minutes=int(random.integers(1, furthest)))
            arrivals.append((at, a_file))
        if random.random() < corrected:
            corrections = [
                replace(r, value=r.value + 40.0, text=repr(r.value + 40.0)) for r in a_file.readings
            ]
            at = a_file.received_at + timedelta(minutes=int(random.integers(1, furthest)))
            arrivals.append((at, replace(a_file, readings=Readings.of(corrections))))
    disordered_sets = []
    for number, (at, a_file) in enumerate(arrivals):
        delay = int(random.integers(1, furthest)) if random.random() < late else 0
        received = at + timedelta(minutes=delay, milliseconds=number % 1000)
        file_id = f"{a_file.station}-{received.isoformat()}"
        disordered_sets.append(replace(a_file, received_at=received, file_id=file_id))
    return sorted(disordered_sets, key=lambda s: s.received_at)
