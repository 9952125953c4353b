"""Every reason that a reject can have: of a line, and of a whole file."""

from quantrac.domain.assignment import AMBIGUOUS_STATION, UNKNOWN_STATION
from quantrac.domain.parsing import ADVICE, REASONS, Reason
from quantrac.domain.spellings import fold, nearest
from quantrac.errors import UserError

TRUNCATED_FILE = "truncated-file"
"""Reason of a reject (line 0) beside whatever could be read of a file whose end never came."""

_FILE_REASONS = {
    UNKNOWN_STATION: (
        "The file belongs to no registered station that its account may send for.",
        "Begin the file's name with the station's code, as HN_BKHN_KHIKXQ_20260325000500.txt; or have the "
        "code that it states added under `aliases`, or a part of the name under `file_patterns`, to the "
        "registry entry of the station; files already sent are then read again.",
    ),
    AMBIGUOUS_STATION: (
        "The file's name fits several stations of its account.",
        "Begin the file's name with the whole code of one station, or send each station's files into a "
        "folder named like the station.",
    ),
    TRUNCATED_FILE: (
        "The transfer was cut and never resumed; the line it broke in is not read.",
        "Send the file again, whole and under the same name; what was read of it stays as it is.",
    ),
}
"""Reasons that no line can have → what happened, and what to do."""

REJECT_REASONS = (*(reason.value for reason in Reason), *_FILE_REASONS)
"""The stable codes."""


def describe_reason(reason: str) -> str:
    """Say what a reason of a reject means; braces stand for what stood in the line.

    >>> describe_reason("missing-name")
    'The parameter name column is empty.'
    """
    return _FILE_REASONS[reason][0] if reason in _FILE_REASONS else REASONS[Reason(reason)]


def advise_on(reason: str) -> str:
    """Say what the sender of a file can do about a reason of a reject.

    >>> advise_on("missing-name")
    "Write the parameter's name in the first column, such as PM2.5."
    """
    return _FILE_REASONS[reason][1] if reason in _FILE_REASONS else ADVICE[Reason(reason)]


def look_up_reason(name: str) -> str:
    """Return the code of a reason; raises UserError, with the nearest one, for anything else.

    >>> look_up_reason("Unknown-Unit")
    'unknown-unit'
    """
    if fold(name) in REJECT_REASONS:
        return fold(name)
    near = nearest(name, REJECT_REASONS)
    raise UserError(f"{name!r:.80} is no reason of a reject; the nearest is {near[0]!r}")
