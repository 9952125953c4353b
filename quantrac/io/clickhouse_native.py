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


def _text(text: str) -> bytes:
    data = text.encode()
    return _varint(len(data)) + data


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])
