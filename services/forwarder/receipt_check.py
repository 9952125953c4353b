"""Checks that a receipt is about the very delivery that was sent. Pure."""

from quantrac.domain.delivery_contents import DeliveredSet, hash_contents
from schemas.messages.deliveries import SignedReceipt
from services.forwarder.delivery import Delivery
from services.forwarder.ministry import BadReceipt


def check_receipt(receipt: SignedReceipt, delivery: Delivery, *, account: str, ministry: str) -> None:
    """Raise :class:`BadReceipt` for a receipt that does not prove what became of every set of the delivery.

    ``account`` is the one that sent it, ``ministry`` the name of the one it was sent to.
    """
    sets = len(delivery.items)
    rejected = {reject.line for reject in receipt.rejected}
    if receipt.delivery_id != delivery.id:
        raise BadReceipt(f"it is for {receipt.delivery_id}, the delivery was {delivery.id}")
    if receipt.ministry != ministry:
        raise BadReceipt(f"it is of {receipt.ministry!r}, QUANTRAC_MINISTRY_NAME is {ministry!r}")
    if receipt.account != account:
        raise BadReceipt(f"it is for account {receipt.account!r}, {account!r} had sent the delivery")
    if receipt.accepted + len(rejected) != sets or any(line > sets for line in rejected):
        raise BadReceipt(
            f"it speaks of {receipt.accepted} sets and {len(rejected)} rejects, {sets} sets were sent"
        )
    if any(line > sets or line in rejected for line in receipt.waiting):
        raise BadReceipt("it names lines that wait and are none of the accepted ones")
    if receipt.contents != _contents(delivery, rejected):
        raise BadReceipt("its contents are not the sets that were sent")


def _contents(delivery: Delivery, rejected: set[int]) -> str:
    return hash_contents(
        DeliveredSet(n, s.station, s.file_id, s.revision, len(s.readings))
        for n, s in enumerate((item.flagged for item in delivery.items), start=1)
        if n not in rejected
    )
