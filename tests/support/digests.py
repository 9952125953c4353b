"""The digests of docs/reconciliation.md, computed the plain way by somebody who has only the page."""

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

_MASK = 2**64 - 1
_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)


def xxh64(content: bytes) -> int:
    """Return XXH64 with the seed 0."""

    def rotate(value: int, bits: int) -> int:
        return (value << bits | value >> 64 - bits) & _MASK

    def mix(accumulator: int, lane: int) -> int:
        return rotate(accumulator + lane * _P2 & _MASK, 31) * _P1 & _MASK

    position, length = 0, len(content)
    if length >= 32:
        lanes = [_P1 + _P2 & _MASK, _P2, 0, -_P1 & _MASK]
        while position + 32 <= length:
            lanes = [
                mix(value, lane)
                for value, lane in zip(lanes, struct.unpack_from("<4Q", content, position), strict=True)
            ]
            position += 32
        total = sum(rotate(value, bits) for value, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for value in lanes:
            total = ((total ^ mix(0, value)) * _P1 + _P4) & _MASK
    else:
        total = _P5
    total = total + length & _MASK
    while position + 8 <= length:
        (lane,) = struct.unpack_from("<Q", content, position)
        total = (rotate(total ^ mix(0, lane), 27) * _P1 + _P4) & _MASK
        position += 8
    if position + 4 <= length:
        (half,) = struct.unpack_from("<I", content, position)
        total = (rotate(total ^ half * _P1 & _MASK, 23) * _P2 + _P3) & _MASK
        position += 4
    for byte in content[position:]:
        total = rotate(total ^ byte * _P5 & _MASK, 11) * _P1 & _MASK
    total = (total ^ total >> 33) * _P2 & _MASK
    total = (total ^ total >> 29) * _P3 & _MASK
    return total ^ total >> 32


def reading_hash(row: Mapping[str, Any]) -> int:
    """Return the hash of a reading, a row of ``readings`` whose time is in seconds since 1970."""
    texts = (row[name] for name in ("station", "parameter", "unit", "status", "qualifier"))
    numbers = struct.pack("<IdBQ", row["measured_at"], row["value"], row["flag"], row["version"])
    return xxh64("".join(f"{text}\t" for text in texts).encode() + numbers)


def hourly_digests(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, int], tuple[int, int]]:
    """Return (station, start of the hour) -> number of readings and digest."""
    hashes: dict[tuple[str, int], list[int]] = defaultdict(list)
    for row in rows:
        hashes[row["station"], row["measured_at"] // 3600 * 3600].append(reading_hash(row))
    return {hour: (len(values), sum(values) & _MASK) for hour, values in hashes.items()}
