"""Rules that the live form and the batch form share, so that both give the same flags."""

import numpy as np

from quantrac.domain.qa.checks.status import MEASURING
from quantrac.domain.qa.window import Floats, Texts

DEPTH = 16  # 80 minutes of a 5-minute series, more than any test counts back
LONGEST_SILENCE = 3 * 3600.0
"""Equal values further apart than this (seconds) say nothing about the time between them."""
LONGEST_AHEAD = 86400.0
"""A reading measured more than this after its file was received (seconds) is in nobody's past: its clock is
wrong, and once remembered it would make every true reading a late one."""


def measured(value: Floats, status: Texts) -> Floats:
    """Return the values (n,) that a measuring device gave; NaN for all others.

    >>> measured(np.array([27.8, 0.0]), np.array(["00", "02"], dtype=object)).tolist()
    [27.8, nan]
    """
    return np.where(status == MEASURING, value, np.nan)
