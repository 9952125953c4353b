"""The body of a request under its ``Content-Encoding``, for every HTTP door."""

from collections.abc import Callable

from fastapi import Request
from starlette.requests import ClientDisconnect

from quantrac.io.content_digest import INVALID_DIGEST, MISMATCHING_DIGEST, BadDigest, has_digest
from quantrac.io.content_encoding import ENCODINGS, BadEncoding, BodyTooLarge, UnknownEncoding, decompress
from services.receiver.adapters.http.app import Problem


def read_content_encoding(request: Request) -> str:
    """Return the codings of a body in the order applied; empty where it has none."""
    return ", ".join(request.headers.getlist("content-encoding"))


def read_content_digest(request: Request) -> str:
    """Return ``Content-Digest``; empty where there is none."""
    return ", ".join(request.headers.getlist("content-digest"))


def check_digest(body: bytes, digest: str) -> None:
    """Raise :class:`Problem` (400) for a body, as it came, that has another hash than ``Content-Digest``."""
    try:
        if has_digest(body, digest):
            return
    except BadDigest as error:
        raise Problem(400, str(error), kind=INVALID_DIGEST) from error
    detail = "the body has another SHA-256 than its Content-Digest says: it was damaged on the way"
    raise Problem(400, detail, kind=MISMATCHING_DIGEST)


async def read_body(
    request: Request, media_type: str, limit: int, count: Callable[[int], None] = lambda _: None
) -> bytes:
    """Return a body as it came; raises :class:`Problem`: 400 cut off, 413 past ``limit`` bytes, or 415.

    ``count`` gets the bytes of each part before it is kept; what it raises ends the reading.
    """
    stated = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if stated != media_type:
        raise Problem(415, f"the body must be {media_type}, not {stated or 'unnamed'}")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:  # before a byte of it is read
        raise Problem(413, f"the body holds more than {limit} bytes")
    body = bytearray()
    try:
        async for chunk in request.stream():
            count(len(chunk))
            body += chunk
            if len(body) > limit:
                raise Problem(413, f"the body holds more than {limit} bytes")
    except ClientDisconnect as error:
        raise Problem(400, "the body is cut off") from error
    return bytes(body)


def decode(body: bytes, encoding: str, limit: int) -> bytes:
    """Return a body without its coding; raises :class:`Problem`: 400, 413 past ``limit`` bytes, or 415."""
    try:
        return decompress(body, encoding, limit)
    except BadEncoding as error:
        raise Problem(400, str(error)) from error
    except BodyTooLarge as error:
        raise Problem(413, str(error)) from error
    except UnknownEncoding as error:
        raise unknown_encoding(str(error)) from error


def unknown_encoding(detail: str) -> Problem:
    """Return the refusal of a coding; it names those that are understood (RFC 9110, 12.5.3)."""
    return Problem(415, detail, headers={"Accept-Encoding": ", ".join(ENCODINGS)})
