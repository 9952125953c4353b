"""``parsed-reading`` and ``qa-flagged``: what one file gave, before and after the validator.

The fields mirror the dataclasses of ``quantrac.domain.readings``; the hot path decodes straight into those
(``schemas.codec``), and a contract test holds the two together.
"""

from typing import Annotated, Literal

from pydantic import Field

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


class Reading(Message):
    """One value of one parameter at one time."""

    line: Annotated[Count, Field(ge=1)]
    """Line number in the file, counted from 1."""
    parameter: ParameterCode
    """Catalogue code."""
    value: Annotated[float, Field(allow_inf_nan=False)]
    """In ``unit``."""
    text: str
    """The value column as it stood in the file."""
    unit: Unit
    """Unit of ``value``; empty for dimensionless parameters."""
    measured_at: MeasuredAt
    """UTC."""
    status: str
    """Device status as sent: 00 measuring, 01 calibrating, 02 device error."""


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
    readings: list[Reading]
    rejects: list[Reject]


class FlaggedReading(Reading):
    """A reading with the outcome of every quality test."""

    flag: Outcome
    """The worst outcome."""
    tests: dict[str, Outcome]
    """Outcome by test name."""
    equal_since: Utc | None
    """Since when the series has shown this value, UTC; null where not known for sure."""


class Provisional(Message):
    """A span of the station to judge again from the stored readings."""

    start: Utc
    """UTC, inclusive."""
    end: Utc
    """UTC, exclusive."""
    causes: list[Literal["block", "companion", "late", "memory", "neighbours"]]
    """Why."""


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
    readings: list[FlaggedReading]
    rejects: list[Reject]
    revision: Revision = 0
    """0 for the first judgement of a file; a higher one holds only readings whose flag has changed."""
    cause: str = ""
    """Why it was judged again; empty for the first judgement."""
    provisional: Provisional | None = None
    """What has to be judged again, null where these flags are final."""
