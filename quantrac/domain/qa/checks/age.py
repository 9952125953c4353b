"""Age: a reading older than what a logger keeps did not come from the logger's memory.

Source: Circular 10/2021/TT-BTNMT, Article 39: a logger keeps at least the last 60 days. A clock that lost
its power starts again at its epoch (1970, 1980, 1990 or 2000) and goes on from there, so that the year 2000
counts among these. A reading that old is in nobody's past
(:func:`~quantrac.domain.qa.shared_rules.has_wrong_clock`). Of history (``quantrac import``) the age says
nothing: it was measured long before it was received, and no logger kept it.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import NO_THRESHOLD, format_duration, rows
from quantrac.domain.qa.window import Floats, Outcomes, Threshold, Window
from quantrac.domain.readings import Flag
from quantrac.domain.times import DAY


def age(window: Window, *, days: Threshold = 60.0, earliest_year: Threshold = 2001.0) -> Outcomes:
    """Suspect a reading older than ``days`` at its receipt, and fail one from before ``earliest_year`` (UTC).

    A reading that does not fail and whose time of receipt is not known, or that was imported as history, is
    NOT_EVALUATED, and so is a row without thresholds.

    >>> now = 1_769_900_000.0
    >>> age(Window.of([27.8] * 3, time=[now - 59 * DAY, now - 61 * DAY, 0.0], received=now)).tolist()
    [1, 3, 4]
    >>> age(Window.of([27.8] * 2, time=[now - 61 * DAY, 0.0], received=now, is_imported=True)).tolist()
    [2, 4]
    """
    old = (window.received - window.time) / DAY
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[old > days] = Flag.SUSPECT
    outcome[np.isnan(old) | window.is_imported] = Flag.NOT_EVALUATED
    outcome[window.time < _start(earliest_year)] = Flag.FAIL
    outcome[np.broadcast_to(np.isnan(days) | np.isnan(earliest_year), len(window))] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, days: Threshold = 60.0, earliest_year: Threshold = 2001.0) -> list[str]:
    """Name how old the reading was when received, and how old it may be.

    >>> explain(Window.of([27.8], time=0.0, received=61 * DAY), earliest_year=1970)
    ['61 d old at its receipt, limit 60 d']
    >>> explain(Window.of([27.8], time=0.0))
    ['stamped before the year 2001']
    >>> explain(Window.of([27.8], time=0.0, received=61 * DAY, is_imported=True), earliest_year=1970)
    ['imported as history, 61 d after it was measured']
    """
    old = (window.received - window.time) / DAY
    numbers = rows(window.time, old, days, earliest_year, _start(earliest_year), window.is_imported)
    return [
        NO_THRESHOLD
        if np.isnan(most) or np.isnan(year)
        else f"stamped before the year {year:.10g}"
        if time < start
        else "the time of receipt is not known"
        if np.isnan(since)
        else f"imported as history, {format_duration(1440 * since)} after it was measured"
        if imported
        else f"{format_duration(1440 * since)} old at its receipt, limit {format_duration(1440 * most)}"
        for time, since, most, year, start, imported in numbers
    ]


def _start(year: Threshold) -> Floats:
    """Seconds since 1970 at which a year begins (Gregorian; a fraction counts as the whole year)."""
    past = np.floor(year) - 1  # years of the calendar that are over
    days = 365 * past + np.floor(past / 4) - np.floor(past / 100) + np.floor(past / 400)
    return np.asarray(DAY * (days - 719_162))  # days from 1 January of year 1 to 1970
