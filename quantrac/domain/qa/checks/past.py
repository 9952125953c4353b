"""What came before in the series: readings that the device called good, as the tests on the past see them."""

import numpy as np

from quantrac.domain.qa.checks.wording import format_duration
from quantrac.domain.qa.window import Bools, Floats, Threshold, Window, column


def is_newest(window: Window, readings: Threshold, minutes: Threshold) -> Bools:
    """Tell (n, depth) which of the readings before are among the last ``readings`` within ``minutes``.

    >>> is_newest(Window.of([1.0], past=[4.0, 3.0, 2.0]), readings=2, minutes=60).tolist()
    [[False, True, True]]
    """
    recent = window.past_time >= window.time[:, None] - 60 * column(minutes)
    rank = recent[:, ::-1].cumsum(axis=1, dtype=np.int32)[:, ::-1]  # 1 = the newest
    newest: Bools = recent & (rank <= column(readings))
    return newest


def recent_values(window: Window, readings: Threshold, minutes: Threshold) -> Floats:
    """Return the values of these readings (most, n), in no order; NaN where a row has fewer.

    >>> recent_values(Window.of([1.0], past=[4.0, 3.0, np.nan, 2.0]), readings=2, minutes=60).tolist()
    [[2.0], [3.0]]
    """
    n, depth = window.past_value.shape
    most = int(np.fmax.reduce(np.fmin(np.atleast_1d(readings), depth), initial=0))
    value, time = window.last(most)
    # (n,) mostly nothing is missing: then they are the last columns, five of sixteen by default.
    is_full = np.all(time >= window.time - 60 * minutes, axis=0) & np.greater_equal(readings, most)
    if is_full.all():
        return value
    # (rest, depth) the others are searched for theirs: sorted, so that NaN comes last
    rest = np.flatnonzero(~is_full)
    part = window.take(rest)
    is_counted = is_newest(part, np.broadcast_to(readings, n)[rest], np.broadcast_to(minutes, n)[rest])
    values = value.copy()
    values[:, rest] = np.sort(np.where(is_counted, part.past_value, np.nan), axis=1).T[:most]
    return values


def previous_reading(window: Window) -> tuple[Floats, Floats]:
    """Return the reading before (n,) and how many minutes before it was (n,); NaN where none is known.

    >>> [column.tolist() for column in previous_reading(Window.of([21.0], past=[20.1, 20.4, np.nan]))]
    [[20.4], [10.0]]
    """
    values, times = window.last(1)
    if not len(values):
        return np.full(len(window), np.nan), np.full(len(window), np.nan)
    value, time = values[0].copy(), times[0].copy()
    empty = np.flatnonzero(np.isnan(value))  # few, so that the matrix is searched for these only
    if len(empty):
        part = window.take(empty)
        is_present = ~np.isnan(part.past_value)
        # (empty,) index of the last column with a value
        row, last = np.arange(len(empty)), is_present.shape[1] - 1 - is_present[:, ::-1].argmax(axis=1)
        value[empty], time[empty] = part.past_value[row, last], part.past_time[row, last]
    return value, (window.time - time) / 60


def count_equal(window: Window) -> Floats:
    """Count (n,) the readings just before that show one value to the digit; missing ones are left out.

    >>> count_equal(Window.of([8.4], past=[7.9, 7.8, 7.9, np.nan, 7.9])).tolist()
    [2.0]
    """
    last, _ = window.last(2)
    if not len(last):
        return np.zeros(len(window))
    count: Floats = (~np.isnan(last[-1])).astype(np.float64)
    rows = np.flatnonzero((last[0] == last[-1]) | np.isnan(last[0]) | np.isnan(last[-1]))  # few
    if len(rows):
        past = window.take(rows).past_value[:, ::-1]
        # (rows, depth) newest first; the product is 1 up to the first that differs from the newest value
        is_present = ~np.isnan(past)
        newest = past[np.arange(len(rows)), is_present.argmax(axis=1)]
        is_equal = ~is_present | (past == newest[:, None])
        count[rows] = (is_equal.cumprod(axis=1, dtype=np.int8) * is_present).sum(axis=1)
    return count


def explain_no_previous(age: float, minutes: float) -> str:
    """Say why there is no reading before to compare with.

    >>> explain_no_previous(np.nan, 60), explain_no_previous(90, 60)
    ('no reading before is known', 'the reading before is 1.5 h old, may be 1 h')
    """
    if np.isnan(age):
        return "no reading before is known"
    return f"the reading before is {format_duration(age)} old, may be {format_duration(minutes)}"
