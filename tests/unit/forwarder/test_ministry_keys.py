"""Whose signature on a receipt the province believes, and where it has the keys from."""

from pathlib import Path

import pytest

from quantrac.io.jws import KeySet, SigningKey
from quantrac.io.records import Record
from quantrac.testing.builders import flagged_set
from schemas.codecs.sets import encode_flagged_set
from schemas.messages.deliveries import RECEIPT_TYPE, Receipt
from services.forwarder.delivery import Delivery, DeliveryItem
from services.forwarder.ministry import BadReceipt, MinistryAway
from services.forwarder.ministry_keys import MinistryKeys
from services.forwarder.verification import VerifiedMinistry
from support.receipts import MINISTRY_KEY, receipt_of, sign_receipt

FLAGGED = flagged_set(station="A")
DELIVERY = Delivery([DeliveryItem(Record("qa-flagged", b"A", encode_flagged_set(FLAGGED)), FLAGGED)])
RECEIPT = receipt_of(DELIVERY)


class Publisher:
    """The ministry's address for keys."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys, self.asked = list(keys), 0
        self.error: Exception | None = None

    def fetch(self) -> str:
        self.asked += 1
        if self.error:
            raise self.error
        return KeySet(key.public for key in self.keys).to_json()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "forwarder" / "keys.json"


def test_the_keys_are_fetched_at_the_first_receipt_and_kept_in_a_file(file: Path) -> None:
    publisher = Publisher(MINISTRY_KEY)
    keys = MinistryKeys(file, publisher.fetch)
    assert publisher.asked == 0
    for _ in range(3):
        assert b'"account":"hanoi"' in keys.verify(RECEIPT.signed)
    MinistryKeys(file, publisher.fetch).verify(RECEIPT.signed)
    assert publisher.asked == 1


def test_a_new_key_is_fetched_and_the_one_before_it_is_never_forgotten(file: Path) -> None:
    publisher, new = Publisher(MINISTRY_KEY), SigningKey.generate()
    now = [0.0]
    keys = MinistryKeys(file, publisher.fetch, monotonic=lambda: now[0])
    keys.verify(RECEIPT.signed)
    publisher.keys, now[0] = [new], 60.0
    keys.verify(sign_receipt(RECEIPT, new))
    again = MinistryKeys(file, publisher.fetch)
    again.verify(RECEIPT.signed)
    again.verify(sign_receipt(RECEIPT, new))
    assert publisher.asked == 2


def test_a_key_that_the_ministry_does_not_publish_is_not_asked_for_at_every_receipt(file: Path) -> None:
    publisher, now = Publisher(MINISTRY_KEY), [0.0]
    keys = MinistryKeys(file, publisher.fetch, monotonic=lambda: now[0])
    forged = sign_receipt(RECEIPT, SigningKey.generate())
    for seconds in range(0, 60, 5):
        now[0] = float(seconds)
        with pytest.raises(BadReceipt, match="the receipt is not accepted: it is signed with key"):
            keys.verify(forged)
    assert publisher.asked == 2


def test_a_ministry_that_does_not_answer_is_away_and_is_asked_again(file: Path) -> None:
    publisher = Publisher(MINISTRY_KEY)
    publisher.error = MinistryAway("the ministry's keys: ConnectError: refused")
    keys = MinistryKeys(file, publisher.fetch)
    with pytest.raises(MinistryAway, match="ConnectError"):
        keys.verify(RECEIPT.signed)
    publisher.error = None
    keys.verify(RECEIPT.signed)


def test_a_page_in_place_of_keys_is_no_set_of_keys(file: Path) -> None:
    keys = MinistryKeys(file, lambda: "<html>Welcome</html>")
    with pytest.raises(BadReceipt, match="the ministry's keys cannot be read: not JSON"):
        keys.verify(RECEIPT.signed)
    assert not file.exists()


def test_a_pinned_file_alone_counts(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(KeySet([MINISTRY_KEY.public]).to_json())
    keys = MinistryKeys(file, None)
    keys.verify(RECEIPT.signed)
    with pytest.raises(BadReceipt, match=r"a key that is not in .*keys\.json \(QUANTRAC_MINISTRY_KEYS\)"):
        keys.verify(sign_receipt(RECEIPT, SigningKey.generate()))


def test_a_file_that_is_no_set_of_keys_is_refused_at_the_start(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("{}")
    with pytest.raises(ValueError, match=r"keys\.json: not a JWK Set"):
        MinistryKeys(file, None)


def test_keys_that_cannot_be_kept_confirm_nothing(file: Path) -> None:
    keys = MinistryKeys(file, Publisher(MINISTRY_KEY).fetch)
    file.parent.write_text("a file where the folder should be")
    with pytest.raises(BadReceipt, match="the ministry's keys cannot be kept"):
        keys.verify(RECEIPT.signed)


class Answering:
    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt

    def deliver(self, _: Delivery) -> Receipt:
        return self.receipt


def verified(receipt: Receipt, file: Path) -> Receipt:
    keys = MinistryKeys(file, Publisher(MINISTRY_KEY).fetch)
    return VerifiedMinistry(Answering(receipt), keys).deliver(DELIVERY)


def test_of_an_answer_only_what_is_signed_counts(file: Path) -> None:
    claimed = RECEIPT.model_copy(update={"accepted": 7, "waiting": [1], "account": "hue", "duplicate": True})
    assert verified(claimed, file) == RECEIPT.model_copy(update={"duplicate": True})


def test_a_signature_that_does_not_fit_confirms_nothing(file: Path) -> None:
    head, _, tail = RECEIPT.signed.split(".")
    _, other, _ = sign_receipt(RECEIPT.model_copy(update={"accepted": 2})).split(".")
    with pytest.raises(BadReceipt, match="its signature is not that of key"):
        verified(RECEIPT.model_copy(update={"signed": f"{head}.{other}.{tail}"}), file)


LOCAL = RECEIPT.model_dump_json(exclude={"duplicate", "signed", "registry_version"}).replace("Z", "+07:00")


@pytest.mark.parametrize("payload", [b'{"name": "a letter"}', b"\xff", b"", LOCAL.encode()])
def test_something_else_that_the_ministry_has_signed_is_no_receipt(file: Path, payload: bytes) -> None:
    signed = MINISTRY_KEY.sign(payload, RECEIPT_TYPE)
    with pytest.raises(BadReceipt, match="what is signed is no receipt"):
        verified(RECEIPT.model_copy(update={"signed": signed}), file)


def test_a_newer_ministry_may_sign_more(file: Path) -> None:
    payload = RECEIPT.model_dump_json(exclude={"duplicate", "signed", "registry_version"})
    signed = MINISTRY_KEY.sign(payload[:-1].encode() + b',"region":"north"}', RECEIPT_TYPE)
    answer = RECEIPT.model_copy(update={"signed": signed})
    assert verified(answer, file) == answer
