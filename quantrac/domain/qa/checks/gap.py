"""Gap: an expected reading did not come, or came without a value.

Source: IOOS QARTOD, test 1 (timing/gap); status codes of Circular 10/2021/TT-BTNMT, Annex 15, which tell a
device that calibrates or failed from a station that is silent.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from quantrac.domain.qa.window import Floats, Outcomes, Window
from quantrac.domain.readings import Flag
from quantrac.domain.statuses import CALIBRATING, DEVICE_ERROR, MEANING

SILENT = ""
"""Status of a reading that was expected and of which no file said anything."""


def gap(window: Window) -> Outcomes:
    """Call every row MISSING: the evaluation asks this test about missing values only.

    >>> gap(Window.of([np.nan], status="01")).tolist()
    [9]
    """
    return np.full(len(window), Flag.MISSING, dtype=np.uint8)


def explain(window: Window) -> list[str]:
    """Say what is known of the cause.

    >>> [explain(Window.of([np.nan], status=code))[0] for code in ("", "01", "00")]
    ['no reading came: silent', 'no value, status 01: calibrating', 'no value, status 00: measuring']
    """
    return [
        "no reading came: silent"
        if code == SILENT
        else f"no value, status {code}: {MEANING.get(code, 'not known to the circular')}"
        for code in window.status
    ]


class Cause(StrEnum):
    """Why a step of the station's interval has no measured value."""

    SILENT = "silent"
    CALIBRATING = "calibrating"
    DEVICE_ERROR = "device-error"


@dataclass(frozen=True, slots=True)
class Gap:
    """Consecutive steps without a measured value, for one cause. Times are seconds since 1970 UTC."""

    start: float
    """The first of these steps."""
    end: float
    """The step after the last of them."""
    cause: Cause
    steps: int


def find_gaps(time: ArrayLike, status: ArrayLike, *, start: float, end: float, interval: float) -> list[Gap]:
    """Return the gaps of one series in ``[start, end)``, in order of time.

    ``time`` (n,) in seconds and ``status`` (n,), in any order, are what the series holds; a reading fills the
    step of ``interval`` seconds that it is nearest to. Steps are those of the clock
    (:meth:`.Station.grid_time`); where the readings stand nearer to half-way between two of these, steps are
    where they stand. Of several readings in a step one that measures counts, then one that calibrates. Raises
    ValueError for an interval that is not above 0.

    >>> for gap in find_gaps([0, 310, 1500], ["00", "01", "00"], start=0, end=1800, interval=300.0):
    ...     print(gap.start, gap.end, gap.cause, gap.steps)
    300.0 600.0 calibrating 1
    600.0 1500.0 silent 3
    """
    if not interval > 0:
        raise ValueError(f"interval {interval} is not above 0")
    seconds = np.asarray(time, dtype=np.float64)
    phase = _find_phase(seconds, interval)
    first = int(np.ceil((start - phase) / interval))
    count = max(int(np.ceil((end - phase) / interval)) - first, 0)
    step = np.floor((seconds - phase) / interval + 0.5) - first
    codes = np.asarray(status, dtype=object)
    within = (step >= 0) & (step < count)
    step, codes = step[within].astype(np.intp), codes[within]
    # (steps,) index in causes
    cause_index = np.zeros(count, dtype=np.uint8)
    causes = (Cause.SILENT, Cause.DEVICE_ERROR, Cause.CALIBRATING, None)
    measuring = ~np.isin(codes, (SILENT, DEVICE_ERROR, CALIBRATING))
    for index, rows in enumerate((codes == DEVICE_ERROR, codes == CALIBRATING, measuring), start=1):
        cause_index[step[rows]] = index
    edges = [0, *(np.flatnonzero(np.diff(cause_index)) + 1).tolist(), count]
    return [
        Gap(phase + interval * (first + from_), phase + interval * (first + to), cause, to - from_)
        for from_, to in pairwise(edges)
        if to > from_ and (cause := causes[cause_index[from_]]) is not None
    ]


def _find_phase(time: Floats, interval: float) -> float:
    """Return how many seconds after the clock's steps readings (n,) lie, 0 up to a quarter of an interval.

    >>> _find_phase(np.array([150.0, 450.0, 751.0]), 300.0), _find_phase(np.array([7.0, 299.0]), 300.0)
    (150.0, 0.0)
    """
    # The mean of directions on a dial of one interval: a time just before a step is near one just after it.
    turns = np.exp(2j * np.pi * (time % interval) / interval).sum()
    phase = float(np.round(np.angle(turns) * interval / (2 * np.pi)))
    return phase % interval if abs(phase) > interval / 4 else 0.0
