"""A ministry whose receipts count only as far as they are signed."""

from pydantic import ValidationError

from schemas.messages.deliveries import Receipt, SignedReceipt
from services.forwarder.delivery import Delivery
from services.forwarder.ministry import BadReceipt, Ministry
from services.forwarder.ministry_keys import MinistryKeys


class VerifiedMinistry:
    """A :class:`services.forwarder.ministry.Ministry`: another one, whose receipts are verified."""

    def __init__(self, ministry: Ministry, keys: MinistryKeys) -> None:
        self._ministry, self._keys = ministry, keys

    def deliver(self, delivery: Delivery) -> Receipt:
        """Send, and return the receipt as it is signed: of an answer, what is not signed proves nothing."""
        answer = self._ministry.deliver(delivery)
        payload = self._keys.verify(answer.signed)
        try:
            signed = SignedReceipt.model_validate_json(payload, extra="ignore")
        except ValidationError as error:
            raise BadReceipt("what is signed is no receipt") from error
        return answer.model_copy(update=dict(signed))
