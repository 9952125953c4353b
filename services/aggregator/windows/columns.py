"""Blocks: columns of one length, as the three steps hand them on. Times are seconds since 1970, UTC."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantrac.domain.averaging import Period
from quantrac.domain.readings import Flag

Numbers = NDArray[Any]

Block = dict[str, Numbers]
"""Column -> values; ``station``, ``parameter``, ``unit`` and ``period`` are places in lists."""

HOUR = 3_600

DAY = 24 * HOUR

LOCAL = 7 * HOUR
"""What Vietnam's clock is ahead."""

Records = NDArray[Any]

FLAGS = {
    "good": Flag.GOOD,
    "not_evaluated": Flag.NOT_EVALUATED,
    "suspect": Flag.SUSPECT,
    "fail": Flag.FAIL,
    "missing": Flag.MISSING,
}
"""Column -> the flag that it counts."""

PERIODS = tuple(Period)


def day_start(times: Numbers) -> Numbers:
    """Return the start of Vietnam's day."""
    return (times + LOCAL) // DAY * DAY - LOCAL


def year_and_month(times: Numbers) -> tuple[Numbers, Numbers]:
    """Return Vietnam's year and its month, 0 to 11."""
    months = (times + LOCAL).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    return months // 12 + 1970, months % 12


def padded(values: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return rows of different lengths as one matrix, NaN where a row is over."""
    lengths = np.fromiter(map(len, values), int, len(values))
    matrix = np.full((len(values), int(lengths.max(initial=0))), np.nan)
    flat = np.fromiter(chain.from_iterable(values), float, int(lengths.sum()))
    matrix[np.arange(matrix.shape[1]) < lengths[:, None]] = flat
    return matrix


def joined(blocks: Sequence[Block]) -> Block:
    """Return blocks of the same columns as one."""
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def received(block: Block) -> Block:
    """Leave out periods without a single reading."""
    return chosen(block, block["received"] > 0)


def chosen(block: Block, rows: Numbers) -> Block:
    """Return some rows."""
    return {name: column[rows] for name, column in block.items()}
