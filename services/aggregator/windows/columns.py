"""Blocks: columns of one length, which the three steps hand on. Times are seconds since 1970, UTC."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.periods import Period
from quantrac.domain.readings import Flag
from quantrac.domain.times import VIETNAM_OFFSET

Numbers = NDArray[Any]

Block = dict[str, Numbers]
"""Column -> values; ``station``, ``parameter``, ``unit`` and ``period`` are indices into lists."""

Records = NDArray[Any]
"""Rows of fixed width, as the database hands them over."""

FLAGS = {
    "good": Flag.GOOD,
    "not_evaluated": Flag.NOT_EVALUATED,
    "suspect": Flag.SUSPECT,
    "fail": Flag.FAIL,
    "missing": Flag.MISSING,
}
"""Column -> the flag that it counts."""

PERIODS = tuple(Period)
"""What the column ``period`` points into."""


def month_numbers(times: Numbers) -> Numbers:
    """Return how many of Vietnam's months lie between 1970 and the one that each time is in."""
    local = (times + VIETNAM_OFFSET).astype("datetime64[s]")
    numbers: Numbers = local.astype("datetime64[M]").astype(np.int64)
    return numbers


def month_starts(numbers: Numbers) -> Numbers:
    """Return the starts of Vietnam's months, given as :func:`month_numbers` counts them."""
    local = numbers.astype("datetime64[M]").astype("datetime64[s]")
    starts: Numbers = local.astype(np.int64) - VIETNAM_OFFSET
    return starts


def series_of(columns: Mapping[str, Numbers] | Records, parameters: int) -> Numbers:
    """Return the number of each row's series: station's index x number of parameters + parameter's index."""
    return columns["station"].astype(np.int64) * parameters + columns["parameter"]


def average_keys(columns: Mapping[str, Numbers] | Records, parameters: int) -> Numbers:
    """Return one number for each average: of station, parameter, period and start."""
    series = series_of(columns, parameters) * len(PERIODS) + columns["period"]
    return pack_pairs(series, columns["starts_at"].astype(np.int64))


def match_averages(records: Records, keys: Numbers, parameters: int) -> tuple[Records, NDArray[np.bool_]]:
    """Return for each key of an average the record that has it, and a mask of the keys that have one."""
    if not len(records):
        return np.zeros(len(keys), records.dtype), np.zeros(len(keys), bool)
    record_keys = average_keys(records, parameters)
    order = np.argsort(record_keys)
    row = order[np.minimum(np.searchsorted(record_keys, keys, sorter=order), len(order) - 1)]
    return records[row], record_keys[row] == keys


def pad_rows(values: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return lists of different lengths as the rows of one matrix, filled up with NaN at their ends."""
    lengths = np.fromiter(map(len, values), int, len(values))
    matrix = np.full((len(values), int(lengths.max(initial=0))), np.nan)
    flat = np.fromiter(chain.from_iterable(values), float, int(lengths.sum()))
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = flat
    return matrix


def join_blocks(blocks: Sequence[Block]) -> Block:
    """Return blocks of the same columns, at least one, as one block."""
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def select_rows(block: Block, rows: Numbers) -> Block:
    """Return some rows: ``rows`` are indices, or a mask of the block's length."""
    return {name: column[rows] for name, column in block.items()}


def indices_by_name(names: Sequence[str]) -> dict[str, int]:
    """Return name -> its index."""
    return {name: index for index, name in enumerate(names)}


def pack_pairs(numbers: Numbers, times: Numbers) -> Numbers:
    """Return one whole number for each pair of a number and a time: the number's bits above the time's 32."""
    return numbers.astype(np.int64) << 32 | times
