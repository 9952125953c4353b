"""What people decided about readings: it wins over every test."""

from collections.abc import Sequence

import numpy as np

from quantrac.domain.qa.window import Floats, Outcomes, Texts
from quantrac.domain.registry.decisions import Decision

NOT_DECIDED = 0


def decided(decisions: Sequence[Decision], parameter: Texts | Sequence[str], time: Floats) -> Outcomes:
    """Return the flag that people gave each reading (n,); :data:`NOT_DECIDED` where nobody did.

    ``decisions`` come from :meth:`.Registry.decisions_of`: of several that cover a
    reading the last in order counts. ``time`` is seconds since 1970 UTC.
    """
    flag = np.full(len(time), NOT_DECIDED, dtype=np.uint8)
    names = np.asarray(parameter, dtype=object)
    for each in decisions:
        rows = np.flatnonzero((time >= each.start.timestamp()) & (time < each.end.timestamp()))
        if each.parameters:
            rows = rows[np.isin(names[rows], each.parameters)]
        flag[rows] = each.flag
    return flag
