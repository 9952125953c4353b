"""What one station file becomes: readings, rejects, and readings with their flags.

Readings travel in columns (:class:`Readings`); an object for one of them is made where one is dealt with.

All times are UTC and timezone-aware. Values are in the unit named beside them; the text is what stood in
the file, so that a value can always be traced to its bytes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import IntEnum
from typing import Literal, Self, TypeAlias

from quantrac.domain.qualifiers import NO_QUALIFIER, Qualifier
from quantrac.domain.transports import IMPORT


class Flag(IntEnum):
    """QARTOD primary level flags (IOOS QARTOD manual, "Flags for time series data", 2020)."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9

    @property
    def words(self) -> str:
        """Its name for people: ``not evaluated``."""
        return self.name.lower().replace("_", " ")


NOT_RUN = 0
"""Instead of an outcome: the rules let a test not judge the reading."""
_DIGITS = "".join(str(int(outcome)) for outcome in (NOT_RUN, *Flag))


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one parameter at one time, as a station file stated it: a row of :class:`Readings`."""

    line: int
    """Line number in the file, counted from 1."""
    parameter: str
    """Catalogue code (``PM2.5``), or the name as sent where no registry entry translates it."""
    value: float
    """In ``unit``; equal to ``text`` unless a unit conversion applied."""
    text: str
    """The value column exactly as it stood in the file."""
    unit: str
    """Unit of ``value``; empty for dimensionless parameters such as pH."""
    measured_at: datetime
    """UTC, seconds kept as sent."""
    status: str
    """Device status as sent: 00 measuring, 01 calibrating, 02 device error; 00 where none was sent."""
    qualifier: Qualifier = field(default="", kw_only=True)
    """``<`` or ``>`` where the true value lies beyond ``value``, which is then the limit of the method."""


@dataclass(frozen=True, slots=True)
class FlaggedReading(Reading):
    """A reading with the outcome of every quality test: a row of :class:`FlaggedReadings`."""

    flag: int
    """The worst of the outcomes (:class:`Flag`)."""
    tests: Mapping[str, int]
    """Outcome of each test by name (:class:`Flag`)."""
    equal_since: datetime | None
    """Since when the series has shown this very value (UTC); carries the flat-line memory across restarts.
    ``None`` where that was not known for sure when the reading was judged; its own time where no measuring
    device gave it."""


@dataclass(slots=True)
class Readings:
    """``n`` readings of one file in columns, each a list (n,) in the order of the file.

    Columns may be shared between sets: they are replaced, never changed.
    """

    line: list[int] = field(default_factory=list)
    parameter: list[str] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    unit: list[str] = field(default_factory=list)
    measured_at: list[datetime] = field(default_factory=list)
    """UTC; nearly always one object for all rows."""
    status: list[str] = field(default_factory=list)
    qualifier: list[Qualifier] = field(default_factory=list)
    """Where it is left out, no row has one."""

    def __post_init__(self) -> None:
        if not self.qualifier:
            self.qualifier = [NO_QUALIFIER] * len(self.line)

    def __len__(self) -> int:
        return len(self.line)

    def __getitem__(self, index: int) -> Reading:
        """Return one row."""
        return Reading(*self._row(index), qualifier=self.qualifier[index])

    def __iter__(self) -> Iterator[Reading]:
        """Yield row by row."""
        return map(self.__getitem__, range(len(self)))

    def _row(self, index: int) -> tuple[int, str, float, str, str, datetime, str]:
        return (
            self.line[index],
            self.parameter[index],
            self.value[index],
            self.text[index],
            self.unit[index],
            self.measured_at[index],
            self.status[index],
        )

    @classmethod
    def of(cls, rows: Iterable[Reading]) -> Self:
        """Return rows in columns."""
        rows = list(rows)
        return cls(*([getattr(row, column.name) for row in rows] for column in fields(Reading)))


@dataclass(slots=True)
class FlaggedReadings(Readings):
    """``n`` readings of one file with the outcomes of their tests, in columns."""

    flag: list[int] = field(default_factory=list)
    """(n,) the worst of each reading's outcomes (:class:`Flag`)."""
    outcome: list[int] = field(default_factory=list)
    """(n,) index in ``outcomes`` of what its tests said."""
    equal_since: list[datetime | None] = field(default_factory=list)
    """(n,) as in :class:`FlaggedReading`."""
    tests: list[str] = field(default_factory=list)
    """(m,) names of tests."""
    outcomes: list[str] = field(default_factory=list)
    """The distinct outcomes, each (m,) digits, one a test: a :class:`Flag`, or :data:`NOT_RUN`."""

    def __getitem__(self, index: int) -> FlaggedReading:
        """Return one row."""
        digits = map(int, self.outcomes[self.outcome[index]])
        tests = {name: digit for name, digit in zip(self.tests, digits, strict=True) if digit != NOT_RUN}
        judged = (self.flag[index], tests, self.equal_since[index])
        return FlaggedReading(*self._row(index), *judged, qualifier=self.qualifier[index])

    def __iter__(self) -> Iterator[FlaggedReading]:
        """Yield row by row."""
        return map(self.__getitem__, range(len(self)))

    def outcome_of(self, test: str) -> list[int]:
        """Return the outcome (n,) of one test for each reading."""
        if test not in self.tests:
            return [NOT_RUN] * len(self)
        position = self.tests.index(test)
        digits = [int(outcomes[position]) for outcomes in self.outcomes]
        return [digits[index] for index in self.outcome]

    @classmethod
    def of(cls, rows: Iterable[Reading]) -> Self:
        """Return rows, which are flagged readings, in columns; equal outcomes become one."""
        flagged = [row for row in rows if isinstance(row, FlaggedReading)]
        tests = list(dict.fromkeys(name for row in flagged for name in row.tests))
        digits = ["".join(str(row.tests.get(name, NOT_RUN)) for name in tests) for row in flagged]
        outcomes = list(dict.fromkeys(digits))
        readings = cls(*([getattr(row, column.name) for row in flagged] for column in fields(Reading)))
        readings.flag = [row.flag for row in flagged]
        readings.outcome = list(map(outcomes.index, digits))
        readings.equal_since = [row.equal_since for row in flagged]
        readings.tests, readings.outcomes = tests, outcomes
        return readings


def outcomes_problem(outcome: Sequence[int], tests: Sequence[str], outcomes: Sequence[str]) -> str:
    """Return why columns of flagged readings contradict each other, as a sentence; empty where they do not.

    >>> outcomes_problem([0, 1], ["status", "unit"], ["11", "10"])
    ''
    >>> outcomes_problem([0, 2], ["status", "unit"], ["11", "10"])
    'readings.outcome: index 2 of 2 outcomes'
    """
    if len(set(tests)) < len(tests):
        return "tests: a name stands there twice"
    if {len(digits) for digits in outcomes} - {len(tests)}:
        return f"outcomes: not a digit for each of {len(tests)} tests"
    if "".join(outcomes).strip(_DIGITS):
        return f"outcomes: other characters than {_DIGITS}"
    last = max(outcome, default=-1)
    return f"readings.outcome: index {last} of {len(outcomes)} outcomes" if last >= len(outcomes) else ""


@dataclass(slots=True)
class Reject:
    """One line that gave no reading, kept with its reason."""

    line: int
    """Line number in the file, counted from 1; 0 when the whole file is meant."""
    text: str
    """The line as read, cut to 500 characters."""
    reason: str
    """A stable code such as ``value-not-a-number``; the list is in ``quantrac.domain.parsing``."""
    detail: str = ""
    """One sentence for a person."""


@dataclass(slots=True)
class ReadingSet:
    """Everything one file gave: the value of one ``parsed-reading`` message."""

    station: str
    """Station code; empty when no station could be assigned."""
    file_id: str
    """SHA-256 of the file's bytes, lower-case hex."""
    file_name: str
    account: str
    transport: str
    received_at: datetime
    format: str
    """Name of the dialect that read the file; empty when nothing was readable."""
    readings: Readings = field(default_factory=Readings)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def is_imported(self) -> bool:
        """Whether it is history (:data:`quantrac.domain.transports.IMPORT`)."""
        return self.transport == IMPORT


ProvisionalCause: TypeAlias = Literal["block", "companion", "late", "memory", "neighbours"]
"""Why flags may still change: see :class:`Provisional`."""


@dataclass(slots=True)
class Provisional:
    """A span of a station whose flags the judge of arrivals could not know for sure."""

    start: datetime
    """UTC, inclusive."""
    end: datetime
    """UTC, exclusive."""
    causes: list[ProvisionalCause]
    """In order, of: ``block`` (a block of time is over and can enter the baseline, or its bounds had not
    come), ``companion`` (a parameter that a test compares with came in another file), ``late`` (not newer
    than the newest of its series, or one such reading left the run of equal values unsure), ``memory`` (what
    came before is not remembered), ``neighbours`` (an hour is over)."""


@dataclass(slots=True)
class FlaggedSet:
    """A reading set after the validator: the value of one ``qa-flagged`` message."""

    station: str
    file_id: str
    file_name: str
    account: str
    transport: str
    received_at: datetime
    format: str
    rules: str
    """Version (content hash) of the rule set that judged its first reading."""
    readings: FlaggedReadings = field(default_factory=FlaggedReadings)
    rejects: list[Reject] = field(default_factory=list)
    revision: int = 0
    """0 for the first judgement of a file; a higher one holds only readings whose flag has changed."""
    cause: str = ""
    """Why it was judged again; empty for the first judgement."""
    provisional: Provisional | None = None
    """What has to be judged again from the stored readings, ``None`` where these flags are final."""

    @property
    def is_imported(self) -> bool:
        """Whether it is history (:data:`quantrac.domain.transports.IMPORT`)."""
        return self.transport == IMPORT
