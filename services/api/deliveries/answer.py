"""Deliveries, and what is still to be delivered, as they are answered."""

from datetime import datetime
from typing import Any, Literal

from services.api.common.answers import AnswerModel, Row


class Delivery(AnswerModel):
    """Flagged sets that a province sent in one request, with what the ministry said of them.

    Where stations were asked for, or the key is not for all, `sets`, `waiting`, `rejected` and `readings` are
    of those stations alone, and a set delivered twice counts where it came last.
    """

    delivery_id: str
    """SHA-256 of the uncompressed body: the same on both sides."""
    target: str
    """Name of the ministry."""
    account: str
    """The province's account there."""
    sent_at: datetime | None
    """When the province first sent it, UTC; null at the ministry."""
    confirmed_at: datetime
    """When the ministry accepted it, UTC."""
    state: Literal["confirmed", "waiting", "rejected"]
    """`rejected`: the ministry has rejected some of the sets; `waiting`: it keeps some until it approves
    their station; `confirmed`: it has counted all."""
    sets: int
    """Sets that the ministry has."""
    waiting: int
    """Of these, sets that it keeps until it approves their station."""
    rejected: int
    """Sets that it has not."""
    readings: int
    """Readings of the sets that it has."""
    bytes: int
    """Length of the whole body, uncompressed."""
    tries: int
    """How often the province sent it; 0 at the ministry."""
    signed: str
    """The whole receipt as the ministry signed it, a JWS (RFC 7515). Empty where it is not signed, and for
    keys that do not read every province whose stations it may name."""


class Deliveries(AnswerModel):
    """A page of deliveries."""

    items: list[Delivery]
    next: str | None
    """Link to the next page; null on the last."""


class StationLag(AnswerModel):
    """What the ministry has not of the files of one station."""

    station: str
    files: int
    """Files that it has not confirmed."""
    readings: int
    """Their readings."""
    oldest_received_at: datetime | None
    """When the first of these files came, UTC; null where there is none."""
    oldest_age_seconds: int | None
    """How long ago that was."""
    waiting: int
    """Readings that it has and keeps until it approves the station; they are not on their way any more."""
    refused: int
    """Readings that it rejected."""


class Lag(AnswerModel):
    """What is still to be delivered of the files received in a span."""

    starts_at: datetime
    """Inclusive, UTC."""
    ends_at: datetime
    """Exclusive, UTC."""
    files: int
    """Files of the stations below that the ministry has not confirmed."""
    readings: int
    """Their readings."""
    oldest_age_seconds: int | None
    """How long ago the first of these files came; null where there is none."""
    items: list[StationLag]
    """The station whose oldest file waits longest first; one without anything is left out."""


def present_delivery(row: Row, *, is_signed_shown: bool) -> dict[str, Any]:
    """Present a row of ``deliveries`` as :class:`Delivery`, with what the ministry signed or without it."""
    return {
        **row,
        "state": "rejected" if row["rejected"] else "waiting" if row["waiting"] else "confirmed",
        "signed": row["signed"] if is_signed_shown else "",
    }


def present_lag(row: Row, now: datetime) -> StationLag:
    """Present a row of the lag at ``now``, UTC."""
    oldest = row["oldest_received_at"] if row["files"] else None
    age = None if oldest is None else int((now - oldest).total_seconds())
    return StationLag(**{**row, "oldest_received_at": oldest}, oldest_age_seconds=age)
