"""The labelled series: readings as the station sent them, and what a person later said about each.

Two archives of river water. At the Logan River Observatory technicians keep a corrected copy of every
series; a reading is labelled where they deleted it (no corrected value) or moved it against its neighbours
by more than the sensor's accuracy (:data:`ACCURACY`). An offset that stays for a day or more is the slow
correction of a drift, a fouled probe or a moved datum: no test sees it in a live reading, so such stretches
are *excluded*, neither found nor false. The Sandy Creek series carry labels that experts set point by point
(Leigh et al. 2019). The office temperature of the Numenta benchmark has windows around its failures.
"""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

ACCURACY = {"Temp": 0.2, "EC": 5.0, "pH": 0.1, "DO": 0.2, "Turbidity": 2.0, "WaterLevel": 0.01}
"""°C, µS/cm, 1, mg/L, NTU, m: what a multi-parameter sonde in a river keeps between two visits."""
RELATIVE_ACCURACY = {"EC": 0.01, "Turbidity": 0.05}
"""Of the corrected value, where that is more."""
DAY = 96
"""Readings at 15 minutes; an offset that holds for most of two such days is the baseline."""
NO_DATA = -9999.0

LOG_FLOOR = {"Turbidity": 3.0}
"""NTU; turbidity grows by factors, so its tests compare ln(value + floor)."""

RIVER = {"temp": "Temp", "cond": "EC", "ph": "pH", "do": "DO", "turb": "Turbidity", "stage": "WaterLevel"}
RIVER_FACTORS = {"stage": 0.01}
"""Into the unit of the rules, where a column is in another one: the stage is in cm."""
SANDY = {"Level": "WaterLevel", "Cond": "EC", "Tur": "Turbidity"}


@dataclass(frozen=True, slots=True)
class Series:
    """One parameter of one station; the arrays have one entry a row of the file, in time order."""

    station: str
    parameter: str
    medium: str
    interval_seconds: int | None
    """``None`` where the station sends at no fixed interval."""
    times: NDArray[np.datetime64]
    """``datetime64[s]``; local standard time taken for UTC, which moves no test."""
    values: Floats
    """NaN where the station sent nothing."""
    labelled: Mask
    excluded: Mask

    @property
    def name(self) -> str:
        return f"{self.station} {self.parameter}"


def on_test_scale(series: Series) -> Floats:
    """Return the values on the scale on which steps of the parameter are alike at low and at high water."""
    floor = LOG_FLOOR.get(series.parameter)
    return series.values if floor is None else np.log(np.maximum(series.values, 0) + floor)


def labelled_series(data: Path) -> list[Series]:
    """Read every labelled series below ``data``; a missing archive ends the program with a sentence."""
    found = [*river(data / "lro_river_qc"), *sandy(data / "oddwater_sandy"), *office(data / "nab")]
    if not found:
        raise SystemExit(
            f"No labelled series in {data}: name the folder that has lro_river_qc and the others."
        )
    return found


def river(folder: Path) -> Iterator[Series]:
    """Logan River Observatory: 3 stations, 6 parameters, every 15 minutes."""
    for path in sorted(folder.glob("*.csv")):
        columns = table(path)
        times = instants(columns["datetime"], datetime.fromisoformat)
        for column, parameter in RIVER.items():
            factor = RIVER_FACTORS.get(column, 1.0)
            raw, corrected = (factor * numbers(columns[name]) for name in (column, f"{column}_cor"))
            labelled, excluded = corrections(raw, corrected, parameter)
            yield Series(
                path.stem, parameter, "surface-water", 900, times, raw, labelled=labelled, excluded=excluded
            )


def corrections(raw: Floats, corrected: Floats, parameter: str) -> tuple[Mask, Mask]:
    """Tell (labelled, excluded) from what the technicians did to each reading.

    >>> raw, corrected = np.full(400, 7.0), np.full(400, 7.0)
    >>> raw[10:12], corrected[20], corrected[200:] = 0.0, np.nan, 7.4
    >>> labelled, excluded = corrections(raw, corrected, "pH")
    >>> np.flatnonzero(labelled).tolist(), np.flatnonzero(excluded)[[0, -1]].tolist()
    ([10, 11, 20], [200, 399])
    """
    offset = raw - corrected
    material = np.maximum(ACCURACY[parameter], RELATIVE_ACCURACY.get(parameter, 0.0) * np.abs(corrected))
    padded = np.pad(offset, DAY, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * DAY + 1)
    with np.errstate(all="ignore"):
        ordered = np.sort(around, axis=1)
    count = np.sum(~np.isnan(ordered), axis=1)
    baseline = ordered[np.arange(len(ordered)), np.maximum(count - 1, 0) // 2]
    there = ~np.isnan(raw)
    deleted = there & np.isnan(corrected)
    labelled = deleted | (np.abs(offset - np.nan_to_num(baseline)) > material)
    excluded = there & ~labelled & (np.abs(offset) > material)
    return labelled, excluded


def sandy(folder: Path) -> Iterator[Series]:
    """Sandy Creek, Queensland: level, conductivity, turbidity, about hourly, labelled by experts."""
    for path in sorted(folder.glob("*.csv")):
        columns = table(path)
        times = instants(columns["Timestamp"], lambda text: datetime.strptime(text, "%d/%m/%Y %H:%M"))  # noqa: DTZ007
        order = np.argsort(times, kind="stable")
        for column, parameter in SANDY.items():
            values = numbers(columns[column])[order]
            labelled = (numbers(columns[f"label_{column}"])[order] == 1) & ~np.isnan(values)
            none = np.zeros(len(values), dtype=bool)
            yield Series(
                "SandyCreek", parameter, "surface-water", None, times[order], values, labelled, excluded=none
            )


def office(folder: Path) -> Iterator[Series]:
    """Temperature of an office, hourly, in °F; its labels are windows of weeks."""
    for path in sorted(folder.glob("*.csv")):
        columns = table(path)
        times = instants(columns["timestamp"], datetime.fromisoformat)
        windows = json.loads(path.with_suffix(".labels.json").read_text())["anomaly_windows"]
        labelled = np.zeros(len(times), dtype=bool)
        for start, end in windows:
            labelled |= (times >= np.datetime64(start[:19])) & (times <= np.datetime64(end[:19]))
        celsius = (numbers(columns["value"]) - 32) / 1.8
        none = np.zeros(len(times), dtype=bool)
        yield Series("Office", "Temp", "ambient-air", 3600, times, celsius, labelled, excluded=none)


def table(path: Path) -> dict[str, Sequence[str]]:
    """Read a CSV file into columns."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        header, *rows = (row for row in csv.reader(lines) if row)
    return dict(zip(header, zip(*rows, strict=True), strict=True))


def instants(texts: Sequence[str], parse: Callable[[str], datetime]) -> NDArray[np.datetime64]:
    return np.array([parse(text) for text in texts], dtype="datetime64[s]")


def numbers(texts: Sequence[str]) -> Floats:
    """Read numbers; -9999, NULL, NA and nothing are NaN."""
    values = np.array([np.nan if text in ("", "NULL", "NA") else float(text) for text in texts])
    values[values == NO_DATA] = np.nan
    return values
