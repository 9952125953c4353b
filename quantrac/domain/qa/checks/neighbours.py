"""Neighbours: stations nearby see the same air or water.

Source: IOOS QARTOD, test 11 (neighbour).
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_count, rows
from quantrac.domain.qa.window import Outcomes, Threshold, Window
from quantrac.domain.readings import Flag


def neighbours(
    window: Window, *, tolerance: Threshold, factor: Threshold = np.nan, at_least: Threshold = 2
) -> Outcomes:
    """Suspect a reading further than ``tolerance`` from the median of its neighbours in that hour.

    ``tolerance`` is in the unit of the value. With a ``factor`` the reading must also be more than that many
    times the neighbours' median, or less than it divided by ``factor``: small differences of small values
    and small ratios of large ones are both usual. Fewer than ``at_least`` neighbours is NOT_EVALUATED, and
    so is a row without thresholds.

    >>> pm25 = Window.of([70.0, 130.0, 260.0], neighbours=50.0, neighbour_count=3)
    >>> neighbours(pm25, tolerance=60).tolist(), neighbours(pm25, tolerance=60, factor=3).tolist()
    ([1, 3, 3], [1, 1, 3])
    >>> neighbours(Window.of([260.0], neighbours=50.0, neighbour_count=1), tolerance=60).tolist()
    [2]
    """
    if np.any(np.less(factor, 1)):
        raise ValueError(f"factor {factor} is below 1")
    ends = window.neighbours * factor, window.neighbours / factor
    near = np.abs(window.value - window.neighbours) <= tolerance
    alike = (window.value >= np.minimum(*ends)) & (window.value <= np.maximum(*ends))
    outcome = np.where(near | alike, Flag.GOOD, Flag.SUSPECT).astype(np.uint8)
    comparable = ~np.isnan(window.neighbours) & (window.neighbour_count >= at_least)
    outcome[~comparable | np.isnan(tolerance)] = Flag.NOT_EVALUATED
    return outcome


def explain(
    window: Window, *, tolerance: Threshold, factor: Threshold = np.nan, at_least: Threshold = 2
) -> list[str]:
    """Name the distance from the neighbours' median.

    >>> pm25 = Window.of([260.0], neighbours=50.0, neighbour_count=3)
    >>> explain(pm25, tolerance=60, factor=3)
    ['260 is 210 from 50, the median of 3 neighbours, limit 60 and 3 times']
    >>> explain(pm25, tolerance=60, at_least=4)
    ['3 neighbours in this hour, needs 4']
    """
    numbers = rows(window.value, window.neighbours, window.neighbour_count, tolerance, factor, at_least)
    return [
        f"{format_count(0 if np.isnan(median) else count, 'neighbour')} in this hour, needs {needed:g}"
        if np.isnan(median) or not count >= needed
        else NO_THRESHOLD
        if np.isnan(most)
        else f"{value:.10g} is {abs(value - median):.6g} from {median:.6g}, "
        f"the median of {format_count(count, 'neighbour')}, limit {most:.6g}"
        + ("" if np.isnan(times) else f" and {times:g} times")
        for value, median, count, most, times, needed in numbers
    ]


def explain_without_values(count: float, outcome: Flag) -> str:
    """Say how many neighbours were compared and with what outcome, for whom may not know what they measured.

    >>> explain_without_values(3, Flag.SUSPECT)
    'suspect beside 3 neighbours; this key may not read all of them, so no value is told'
    """
    beside = format_count(count, "neighbour")
    return f"{outcome.name.lower()} beside {beside}; this key may not read all of them, so no value is told"
