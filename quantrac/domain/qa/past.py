"""What came before in the series: readings that the device called good, as the tests on the past see them."""

import numpy as np

from quantrac.domain.qa.says import duration
from quantrac.domain.qa.window import Bools, Floats, Threshold, Window, column


def newest(window: Window, readings: Threshold, minutes: Threshold) -> Bools:
    """Tell (n, depth) which of the readings before are among the last ``readings`` within ``minutes``.

    >>> newest(Window.of([1.0], past=[4.0, 3.0, 2.0]), readings=2, minutes=60).tolist()
    [[False, True, True]]
    """
    recent = window.past_time >= window.time[:, None] - 60 * column(minutes)
    rank = recent[:, ::-1].cumsum(axis=1, dtype=np.int32)[:, ::-1]  # 1 = the newest
    newest: Bools = recent & (rank <= column(readings))
    return newest


def previous(window: Window) -> tuple[Floats, Floats]:
    """Return the reading before (n,) and how many minutes before it was (n,); NaN where none is known.

    >>> [each.tolist() for each in previous(Window.of([21.0], past=[20.1, 20.4, np.nan]))]
    [[20.4], [10.0]]
    """
    depth = window.past_value.shape[1]
    if not depth:
        return np.full(len(window), np.nan), np.full(len(window), np.nan)
    value, time = window.past_value[:, -1].copy(), window.past_time[:, -1].copy()
    empty = np.flatnonzero(np.isnan(value))  # few, so that the matrix is searched for these only
    known = ~np.isnan(window.past_value[empty])
    last = depth - 1 - known[:, ::-1].argmax(axis=1)
    value[empty], time[empty] = window.past_value[empty, last], window.past_time[empty, last]
    return value, (window.time - time) / 60


def standing(window: Window) -> Floats:
    """Count (n,) the readings just before, none of them missing, that show one value to the digit.

    >>> standing(Window.of([8.4], past=[7.9, 7.8, 7.9, 7.9])).tolist()
    [2.0]
    """
    past = window.past_value
    if not past.shape[1]:
        return np.zeros(len(window))
    same = past[:, ::-1] == past[:, -1:]  # NaN equals nothing
    count: Floats = same.cumprod(axis=1, dtype=np.int8).sum(axis=1, dtype=np.float64)
    return count


def no_previous(age: float, minutes: float) -> str:
    """Say why there is no reading before to compare with.

    >>> no_previous(np.nan, 60), no_previous(90, 60)
    ('no reading before is known', 'the reading before is 1.5 h old, may be 1 h')
    """
    if np.isnan(age):
        return "no reading before is known"
    return f"the reading before is {duration(age)} old, may be {duration(minutes)}"
