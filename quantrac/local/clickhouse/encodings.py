"""Content-Encoding, both ways: gzip, deflate, zstd and lz4, as streams."""

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import lz4.frame  # type: ignore[import-untyped]
import zstandard

from quantrac.local.clickhouse.errors import bad_body

# The decoders of all four libraries have `decompress`, `eof` and `unused_data`. Beside each stands how many
# bytes it is fed at once: a body made to swell (1 to 1,000 with gzip, 1 to 30,000 with zstd) gives 8 MiB.
_DECODERS: dict[str, tuple[Callable[[], Any], int]] = {
    "gzip": (lambda: zlib.decompressobj(wbits=31), 8 << 10),
    "deflate": (lambda: zlib.decompressobj(wbits=15), 8 << 10),
    "zstd": (lambda: zstandard.ZstdDecompressor().decompressobj(), 256),
    "lz4": (lz4.frame.LZ4FrameDecompressor, 32 << 10),
}


class Decoder:
    """Decodes a body of one or more frames step by step; a client may send every block as a frame."""

    def __init__(self, encoding: str) -> None:
        self._new: Callable[[], Any] | None = None
        self._step = 0
        if encoding in _DECODERS:
            self._new, self._step = _DECODERS[encoding]
        elif encoding not in ("", "identity"):
            raise bad_body(f"Unknown Content-Encoding '{encoding}'")
        self._frame: Any = None
        self._encoded = memoryview(b"")

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body; all before them must have been decoded."""
        self._encoded = memoryview(data)

    def next(self) -> bytes | None:
        """Decode one step; None where more of the body is needed. Raises `EngineError` for bad bytes."""
        if not self._encoded:
            return None
        if self._new is None:
            data, self._encoded = bytes(self._encoded), memoryview(b"")
            return data
        if self._frame is None or self._frame.eof:
            self._frame = self._new()
        data, self._encoded = bytes(self._encoded[: self._step]), self._encoded[self._step :]
        try:
            part: bytes = self._frame.decompress(data)
        except (zlib.error, zstandard.ZstdError, RuntimeError) as error:
            raise bad_body(f"Cannot decompress the body: {error}") from None
        if rest := self._frame.unused_data:  # the next frame begins within this step
            self._encoded = memoryview(rest + bytes(self._encoded))
        return part

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
