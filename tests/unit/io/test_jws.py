"""Signatures, the keys that check them, and what is not believed."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from quantrac.io.jws import BadSignature, KeySet, PublicKey, SigningKey, UnknownKey

KIND = "example+json"
# RFC 8037, appendices A.1 to A.4: key, thumbprint, and a JWS without a type.
RFC_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RFC_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def decode(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encode(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.generate()


def test_what_a_key_has_signed_is_read_back(key: SigningKey) -> None:
    keys = KeySet([SigningKey.generate().public, key.public])
    assert keys.verify(key.sign(b'{"a": 1}', KIND), KIND) == b'{"a": 1}'


def test_a_key_is_named_by_its_thumbprint() -> None:
    assert PublicKey.from_jwk(RFC_JWK).id == RFC_THUMBPRINT
    assert PublicKey.from_jwk(RFC_JWK | {"kid": RFC_THUMBPRINT, "use": "sig"}).jwk["kid"] == RFC_THUMBPRINT


def test_a_changed_payload_header_or_signature_is_refused(key: SigningKey) -> None:
    keys = KeySet([key.public])
    header, payload, signature = key.sign(b'{"accepted": 1}', KIND).split(".")
    more, flipped = encode(b'{"accepted": 2}'), bytearray(decode(signature))
    flipped[0] ^= 1
    for changed in (
        f"{header}.{more}.{signature}",
        f"{encode(decode(header) + b' ')}.{payload}.{signature}",
        f"{header}.{payload}.{encode(bytes(flipped))}",
        f"{header}.{payload}.",
    ):
        with pytest.raises(BadSignature, match="its signature is not that of key"):
            keys.verify(changed, KIND)


def test_a_signature_of_another_key_under_this_ones_name_is_refused(key: SigningKey) -> None:
    headers = {"kid": key.public.id, "typ": KIND}
    forged = jwt.PyJWS().encode(b"{}", SigningKey.generate()._key, algorithm="EdDSA", headers=headers)
    with pytest.raises(BadSignature, match="its signature is not that of key"):
        KeySet([key.public]).verify(forged, KIND)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_no_other_algorithm_is_believed(key: SigningKey, algorithm: str) -> None:
    headers = {"kid": key.public.id, "typ": KIND}
    secret = None if algorithm == "none" else key.public.id
    forged = jwt.PyJWS().encode(b"{}", secret, algorithm=algorithm, headers=headers)  # type: ignore[arg-type]
    with pytest.raises(BadSignature):
        KeySet([key.public]).verify(forged, KIND)


def test_a_key_that_is_not_in_the_set_is_named(key: SigningKey) -> None:
    with pytest.raises(UnknownKey, match=f"signed with key {key.public.id}") as caught:
        KeySet().verify(key.sign(b"{}", KIND), KIND)
    assert caught.value.key_id == key.public.id


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "....", "e30.e30.e30", "\ud800.e30.e30", "é.e30.e30"])
def test_what_is_no_jws_is_refused(key: SigningKey, text: str) -> None:
    with pytest.raises(BadSignature):
        KeySet([key.public]).verify(text, KIND)


def test_what_was_signed_as_something_else_is_refused(key: SigningKey) -> None:
    with pytest.raises(BadSignature, match=r"its type is 'other\+json', not 'example\+json'"):
        KeySet([key.public]).verify(key.sign(b"{}", "other+json"), KIND)


def test_a_set_is_read_as_it_is_written(key: SigningKey) -> None:
    text = KeySet([key.public, PublicKey.from_jwk(RFC_JWK)]).to_json()
    assert [public.id for public in KeySet.from_json(text)] == [key.public.id, RFC_THUMBPRINT]


def test_keys_of_other_kinds_are_left_out() -> None:
    others = [{"kty": "RSA", "n": "AQ", "e": "AQAB"}, {"kty": "OKP", "crv": "X25519", "x": "AA"}, {}]
    keys = KeySet.from_json(json.dumps({"keys": [*others, RFC_JWK]}))
    assert [public.id for public in keys] == [RFC_THUMBPRINT]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<html>", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JWK Set"),
        ('{"keys": [1]}', "not a JWK Set"),
        (json.dumps({"keys": [RFC_JWK | {"d": "AA"}]}), "a private key"),
        (json.dumps({"keys": [RFC_JWK | {"x": "AA"}]}), "not a key"),
        (json.dumps({"keys": [RFC_JWK | {"x": 7}]}), "not a key"),
        (json.dumps({"keys": [RFC_JWK | {"kid": "2026"}]}), "named otherwise than by its thumbprint"),
    ],
)
def test_what_is_no_set_of_keys_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        KeySet.from_json(text)


def test_keys_go_through_pem_and_other_kinds_are_refused(key: SigningKey) -> None:
    assert SigningKey.from_pem(key.to_pem()).public.id == key.public.id
    assert PublicKey.from_pem(key.public.to_pem()).id == key.public.id
    other = Ed448PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="not a private Ed25519 key"):
        SigningKey.from_pem(pem)
    with pytest.raises(ValueError, match="not a public Ed25519 key"):
        PublicKey.from_pem(other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(ValueError, match="PEM"):
        PublicKey.from_pem(b"x")
