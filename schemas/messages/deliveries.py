"""What a province sends to the ministry and what it gets back.

A *delivery* is the body of one HTTP request: flagged sets, one JSON object a line, of one partition of
``qa-flagged``. Its id is the SHA-256 of that uncompressed body, so a repeated delivery is recognised. A
*receipt* is the ministry's signed answer; both tiers keep it on their topic ``delivery-receipt``.
"""

from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError

from quantrac.domain.delivery_contents import DeliveredSet
from schemas.messages.base import (
    Count,
    Message,
    Millisecond,
    ReceivedAt,
    Revision,
    Sha256,
    StationCode,
)

MOST_SETS = 2_000
"""Lines of one delivery: twice what a forwarder sends, and its receipt is far below the largest message."""

RECEIPT_TYPE = "quantrac-receipt+json"
"""``typ`` of a receipt's JWS."""

Jws = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}$")]
"""A JWS in its compact form (RFC 7515): header, payload and signature in base64url."""

_LineNumber = Annotated[int, Field(ge=1, le=MOST_SETS)]


class RejectedSet(Message):
    """One line of a delivery that the ministry could not accept."""

    line: _LineNumber
    """Line of the delivery's body, counted from 1."""
    reason: str
    """One sentence."""


class SignedReceipt(Message):
    """What the ministry signs: the payload of a receipt's JWS."""

    delivery_id: Sha256
    """SHA-256 of the uncompressed body, as the ministry computed it."""
    ministry: str
    """Name of the ministry."""
    account: str
    """The province's account, which had sent the delivery."""
    received_at: Millisecond
    """When the ministry first accepted it, UTC."""
    accepted: Annotated[int, Field(ge=0, le=MOST_SETS)]
    """Sets that the ministry has, those that wait among them."""
    waiting: list[_LineNumber]
    """Lines of the sets that the ministry keeps until their station is approved there."""
    rejected: list[RejectedSet]
    """Lines that it has not."""
    contents: Sha256
    """SHA-256 of one text line an accepted set: line, station, file id, revision, number of readings."""


class Receipt(SignedReceipt):
    """The ministry's answer to a delivery, given only after its own broker has the sets."""

    duplicate: bool
    """Whether this delivery had been accepted before; everything else is as in the first answer."""
    signed: Jws
    """The fields of the payload, signed by the ministry: JWS (RFC 7515), Ed25519."""
    registry_version: str = ""
    """Changes whenever a registry request of the account changes its state."""


class DeliveredFile(Message):
    """One set of a delivery that the ministry has."""

    line: Annotated[int, Field(ge=0, le=MOST_SETS)]
    """Line of the delivery's body, counted from 1; 0 in messages that did not have it yet."""
    station: StationCode
    file_id: Sha256
    received_at: ReceivedAt
    """When the province's intake had the file, UTC."""
    revision: Revision = 0
    """Which judgement of the file it was; 0 is the first, with all the file's readings."""
    readings: Count
    """How many readings the set held."""
    waiting: bool = False
    """Whether the ministry keeps it until the station is approved there."""


class RejectedFile(Message):
    """One set of a delivery that the ministry has not; what it names may itself be wrong."""

    line: _LineNumber
    """Line of the delivery's body, counted from 1."""
    station: str = ""
    """Empty where the line could not be read."""
    file_id: str = ""
    received_at: ReceivedAt | None = None
    """When the province's intake had the file, UTC."""
    revision: Revision = 0
    reason: str
    """Why it was rejected: one sentence."""


class DeliveryReceipt(Message):
    """One delivery with its receipt, as both tiers keep it: the value of ``delivery-receipt``."""

    delivery_id: Sha256
    account: str
    """The province's account at the ministry; empty in messages that did not have it yet."""
    target: str
    """Name of the ministry."""
    sent_at: Millisecond | None
    """When the province first sent it, UTC; null at the ministry, which cannot know."""
    confirmed_at: Millisecond
    """The receipt's ``received_at``, UTC."""
    bytes: Count
    """Length of the uncompressed body."""
    tries: Count
    """How often the province sent it until it had the receipt; 0 at the ministry."""
    receipt: Jws | Annotated[str, Field(max_length=0)]
    """The receipt as the ministry signed it; empty in messages that did not have it yet."""
    files: list[DeliveredFile]
    """Sets that the ministry has, in the order of their lines."""
    rejected: list[RejectedFile]
    """Sets that it has not, in the order of their lines."""


class DocumentedSet(Message):
    """One set that a receipt is about."""

    line: _LineNumber
    """Line of the delivery's body, counted from 1."""
    station: StationCode
    file_id: Sha256
    revision: Revision
    """Which judgement of the file it was; 0 is the first, with all the file's readings."""
    readings: Count
    """How many readings the set held."""


class ReceiptDocument(Message):
    """A receipt with all that is needed to check it, as `quantrac receipts show` writes it."""

    receipt: Jws
    """The receipt as the ministry signed it."""
    files: list[DocumentedSet]
    """The sets that the ministry has, in the order of their lines."""
    keys: dict[str, Any]
    """The public keys of the ministry: a JWK Set (RFC 7517)."""


def list_sets(receipt: DeliveryReceipt | ReceiptDocument) -> list[DeliveredSet]:
    """Return the sets that the ministry has, as their contents are hashed."""
    return [
        DeliveredSet(file.line, file.station, file.file_id, file.revision, file.readings)
        for file in receipt.files
    ]


def read_delivery_receipt(value: bytes) -> DeliveryReceipt:
    """Read a message; raises ``ValidationError``.

    One of before receipts were signed was of one station, and is read as well: topics keep it for 90 days.
    """
    try:
        return DeliveryReceipt.model_validate_json(value)
    except ValidationError:
        try:
            older = _StationReceipt.model_validate_json(value)
        except ValidationError:
            older = None
        if older is None:
            raise
    files = [DeliveredFile(line=0, station=older.station, **dict(file)) for file in older.files]
    return DeliveryReceipt(
        delivery_id=older.delivery_id,
        account="",
        target=older.target,
        sent_at=None,
        confirmed_at=older.confirmed_at,
        bytes=0,
        tries=0,
        receipt="",
        files=files,
        rejected=[],
    )


class _StationFile(Message):
    file_id: Sha256
    readings: Count
    received_at: ReceivedAt
    revision: Revision = 0


class _StationReceipt(Message):
    station: StationCode
    delivery_id: Sha256
    target: str
    confirmed_at: Millisecond
    files: list[_StationFile]
