"""``raw-file``: the value is the file's exact bytes; everything known about them is in these headers."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from quantrac.domain.file_names import check_folder
from schemas.messages.base import FileName, Message, ReceivedAt, Sha256, StationCode


class RawFileHeaders(Message):
    """Kafka headers of a raw file, each one UTF-8 text."""

    file_id: Sha256
    """SHA-256 of the value."""
    name: FileName
    """File name as sent, without its path."""
    path: Annotated[str, AfterValidator(check_folder)]
    """Folder below the account's root, as sent."""
    account: str
    """Account that sent it."""
    transport: str
    """``ftp``, ``http``, ..."""
    received_at: ReceivedAt
    """When the intake had the whole file, UTC; strictly increasing within one intake process."""
    traceparent: str
    """W3C trace context, derived from the file id."""
    station: StationCode | None = None
    """Station the file was assigned to; absent when none could be."""
    marks: Annotated[str, Field(pattern=r"^[a-z-]+(,[a-z-]+)*$")] | None = None
    """What is to be known about the way it came: ``truncated``, ``not-renamed``; separated by commas."""

    def to_headers(self) -> dict[str, bytes]:
        """Encode for Kafka; absent fields give no header."""
        fields = self.model_dump(mode="json", exclude_none=True)
        return {name: str(value).encode() for name, value in fields.items()}

    @classmethod
    def from_headers(cls, headers: Mapping[str, bytes]) -> "RawFileHeaders":
        """Decode from Kafka, leaving out headers of other parties; raises pydantic's ``ValidationError``."""
        fields = {k: v for k, v in headers.items() if k in _FIELDS and v is not None}  # Kafka's may be null
        return cls.model_validate({name: value.decode() for name, value in fields.items()})


_FIELDS = frozenset(RawFileHeaders.model_fields)
