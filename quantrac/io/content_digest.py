"""The header ``Content-Digest`` (RFC 9530): the hash of a body as it travels, so under its content coding."""

import hashlib
import hmac
import re
from base64 import b64decode, b64encode

_PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types#"
MISMATCHING_DIGEST = f"{_PROBLEM_TYPES}digest-mismatching-values"
"""``type`` of the problem with which a server answers a body that has another hash."""
INVALID_DIGEST = f"{_PROBLEM_TYPES}digest-invalid-values"
"""``type`` of the problem with which it answers a header that cannot be read."""

_BYTES = re.compile(r":([A-Za-z0-9+/]*={0,2}):")


class BadDigest(ValueError):
    """The header has no readable hash where it names SHA-256."""


def content_digest(body: bytes) -> str:
    """Write the header of a body.

    >>> content_digest(b"")
    'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'
    """
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def has_digest(body: bytes, header: str) -> bool:
    """Tell whether a body has the SHA-256 that its header gives; other hashes are not looked at.

    Raises :class:`BadDigest`.
    """
    for member in header.split(","):
        algorithm, _, value = member.partition("=")
        if algorithm.strip() != "sha-256":
            continue
        match = _BYTES.fullmatch(value.strip())
        try:
            expected = b64decode(match[1], validate=True) if match else b""
        except ValueError:
            expected = b""
        if len(expected) != hashlib.sha256().digest_size:
            raise BadDigest("Content-Digest: sha-256 is not 32 bytes in base64 between colons")
        if not hmac.compare_digest(expected, hashlib.sha256(body).digest()):
            return False
    return True
