"""The body of an HTTP request under its ``Content-Encoding``: zstd, gzip or none.

Reading is bounded, because 300 bytes of zstd can hold ten megabytes: no more than ``limit`` bytes and one
step's output are ever in memory.
"""

import zlib
from typing import Protocol

import zstandard

# RFC 9659: a zstd content coding needs no larger window; a larger one would be memory a stranger asks for.
_ZSTD_WINDOW = 8 << 20
# One step gives at most 8 MiB: four bytes of zstd can hold 128 KiB, and gzip shrinks at most 1,032 times.
_ZSTD_STEP = 256
_GZIP_STEP = 8 << 10
_GZIP_WBITS = 31

ENCODINGS = ("zstd", "gzip", "identity")
"""What is understood."""


class BadEncoding(ValueError):
    """The bytes are not what ``Content-Encoding`` says, or are cut off."""


class UnknownEncoding(ValueError):
    """``Content-Encoding`` names something else than zstd, gzip or identity."""


class BodyTooLarge(ValueError):
    """The body holds more bytes than allowed."""


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def compress_zstd(body: bytes) -> bytes:
    """Compress for ``Content-Encoding: zstd``."""
    return zstandard.ZstdCompressor(level=3).compress(body)


def decompress(data: bytes, encoding: str, limit: int) -> bytes:
    """Return the body under its encoding.

    Raises :class:`BadEncoding`, :class:`UnknownEncoding`, or :class:`BodyTooLarge` past ``limit`` bytes.
    """
    match encoding.strip().lower():
        case "" | "identity":
            _check(len(data), limit)
            return data
        case "gzip" | "x-gzip":
            return _unpack(zlib.decompressobj(_GZIP_WBITS), data, _GZIP_STEP, limit)
        case "zstd":
            decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
            return _unpack(decompressor.decompressobj(), data, _ZSTD_STEP, limit)
        case other:
            raise UnknownEncoding(f"Content-Encoding {other!r} is not one of {', '.join(ENCODINGS)}")


def _unpack(decoder: _Decoder, data: bytes, step: int, limit: int) -> bytes:
    body, start = bytearray(), 0
    try:
        for start in range(0, len(data), step):
            body += decoder.decompress(data[start : start + step])
            _check(len(body), limit)
            if decoder.eof:
                break
    except (zlib.error, zstandard.ZstdError) as error:
        raise BadEncoding(f"the compressed body is damaged: {error}") from error
    if not decoder.eof:
        raise BadEncoding("the compressed body is cut off")
    if decoder.unused_data or start + step < len(data):
        # A second frame left unread would be data lost in silence.
        raise BadEncoding("bytes follow the end of the compressed body")
    return bytes(body)


def _check(size: int, limit: int) -> None:
    if size > limit:
        raise BodyTooLarge(f"the body holds more than {limit} bytes")
