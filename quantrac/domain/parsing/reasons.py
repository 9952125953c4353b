"""Why a line, or a whole file, gave no reading: every code with its sentence, in one place."""

from collections.abc import Mapping
from enum import StrEnum

from quantrac.domain.readings import Reject

LISTED_REJECTS = 1000
"""Rejects listed for one file: a real file has under 100 lines, so more would only fill messages."""
MAX_REJECTS_BEFORE_READING = 20_000
"""Rejects before the first reading at which the rest is not read. Even a resend of the 60 days that a logger
keeps, sorted by parameter and led by an unregistered one, has its first reading after 17,280 lines."""
_TEXT_LIMIT = 500
_QUOTE_LIMIT = 60


class Reason(StrEnum):
    """The stable codes of rejects."""

    SIDE_FILE = "side-file"
    EMPTY_FILE = "empty-file"
    NOT_TEXT = "not-text"
    NOT_UTF8 = "not-utf8"
    TRUNCATED_LINE = "truncated-line"
    TOO_FEW_COLUMNS = "too-few-columns"
    TOO_MANY_COLUMNS = "too-many-columns"
    AMBIGUOUS_COLUMNS = "ambiguous-columns"
    BAD_TIME = "bad-time"
    TIME_OUT_OF_RANGE = "time-out-of-range"
    MISSING_NAME = "missing-name"
    UNKNOWN_PARAMETER = "unknown-parameter"
    VALUE_NOT_A_NUMBER = "value-not-a-number"
    AMBIGUOUS_NUMBER = "ambiguous-number"
    NOT_DETECTED = "not-detected"
    UNKNOWN_UNIT = "unknown-unit"
    INCOMPATIBLE_UNIT = "incompatible-unit"
    DUPLICATE_LINE = "duplicate-line"
    DUPLICATE_PARAMETER = "duplicate-parameter"
    TOO_MANY_REJECTS = "too-many-rejects"


REASONS: dict[Reason, str] = {
    Reason.SIDE_FILE: 'The file name "{name}" is that of a Windows side file, not of a data file.',
    Reason.EMPTY_FILE: "The file holds no data ({size} bytes).",
    Reason.NOT_TEXT: "The bytes are not text: control bytes stand among the data, or they fit no encoding.",
    Reason.NOT_UTF8: "The line holds bytes that are not valid in the file's encoding ({encoding}).",
    Reason.TRUNCATED_LINE: "The file breaks off in this line: it has no line end and is too short.",
    Reason.TOO_FEW_COLUMNS: "The line has {count} column(s); a reading needs at least name, value and time.",
    Reason.TOO_MANY_COLUMNS: "The line has more than 5 columns, so it is not clear which one holds what.",
    Reason.AMBIGUOUS_COLUMNS: "The line has no TAB, and its blanks divide it into no known column order.",
    Reason.BAD_TIME: 'There is no valid time as yyyyMMddHHmmss (or yyyyMMddHHmm) in "{text}".',
    Reason.TIME_OUT_OF_RANGE: 'The time "{text}" lies before 1990 or over a year after the receipt.',
    Reason.MISSING_NAME: "The parameter name column is empty.",
    Reason.UNKNOWN_PARAMETER: 'Station {station} has no parameter "{name}" registered at this time.',
    Reason.VALUE_NOT_A_NUMBER: 'The value column holds "{text}", which is not a number.',
    Reason.AMBIGUOUS_NUMBER: 'The value column holds "{text}", which may be a number or a thousand times it.',
    Reason.NOT_DETECTED: 'The value column holds "{text}", and does not say below which limit.',
    Reason.UNKNOWN_UNIT: 'The unit column holds "{unit}", which is not in the table of units.',
    Reason.INCOMPATIBLE_UNIT: 'The unit "{unit}" of {parameter} does not convert to "{target}".',
    Reason.DUPLICATE_LINE: "Line {first} already gave this very reading of {parameter}.",
    Reason.DUPLICATE_PARAMETER: "Line {first} already gave {parameter} for this time as {text}; that stays.",
    Reason.TOO_MANY_REJECTS: "{more} more line(s) gave no reading and are not listed.",
}
"""Code to sentence; the braces are filled with what stood in the line."""


_SHAPELESS = frozenset(
    {
        *(Reason.NOT_TEXT, Reason.NOT_UTF8, Reason.TRUNCATED_LINE, Reason.BAD_TIME),
        *(Reason.TOO_FEW_COLUMNS, Reason.TOO_MANY_COLUMNS, Reason.AMBIGUOUS_COLUMNS),
    }
)
"""Reasons of lines that have no format."""


class ParseError(Exception):
    """A line, or the whole file, gives no reading; caught inside this package, never seen outside."""

    def __init__(self, reason: Reason, **facts: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = facts


def reject(line: int, text: str, reason: Reason, facts: Mapping[str, object]) -> Reject:
    """Return the reject for a line number (0 = whole file) and the line as read."""
    shown = {key: _shorten(fact) for key, fact in facts.items()}
    return Reject(line, text[:_TEXT_LIMIT], reason.value, REASONS[reason].format(**shown))


def _shorten(fact: object) -> str:
    text = str(fact)
    return text if len(text) <= _QUOTE_LIMIT else text[:_QUOTE_LIMIT] + "…"


class Rejects:
    """The rejects of one file: the first :data:`LISTED_REJECTS` in full, the others counted."""

    def __init__(self, station: str = "") -> None:
        self._station = station
        self._listed: list[Reject] = []
        self.count = 0
        """How many there are, listed or not."""

    def add(self, line: int, text: str, reason: Reason, /, **facts: object) -> None:
        """List a rejected line, or only count it once the list is full."""
        if self.count < LISTED_REJECTS:
            facts["station"] = self._station
            self._listed.append(reject(line, text, reason, facts))
        self.count += 1

    def skip(self, lines: int) -> None:
        """Count lines that are not read at all."""
        self.count += lines

    @property
    def are_shapeless(self) -> bool:
        """Whether none of the lines listed looks like that of a station file."""
        return _SHAPELESS.issuperset(listed.reason for listed in self._listed)

    def close(self) -> list[Reject]:
        """Return the rejects in line order, and a last one (line 0) where some are not listed."""
        rejects = sorted(self._listed, key=lambda listed: listed.line)
        more = self.count - len(rejects)
        if more:
            rejects.append(reject(0, "", Reason.TOO_MANY_REJECTS, {"more": more}))
        return rejects
