"""Unit: a right number in a wrong unit is a wrong number.

Source: IOOS QARTOD, test 2 (syntax). Found in the national data: CO labelled mg/Nm³ that holds µg/m³.
"""

from typing import Final

import numpy as np

from quantrac.domain.qa.window import Expected, Outcomes, Window
from quantrac.domain.readings import Flag

NOT_REGISTERED: Final = None


def unit(window: Window, *, expected: Expected = None) -> Outcomes:
    """Compare each reading's unit with the one registered for the parameter; spelling counts.

    ``expected`` is ``""`` for a dimensionless parameter and ``None`` where none is registered, which is
    NOT_EVALUATED.

    >>> co = Window.of([3087.03], unit="mg/Nm3")
    >>> [int(unit(co, expected=registered)[0]) for registered in ("mg/Nm3", "ug/m3", None)]
    [1, 4, 2]
    """
    registered = np.broadcast_to(np.asarray(expected, dtype=object), len(window))
    outcome = np.where(window.unit == registered, Flag.GOOD, Flag.FAIL).astype(np.uint8)
    outcome[registered == NOT_REGISTERED] = Flag.NOT_EVALUATED
    return outcome


def explain(window: Window, *, expected: Expected = None) -> list[str]:
    """Name both units.

    >>> explain(Window.of([3087.03], unit="mg/Nm3"), expected="ug/m3")
    ["unit 'mg/Nm3', registered 'ug/m3'"]
    """
    registered = np.broadcast_to(np.asarray(expected, dtype=object), len(window))
    return [
        "no unit is registered" if want is NOT_REGISTERED else f"unit {sent!r}, registered {want!r}"
        for sent, want in zip(window.unit, registered, strict=True)
    ]
