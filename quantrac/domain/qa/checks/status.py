"""Device status: what the instrument says about itself.

Source: status codes 00, 01, 02 of Circular 10/2021/TT-BTNMT, Annex 15.
"""

import numpy as np

from quantrac.domain.qa.window import Outcomes, Window
from quantrac.domain.readings import Flag
from quantrac.domain.statuses import MEANING, MEASURING, NOT_COUNTING_STATUSES


def status(window: Window) -> Outcomes:
    """Judge each reading by the device status sent with it.

    A calibrating device (01) measures its span gas and a failed one (02) measures nothing, so neither may
    enter an average: both FAIL, and the status code, which stays with the reading, tells them apart. A code
    that the circular does not know says that something is not normal: SUSPECT.

    >>> [int(status(Window.of([27.8], status=code))[0]) for code in ("00", "01", "02", "03")]
    [1, 4, 4, 3]
    """
    outcome = np.full(len(window), Flag.GOOD, dtype=np.uint8)
    rows = np.flatnonzero(window.status != MEASURING)  # few
    fails = [status in NOT_COUNTING_STATUSES for status in window.status[rows].tolist()]
    outcome[rows] = np.where(fails, Flag.FAIL, Flag.SUSPECT)
    return outcome


def explain(window: Window) -> list[str]:
    """Say what the status means.

    >>> explain(Window.of([27.8], status="02"))
    ['status 02: device error']
    """
    return [f"status {code}: {MEANING.get(code, 'not known to the circular')}" for code in window.status]
