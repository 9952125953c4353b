"""``parsed-reading`` and ``qa-flagged``: what one file gave, before and after the validator.

The hot path decodes into ``quantrac.domain.readings`` (``schemas.codecs.sets``); contract tests hold the two
together.
"""

from typing import Annotated, Self, TypeAlias, TypeVar

from pydantic import Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from quantrac.domain.qualifiers import NO_QUALIFIER, Qualifier
from quantrac.domain.readings import ProvisionalCause, outcomes_problem
from schemas.messages.base import (
    Count,
    FileName,
    MeasuredAt,
    Message,
    Outcome,
    ParameterCode,
    ReceivedAt,
    Revision,
    Sha256,
    StationCode,
    Unit,
    Utc,
)

T = TypeVar("T")
Column: TypeAlias = Annotated[
    Annotated[T, Tag("all")] | Annotated[list[T], Tag("rows")],
    Discriminator(lambda column: "rows" if isinstance(column, list) else "all"),
]
"""One value that holds for all rows, or a list of one a row."""


class Readings(Message):
    """The readings of one file in columns, one row a reading, in the order of the file.

    A column is a list as long as ``line``, or, where all rows are equal, the one value itself.
    """

    line: list[Annotated[Count, Field(ge=1)]]
    """Line number in the file, counted from 1; as many as there are readings."""
    parameter: Column[ParameterCode]
    """Catalogue code."""
    value: list[Annotated[float, Field(allow_inf_nan=False)]]
    """In ``unit``."""
    text: list[str]
    """The value column as it stood in the file."""
    unit: Column[Unit]
    """Unit of ``value``; empty for dimensionless parameters."""
    measured_at: Column[MeasuredAt]
    """UTC."""
    status: Column[str]
    """Device status as sent: 00 measuring, 01 calibrating, 02 device error."""
    qualifier: Column[Qualifier] = NO_QUALIFIER
    """``<`` or ``>`` where the true value lies beyond ``value``, a limit of the method; else empty."""

    @model_validator(mode="after")
    def check_lengths(self) -> Self:
        """Refuse columns of different lengths."""
        for name in type(self).model_fields:
            column = getattr(self, name)
            if isinstance(column, list) and len(column) != len(self.line):
                sentence = f"{name}: {len(column)} rows, where line has {len(self.line)}"
                raise PydanticCustomError("column_length", "{sentence}", {"sentence": sentence})
        return self


class Reject(Message):
    """One line that gave no reading."""

    line: Count
    """Line number in the file, counted from 1; 0 when the whole file is meant."""
    text: str
    """The line as read."""
    reason: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    """Stable reason code."""
    detail: str = ""
    """One sentence for a person."""


class ReadingSet(Message):
    """Everything one file gave."""

    station: StationCode | Annotated[str, Field(max_length=0)]
    """Station code; empty when no station could be assigned."""
    file_id: Sha256
    """SHA-256 of the file's bytes."""
    file_name: FileName
    """Name as sent."""
    account: str
    """Account that sent it."""
    transport: str
    """``ftp``, ``http``, ..."""
    received_at: ReceivedAt
    """When the intake had the whole file, UTC."""
    format: str
    """Dialect that read it; empty when nothing was readable."""
    readings: Readings
    rejects: list[Reject]


class FlaggedReadings(Readings):
    """Readings with the outcome of every quality test."""

    flag: Column[Outcome]
    """The worst outcome."""
    outcome: Column[Count]
    """Index in ``outcomes``, from 0."""
    equal_since: Column[Utc | None]
    """Since when the series has shown this value, UTC; null where not known for sure."""


class Provisional(Message):
    """A span of the station to judge again from the stored readings."""

    start: Utc
    """UTC, inclusive."""
    end: Utc
    """UTC, exclusive."""
    causes: Annotated[list[ProvisionalCause], Field(min_length=1)]
    """Why."""

    @model_validator(mode="after")
    def check_order(self) -> Self:
        """Refuse a span that is empty."""
        if self.start >= self.end:
            raise PydanticCustomError("span_order", "start does not lie before end")
        return self


class FlaggedSet(Message):
    """A reading set after the validator."""

    station: StationCode | Annotated[str, Field(max_length=0)]
    file_id: Sha256
    file_name: FileName
    account: str
    transport: str
    received_at: ReceivedAt
    format: str
    rules: str
    """Version of the rule set that judged its first reading."""
    readings: FlaggedReadings
    tests: list[str]
    """Names of the quality tests."""
    outcomes: list[str]
    """The distinct outcomes of readings: a digit a test, in the order of ``tests``; 0 = it was not run."""
    rejects: list[Reject]
    revision: Revision = 0
    """0 for the first judgement of a file; a higher one holds only readings whose flag has changed."""
    cause: str = ""
    """Why it was judged again; empty for the first judgement."""
    provisional: Provisional | None = None
    """What has to be judged again, null where these flags are final."""

    @model_validator(mode="after")
    def check_outcomes(self) -> Self:
        """Refuse outcomes that are not of the tests, and an index past them."""
        column = self.readings.outcome
        rows = column if isinstance(column, list) else [column] * min(1, len(self.readings.line))
        if problem := outcomes_problem(rows, self.tests, self.outcomes):
            raise PydanticCustomError("outcomes", "{problem}", {"problem": problem})
        return self
