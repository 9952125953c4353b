"""Averages as columns: from members to figures, pure. Times are seconds since 1970, UTC."""

from collections.abc import Sequence
from datetime import datetime
from math import isnan
from typing import Any
from zlib import crc32

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from quantrac.domain.averaging import PERCENTILES, AverageRules, Statistics, statistics
from quantrac.domain.catalogue import Combined
from quantrac.domain.periods import Period
from quantrac.domain.times import DAY, HOUR, from_seconds, local_day_starts
from schemas.codecs.aggregated import AverageMessage
from services.aggregator.windows.averages.queries import COUNTS, DAYS
from services.aggregator.windows.columns import (
    FLAGS,
    PERIODS,
    Block,
    Numbers,
    join_blocks,
    month_numbers,
    month_starts,
    pack_pairs,
    select_rows,
)

BEFORE, AFTER = 7, 7
"""Hours around a day that share an 8-hour mean with one of it."""

_FIGURES = ("mean", "total", "minimum", "maximum", "sd", *(f"p{percent:02d}" for percent in PERCENTILES))
# The finaliser of splitmix64: each bit of a column changes about half of those of the hash.
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


class SeriesRows:
    """A row for each pair of a series and a part of time: a day, a month or a year that is touched.

    A series is a number: its station's index times the number of parameters, plus its parameter's index.
    """

    def __init__(self, series: Numbers, starts: Numbers, combined: Sequence[Combined]) -> None:
        """``series`` and ``starts`` of the parts, in pairs that may repeat.

        ``combined`` says of every parameter how its values become one.
        """
        self._keys, self._combined = np.unique(pack_pairs(series, starts)), combined
        self.series, self.starts = self._keys >> 32, self._keys & 0xFFFFFFFF

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, series: Numbers, starts: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """Return the row of each pair, and a mask of those that have one at all."""
        keys = pack_pairs(series, starts)
        rows = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return rows, self._keys[rows] == keys

    def block(self, rows: Numbers, members: NDArray[np.float64], period: Period) -> Block:
        """Return the figures of averages: one for each row of ``members``, of the series of ``rows``."""
        station, parameter = np.divmod(self.series[rows], len(self._combined))
        figures = statistics(members, [self._combined[index] for index in parameter.tolist()])
        return {
            "station": station,
            "parameter": parameter,
            "period": np.full(len(rows), PERIODS.index(period)),
            **_figure_columns(figures),
        }


class MemberMatrix:
    """What stored averages give to longer ones: matrices of rows x averages."""

    def __init__(self, averages: Block, rows: Numbers, columns: Numbers, shape: tuple[int, int]) -> None:
        """``averages``: columns of :data:`..queries.AVERAGES`; ``rows`` and ``columns``: where each goes."""
        self.members = np.full(shape, np.nan)
        """What each average gives (its unit; NaN = nothing)."""
        self.members[rows, columns] = averages["member"]
        self._counts = {name: np.zeros(shape, np.int64) for name in (*COUNTS, "unit", "first_at", "last_at")}
        for name, matrix in self._counts.items():
            matrix[rows, columns] = averages[name]
        # What holds no readings has no first one.
        self._counts["first_at"][self._counts["received"] == 0] = np.iinfo(np.int64).max
        # The column of each average that has readings, else -1: the newest of a period names its unit.
        self._with_readings = np.where(self._counts["received"] > 0, np.arange(shape[1]), -1)

    def counts(self, rows: Numbers, first: Numbers, length: int) -> Block:
        """Return the counts, unit and times of ``length`` columns from ``first`` on, of each of ``rows``."""
        columns = first[:, None] + np.arange(length)
        windows = {name: matrix[rows[:, None], columns] for name, matrix in self._counts.items()}
        block = {name: windows[name].sum(axis=1) for name in COUNTS}
        newest = self._with_readings[rows[:, None], columns].max(axis=1)
        block["first_at"] = np.where(newest >= 0, windows["first_at"].min(axis=1), 0)
        block["last_at"] = windows["last_at"].max(axis=1)
        units = np.where(newest >= 0, self._counts["unit"][rows, newest], windows["unit"].max(axis=1))
        return block | {"unit": units}


def day_block(hours: Block, days: SeriesRows, dirty: tuple[Numbers, Numbers]) -> Block:
    """Return the 8-hour means that dirty hours enter, and their days.

    ``hours``: the present ones, from 7 before each of ``days`` to 7 after it; ``dirty``: row of the day and
    start of each dirty hour.
    """
    width = BEFORE + 24 + AFTER
    matrix = _day_matrix(hours, days, width)
    # An 8-hour mean for each pair of a day's row and the column where the window begins.
    columns = (dirty[1] - days.starts[dirty[0]]) // HOUR
    pairs = np.unique((dirty[0] * width + columns)[:, None] + np.arange(8))
    row, column = np.divmod(pairs, width)
    # Each once: a window that two days touch has a row in both.
    starts = days.starts[row] + (column - BEFORE) * HOUR
    _, once = np.unique(pack_pairs(days.series[row], starts), return_index=True)
    eights = _window_block(matrix, days, row[once], column[once], Period.EIGHT_HOURS)
    all_rows = np.unique(dirty[0])
    day_means = _window_block(matrix, days, all_rows, np.full(len(all_rows), BEFORE), Period.DAY)
    return join_blocks([eights, day_means])


def _window_block(
    matrix: MemberMatrix, days: SeriesRows, rows: Numbers, columns: Numbers, period: Period
) -> Block:
    """Return averages of 8 or 24 hours, each of what begins at one of ``columns`` of one of ``rows``."""
    length = 8 if period is Period.EIGHT_HOURS else 24
    # A view of rows x first column x length: [row, column] are the members of one average.
    members = sliding_window_view(matrix.members, length, axis=1)[rows, columns]
    block = days.block(rows, members, period) | matrix.counts(rows, columns, length)
    block["starts_at"] = days.starts[rows] + (columns - BEFORE) * HOUR
    block["ends_at"] = block["starts_at"] + length * HOUR
    block["expected"] = np.full(len(rows), length)
    return block


def _day_matrix(hours: Block, days: SeriesRows, width: int) -> MemberMatrix:
    """Return hours as days x hours, from 7 before each day to 7 after it."""
    own = local_day_starts(hours["starts_at"])
    selected, rows, columns = [], [], []
    # The evening of the day before and the morning of the day after belong to a day's row as well.
    for day in (own - DAY, own, own + DAY):
        row, present = days.find(hours["series"], day)
        column = (hours["starts_at"] - day) // HOUR + BEFORE
        indices = np.flatnonzero(present & (column >= 0) & (column < width))
        selected.append(indices)
        rows.append(row[indices])
        columns.append(column[indices])
    averages = select_rows(hours, np.concatenate(selected))
    return MemberMatrix(averages, np.concatenate(rows), np.concatenate(columns), (len(days), width))


def month_block(days: Block, months: SeriesRows) -> tuple[Block, NDArray[np.float64]]:
    """Return touched months, and their members as a matrix of ``months`` x days (NaN = nothing)."""
    starts = month_starts(month_numbers(days["starts_at"]))
    rows, present = months.find(days["series"], starts)
    columns = (days["starts_at"] - starts) // DAY
    matrix = MemberMatrix(select_rows(days, present), rows[present], columns[present], (len(months), DAYS))
    all_rows = np.arange(len(months))
    block = months.block(all_rows, matrix.members, Period.MONTH)
    block |= matrix.counts(all_rows, np.zeros_like(all_rows), DAYS)
    block["starts_at"] = months.starts
    block["ends_at"] = month_starts(month_numbers(months.starts) + 1)
    block["expected"] = (block["ends_at"] - block["starts_at"]) // DAY
    return block, matrix.members


def year_block(
    months: Block,
    years: SeriesRows,
    members: Sequence[tuple[Numbers, Numbers, NDArray[np.float64]]],
) -> Block:
    """Return touched years.

    ``months``: all present months of the years; ``members``: parts, each the series, the number of the month
    and the days (months x days, NaN = nothing) of some months. Of a month that comes twice the last counts.
    """
    numbers = month_numbers(months["starts_at"])
    rows, present = years.find(months["series"], month_starts(numbers // 12 * 12))
    averages = select_rows(months, present)
    matrix = MemberMatrix(averages, rows[present], numbers[present] % 12, (len(years), 12))
    # Years x months x days.
    days = np.full((len(years), 12, DAYS), np.nan)
    for series, number, values in members:
        rows, present = years.find(series, month_starts(number // 12 * 12))
        days[rows[present], number[present] % 12] = values[present]
    all_rows = np.arange(len(years))
    block = years.block(all_rows, days.reshape(len(years), -1), Period.YEAR)
    block |= matrix.counts(all_rows, np.zeros_like(all_rows), 12)
    block["starts_at"] = years.starts
    block["ends_at"] = month_starts(month_numbers(years.starts) + 12)
    block["expected"] = (block["ends_at"] - block["starts_at"]) // DAY
    return block


def add_content(block: Block, rules: AverageRules, units: Sequence[str]) -> Block:
    """Add completeness, and the hash that tells whether a recomputation has another result."""
    block["completeness"] = block["count"] / block["expected"]
    block["complete"] = rules.complete(block["count"], block["expected"])
    # A checksum of each unit's name: its index may differ between processes.
    texts = np.array([crc32(unit.encode()) for unit in units], np.uint64)
    content = np.zeros(len(block["count"]), np.uint64)
    for name in ("count", "expected", "complete", "first_at", "last_at", "received", *FLAGS, *_FIGURES):
        content = _mix(content, block[name])
    # Averages without such readings keep the hash that they had before these were counted.
    content = np.where(block["qualified"] > 0, _mix(content, block["qualified"]), content)
    content = _mix(content, texts[block["unit"]])
    block["content"] = np.maximum(content, np.uint64(1))  # 0 stands for rows without one
    return block


def is_over(block: Block, now: datetime) -> NDArray[np.bool_]:
    """Return a mask of the averages whose period is over."""
    over: NDArray[np.bool_] = block["ends_at"] <= now.timestamp()
    return over


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
