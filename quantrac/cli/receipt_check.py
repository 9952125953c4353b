"""Whether a receipt is good, from its document and keys alone."""

import json
from dataclasses import dataclass

from pydantic import ValidationError

from quantrac.domain.delivery_contents import hash_contents
from quantrac.errors import UserError
from quantrac.io.jws import BadSignature, KeySet, read_key_id
from schemas.messages.deliveries import RECEIPT_TYPE, ReceiptDocument, SignedReceipt, list_sets


@dataclass(frozen=True, slots=True)
class CheckedReceipt:
    """A receipt that is good."""

    payload: SignedReceipt
    key_id: str
    readings: int | None
    """Readings of the sets in the document; ``None`` where it is the bare receipt."""


def verify_receipt(content: bytes, keys: KeySet | None) -> CheckedReceipt:
    """Check a document, or a bare JWS, with ``keys`` or, without them, with those of the document.

    Raises ``UserError`` with the reason why it is not good.
    """
    text = content.decode(errors="replace").strip()
    document = _read_document(text) if text.startswith("{") else None
    jws = document.receipt if document else text
    if keys is None:
        if document is None:
            raise UserError("a bare receipt has no keys; --keys names a file of them")
        keys = _document_keys(document)
    try:
        payload = SignedReceipt.model_validate_json(keys.verify(jws, RECEIPT_TYPE), extra="ignore")
    except BadSignature as error:
        raise UserError(f"the receipt is not good: {error}") from error
    except ValidationError as error:
        raise UserError("the receipt is not good: what is signed is no receipt") from error
    if document is not None:
        _check_files(document, payload)
    readings = sum(file.readings for file in document.files) if document else None
    return CheckedReceipt(payload, read_key_id(jws), readings)


def _read_document(text: str) -> ReceiptDocument:
    try:
        return ReceiptDocument.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "the document"
        raise UserError(f"the file is no receipt: {field}: {first['msg']}") from error


def _document_keys(document: ReceiptDocument) -> KeySet:
    try:
        return KeySet.from_json(json.dumps(document.keys))
    except ValueError as error:
        raise UserError(f"the file is no receipt: keys: {error}") from error


def _check_files(document: ReceiptDocument, payload: SignedReceipt) -> None:
    if len(document.files) != payload.accepted:
        raise UserError(
            f"the receipt is not good: it speaks of {payload.accepted} sets,"
            f" the document has {len(document.files)}"
        )
    if hash_contents(list_sets(document)) != payload.contents:
        raise UserError("the receipt is not good: the files in the document are not those it was given for")
