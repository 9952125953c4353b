"""A client of a province as another vendor would write it from docs/deliveries.md: httpx and cryptography.

It imports no module of this project, so that nothing but the page can be the reason why it works.
"""

import gzip
import hashlib
import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_SECONDS = 60.0


class ReceiptRefused(Exception):
    """The answer proves nothing."""


class IndependentClient:
    """Delivers sets and believes no receipt that is not signed about these very sets."""

    def __init__(self, url: str, account: str, password: str, ministry: str) -> None:
        self._url, self._account, self._ministry = url, account, ministry
        self._login = (account, password)
        self.keys: dict[str, Ed25519PublicKey] = {}

    def send(self, body: bytes) -> httpx.Response:
        """Send a delivery, compressed, with the hash of what travels."""
        packed = gzip.compress(body)
        headers = {
            "Content-Type": "application/x-ndjson",
            "Content-Encoding": "gzip",
            "Content-Digest": f"sha-256=:{b64encode(hashlib.sha256(packed).digest()).decode()}:",
        }
        url = f"{self._url}/v1/deliveries"
        return httpx.post(url, content=packed, headers=headers, auth=self._login, timeout=_SECONDS)

    def deliver(self, body: bytes) -> dict[str, Any]:
        """Send a delivery and return the payload of its receipt; raises :class:`ReceiptRefused`."""
        answer = self.send(body).raise_for_status().json()
        payload = self.verify(answer["signed"])
        sets = [json.loads(line) for line in body.removesuffix(b"\n").split(b"\n")]
        rejected = {reject["line"] for reject in payload["rejected"]}
        contents = "".join(
            f"{n}\t{s['station']}\t{s['file_id']}\t{s['revision']}\t{len(s['readings']['line'])}\n"
            for n, s in enumerate(sets, start=1)
            if n not in rejected
        )
        checks = {
            "delivery": payload["delivery_id"] == hashlib.sha256(body).hexdigest(),
            "account": payload["account"] == self._account,
            "ministry": payload["ministry"] == self._ministry,
            "number of sets": payload["accepted"] + len(rejected) == len(sets),
            "contents": payload["contents"] == hashlib.sha256(contents.encode()).hexdigest(),
        }
        if wrong := [name for name, is_right in checks.items() if not is_right]:
            raise ReceiptRefused(f"another {', '.join(wrong)}")
        return payload

    def verify(self, jws: str) -> dict[str, Any]:
        """Return the payload of a receipt; raises :class:`ReceiptRefused`."""
        head, payload, signature = jws.split(".")
        header = json.loads(_decode(head))
        if (header["alg"], header["typ"]) != ("EdDSA", "quantrac-receipt+json"):
            raise ReceiptRefused("another kind of signature")
        if header["kid"] not in self.keys:
            self.keys |= self._fetch_keys()
        if header["kid"] not in self.keys:
            raise ReceiptRefused("signed with a key that the ministry does not publish")
        try:
            self.keys[header["kid"]].verify(_decode(signature), f"{head}.{payload}".encode())
        except InvalidSignature:
            raise ReceiptRefused("the signature does not fit") from None
        content: dict[str, Any] = json.loads(_decode(payload))
        return content

    def _fetch_keys(self) -> dict[str, Ed25519PublicKey]:
        answer = httpx.get(f"{self._url}/.well-known/jwks.json", timeout=_SECONDS).raise_for_status()
        return {
            _thumbprint(jwk): Ed25519PublicKey.from_public_bytes(_decode(jwk["x"]))
            for jwk in answer.json()["keys"]
            if (jwk["kty"], jwk.get("crv")) == ("OKP", "Ed25519")
        }


def _thumbprint(jwk: dict[str, str]) -> str:
    required = json.dumps({"crv": jwk["crv"], "kty": jwk["kty"], "x": jwk["x"]}, separators=(",", ":"))
    return urlsafe_b64encode(hashlib.sha256(required.encode()).digest()).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
