"""The speed of ioos_qc and SaQC on a month of one series; runs in their environment (``peers.py``)."""

import json
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from ioos_qc import qartod
from saqc import SaQC

MONTH, DEPTH, RUNS = 30 * 288, 16, 3
PER_READING = 500
"""Readings that a library is called for one by one."""


def main() -> None:
    """Print rows: what, which tests, readings, CPU seconds."""
    warnings.simplefilter("ignore")
    random = np.random.default_rng(1)
    x = np.abs(np.round(61.0 + 5.0 * random.standard_normal(MONTH), 2))
    when = np.datetime64("2026-03-25T01:00:00") + np.arange(MONTH) * np.timedelta64(300, "s")
    series = pd.Series(x, index=pd.to_datetime(when), name="x")

    def ioos(x: Any, when: Any) -> None:
        qartod.gross_range_test(x, fail_span=(-10, 3000), suspect_span=(-10, 1000))
        qartod.rate_of_change_test(x, when, threshold=1.0)
        qartod.spike_test(x, suspect_threshold=200, fail_threshold=2000)
        qartod.flat_line_test(x, when, suspect_threshold=21_600, fail_threshold=86_400)

    def one_by_one() -> None:
        for row in range(DEPTH, DEPTH + PER_READING):
            ioos(x[row - DEPTH : row + 1], when[row - DEPTH : row + 1])

    def constants() -> Any:
        return SaQC(series).flagRange("x", min=-10, max=3000).flagConstants("x", thresh=0, window="6h").flags

    def outliers() -> Any:
        qc = SaQC(series).flagRange("x", min=-10, max=3000).flagConstants("x", thresh=0, window="6h")
        return qc.flagUniLOF("x", min_offset=200).flags

    rows = [
        ("ioos_qc, a month of 1 parameter", "4", MONTH, best(lambda: ioos(x, when))),
        ("ioos_qc, called for each reading", "4", PER_READING, best(one_by_one)),
        ("SaQC, a month of 1 parameter", "range, constants", MONTH, best(constants)),
        ("SaQC, a month of 1 parameter", "range, constants, outliers", MONTH, best(outliers)),
    ]
    print(json.dumps(rows))


def best(work: Callable[[], object]) -> float:
    """CPU seconds."""
    spent = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


if __name__ == "__main__":
    main()
