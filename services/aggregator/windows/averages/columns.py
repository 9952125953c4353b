"""Averages as columns: from members to figures, pure. Times are seconds since 1970, UTC."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isnan
from typing import Any
from zlib import crc32

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from quantrac.domain.averaging import PERCENTILES, AverageRules, Period, Statistics, month_starts, statistics
from quantrac.domain.catalogue import Combined
from schemas.codec import AverageMessage
from services.aggregator.windows.averages.queries import DAYS
from services.aggregator.windows.columns import (
    DAY,
    FLAGS,
    HOUR,
    PERIODS,
    Block,
    Numbers,
    Records,
    joined,
    received,
)

BEFORE, AFTER = 7, 7
"""Hours around a day that share an 8-hour mean with one of it."""

_COUNTS = ("received", *FLAGS)
_FIGURES = ("mean", "total", "minimum", "maximum", "sd", *(f"p{percent:02d}" for percent in PERCENTILES))
# The finaliser of splitmix64: each bit of a column changes about half of those of the hash.
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class Series:
    """The series of one look: a number is the station's place times the parameters, plus the parameter's."""

    def __init__(self, numbers: Numbers, combined: Sequence[Combined]) -> None:
        """``combined`` says it of every parameter of the scope."""
        self.numbers, self._combined = np.unique(numbers), combined

    def __len__(self) -> int:
        return len(self.numbers)

    def rows(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Return the rows of series in this look, and which of ``numbers`` are in it at all."""
        rows = np.minimum(np.searchsorted(self.numbers, numbers), len(self.numbers) - 1)
        return rows, self.numbers[rows] == numbers

    def block(self, rows: Numbers, members: NDArray[np.float64], period: Period) -> Block:
        """Return the figures of one average a row of ``members``."""
        station, parameter = np.divmod(self.numbers[rows], len(self._combined))
        found = statistics(members, [self._combined[place] for place in parameter.tolist()])
        return {
            "station": station,
            "parameter": parameter,
            "period": np.full(len(rows), PERIODS.index(period)),
            **_figures(found),
        }


def hours_around_a_day(
    found: Records, series: Series, parameters: int, start: int, dirty: tuple[Numbers, Numbers]
) -> Block:
    """Return the 8-hour means that hours of one day enter, and that day.

    ``found``: stored hours from 7 before the day, which begins at ``start``, to 7 after it; ``dirty``: row of
    the series and time of each touched hour.
    """
    width = BEFORE + 24 + AFTER
    first = start - BEFORE * HOUR
    rows, known = series.rows(found["station"].astype(np.int64) * parameters + found["parameter"])
    found, rows = found[known], rows[known]
    columns = (found["starts_at"].astype(np.int64) - first) // HOUR
    members = np.full((len(series), width), np.nan)
    members[rows, columns] = found["member"]
    counts = {name: np.zeros((len(series), width), np.int64) for name in (*_COUNTS, "unit", "last_at")}
    counts["first_at"] = np.full((len(series), width), np.iinfo(np.int64).max)
    for name, matrix in counts.items():
        matrix[rows, columns] = found[name]
    place = np.where(counts["received"] > 0, np.arange(width), -1)

    touched = (dirty[1] - start) // HOUR
    pairs = np.unique((dirty[0] * width + touched)[:, None] + np.arange(8))  # column where the window begins
    days = np.unique(dirty[0])
    blocks = []
    for period, hours, row, column in (
        (Period.EIGHT_HOURS, 8, *np.divmod(pairs, width)),
        (Period.DAY, 24, days, np.full(len(days), BEFORE)),
    ):
        windows = sliding_window_view(members, hours, axis=1)
        block = series.block(row, windows[row, column], period)
        for name in _COUNTS:
            summed = np.cumsum(np.pad(counts[name], ((0, 0), (1, 0))), axis=1)
            block[name] = summed[row, column + hours] - summed[row, column]
        block["first_at"] = sliding_window_view(counts["first_at"], hours, axis=1)[row, column].min(axis=1)
        block["last_at"] = sliding_window_view(counts["last_at"], hours, axis=1)[row, column].max(axis=1)
        newest = sliding_window_view(place, hours, axis=1)[row, column].max(axis=1)
        block["unit"] = counts["unit"][row, newest]
        block["starts_at"] = first + column * HOUR
        block["ends_at"] = block["starts_at"] + hours * HOUR
        block["expected"] = np.full(len(row), hours)
        blocks.append(block)
    return received(joined(blocks))


def months_and_year(
    found: Records, series: Series, parameters: int, year: int, dirty: tuple[Numbers, Numbers]
) -> Block:
    """Return the months that were touched, and the year; ``dirty``: row of the series and month, 0 to 11."""
    starts = [int(at.timestamp()) for at in month_starts(year)]
    rows, known = series.rows(found["station"].astype(np.int64) * parameters + found["parameter"])
    months, rows = found[known], rows[known]
    members = np.full((len(series), 12, DAYS), np.nan)
    members[rows, months["month"]] = months["members"]
    counts = {name: np.zeros((len(series), 12), np.int64) for name in (*_COUNTS, "unit", "last_at")}
    counts["first_at"] = np.full((len(series), 12), np.iinfo(np.int64).max)
    for name, matrix in counts.items():
        matrix[rows, months["month"]] = months[name]
    place = np.where(counts["received"] > 0, np.arange(12), -1)

    pairs = np.unique(dirty[0] * 12 + dirty[1])
    blocks = []
    spans = [(Period.MONTH, month, month + 1) for month in np.unique(pairs % 12).tolist()]
    for period, begin, end in (*spans, (Period.YEAR, 0, 12)):
        row = pairs[pairs % 12 == begin] // 12 if period is Period.MONTH else np.unique(dirty[0])
        block = series.block(row, members[row, begin:end].reshape(len(row), -1), period)
        for name in _COUNTS:
            block[name] = counts[name][row, begin:end].sum(axis=1)
        block["first_at"] = counts["first_at"][row, begin:end].min(axis=1)
        block["last_at"] = counts["last_at"][row, begin:end].max(axis=1)
        block["unit"] = counts["unit"][row, place[row, begin:end].max(axis=1)]
        for name, value in (
            ("starts_at", starts[begin]),
            ("ends_at", starts[end]),
            ("expected", (starts[end] - starts[begin]) // DAY),
        ):
            block[name] = np.full(len(row), value)
        blocks.append(block)
    return received(joined(blocks))


def finished(block: Block, rules: AverageRules, units: Sequence[str]) -> Block:
    """Add completeness, and the hash that tells whether a recomputation is another result."""
    block["completeness"] = block["count"] / block["expected"]
    block["complete"] = rules.complete(block["count"], block["expected"])
    texts = np.array([crc32(unit.encode()) for unit in units], np.uint64)
    found = np.zeros(len(block["count"]), np.uint64)
    for name in ("count", "expected", "complete", "first_at", "last_at", *_COUNTS, *_FIGURES):
        found = _mixed(found, block[name])
    found = _mixed(found, texts[block["unit"]])
    block["content"] = np.maximum(found, np.uint64(1))  # 0 stands for rows without one
    return block


def told(block: Block, parameters: Sequence[str], units: Sequence[str]) -> list[AverageMessage]:
    """Return each row as ``aggregated`` tells it."""
    columns: dict[str, Sequence[Any]] = {
        "parameter": [parameters[place] for place in block["parameter"].tolist()],
        "unit": [units[place] for place in block["unit"].tolist()],
        "period": [PERIODS[place].value for place in block["period"].tolist()],
        "starts_at": _moments(block["starts_at"]),
        "ends_at": _moments(block["ends_at"]),
    }
    for name in AverageMessage.__struct_fields__[len(columns) :]:
        values = block[name].tolist()
        columns[name] = [None if isnan(v) else v for v in values] if name in _FIGURES else values
    return list(map(AverageMessage, *columns.values()))


def _moments(times: Numbers) -> list[datetime]:
    different, places = np.unique(times, return_inverse=True)
    moments = [datetime.fromtimestamp(at, UTC) for at in different.tolist()]
    return [moments[place] for place in places.tolist()]


def _figures(found: Statistics) -> Block:
    columns = [found.mean, found.total, found.minimum, found.maximum, found.sd, *found.percentiles.T]
    # One zero and one NaN, so that equal figures have equal bits.
    same = {
        name: np.where(np.isnan(column), np.nan, column + 0.0)
        for name, column in zip(_FIGURES, columns, strict=True)
    }
    return {"count": found.count, **same}


def _mixed(found: Numbers, column: Numbers) -> Numbers:
    bits = column.view(np.uint64) if column.dtype == np.float64 else column.astype(np.uint64)
    found = found * np.uint64(31) + bits + np.uint64(0x9E3779B97F4A7C15)
    found = (found ^ (found >> np.uint64(30))) * _MULTIPLIERS[0]
    found = (found ^ (found >> np.uint64(27))) * _MULTIPLIERS[1]
    found ^= found >> np.uint64(31)
    return found
