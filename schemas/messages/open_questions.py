"""``open-question``: whose files hold something that the registry could not place, and since when."""

from typing import Annotated

from pydantic import Field

from schemas.messages.base import Message, Utc


class OpenQuestion(Message):
    """One station's, or one account's, files that wait for the registry; the key names it as there."""

    partition: Annotated[int, Field(ge=0)]
    """Partition of ``raw-file`` and ``raw-file-backlog`` that holds its files."""
    since: Utc
    """When the first such file was received, UTC."""
    digest: str
    """Of what the registry said about it then; another digest now is a reason to read again."""
