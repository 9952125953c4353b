"""What all messages share."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints


class Message(BaseModel):
    """A message: unknown fields are errors, so that a misspelt key never passes."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, 64 lower-case hex digits."""

StationCode = Annotated[str, StringConstraints(pattern=r"^[^\s/\\]{1,64}$")]
"""A station's code, such as ``HN_BKHN_KHIKXQ``; letters and order are free."""

Utc = AwareDatetime
"""A time with its zone; written in UTC."""

Outcome = Annotated[int, Field(json_schema_extra={"enum": [1, 2, 3, 4, 9]}, ge=1, le=9)]
"""A QARTOD flag: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing."""
