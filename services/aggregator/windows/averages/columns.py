"""Averages as columns: from members to figures, pure. Times are seconds since 1970, UTC."""

from collections.abc import Sequence
from datetime import datetime
from math import isnan
from typing import Any
from zlib import crc32

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from quantrac.domain.averaging import PERCENTILES, AverageRules, Period, Statistics, month_starts, statistics
from quantrac.domain.catalogue import Combined
from quantrac.domain.times import DAY, HOUR, from_seconds, to_whole_seconds
from schemas.codec import AverageMessage
from services.aggregator.windows.averages.queries import DAYS
from services.aggregator.windows.columns import (
    FLAGS,
    PERIODS,
    Block,
    Numbers,
    Records,
    join_blocks,
    select_rows,
)

BEFORE, AFTER = 7, 7
"""Hours around a day that share an 8-hour mean with one of it."""

_COUNTS = ("received", *FLAGS)
_FIGURES = ("mean", "total", "minimum", "maximum", "sd", *(f"p{percent:02d}" for percent in PERCENTILES))
# The finaliser of splitmix64: each bit of a column changes about half of those of the hash.
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class SeriesRows:
    """A row for each series of a group of dirty hours.

    A series is a number: its station's index times the number of parameters, plus its parameter's index.
    """

    def __init__(self, series: Numbers, combined: Sequence[Combined]) -> None:
        """``series`` may repeat; ``combined`` says of every parameter how its values become one."""
        self._series, self._combined = np.unique(series), combined

    def __len__(self) -> int:
        return len(self._series)

    def rows(self, series: Numbers) -> tuple[Numbers, Numbers]:
        """Return the row of each of ``series``, and a mask of those that have one at all."""
        rows = np.minimum(np.searchsorted(self._series, series), len(self._series) - 1)
        return rows, self._series[rows] == series

    def match(self, records: Records) -> tuple[Records, Numbers]:
        """Return of stored averages those whose series has a row, and these rows."""
        series = records["station"].astype(np.int64) * len(self._combined) + records["parameter"]
        rows, present = self.rows(series)
        return records[present], rows[present]

    def block(self, rows: Numbers, members: NDArray[np.float64], period: Period) -> Block:
        """Return the figures of averages: one for each row of ``members``, of the series of ``rows``."""
        station, parameter = np.divmod(self._series[rows], len(self._combined))
        figures = statistics(members, [self._combined[index] for index in parameter.tolist()])
        return {
            "station": station,
            "parameter": parameter,
            "period": np.full(len(rows), PERIODS.index(period)),
            **_figure_columns(figures),
        }


def day_block(hours: Records, series: SeriesRows, start: int, dirty: tuple[Numbers, Numbers]) -> Block:
    """Return the 8-hour means that hours of one day enter, and that day.

    ``hours``: the stored ones from 7 before the day, which begins at ``start``, to 7 after it; ``dirty``: row
    of the series and start of each dirty hour.
    """
    width = BEFORE + 24 + AFTER
    first = start - BEFORE * HOUR
    hours, rows = series.match(hours)
    # Matrices of series x hours: what each hour gives to longer averages (its unit; NaN = nothing), counts.
    columns = (hours["starts_at"].astype(np.int64) - first) // HOUR
    members = np.full((len(series), width), np.nan)
    members[rows, columns] = hours["member"]
    counts = _count_matrices(hours, rows, columns, (len(series), width))
    # The column of each hour that has readings, else -1: the newest of a window names its unit.
    with_readings = np.where(counts["received"] > 0, np.arange(width), -1)

    # An 8-hour mean for each pair of a series' row and the column where the window begins; each pair once.
    columns_dirty = (dirty[1] - start) // HOUR
    pairs = np.unique((dirty[0] * width + columns_dirty)[:, None] + np.arange(8))
    days = np.unique(dirty[0])
    blocks = []
    for period, length, row, column in (
        (Period.EIGHT_HOURS, 8, *np.divmod(pairs, width)),
        (Period.DAY, 24, days, np.full(len(days), BEFORE)),
    ):
        # Views of series x first column x length: [row, column] are the members of one average.
        windows = sliding_window_view(members, length, axis=1)
        block = series.block(row, windows[row, column], period)
        for name in _COUNTS:
            sums = np.cumsum(np.pad(counts[name], ((0, 0), (1, 0))), axis=1)
            block[name] = sums[row, column + length] - sums[row, column]
        block["first_at"] = sliding_window_view(counts["first_at"], length, axis=1)[row, column].min(axis=1)
        block["last_at"] = sliding_window_view(counts["last_at"], length, axis=1)[row, column].max(axis=1)
        newest = sliding_window_view(with_readings, length, axis=1)[row, column].max(axis=1)
        block["unit"] = counts["unit"][row, newest]
        block["starts_at"] = first + column * HOUR
        block["ends_at"] = block["starts_at"] + length * HOUR
        block["expected"] = np.full(len(row), length)
        blocks.append(block)
    return _drop_empty(join_blocks(blocks))


def year_block(months: Records, series: SeriesRows, year: int, dirty: tuple[Numbers, Numbers]) -> Block:
    """Return the months that were touched, and the year.

    ``months``: the stored days of the year, a row a month; ``dirty``: row of the series and month (0 to 11)
    of each dirty hour.
    """
    starts = [to_whole_seconds(at) for at in month_starts(year)]
    months, rows = series.match(months)
    # Series x months x days: what each day gives to longer averages (its unit; NaN = nothing).
    members = np.full((len(series), 12, DAYS), np.nan)
    members[rows, months["month"]] = months["members"]
    # Matrices of series x months.
    counts = _count_matrices(months, rows, months["month"], (len(series), 12))
    with_readings = np.where(counts["received"] > 0, np.arange(12), -1)

    # Each pair of a series' row and a touched month once.
    pairs = np.unique(dirty[0] * 12 + dirty[1])
    blocks = []
    spans = [(Period.MONTH, month, month + 1) for month in np.unique(pairs % 12).tolist()]
    for period, begin, end in (*spans, (Period.YEAR, 0, 12)):
        row = pairs[pairs % 12 == begin] // 12 if period is Period.MONTH else np.unique(dirty[0])
        # Averages x days: the months of the period side by side.
        block = series.block(row, members[row, begin:end].reshape(len(row), -1), period)
        for name in _COUNTS:
            block[name] = counts[name][row, begin:end].sum(axis=1)
        block["first_at"] = counts["first_at"][row, begin:end].min(axis=1)
        block["last_at"] = counts["last_at"][row, begin:end].max(axis=1)
        block["unit"] = counts["unit"][row, with_readings[row, begin:end].max(axis=1)]
        for name, value in (
            ("starts_at", starts[begin]),
            ("ends_at", starts[end]),
            ("expected", (starts[end] - starts[begin]) // DAY),
        ):
            block[name] = np.full(len(row), value)
        blocks.append(block)
    return _drop_empty(join_blocks(blocks))


def _count_matrices(
    records: Records, rows: Numbers, columns: Numbers, shape: tuple[int, int]
) -> dict[str, Numbers]:
    """Return the counts, unit and times of stored averages as matrices of series x averages."""
    counts = {name: np.zeros(shape, np.int64) for name in (*_COUNTS, "unit", "last_at")}
    counts["first_at"] = np.full(shape, np.iinfo(np.int64).max)
    for name, matrix in counts.items():
        matrix[rows, columns] = records[name]
    return counts


def _drop_empty(block: Block) -> Block:
    """Leave out periods without a single reading."""
    return select_rows(block, block["received"] > 0)


def add_content(block: Block, rules: AverageRules, units: Sequence[str]) -> Block:
    """Add completeness, and the hash that tells whether a recomputation has another result."""
    block["completeness"] = block["count"] / block["expected"]
    block["complete"] = rules.complete(block["count"], block["expected"])
    # A checksum of each unit's name: its index may differ between processes.
    texts = np.array([crc32(unit.encode()) for unit in units], np.uint64)
    content = np.zeros(len(block["count"]), np.uint64)
    for name in ("count", "expected", "complete", "first_at", "last_at", *_COUNTS, *_FIGURES):
        content = _mix(content, block[name])
    content = _mix(content, texts[block["unit"]])
    block["content"] = np.maximum(content, np.uint64(1))  # 0 stands for rows without one
    return block


def to_messages(block: Block, parameters: Sequence[str], units: Sequence[str]) -> list[AverageMessage]:
    """Return each row as ``aggregated`` has it."""
    columns: dict[str, Sequence[Any]] = {
        "parameter": [parameters[index] for index in block["parameter"].tolist()],
        "unit": [units[index] for index in block["unit"].tolist()],
        "period": [PERIODS[index].value for index in block["period"].tolist()],
        "starts_at": _to_datetimes(block["starts_at"]),
        "ends_at": _to_datetimes(block["ends_at"]),
    }
    for name in AverageMessage.__struct_fields__[len(columns) :]:
        values = block[name].tolist()
        columns[name] = [None if isnan(v) else v for v in values] if name in _FIGURES else values
    return list(map(AverageMessage, *columns.values()))


def _to_datetimes(times: Numbers) -> list[datetime]:
    """Return times as ``datetime``; the many equal ones are converted once."""
    distinct, indices = np.unique(times, return_inverse=True)
    datetimes = [from_seconds(time) for time in distinct.tolist()]
    return [datetimes[index] for index in indices.tolist()]


def _figure_columns(figures: Statistics) -> Block:
    values = [
        *(figures.mean, figures.total, figures.minimum, figures.maximum, figures.sd),
        *figures.percentiles.T,
    ]
    # One zero and one NaN, so that equal figures have equal bits.
    columns = {
        name: np.where(np.isnan(column), np.nan, column + 0.0)
        for name, column in zip(_FIGURES, values, strict=True)
    }
    return {"count": figures.count, **columns}


def _mix(content: Numbers, column: Numbers) -> Numbers:
    """Return hashes (64 bits, one a row) with a column's values put in."""
    bits = column.view(np.uint64) if column.dtype == np.float64 else column.astype(np.uint64)
    content = content * np.uint64(31) + bits + np.uint64(0x9E3779B97F4A7C15)
    content = (content ^ (content >> np.uint64(30))) * _MULTIPLIERS[0]
    content = (content ^ (content >> np.uint64(27))) * _MULTIPLIERS[1]
    content ^= content >> np.uint64(31)
    return content
