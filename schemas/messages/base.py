"""What all messages share."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from quantrac.domain.plain_text import check_line


class Message(BaseModel):
    """A message: unknown fields are errors, so that a misspelt key never passes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, 64 lower-case hex digits."""

_CONTROL = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"

StationCode = Annotated[str, StringConstraints(pattern=rf"^[^\s/\\{_CONTROL}]{{1,64}}$")]
"""A station's code, such as ``HN_BKHN_KHIKXQ``; letters and order are free, control characters are none."""

Line = Annotated[str, AfterValidator(check_line)]
"""A text of one line without control characters: what people read in lists and at terminals."""

Utc = AwareDatetime
"""A time with its zone; written in UTC."""

Outcome = Annotated[int, Field(json_schema_extra={"enum": [1, 2, 3, 4, 9]}, ge=1, le=9)]
"""A QARTOD flag: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing."""
