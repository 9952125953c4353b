"""Long files in order: all readings of a series taken in together.

They are the common case after a pause: a logger sends hours of readings in one file. Wave by wave
(:mod:`quantrac.domain.qa.live.waves`) each reading would cost a call; here the result is the same in one.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quantrac.domain.qa.live.arrivals import Arrivals, Past, is_series_start
from quantrac.domain.qa.live.rings import TIME_SLOTS, Rings
from quantrac.domain.qa.shared_rules import DEPTH, LONGEST_SILENCE, continues_run, has_wrong_clock
from quantrac.domain.qa.window import Bools, Floats, Indices


def find_ordered(rings: Rings, arrivals: Arrivals, order: Indices) -> Indices:
    """Return the indices in ``order`` of the series with several readings, none late or of a wrong clock.

    ``order`` (m,) are rows sorted by series, each series in order of arrival.
    """
    series, time, received = arrivals.series[order], arrivals.time[order], arrivals.received[order]
    is_start = is_series_start(series)
    if is_start.all():
        return np.empty(0, dtype=np.intp)
    # (series,) index of each one's first reading, and how many readings it has
    first, count = np.flatnonzero(is_start), np.diff(np.append(np.flatnonzero(is_start), len(order)))
    # (m,) time of the reading before in the same series, from the ring for the first one
    previous = np.concatenate([[-np.inf], time[:-1]])
    previous[first] = rings.time[series[first], rings.oldest_slot[series[first]] - 1]
    is_in_order = (time > previous) & ~has_wrong_clock(time, received)
    # (series,) all of its readings are, and it has several
    is_ordered = np.logical_and.reduceat(is_in_order, first) & (count > 1)
    return np.flatnonzero(np.repeat(is_ordered, count))


def add_ordered(rings: Rings, arrivals: Arrivals, rows: Indices, past: Past, *, is_complete: bool) -> None:
    """Note in ``past`` what was known before the rows, and take them in: what waves would do one by one.

    ``rows`` (m,) go series by series. Each series becomes a piece of one line (m + DEPTH * series,): the
    readings of its ring, then those that came.
    """
    series = arrivals.series[rows]
    is_start = is_series_start(series)
    distinct, piece = series[is_start], np.cumsum(is_start) - 1
    # (m,) index in the line of each reading; (series, DEPTH) of the ring before them; and its slots, flat
    index = np.arange(len(rows)) + DEPTH * (piece + 1)
    ring_index = index[is_start][:, None] + np.arange(-DEPTH, 0)
    slots = (distinct * DEPTH)[:, None] + TIME_SLOTS[rings.oldest_slot[distinct]]
    is_finite = np.isfinite(arrivals.measured[rows])
    time = arrivals.time[rows]
    lines: dict[str, Floats] = {}
    for name, column in {
        "time": time,
        "value": arrivals.value[rows],
        "received": arrivals.received[rows],
        "measured": np.where(is_finite, arrivals.value[rows], np.nan),
        "measured_time": np.where(is_finite, time, np.nan),
        "run_start": time,
        "latest_run_start": time,
    }.items():
        line = lines[name] = np.empty(len(rows) + DEPTH * len(distinct))
        line[ring_index], line[index] = getattr(rings, name).take(slots), column

    # (m, DEPTH) the DEPTH entries of the line before each reading
    past.past_value[rows] = sliding_window_view(lines["measured"], DEPTH)[index - DEPTH]
    past.past_time[rows] = sliding_window_view(lines["measured_time"], DEPTH)[index - DEPTH]

    line_time, line_measured = lines["time"], lines["measured"]
    is_measured = ~np.isnan(line_measured)
    position = np.arange(len(line_time))
    # (m,) index of the last measured one before each reading, and whether the ring would still hold it
    previous = np.maximum.accumulate(np.where(is_measured, position, -1))[index - 1]
    is_held = previous >= index - DEPTH
    is_continuing = is_held & continues_run(
        line_measured[index], time, line_measured[previous], line_time[previous]
    )
    is_unknown = _is_run_unknown(line_time, index, is_measured[index] & ~is_held, is_complete=is_complete)
    lines["run_start"][index[is_unknown]] = -np.inf
    # A reading that continues a run has the run's start from the last measured one that does not.
    head = np.where(is_measured, position, 0)
    head[index[is_continuing]] = 0
    head = np.maximum.accumulate(head)
    for name in ("run_start", "latest_run_start"):
        lines[name][index] = lines[name][head[index]]
    run_start, latest_run_start = lines["run_start"][index], lines["latest_run_start"][index]
    past.equal_since[rows] = np.where(is_measured[index], latest_run_start, np.nan)
    is_within = time - latest_run_start <= arrivals.look_back[rows]
    past.is_run_uncertain[rows] = (run_start != latest_run_start) & is_within & is_measured[index]

    if not is_complete:
        # (m, DEPTH) times before each reading, and (m,) the oldest of them; inf where there is none
        times = sliding_window_view(line_time, DEPTH)[index - DEPTH]
        oldest = np.min(times, axis=1, where=times > -np.inf, initial=np.inf)
        past.is_incomplete[rows] = (times[:, 0] == -np.inf) & ~(time - oldest > arrivals.look_back[rows])

    # The last DEPTH entries of each piece are the new ring; (series,) where in the line the pieces end.
    ends = np.append(index[is_start][1:] - DEPTH, len(head))
    rings.oldest_slot[distinct] = 0
    for name, line in lines.items():
        getattr(rings, name)[distinct] = line[ends[:, None] + np.arange(-DEPTH, 0)]


def _is_run_unknown(line_time: Floats, index: Indices, is_lacking: Bools, *, is_complete: bool) -> Bools:
    """Tell which readings (m,) may be in a run that began before what is held of their series.

    ``is_lacking`` (m,) are measured ones with no measured one among the DEPTH before them, ``index`` (m,) is
    where they stand in ``line_time``.
    """
    is_unknown = is_lacking.copy()
    rows = np.flatnonzero(is_lacking)
    if len(rows):
        # (rows, DEPTH) times before each, and (rows,) the oldest of them; inf where nothing was before
        times = sliding_window_view(line_time, DEPTH)[index[rows] - DEPTH]
        oldest = np.min(times, axis=1, where=times > -np.inf, initial=np.inf)
        is_near = line_time[index[rows]] - oldest <= LONGEST_SILENCE
        is_unknown[rows] = np.where(oldest == np.inf, not is_complete, is_near)
    return is_unknown
