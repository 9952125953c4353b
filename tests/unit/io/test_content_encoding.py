"""Bodies under their Content-Encoding, whole, damaged and malicious."""

import gzip

import pytest
import zstandard

from quantrac.io.content_encoding import (
    BadEncoding,
    BodyTooLarge,
    UnknownEncoding,
    compress_zstd,
    decompress,
)

# Several steps of either decoder: incompressible enough to span them.
BODY = b"".join(b"%d:%d\n" % (n, n * n * 2_654_435_761) for n in range(20_000))
LIMIT = 1 << 20


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("", BODY),
        ("identity", BODY),
        ("gzip", gzip.compress(BODY)),
        ("GZIP", gzip.compress(BODY)),
        ("zstd", compress_zstd(BODY)),
        ("zstd", zstandard.ZstdCompressor(write_content_size=False, write_checksum=True).compress(BODY)),
    ],
)
def test_every_encoding_gives_the_same_body(encoding: str, data: bytes) -> None:
    assert decompress(data, encoding, LIMIT) == BODY


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_an_empty_body_is_a_body(encoding: str) -> None:
    packed = {"gzip": gzip.compress(b""), "zstd": compress_zstd(b"")}[encoding]
    assert decompress(packed, encoding, LIMIT) == b""


@pytest.mark.parametrize(
    ("encoding", "packed"), [("gzip", gzip.compress(BODY)), ("zstd", compress_zstd(BODY))]
)
def test_a_body_cut_off_anywhere_is_never_taken_for_whole(encoding: str, packed: bytes) -> None:
    for length in (0, 1, 10, 256, len(packed) // 2, len(packed) - 1):
        with pytest.raises(BadEncoding, match="cut off"):
            decompress(packed[:length], encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bytes_that_are_something_else_are_damaged(encoding: str) -> None:
    with pytest.raises(BadEncoding, match="damaged"):
        decompress(b"station readings", encoding, LIMIT)


@pytest.mark.parametrize(
    ("encoding", "packed"), [("gzip", gzip.compress(BODY)), ("zstd", compress_zstd(BODY))]
)
def test_a_second_frame_is_refused_rather_than_left_unread(encoding: str, packed: bytes) -> None:
    for tail in (b"x", packed):
        with pytest.raises(BadEncoding, match="bytes follow"):
            decompress(packed + tail, encoding, LIMIT)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_is_stopped_at_the_limit(encoding: str) -> None:
    zeros = bytes(50 << 20)
    bomb = {"gzip": gzip.compress(zeros), "zstd": compress_zstd(zeros)}[encoding]
    assert len(bomb) < 60_000
    with pytest.raises(BodyTooLarge, match="more than 1048576 bytes"):
        decompress(bomb, encoding, LIMIT)


def test_the_limit_itself_is_allowed() -> None:
    assert len(decompress(bytes(LIMIT), "identity", LIMIT)) == LIMIT
    with pytest.raises(BodyTooLarge):
        decompress(bytes(LIMIT + 1), "identity", LIMIT)


def test_a_window_larger_than_the_standard_allows_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    wide = stream.compress(BODY) + stream.flush()
    with pytest.raises(BadEncoding, match="damaged"):
        decompress(wide, "zstd", LIMIT)


def test_an_encoding_nobody_offered_is_named_in_the_answer() -> None:
    with pytest.raises(UnknownEncoding, match="'br' is not one of zstd, gzip, identity"):
        decompress(b"", "br", LIMIT)
