"""ClickHouse's format ``Native``: blocks of columns of fixed width, read as the rows of a numpy array."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = {"UInt8": "<u1", "UInt16": "<u2", "UInt32": "<u4", "UInt64": "<u8", "Float64": "<f8"}


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
    names = [name for name, width in _TYPES.items() if np.dtype(width) == field.base]
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
