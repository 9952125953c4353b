"""ClickHouse's format ``Native``: a block of columns, written straight from numpy's arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDTHS = {"UInt8": "<u1", "UInt16": "<u2", "UInt32": "<u4", "UInt64": "<u8", "Float64": "<f8"}


@dataclass(frozen=True, slots=True)
class Words:
    """A column of few different texts."""

    words: Sequence[str]
    codes: NDArray[Any]
    """(n,) index in ``words`` of each row."""


Array = NDArray[Any] | Words


def encode_block(columns: Iterable[tuple[str, str, Array]]) -> bytes:
    """Write one block of equally long columns; each is (name, type of the table's column, values).

    A time is a number: seconds, or milliseconds for ``DateTime64(3)``; NaN is NULL in a nullable column.
    """
    parts, rows = [], 0
    for name, declared, values in columns:
        type_ = declared
        if isinstance(values, Words):
            rows, type_ = len(values.codes), "String"
            words = [_text(word) for word in values.words]
            data = b"".join([words[code] for code in values.codes.tolist()])
        elif type_.startswith("Nullable("):
            rows, width = len(values), _WIDTHS[type_[9:-1]]
            data = np.isnan(values).astype("<u1").tobytes() + values.astype(width).tobytes()
        else:
            width = "<i8" if type_.startswith("DateTime64") else _WIDTHS.get(type_, "<u4")  # or DateTime
            rows, data = len(values), values.astype(width).tobytes()
        parts += [_text(name), _text(type_), data]
    return b"".join([_varint(len(parts) // 3), _varint(rows), *parts])


def decode_blocks(data: bytes, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read blocks of columns of fixed width, in the order of ``dtype``'s fields, as rows.

    A field of several values is an array column, each of whose rows has so many. Raises ``ValueError`` where
    the blocks are not so.
    """
    fields = [(name, dtype[name]) for name in dtype.names or ()]
    blocks = []
    at = 0
    while at < len(data):
        columns, at = _read_varint(data, at)
        rows, at = _read_varint(data, at)
        if columns != len(fields):
            raise ValueError(f"{columns} columns came where {len(fields)} were asked for")
        block = np.empty(rows, dtype)
        for name, field in fields:
            _, at = _read_text(data, at)
            declared, at = _read_text(data, at)
            if declared not in _types_of(field):
                raise ValueError(f"{name} came as {declared}, not as {_types_of(field)[0]}")
            if field.shape:
                at += 8 * rows  # where each row's array ends
            values = np.frombuffer(data, field.base, block[name].size, at)
            block[name] = values.reshape(block[name].shape)
            at += values.nbytes
        blocks.append(block)
    return np.concatenate(blocks) if blocks else np.empty(0, dtype)


def _types_of(field: np.dtype[Any]) -> list[str]:
    """Return the names of ClickHouse's types that are read as a field."""
    names = [name for name, width in _WIDTHS.items() if np.dtype(width) == field.base]
    if field.shape:
        return [f"Array({name})" for name in names]
    return [*names, "DateTime('UTC')"] if "UInt32" in names else names


def _read_text(data: bytes, at: int) -> tuple[str, int]:
    """Return a text and where it ends."""
    size, at = _read_varint(data, at)
    return data[at : at + size].decode(), at + size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, at


def _text(text: str) -> bytes:
    data = text.encode()
    return _varint(len(data)) + data


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])
