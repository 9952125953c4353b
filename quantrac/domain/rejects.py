"""Every reason that a reject can have: of a line, and of a whole file."""

from quantrac.domain.assignment import AMBIGUOUS_STATION, UNKNOWN_STATION
from quantrac.domain.parsing import Reason
from quantrac.domain.spellings import fold, nearest
from quantrac.errors import UserError

TRUNCATED_FILE = "truncated-file"
"""Reason of a reject (line 0) beside whatever could be read of a file whose end never came."""

REJECT_REASONS = (*(reason.value for reason in Reason), UNKNOWN_STATION, AMBIGUOUS_STATION, TRUNCATED_FILE)
"""The stable codes."""


def look_up_reason(name: str) -> str:
    """Return the code of a reason; raises UserError, with the nearest one, for anything else.

    >>> look_up_reason("Unknown-Unit")
    'unknown-unit'
    """
    if fold(name) in REJECT_REASONS:
        return fold(name)
    near = nearest(name, REJECT_REASONS)
    raise UserError(f"{name!r:.80} is no reason of a reject; the nearest is {near[0]!r}")
