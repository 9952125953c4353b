"""What the province keeps of a delivery that the ministry has confirmed. Pure."""

from dataclasses import dataclass
from datetime import datetime

from schemas.messages.deliveries import DeliveredFile, DeliveryReceipt, Receipt, RejectedFile
from services.forwarder.delivery import Delivery, DeliveryItem


@dataclass(frozen=True, slots=True)
class Sending:
    """How a delivery was sent."""

    sent_at: datetime
    """When first, UTC."""
    tries: int = 1
    """How often."""


def build_delivery_receipt(
    delivery: Delivery, receipt: Receipt, sending: Sending, *, target: str
) -> DeliveryReceipt:
    """Return the message; ``target`` is the name of the ministry."""
    reasons = {reject.line: reject.reason for reject in receipt.rejected}
    waiting = frozenset(receipt.waiting)
    lines = list(enumerate(delivery.items, start=1))
    return DeliveryReceipt(
        delivery_id=delivery.id,
        account=receipt.account,
        target=target,
        sent_at=sending.sent_at,
        confirmed_at=receipt.received_at,
        bytes=len(delivery.body),
        tries=sending.tries,
        receipt=receipt.signed,
        files=[_describe_file(n, item, n in waiting) for n, item in lines if n not in reasons],
        rejected=[_describe_reject(n, item, reasons[n]) for n, item in lines if n in reasons],
    )


def _describe_file(line: int, item: DeliveryItem, waiting: bool) -> DeliveredFile:
    flagged = item.flagged
    return DeliveredFile(
        line=line,
        station=flagged.station,
        file_id=flagged.file_id,
        received_at=flagged.received_at,
        revision=flagged.revision,
        readings=len(flagged.readings),
        waiting=waiting,
    )


def _describe_reject(line: int, item: DeliveryItem, reason: str) -> RejectedFile:
    flagged = item.flagged
    return RejectedFile(
        line=line,
        station=flagged.station,
        file_id=flagged.file_id,
        received_at=flagged.received_at,
        revision=flagged.revision,
        reason=reason,
    )
