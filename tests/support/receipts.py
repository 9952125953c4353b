"""Receipts as a ministry would give them, for tests of the province's side."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from quantrac.domain.delivery_contents import DeliveredSet, hash_contents
from schemas.messages.deliveries import Receipt, RejectedSet
from services.forwarder.delivery import Delivery

CONFIRMED = datetime(2026, 3, 25, 5, 1, tzinfo=UTC)


def receipt_of(
    delivery: Delivery,
    rejected: Sequence[RejectedSet] = (),
    *,
    waiting: Iterable[int] = (),
    duplicate: bool = False,
    received_at: datetime = CONFIRMED,
    ministry: str = "mae",
    account: str = "hanoi",
    signed: str = "",
) -> Receipt:
    """Return the receipt of a delivery of which only ``rejected`` is not accepted."""
    refused = {reject.line for reject in rejected}
    lines = [
        DeliveredSet(n, s.station, s.file_id, s.revision, len(s.readings))
        for n, s in enumerate((item.flagged for item in delivery.items), start=1)
        if n not in refused
    ]
    return Receipt(
        delivery_id=delivery.id,
        ministry=ministry,
        account=account,
        received_at=received_at,
        accepted=len(lines),
        waiting=list(waiting),
        rejected=list(rejected),
        contents=hash_contents(lines),
        duplicate=duplicate,
        signed=signed,
    )
