"""How the tests put their numbers into words."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from quantrac.domain.qa.window import Expected

NO_THRESHOLD = "a threshold is not given"


def rows(*columns: ArrayLike | Expected) -> Iterator[tuple[Any, ...]]:
    """Yield the numbers of each row; a single number holds for all rows.

    >>> list(rows([1.5, 2.5], 7.0))
    [(1.5, 7.0), (2.5, 7.0)]
    """
    equally_long = np.broadcast_arrays(*(np.atleast_1d(np.asarray(column)) for column in columns))
    return zip(*(column.tolist() for column in equally_long), strict=True)


def format_duration(minutes: float) -> str:
    """Write a span in the largest unit that keeps it short.

    >>> [format_duration(minutes) for minutes in (0.5, 5, 90, 360, 2160)]
    ['30 s', '5 min', '1.5 h', '6 h', '1.5 d']
    """
    for unit, length in (("d", 1440.0), ("h", 60.0), ("min", 1.0)):
        if abs(minutes) >= length:
            return f"{minutes / length:.3g} {unit}"
    return f"{60 * minutes:.3g} s"


def format_bound(limit: float) -> str:
    """Write one end of a range.

    >>> format_bound(float("nan")), format_bound(500.0)
    ('open', '500')
    """
    return "open" if np.isnan(limit) else f"{limit:.10g}"


def format_number(limit: float) -> str:
    """Write a limit.

    >>> format_number(1000.0)
    '1000'
    """
    return f"{limit:.6g}"


def format_limits(suspect: float, fail: float, write: Callable[[float], str] = format_number) -> str:
    """Write the limits from which a reading is SUSPECT and FAIL; infinite where it never fails.

    >>> format_limits(30, 1000), format_limits(30, float("inf")), format_limits(360, 1440, format_duration)
    ('limits 30 and 1000', 'limit 30', 'limits 6 h and 1 d')
    """
    return f"limit {write(suspect)}" if np.isinf(fail) else f"limits {write(suspect)} and {write(fail)}"


def explain_no_companion(parameter: str | None) -> str:
    """Say that another parameter is lacking.

    >>> explain_no_companion("PM10"), explain_no_companion(None)
    ('PM10 is not known at this time', 'no other parameter is given')
    """
    return f"{parameter} is not known at this time" if parameter else "no other parameter is given"


def format_count(count: float, noun: str = "reading") -> str:
    """Count things.

    >>> format_count(1), format_count(5), format_count(2, "neighbour")
    ('1 reading', '5 readings', '2 neighbours')
    """
    return f"{count:g} {noun}{'' if count == 1 else 's'}"
