"""Drops with another parameter: what is computed from a bad value is no better than that value.

Source: "dependent removal" of the national software: where the rules of one parameter remove a value, they
remove those of its dependants too. Examples: NOx from NO and NO2, or a flux from concentration and flow.
"""

import numpy as np

from quantrac.domain.qa.checks.wording import explain_no_companion, rows
from quantrac.domain.qa.window import Expected, Outcomes, Window
from quantrac.domain.readings import Flag


def drops_with(window: Window, *, other: Expected) -> Outcomes:
    """Suspect a reading while the parameter ``other`` of the same moment is SUSPECT or FAIL.

    Not FAIL: that the other is bad is known, that this one is bad follows only where it depends on it fully.
    One level deep: what this test says of a reading is not passed on. NOT_EVALUATED where the other is not
    known at that moment.

    >>> flux = Window.of([3.1], companions={"Flow": 12.0, "COD": 9999.0}, bad=["COD"])
    >>> [int(drops_with(flux, other=code)[0]) for code in ("Flow", "COD", "TSS")]
    [1, 3, 2]
    """
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    outcome[np.isnan(window.companion(other))] = Flag.NOT_EVALUATED
    outcome[window.is_companion_bad(other)] = Flag.SUSPECT
    return outcome


def explain(window: Window, *, other: Expected) -> list[str]:
    """Say what became of the other parameter.

    >>> flux = Window.of([3.1], companions={"COD": 9999.0}, bad=["COD"])
    >>> explain(flux, other="COD"), explain(flux, other="TSS")
    (['COD 9999 of the same time is bad'], ['TSS is not known at this time'])
    """
    return [
        f"{name} {reference:.10g} of the same time is bad"
        if bad
        else explain_no_companion(name)
        if np.isnan(reference)
        else f"{name} {reference:.10g} of the same time is not bad"
        for reference, bad, name in rows(window.companion(other), window.is_companion_bad(other), other)
    ]
