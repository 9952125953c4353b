"""What is needed of a ministry to ask it for stations."""

from collections.abc import Sequence
from typing import Protocol

from schemas.messages.registry_requests import RegistryAnswer, RegistryRequests


class RegistryMinistry(Protocol):
    """Takes entries; both methods raise :class:`MinistryAway` or :class:`DeliveryRefused`."""

    def post_entries(self, entries: Sequence[bytes]) -> RegistryAnswer:
        """Post entries, each a JSON object; returns the answer, with one entry for each."""
        ...

    def list_requests(self, known_version: str) -> RegistryRequests | None:
        """Return the account's requests, or ``None`` where they are those of ``known_version``."""
        ...
