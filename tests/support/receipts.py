"""Receipts as a ministry would give them, for tests of the province's side."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from quantrac.domain.delivery_contents import DeliveredSet, hash_contents
from quantrac.io.jws import SigningKey
from schemas.messages.deliveries import RECEIPT_TYPE, Receipt, RejectedSet, SignedReceipt
from services.forwarder.delivery import Delivery

CONFIRMED = datetime(2026, 3, 25, 5, 1, tzinfo=UTC)

MINISTRY_KEY = SigningKey.generate()
"""What the ministry of these tests signs with."""


def sign_receipt(payload: SignedReceipt, key: SigningKey = MINISTRY_KEY) -> str:
    """Sign as a ministry does."""
    return key.sign(payload.model_dump_json().encode(), RECEIPT_TYPE)


def receipt_of(
    delivery: Delivery,
    rejected: Sequence[RejectedSet] = (),
    *,
    waiting: Iterable[int] = (),
    duplicate: bool = False,
    received_at: datetime = CONFIRMED,
    ministry: str = "mae",
    account: str = "hanoi",
    signed: str | None = None,
) -> Receipt:
    """Return the receipt of a delivery of which only ``rejected`` is not accepted."""
    refused = {reject.line for reject in rejected}
    lines = [
        DeliveredSet(n, s.station, s.file_id, s.revision, len(s.readings))
        for n, s in enumerate((item.flagged for item in delivery.items), start=1)
        if n not in refused
    ]
    payload = SignedReceipt(
        delivery_id=delivery.id,
        ministry=ministry,
        account=account,
        received_at=received_at,
        accepted=len(lines),
        waiting=list(waiting),
        rejected=list(rejected),
        contents=hash_contents(lines),
    )
    return Receipt(**dict(payload), duplicate=duplicate, signed=signed or sign_receipt(payload))
