"""Writes receipts: what the ministry signs about a delivery, and the message that it keeps itself. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime

from quantrac.domain.delivery_contents import DeliveredSet, hash_contents
from schemas.messages.deliveries import (
    DeliveredFile,
    DeliveryReceipt,
    Receipt,
    RejectedFile,
    RejectedSet,
    SignedReceipt,
)
from services.receiver.deliveries.judge import JudgedSet, select_accepted

Sign = Callable[[bytes], str]
"""Returns a payload as a JWS, signed with the ministry's key."""


class ReceiptWriter:
    """Writes the receipts of one ministry."""

    def __init__(self, ministry: str, sign: Sign) -> None:
        """``ministry`` is its name, which every receipt states."""
        self._ministry, self._sign = ministry, sign

    def write(
        self, judged: Sequence[JudgedSet], *, delivery_id: str, account: str, received_at: datetime
    ) -> Receipt:
        """Sign what became of the lines of a delivery."""
        accepted = select_accepted(judged)
        payload = SignedReceipt(
            delivery_id=delivery_id,
            ministry=self._ministry,
            account=account,
            received_at=received_at,
            accepted=len(accepted),
            waiting=[s.line for s, _ in accepted if s.is_waiting],
            rejected=[RejectedSet(line=s.line, reason=s.reason) for s in judged if s.reason],
            contents=hash_contents(
                DeliveredSet(
                    s.line, flagged.station, flagged.file_id, flagged.revision, len(flagged.readings)
                )
                for s, flagged in accepted
            ),
        )
        signed = self._sign(payload.model_dump_json().encode())
        return Receipt(**dict(payload), duplicate=False, signed=signed)


def build_delivery_receipt(receipt: Receipt, judged: Sequence[JudgedSet], *, size: int) -> DeliveryReceipt:
    """Return what the ministry keeps of a delivery, whose body has ``size`` bytes."""
    return DeliveryReceipt(
        delivery_id=receipt.delivery_id,
        account=receipt.account,
        target=receipt.ministry,
        sent_at=None,
        confirmed_at=receipt.received_at,
        bytes=size,
        tries=0,
        receipt=receipt.signed,
        files=_list_files(judged),
        rejected=[_describe_reject(s) for s in judged if s.reason],
    )


def _list_files(judged: Sequence[JudgedSet]) -> list[DeliveredFile]:
    return [
        DeliveredFile(
            line=s.line,
            station=flagged.station,
            file_id=flagged.file_id,
            received_at=flagged.received_at,
            revision=flagged.revision,
            readings=len(flagged.readings),
            waiting=s.is_waiting,
        )
        for s, flagged in select_accepted(judged)
    ]


def _describe_reject(judged: JudgedSet) -> RejectedFile:
    if judged.flagged is None:
        return RejectedFile(line=judged.line, reason=judged.reason)
    return RejectedFile(
        line=judged.line,
        station=judged.flagged.station,
        file_id=judged.flagged.file_id,
        received_at=judged.flagged.received_at,
        revision=judged.flagged.revision,
        reason=judged.reason,
    )
