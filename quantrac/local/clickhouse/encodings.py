"""Content-Encoding, both ways: gzip, deflate, zstd and lz4, as streams."""

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import lz4.frame  # type: ignore[import-untyped]
import zstandard

from quantrac.local.clickhouse.errors import bad_body

# The decoders of all four libraries have `decompress`, `eof` and `unused_data`.
_DECODERS: dict[str, Callable[[], Any]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "deflate": lambda: zlib.decompressobj(wbits=15),
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    "lz4": lz4.frame.LZ4FrameDecompressor,
}


class Decoder:
    """Decodes a body of one or more frames; a client may send every block as a frame of its own."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("", "identity", *_DECODERS):
            raise bad_body(f"Unknown Content-Encoding '{encoding}'")
        self._new = _DECODERS.get(encoding)
        self._frame: Any = None

    def decode(self, data: bytes) -> bytes:
        """Return what `data` completes; raises `EngineError` when it is not of this encoding."""
        if self._new is None:
            return data
        parts = []
        while data:
            if self._frame is None or self._frame.eof:
                self._frame = self._new()
            try:
                parts.append(self._frame.decompress(data))
            except (zlib.error, zstandard.ZstdError, RuntimeError) as error:
                raise bad_body(f"Cannot decompress the body: {error}") from None
            data = self._frame.unused_data or b""
        return b"".join(parts)

    def finish(self) -> None:
        """Check that the last frame is whole."""
        if self._frame is not None and not self._frame.eof:
            raise bad_body("The compressed body is cut short")


class Encoder(Protocol):
    """What the three compressors have in common."""

    def compress(self, data: bytes, /) -> bytes:
        """Take a part of the answer."""

    def flush(self) -> bytes:
        """Close the stream."""


class _Lz4Encoder:
    def __init__(self) -> None:
        self._frame = lz4.frame.LZ4FrameCompressor()
        self._header: bytes = self._frame.begin()

    def compress(self, data: bytes, /) -> bytes:
        header, self._header = self._header, b""
        return header + bytes(self._frame.compress(data))

    def flush(self) -> bytes:
        return self._header + bytes(self._frame.flush())


# In the order of preference: on the loopback the cheapest to compute wins.
_ENCODERS: dict[str, Callable[[], Any]] = {
    "lz4": _Lz4Encoder,
    "zstd": lambda: zstandard.ZstdCompressor(level=1).compressobj(),
    "gzip": lambda: zlib.compressobj(level=3, wbits=31),
    "deflate": lambda: zlib.compressobj(level=3, wbits=15),
}


def choose_encoder(accept_encoding: str) -> tuple[str, Encoder] | None:
    """Pick the first of our encodings that the client accepts."""
    accepted = {item.split(";")[0].strip() for item in accept_encoding.split(",")}
    return next(((name, new()) for name, new in _ENCODERS.items() if name in accepted), None)
