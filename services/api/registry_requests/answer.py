"""Registry requests as they are answered."""

from datetime import datetime
from typing import Any

import orjson
from pydantic import Field

from quantrac.domain.registry.approvals import RequestState
from services.api.common.answers import AnswerModel, Row


class RegistryRequest(AnswerModel):
    """A station that a province asks the ministry to take, and where its request stands."""

    station: str = Field(examples=["HN_BKHN_KHIKXQ"])
    province: str = Field(examples=["01"])
    """Two-digit code of Decision 19/2025/QĐ-TTg, as the entry has it."""
    account: str
    """The province's account at the ministry, which had sent the entry."""
    version: str
    """SHA-256 of the entry that is asked for."""
    state: RequestState
    """Of that entry."""
    takes_sets: bool
    """Whether the ministry takes the station's sets: an entry approved before holds while a change waits.
    Where it does not, they wait there."""
    reason: str
    """Why it was decided so; may be empty."""
    decided_by: str | None
    """Who decided; null = nobody has, or nobody had to."""
    decided_at: datetime | None
    """When, UTC."""
    sent_at: datetime
    """When the entry came to the ministry, UTC."""
    changed_at: datetime
    """When this state came about, UTC."""
    waiting_sets: int
    """Sets of the station that wait at the ministry until it is approved there."""
    waiting_readings: int
    """Readings of these sets."""
    waiting_since: datetime | None
    """When the ministry received the oldest of these sets, UTC; null where there are none."""
    entry: dict[str, Any]
    """The entry that is asked for, as in the registry's files; what is left out is at its default."""
    ministry_entry: dict[str, Any] | None
    """The ministry's own entry where it is another one, else null."""


class RegistryRequests(AnswerModel):
    """A page of registry requests, by station."""

    items: list[RegistryRequest]
    next: str | None
    """Link to the next page; null on the last."""


def present_request(row: Row) -> dict[str, Any]:
    """Present a row of ``registry_requests`` as :class:`RegistryRequest`."""
    return {
        **row,
        "takes_sets": bool(row["takes_sets"]),
        "decided_by": row["decided_by"] or None,
        "waiting_since": row["waiting_since"] if row["waiting_sets"] else None,
        "entry": orjson.loads(row["entry"]),
        "ministry_entry": orjson.loads(row["ministry_entry"]) if row["ministry_entry"] else None,
    }
