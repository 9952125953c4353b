"""JSON Web Signatures with Ed25519 (RFC 7515, 8037) and sets of public keys (RFC 7517), through PyJWT.

A key is named by its thumbprint (RFC 7638), so no name can ever stand for another key.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from jwt import PyJWS, PyJWTError
from jwt.algorithms import OKPAlgorithm

_ALGORITHM = "EdDSA"
_JWS = PyJWS(algorithms=[_ALGORITHM])


class BadSignature(Exception):
    """The text is no JWS, or none that the key has signed; a sentence."""


class UnknownKey(BadSignature):
    """The JWS names a key that is not in the set."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"it is signed with key {key_id}, which is not among the keys")
        self.key_id = key_id


class PublicKey:
    """An Ed25519 key that checks signatures."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self.key = key
        parts = OKPAlgorithm.to_jwk(key, as_dict=True)
        # RFC 7638: the members that are required, sorted, without spaces.
        canonical = json.dumps({name: parts[name] for name in ("crv", "kty", "x")}, separators=(",", ":"))
        self.id = urlsafe_b64encode(sha256(canonical.encode()).digest()).rstrip(b"=").decode()
        self.jwk = {**parts, "kid": self.id, "use": "sig", "alg": _ALGORITHM}
        """As a JWK (RFC 7517)."""

    @classmethod
    def from_jwk(cls, jwk: dict[str, Any]) -> Self:
        """Read a JWK; raises ``ValueError`` with a sentence."""
        if "d" in jwk:
            raise ValueError("a private key stands among the public ones")
        try:
            key = OKPAlgorithm.from_jwk(jwk)
        except (PyJWTError, ValueError, TypeError) as error:
            raise ValueError(f"not a key: {error}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("not a public Ed25519 key")
        public = cls(key)
        if jwk.get("kid", public.id) != public.id:
            raise ValueError(f"the key {public.id} is named otherwise than by its thumbprint (RFC 7638)")
        return public

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read a PEM; raises ``ValueError``."""
        try:
            key = load_pem_public_key(pem)
        except UnsupportedAlgorithm as error:
            raise ValueError(str(error)) from error
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("not a public Ed25519 key")
        return cls(key)

    def to_pem(self) -> bytes:
        """Write as PEM."""
        return self.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


class SigningKey:
    """An Ed25519 private key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey(key.public_key())

    @classmethod
    def generate(cls) -> Self:
        """Make a new one."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read a PEM without a password; raises ``ValueError``."""
        try:
            key = load_pem_private_key(pem, password=None)
        except (TypeError, UnsupportedAlgorithm) as error:
            raise ValueError(str(error)) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("not a private Ed25519 key")
        return cls(key)

    def to_pem(self) -> bytes:
        """Write as PEM (PKCS 8)."""
        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def sign(self, payload: bytes, media_type: str) -> str:
        """Return the compact JWS of a payload; ``media_type`` (``typ``) keeps it apart from any other use."""
        headers = {"kid": self.public.id, "typ": media_type}
        return _JWS.encode(payload, self._key, algorithm=_ALGORITHM, headers=headers)


class KeySet:
    """Public keys by their id."""

    def __init__(self, keys: Iterable[PublicKey] = ()) -> None:
        self._keys = {key.id: key for key in keys}

    def __iter__(self) -> Iterator[PublicKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key_id: str) -> bool:
        return key_id in self._keys

    def __or__(self, keys: "KeySet") -> "KeySet":
        return KeySet([*self, *keys])

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a JWK Set; raises ``ValueError`` with a sentence.

        Keys of another type or curve are left out, as RFC 7517 (5) asks for.
        """
        try:
            content = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not JSON: {error}") from error
        jwks = content.get("keys") if isinstance(content, dict) else None
        if not isinstance(jwks, list) or not all(isinstance(jwk, dict) for jwk in jwks):
            raise ValueError('not a JWK Set: {"keys": […]} is wanted')
        usable = [jwk for jwk in jwks if (jwk.get("kty"), jwk.get("crv")) == ("OKP", "Ed25519")]
        return cls(PublicKey.from_jwk(jwk) for jwk in usable)

    def to_dict(self) -> dict[str, Any]:
        """Return the JWK Set."""
        return {"keys": [key.jwk for key in self]}

    def to_json(self) -> str:
        """Write the JWK Set."""
        return json.dumps(self.to_dict(), indent=2)

    def verify(self, jws: str, media_type: str) -> bytes:
        """Return the payload of a JWS of a type; raises :class:`BadSignature` or :class:`UnknownKey`."""
        header = _read_header(jws)
        if header.get("typ") != media_type:
            raise BadSignature(f"its type is {header.get('typ')!r}, not {media_type!r}")
        key_id = read_key_id(jws)
        if key_id not in self._keys:
            raise UnknownKey(key_id)
        try:
            payload = _JWS.decode(jws, self._keys[key_id].key, algorithms=[_ALGORITHM])
        except PyJWTError as error:
            raise BadSignature(f"its signature is not that of key {key_id}: {error}") from error
        return bytes(payload)


def read_key_id(jws: str) -> str:
    """Return the key that a JWS says it is signed with; raises :class:`BadSignature`."""
    key_id = _read_header(jws).get("kid")
    if not isinstance(key_id, str):
        raise BadSignature("it does not name its key")
    return key_id


def _read_header(jws: str) -> dict[str, Any]:
    try:
        return _JWS.get_unverified_header(jws)
    except (PyJWTError, ValueError) as error:
        raise BadSignature(f"it is no JWS: {error}") from error
