"""What speaks against a line that was read: every code, in one place, with what to do about it.

A code is the name of the quality test that would flag the reading (``status``, ``error_code``), or one of
:class:`Assumption`, for what no test looks at because it was taken for granted when the file was read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from quantrac.domain.readings import Flag


class Assumption(StrEnum):
    """The stable codes of what is taken for granted."""

    STATION_APART = "station-apart"
    TIME_APART = "time-apart"
    UNIT_ASSUMED = "unit-assumed"
    DECIMAL_SIGN_INFERRED = "decimal-sign-inferred"


ASSUMPTIONS: Mapping[Assumption, str] = {
    Assumption.STATION_APART: "The file's name, its folder or its first line names another station than the "
    "one that it is taken for.",
    Assumption.TIME_APART: "The time in the file's name is that of no line, within the station's interval.",
    Assumption.UNIT_ASSUMED: "The unit column is empty or missing, and the parameter has a unit.",
    Assumption.DECIMAL_SIGN_INFERRED: "The comma of a number is taken to stand before its decimals only "
    "because other numbers of the file show such commas.",
}
"""Code → what it means."""

ASSUMPTION_ADVICE: Mapping[str, str] = {
    Assumption.STATION_APART: "Send the files of each station under its own code.",
    Assumption.TIME_APART: "Name the file by the time of its lines, on the same clock.",
    Assumption.UNIT_ASSUMED: "Write the unit in every line; a logger that cannot needs `file_unit` in the "
    "parameter's registry entry.",
    Assumption.DECIMAL_SIGN_INFERRED: "Write a decimal point; a logger that cannot needs `decimal_sign` in "
    "its registry entry.",
}
"""Code → what the sender can do about it."""

TEST_ADVICE: Mapping[str, str] = {
    "status": "Write 00 while the instrument measures, 01 while it calibrates, 02 when it failed.",
    "error_code": "Leave the line out where nothing was measured, or write the status 02 with it.",
    "equipment_range": "Check the value, and the range of the instrument in the parameter's registry entry.",
    "physical_range": "Check the unit and the scale of the value.",
    "future": "Set the logger's clock to the station's time, UTC+7 in Vietnam, and keep it synchronised.",
    "age": "Set the logger's clock. To try an old file, say with --received-at when it was to be received.",
    "grid": "Stamp readings on the steps of the station's interval, or always the same time after them.",
}
"""The same for the tests that a logger is most likely to meet from its first file on."""

_ELSEWHERE = "docs/quality-control.md says what the test compares."


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that speaks against a line, or against the file."""

    line: int
    """Counted from 1; 0 = the whole file."""
    code: str
    """Of an :class:`Assumption`, or the name of a quality test."""
    flag: Flag | None
    """What the test alone would make of the reading's flag; ``None`` where no test says anything."""
    detail: str
    """What was found, in a sentence or in the words of the test."""


def advise_on_doubt(code: str) -> str:
    """Say what the sender of a file can do about a doubt.

    >>> advise_on_doubt("spike")
    'docs/quality-control.md says what the test compares.'
    """
    return TEST_ADVICE.get(code) or ASSUMPTION_ADVICE.get(code) or _ELSEWHERE
