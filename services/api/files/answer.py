"""Received files and rejected lines as they are answered."""

from datetime import datetime
from typing import Self

from pydantic import Field

from services.api.common.answers import AnswerModel, Row


class File(AnswerModel):
    """One received file."""

    id: str
    """SHA-256 of its bytes."""
    station: str
    """Station code; empty when it could not be assigned to one."""
    name: str
    """As sent."""
    account: str
    """Account that sent it."""
    transport: str
    """`ftp`, `http`, ..."""
    received_at: datetime
    """When the whole file was here, UTC."""
    format: str
    """Dialect that read it; empty when nothing was readable."""
    rules: str
    """Version of the rule set that judged its readings."""
    readings: int
    """Readings it gave."""
    rejects: int
    """Lines that gave none."""
    content: str | None
    """Link to the exact bytes; null at the ministry, where only readings arrive."""

    @classmethod
    def from_row(cls, row: Row, *, has_content: bool) -> Self:
        """Present a row of ``files``; ``has_content`` tells whether this deployment keeps the bytes."""
        fields = {name: value for name, value in row.items() if name != "file_id"}
        content = _content_link(row["file_id"]) if has_content else None
        return cls(**fields, id=row["file_id"], content=content)


class Files(AnswerModel):
    """A page of received files."""

    items: list[File]
    next: str | None
    """Link to the next page; null on the last."""


class Reject(AnswerModel):
    """One line that gave no reading."""

    station: str
    """Station code; empty when the file could not be assigned to one."""
    file_id: str
    """SHA-256 of the file's bytes."""
    received_at: datetime
    """When the whole file was here, UTC."""
    line: int
    """Line in the file, from 1; 0 = the whole file."""
    text: str
    """The line as read."""
    reason: str = Field(examples=["value-not-a-number"])
    """Stable code."""
    detail: str
    """The reason in a sentence."""


class Rejects(AnswerModel):
    """A page of rejected lines."""

    items: list[Reject]
    next: str | None
    """Link to the next page; null on the last."""


class RejectCount(AnswerModel):
    """How many lines of one station gave no reading for one reason."""

    station: str
    """Station code; empty for files that could not be assigned to one."""
    reason: str = Field(examples=["value-not-a-number"])
    """Stable code."""
    files: int
    """Files with such a line."""
    lines: int
    """Such lines; a file rejected as a whole counts as one."""
    last: datetime
    """When the last of the files was here, UTC."""


class RejectsSummary(AnswerModel):
    """Rejected lines, counted by station and reason, the most first."""

    items: list[RejectCount]


def _content_link(file_id: str) -> str:
    """Return the link to a file's bytes."""
    return f"/v1/files/{file_id}/content"
