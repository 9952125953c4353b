"""What the forwarder needs of a ministry, and the errors it may answer with."""

from http import HTTPStatus
from typing import ClassVar, Protocol

from schemas.messages.deliveries import Receipt
from services.forwarder.delivery import Delivery

_ABOUT_CONTENT = frozenset(
    {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}
)
_ABOUT_ACCOUNT = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class MinistryAway(Exception):
    """No answer, or one that says "later": the same delivery may be accepted another time."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        """Seconds the ministry asked to wait; 0 when it named none."""

    may_blame_set: ClassVar[bool] = True
    """Whether a set at which this happens again and again may be the reason of it."""


class EntriesFirst(MinistryAway):
    """The ministry has not answered the entries of the delivery's stations yet."""

    may_blame_set = False


class BadReceipt(MinistryAway):
    """An answer that proves nothing: the delivery is not confirmed, and is sent again."""

    may_blame_set = False

    def __init__(self, reason: str) -> None:
        super().__init__(f"the receipt is not accepted: {reason}")


class DeliveryRefused(Exception):
    """The ministry refused the content or the account, or the address is wrong."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status}: {reason}")
        self.status = status

    @property
    def is_about_content(self) -> bool:
        """Whether a set of the delivery is to blame; everything else must be mended by a person."""
        return self.status in _ABOUT_CONTENT

    @property
    def is_about_account(self) -> bool:
        """Whether the account or its password is to blame."""
        return self.status in _ABOUT_ACCOUNT


class Ministry(Protocol):
    """Takes deliveries."""

    def deliver(self, delivery: Delivery) -> Receipt:
        """Send and wait for the receipt, whose signature is verified.

        Raises :class:`MinistryAway`, :class:`BadReceipt` or :class:`DeliveryRefused`.
        """
        ...
