"""What people decided about readings: it wins over every test."""

from collections.abc import Sequence

import numpy as np

from quantrac.domain.qa.window import Floats, Outcomes, Texts
from quantrac.domain.registry.decisions import Decision
from quantrac.domain.times import to_seconds

NOT_DECIDED = 0
DECISION = "decision"
"""Its name among the outcomes of tests."""


def decision_flags(decisions: Sequence[Decision], parameter: Texts | Sequence[str], time: Floats) -> Outcomes:
    """Return the flag that people gave each reading (n,); :data:`NOT_DECIDED` where nobody did.

    ``decisions`` come from :meth:`.Registry.decisions_of`: of several that cover a
    reading the last in order counts. ``time`` (n,) is seconds since 1970 UTC.
    """
    flag = np.full(len(time), NOT_DECIDED, dtype=np.uint8)
    codes = np.asarray(parameter, dtype=object)
    for decision in decisions:
        # (k,) the rows that it covers
        rows = np.flatnonzero((time >= to_seconds(decision.start)) & (time < to_seconds(decision.end)))
        if decision.parameters:
            rows = rows[np.isin(codes[rows], decision.parameters)]
        flag[rows] = decision.flag
    return flag
