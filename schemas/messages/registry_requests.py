"""Registry requests: stations that a province asks the ministry to take, and what it answers.

A province posts the entries of its stations before the readings that need them. The ministry answers for each
entry *waiting*, *approved* or *rejected*; both tiers keep the requests on their topic ``registry-request``.
"""

from typing import Annotated

from pydantic import Field

from quantrac.domain.registry.approvals import RequestState
from schemas.messages.base import Line, Message, Millisecond, Sha256, StationCode
from schemas.messages.registry.stations import Station

MOST_ENTRIES = 1_000
"""Entries of one post; a province sends some hundred."""


class EntryAnswer(Message):
    """The ministry's answer to one entry of a post."""

    position: Annotated[int, Field(ge=1, le=MOST_ENTRIES)]
    """Place of the entry in the post, counted from 1."""
    station: str
    """The entry's code; empty where it could not be read."""
    version: Sha256 | Annotated[str, Field(max_length=0)]
    """Hash of the entry; empty where it is no request, because it is malformed or another province's."""
    state: RequestState
    reason: str
    """Why it is rejected; empty where there is nothing to say."""


class RegistryAnswer(Message):
    """The answer to a post of entries."""

    registry_version: str
    """Changes whenever a request of the account changes."""
    entries: list[EntryAnswer]
    """One for each entry, in their order."""


class RequestStatus(Message):
    """Where one station's request stands."""

    station: StationCode
    province: Annotated[str, Field(pattern=r"^\d{2}$")]
    """Of the entry that is asked for: two-digit code of Decision 19/2025/QĐ-TTg."""
    account: str
    """The province's account at the ministry, which had sent the entry."""
    version: Sha256
    """Hash of the entry that is asked for."""
    state: RequestState
    """Of that entry."""
    takes_sets: bool
    """Whether the ministry takes the station's sets: an entry approved before holds while a change waits."""
    reason: Line = ""
    """Why it was decided so."""
    decided_by: Line = ""
    """Who decided; empty = nobody has, or nobody had to."""
    decided_at: Millisecond | None = None
    """When, UTC."""
    sent_at: Millisecond
    """When the entry came to the ministry, UTC."""
    changed_at: Millisecond
    """When any of this came about at the ministry, UTC."""
    ministry_entry: Station | None = None
    """The ministry's own entry of the station, where it is another one than the entry that is asked for."""
    released_at: Millisecond | None = None
    """All sets of the station that came before this time, UTC, wait no longer; null = none was released."""


class RegistryRequests(Message):
    """All requests of an account."""

    registry_version: str
    """Changes whenever one of them changes."""
    requests: list[RequestStatus]
    """In the order of the stations' codes."""


class RegistryRequest(RequestStatus):
    """One station's request with the entry that is asked for: the value of ``registry-request``."""

    entry: Station
    """As in ``station-registry``."""
    released_offset: Annotated[int, Field(ge=0)] = 0
    """At the ministry: offset in the station's partition of ``unapproved-set`` before which nothing waits."""
