"""What all messages share."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from quantrac.domain.bounds import (
    DATETIME,
    DATETIME64,
    FILE_NAME_LENGTH,
    MEASURED,
    NAME_LENGTH,
    RECEIVED,
    UINT16,
    UINT32,
    TimeRange,
)
from quantrac.domain.file_names import check_file_name
from quantrac.domain.plain_text import check_line


class Message(BaseModel):
    """A message: unknown fields are errors, so that a misspelt key never passes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, 64 lower-case hex digits."""

_CONTROL = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"

STATION_PATTERN = rf"^[^\s/\\{_CONTROL}]{{1,64}}$"

StationCode = Annotated[str, StringConstraints(pattern=STATION_PATTERN)]
"""A station's code, such as ``HN_BKHN_KHIKXQ``; letters and order are free, control characters are none."""

Line = Annotated[str, AfterValidator(check_line)]
"""A text of one line without control characters: what people read in lists and at terminals."""

Utc = AwareDatetime
"""A time with its zone; written in UTC."""


def _one_of(times: TimeRange) -> Callable[[datetime], datetime]:
    def check(time: datetime) -> datetime:
        if problem := times.problem(time):
            sentence = f"{time.isoformat()} {problem}"
            raise PydanticCustomError("time_out_of_range", "{sentence}", {"sentence": sentence})
        return time

    return check


MeasuredAt = Annotated[AwareDatetime, AfterValidator(_one_of(MEASURED))]
"""A time of measurement: whole seconds in UTC, 1990 to 2105."""

ReceivedAt = Annotated[AwareDatetime, AfterValidator(_one_of(RECEIVED))]
"""A time of receipt: whole milliseconds in UTC, 1970 to 2299."""

Second = Annotated[AwareDatetime, AfterValidator(_one_of(DATETIME))]
"""A time that a column ``DateTime`` keeps: whole seconds in UTC, 1970 to 2106."""

Millisecond = Annotated[AwareDatetime, AfterValidator(_one_of(DATETIME64))]
"""A time of which a column ``DateTime64(3)`` keeps the milliseconds: in UTC, 1970 to 2299."""

Count = Annotated[int, Field(ge=0, le=UINT32)]
"""A number of things, a line number or a version: UInt32."""

Revision = Annotated[int, Field(ge=0, le=UINT16)]
"""Which judgement of a file; 0 is the first: UInt16."""

FileName = Annotated[str, StringConstraints(max_length=FILE_NAME_LENGTH), AfterValidator(check_file_name)]
"""Name of a file without its path, as every door takes it: see ``quantrac.domain.file_names``."""

ParameterCode = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LENGTH)]
"""Catalogue code, such as ``PM2.5``."""

Unit = Annotated[str, StringConstraints(max_length=NAME_LENGTH)]
"""Unit of a value; empty for dimensionless parameters."""

Outcome = Annotated[int, Field(json_schema_extra={"enum": [1, 2, 3, 4, 9]}, ge=1, le=9)]
"""A QARTOD flag: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing."""
